"""Durable execution by DBOS Transact: which run this process owes an end, kept where the death of the process does not
reach it. The one place that knows DBOS; importing it costs a second, so only workers do.

A run, or a slice of one, is a workflow of one long step: its child process. Within a run the journal is durable.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from dbos import DBOS, DBOSConfig, SetWorkflowID
from dbos._serialization import Serializer

from orchestrator.store.books import new_id
from orchestrator.store.sqlite import BUSY_TIMEOUT_S
from orchestrator.store.state import ensure

VERSION = "orch-1"
"""Of the workflow below, not of orch: as long as it stays the same, a new release takes up what an old one left."""
SCHEMA = "orch_durable"
FILE = "durable.db"
MOST_THREADS = 32
SPARE_THREADS = 6
IDLE_TRANSACTION_S = 10.0
"""A stopped process must not keep a lock on what others want to take over. Its own migrations, on a machine with too
much to do, pause for 4 s."""
PENDING, ENQUEUED = "PENDING", "ENQUEUED"
KEPT = 2000
"""Workflows that have ended and are kept; DBOS itself keeps all."""
Drive = Callable[[str], str]


class Plain(Serializer):
    """JSON in place of pickles: whoever can write to the database must not be able to run code by it."""

    def serialize(self, data: Any) -> str:
        return json.dumps(data, default=str)

    def deserialize(cls, serialized_data: str) -> Any:  # noqa: N805  as the base class names it
        return json.loads(serialized_data)

    def name(self) -> str:
        return "orch_json"


_drive: Drive | None = None


@DBOS.step(name="orch.drive.step")
def _drive_step(run_id: str) -> str:
    assert _drive is not None
    return _drive(run_id)


@DBOS.workflow(name="orch.drive", max_recovery_attempts=1000)
def _drive_workflow(run_id: str) -> str:
    return _drive_step(run_id)


class Durable:
    """DBOS in this process; there is one at a time. ``drive`` is called in a thread of DBOS's, with a run's id."""

    def __init__(self, state_dir: Path, store_url: str | None, worker_id: str, capacity: int, drive: Drive) -> None:
        self._config = config(state_dir, store_url, worker_id, capacity)
        self._worker_id = worker_id
        self._drive = drive

    def start(self) -> None:
        """Workflows that this worker's earlier process left are taken up at once. Raises what the database raises."""
        global _drive
        _drive = self._drive
        logging.getLogger("dbos").setLevel(logging.ERROR)
        DBOS(config=self._config)
        try:
            DBOS.launch()
        except BaseException:
            DBOS.destroy()  # there is one in a process: the next attempt must not find this one
            raise

    def begin(self, run_id: str) -> None:
        with SetWorkflowID(f"{run_id}:{new_id()}"):
            DBOS.start_workflow(_drive_workflow, run_id)

    def left_by(self, workers: Iterable[str]) -> tuple[dict[str, str], set[str]]:
        """(run -> workflow that one of these workers left behind, runs whose workflow waits to be fetched)."""
        left = DBOS.list_workflows(status=PENDING, executor_id=list(workers), load_input=False, load_output=False)
        waiting = DBOS.list_workflows(status=ENQUEUED, load_input=False, load_output=False)
        return {run_of(one.workflow_id): one.workflow_id for one in left}, {run_of(one.workflow_id) for one in waiting}

    def own(self) -> set[str]:
        """Runs that this worker's workflows are about."""
        found = DBOS.list_workflows(status=PENDING, executor_id=self._worker_id, load_input=False, load_output=False)
        return {run_of(one.workflow_id) for one in found} | self.left_by([self._worker_id])[1]

    def resume(self, workflow_id: str) -> None:
        """Have a workflow fetched by a worker that lives."""
        DBOS.resume_workflow(workflow_id)

    def forget(self) -> int:
        """Delete workflows that ended long ago; returns how many."""
        old = DBOS.list_workflows(status=["SUCCESS", "ERROR", "CANCELLED"], sort_desc=True, offset=KEPT, limit=500,
                                  load_input=False, load_output=False)
        DBOS.delete_workflows([one.workflow_id for one in old])
        return len(old)

    def stop(self, limit_s: int = 0) -> None:
        """What has ended is noted as such, where the database lets it within ``limit_s``; else at the next start.

        Threads may be left that go on asking for a database that is away.
        """
        DBOS.destroy(workflow_completion_timeout_sec=limit_s)


def run_of(workflow_id: str) -> str:
    return workflow_id.rpartition(":")[0]


def config(state_dir: Path, store_url: str | None, worker_id: str, capacity: int) -> DBOSConfig:
    """Its tables lie beside ours: a schema of their own in PostgreSQL, a file of their own with SQLite."""
    url = system_url(state_dir, store_url)
    return DBOSConfig(
        name="orch", system_database_url=url, dbos_system_schema=SCHEMA, application_version=VERSION,
        executor_id=worker_id, max_executor_threads=min(MOST_THREADS, capacity + SPARE_THREADS),
        sys_db_idle_transaction_timeout_sec=IDLE_TRANSACTION_S, sys_db_pool_size=5, serializer=Plain(),
        log_level="ERROR", console_log_level="ERROR", enable_otlp=False, notification_listener_polling_interval_sec=1.0)


def system_url(state_dir: Path, store_url: str | None) -> str:
    scheme, mark, rest = (store_url or "").partition("://")
    if mark and scheme.partition("+")[0] in ("postgresql", "postgres"):
        return f"postgresql+psycopg://{rest}"
    path = Path(ensure(state_dir)) / FILE
    if mark:  # another file than the state directory's own: DBOS's goes beside it
        path = Path(re.sub(r"\A/", "", rest)).with_suffix(".durable.db")
    elif store_url:
        path = Path(store_url).expanduser().absolute().with_suffix(".durable.db")
    prepare_sqlite(path)
    return f"sqlite:///{path}"


def prepare_sqlite(path: Path) -> None:
    """WAL, which stays with the file, and for its owner alone; DBOS sees to the rest (IMMEDIATE, a busy timeout)."""
    with suppress(FileExistsError):  # one that is there stays unopened: see orchestrator.store.sqlite
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    with closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT_S)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
