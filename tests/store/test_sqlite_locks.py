"""Several connections of one process, and another process that comes and goes: nobody takes the log away."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from orchestrator.store.sqlite import Sqlite

OTHER = """
import sys
from orchestrator.store.sqlite import Sqlite
database = Sqlite(sys.argv[1])
database.open()
with database.transaction():
    database.execute("UPDATE alembic_version SET version_num = version_num")
database.close()
"""


def test_a_second_connection_leaves_the_first_its_locks(tmp_path):
    """POSIX: a process that closes any descriptor of a file loses all its locks on it. The next process to close the
    database would take itself for the last one, and remove the write-ahead log under everybody's feet."""
    path = str(tmp_path / "state" / "orch.db")
    first, second = Sqlite(path), Sqlite(path)
    first.open()
    with first.transaction():
        first.execute("CREATE TABLE kept (n INTEGER)")
    second.open()
    second.close()
    subprocess.run([sys.executable, "-c", OTHER, path], check=True, timeout=60)
    with first.transaction():
        first.execute("INSERT INTO kept VALUES (1)")
    third = Sqlite(path)
    third.open()
    assert third.select("SELECT n FROM kept") == [(1,)]
    third.close()
    first.close()


def test_a_new_store_can_be_opened_by_many_threads_at_once(tmp_path: Path) -> None:
    def opened(path: Path, together: threading.Barrier) -> int:
        together.wait(20)
        database = Sqlite(str(path))
        database.open()
        (count,), = database.select("SELECT count(*) FROM runs")
        database.close()
        return int(count)

    with ThreadPoolExecutor(6) as threads:
        for number in range(30):  # one in thirty failed
            together = threading.Barrier(6)
            path = tmp_path / str(number) / "orch.db"
            assert [*threads.map(lambda _: opened(path, together), range(6))] == [0] * 6  # noqa: B023
