"""Several connections of one process, and another process that comes and goes: nobody takes the log away."""

from __future__ import annotations

import subprocess
import sys

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
    from orchestrator.store.sqlite import Sqlite

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
