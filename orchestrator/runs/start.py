"""What a run's process settles before its first host: whose hosts they are, and whether it is divided into slices."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from msgspec import structs

from orchestrator.runs.handed import Handed
from orchestrator.runs.locks import HostLocks
from orchestrator.runs.records import TABLE, Run
from orchestrator.runs.slices import slice_id, split
from orchestrator.store.books import utc_now
from orchestrator.store.database import RUNS_CHANNEL, database_for
from orchestrator.store.records import ENDED, QUEUED, RUNNING, RunRecord
from orchestrator.store.store import UNHELD
from orchestrator.store.table import Table


class RunStart:
    """A connection of its own, without the master key, for which this process has no use."""

    def __init__(self, handed: Handed) -> None:
        self._handed = handed
        self._database = database_for(handed.store_url or f"{handed.state_dir}/orch.db")
        self._runs: Table[Run] = Table(self._database, TABLE, Run)

    def __enter__(self) -> RunStart:
        self._database.open()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._database.close()

    def claim_hosts(self, hosts: list[str], may_split: bool) -> str | None:
        """None: go on. Else why not: ``blocked`` (another run has a host), ``split``, ``lost`` (it has ended)."""
        run_id, request = self._handed.run_id, self._handed.request
        run = self._runs.find('"id" = ?', run_id)
        if run is None or run.status in ENDED:
            return "lost"
        if not may_split:
            return None
        if not request.allow_concurrent:
            taken = HostLocks(self._database, utc_now).take(run_id, hosts)
            if taken is not None:
                self._change({"hosts": hosts, "message": f"waits for {taken.host}, which run {taken.run_id} has"})
                return "blocked"
        if request.slices > 1 and len(hosts) > 1 and not self._handed.content_digest:
            self._change({"hosts": hosts, "message": ""})
            self._split(run, split(hosts, request.slices))
            return "split"
        self._change({"hosts": hosts, "message": "", "slices": 1})
        return None

    def _split(self, run: Run, parts: list[list[str]]) -> None:
        """The run goes on as its slices, each a run in the queue that any worker takes."""
        now = utc_now()
        with self._database.transaction():
            current = self._runs.find('"id" = ?', run.id, lock=True)
            if current is None or current.status != QUEUED:
                return
            for number, hosts in enumerate(parts):
                record = RunRecord(
                    id=slice_id(run.id, number), kind=run.kind, status=QUEUED, playbooks=run.playbooks,
                    inventory=run.inventory, limit=",".join(hosts), check_mode=run.check_mode, options=run.options,
                    user=run.user, hosts=hosts, started=now, queued=run.queued, parent_id=run.id, slice=number,
                    project_id=run.project_id, inventory_id=run.inventory_id, schedule_id=run.schedule_id,
                    plan_id=run.plan_id, priority=run.priority)
                self._runs.insert(structs.asdict(record))
            self._runs.change({"status": RUNNING, "started": now, "slices": len(parts), "worker_id": None},
                              '"id" = ?', run.id)
            self._database.notify(run.id, RUNS_CHANNEL)

    def refuse(self, message: str) -> None:
        """End a run that cannot begin, or cannot be gone on with."""
        with self._database.transaction():
            self._runs.change({"status": "failed", "message": message, "ended": utc_now(), **UNHELD},
                              f'"id" = ? AND "status" IN (\'{QUEUED}\', \'{RUNNING}\')', self._handed.run_id)
            self._database.notify(self._handed.run_id, RUNS_CHANNEL)

    def note(self, message: str) -> None:
        self._change({"message": message})

    def _change(self, changes: dict[str, Any]) -> None:
        with self._database.transaction():
            self._runs.change(changes, '"id" = ?', self._handed.run_id)
