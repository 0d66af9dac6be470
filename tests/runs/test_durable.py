"""How DBOS is set up: its own tables, no pickles, a name that lasts."""

from __future__ import annotations

import json
import sqlite3
import stat
import subprocess
import sys

import pytest

from orchestrator.runs.identity import WorkerName


def test_a_worker_has_its_name_again_after_a_restart_and_two_never_share_one(tmp_path):
    first, second = WorkerName(tmp_path), WorkerName(tmp_path)
    names = first.id, second.id
    assert names[0] != names[1]
    first.close()
    again = WorkerName(tmp_path)
    assert again.id == names[0]
    again.close()
    second.close()


def test_the_name_of_a_process_that_was_killed_is_free(tmp_path):
    code = ("import sys, os, signal; from pathlib import Path; from orchestrator.runs.identity import WorkerName\n"
            "print(WorkerName(Path(sys.argv[1])).id, flush=True); os.kill(os.getpid(), signal.SIGKILL)")
    said = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, timeout=60)
    mine = WorkerName(tmp_path)
    assert mine.id == said.stdout.strip()
    mine.close()


@pytest.mark.parametrize(("url", "expected"), [
    (None, "sqlite:///{state}/durable.db"),
    ("{state}/orch.db", "sqlite:///{state}/orch.durable.db"),
    ("sqlite:///{state}/orch.db", "sqlite:///{state}/orch.durable.db"),
    ("postgresql://orch:pw@db/orch", "postgresql+psycopg://orch:pw@db/orch"),
    ("postgresql+psycopg://orch@db/orch", "postgresql+psycopg://orch@db/orch"),
])
def test_its_tables_are_beside_ours(tmp_path, url, expected):
    from orchestrator.runs.durable import config

    given = None if url is None else url.format(state=tmp_path)
    made = config(tmp_path, given, "w1", 4)
    assert made["system_database_url"] == expected.format(state=tmp_path)
    assert (made["executor_id"], made["application_version"], made["dbos_system_schema"]) == (
        "w1", "orch-1", "orch_durable")
    assert made["max_executor_threads"] <= 32 and made["sys_db_idle_transaction_timeout_sec"] == 10.0
    if expected.startswith("sqlite"):
        path = expected.format(state=tmp_path).removeprefix("sqlite:///")
        assert sqlite3.connect(path).execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_its_file_is_for_its_owner_alone(tmp_path):
    from orchestrator.runs.durable import prepare_sqlite

    prepare_sqlite(tmp_path / "durable.db")
    assert stat.S_IMODE((tmp_path / "durable.db").stat().st_mode) == 0o600


def test_nothing_is_pickled(site):
    from orchestrator.runs.durable import Plain

    worker = site.worker()
    run_id = site.launch()
    site.wait(run_id)
    site.workers.remove(worker)
    worker.stop()
    schema = "orch_durable." if site.url else ""
    sql = (f"SELECT s.workflow_uuid, i.inputs, s.serialization, s.application_version FROM {schema}workflow_status s"
           f" JOIN {schema}workflow_input i ON i.workflow_uuid = s.workflow_uuid")
    rows = (site.control.books.database.select(sql) if site.url
            else sqlite3.connect(site.state / "durable.db").execute(sql).fetchall())
    ((workflow, inputs, serialization, version),) = rows
    assert workflow.startswith(f"{run_id}:") and version == "orch-1" and serialization == Plain().name()
    assert json.loads(inputs)["args"] == [run_id]


def test_a_run_of_the_command_line_loads_none_of_it():
    code = ("import sys; import orchestrator.engine.launch, orchestrator.engine.setup, orchestrator.cli.run\n"
            "print([name for name in ('dbos', 'sqlmodel', 'authlib', 'litestar', 'orchestrator.runs.worker')"
            " if name in sys.modules])")
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert said.stdout.strip() == "[]", said.stderr
