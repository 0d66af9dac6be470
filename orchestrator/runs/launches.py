"""Launching: a run's row and what was asked for, in one transaction; then a worker takes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import convert, structs

from orchestrator.access.rights import Host, Identity, Target, may, refuse_unless
from orchestrator.engine.launch import WITHHELD
from orchestrator.engine.options import RunOptions
from orchestrator.engine.setup import new_run_id
from orchestrator.errors import StoreError
from orchestrator.refusals import Conflict
from orchestrator.runs.records import TABLE, Launch, Run
from orchestrator.runs.requests import RunRequest, checked, digest
from orchestrator.runs.wake import wake
from orchestrator.store.books import Books, found
from orchestrator.store.database import RUNS_CHANNEL
from orchestrator.store.records import QUEUED, RunRecord

SEAL = "launch"
LAUNCH = "run.launch"
Check = Callable[[RunRequest, Identity], RunRequest]
"""What another room has to say of a request: returns it, perhaps completed, or raises `Refused`."""
HostsOf = Callable[[Identity, str, "str | None"], Sequence[Host]]
"""(identity, inventory_id, limit) -> the hosts, with the groups they are in."""


class Launches:
    def __init__(self, books: Books, checks: Sequence[Check] = (), hosts_of: HostsOf | None = None) -> None:
        self._books = books
        self._checks = tuple(checks)
        self._hosts_of = hosts_of
        self._launches = books.table("launches", Launch)
        self._runs = books.table(TABLE, Run)

    def launch(self, identity: Identity, request: RunRequest, key: str | None = None, *,
               within: Callable[[str], None] | None = None) -> str:
        """The id of a run that waits for a worker. The same ``key`` again gives the same run.

        ``within`` is called with that id in the transaction that stores it: what it raises takes all of it back.

        Raises `Malformed` with the fields that are wrong, `Refused` or `NotFound` by the rights of ``identity``,
        `Conflict` for a key that was used for another request.
        """
        asked = digest(request)
        if key is not None and (before := self._known(identity, key, asked)) is not None:
            return before
        request = self.check(identity, request)
        run_id = new_run_id()
        try:
            with self._books.transaction():
                self._insert(run_id, identity, request, key, asked)
                if within is not None:
                    within(run_id)
        except StoreError:
            # Two of the same key at once: the database lets one of them in.
            if key is None or (before := self._known(identity, key, asked)) is None:
                raise
            return before
        wake()
        return run_id

    def check(self, identity: Identity, request: RunRequest) -> RunRequest:
        """The request as it would be launched now; raises what launching it would raise."""
        request = checked(request, may_connect=may(identity, "credential.change"))
        # Rights come first: what is wrong with a request for another's things would tell of them.
        request = self._within_rights(identity, request)
        for check in self._checks:
            request = check(request, identity)
        return request

    def request_of(self, run_id: str) -> RunRequest:
        """What was asked for, with its variables. Raises `NotFound` for a run that no server launched."""
        row = found(self._launches.find('"run_id" = ?', run_id), "launch of run", run_id)
        return self.opened(row)

    def asked_by(self, run_id: str) -> str:
        """The id of whoever asked for it; empty for the command line."""
        return found(self._launches.find('"run_id" = ?', run_id), "launch of run", run_id).user_id

    def opened(self, row: Launch) -> RunRequest:
        variables = self._books.unseal(SEAL, row.run_id, row.sealed)
        return convert({**row.request, "extra_vars": variables}, RunRequest)

    def _known(self, identity: Identity, key: str, asked: str) -> str | None:
        row = self._launches.find('"user_id" = ? AND "idempotency_key" = ?', identity.user_id, key)
        if row is not None and row.body_digest != asked:
            raise Conflict("this Idempotency-Key was used for another request", code="idempotency_key",
                           hint="a new request needs a new key")
        return None if row is None else row.run_id

    def _within_rights(self, identity: Identity, request: RunRequest) -> RunRequest:
        """Who may launch by a grant alone gets its hosts written down, and the run keeps to them."""
        playbook = Target(project_id=request.project_id, playbook=request.playbook)
        refuse_unless(identity, LAUNCH, playbook, "playbook", request.playbook)
        if may(identity, LAUNCH):
            return request
        whole = Target(inventory_id=request.inventory_id)
        if may(identity, LAUNCH, whole):
            return request
        hosts = tuple(self._hosts_of(identity, request.inventory_id, request.limit)) if self._hosts_of else ()
        target = structs.replace(whole, hosts=hosts)
        refuse_unless(identity, LAUNCH, target, "inventory", request.inventory_id)
        return structs.replace(request, limit=",".join(host.name for host in hosts))

    def _insert(self, run_id: str, identity: Identity, request: RunRequest, key: str | None, asked: str) -> None:
        books, now = self._books, self._books.clock()
        record = RunRecord(
            id=run_id, kind=request.kind, status=QUEUED, playbooks=[request.playbook], limit=request.limit,
            check_mode=request.check, options=options_of(request), user=identity.name, started=now, queued=now,
            slices=request.slices, project_id=request.project_id, inventory_id=request.inventory_id,
            schedule_id=request.schedule_id, plan_id=request.plan_id, priority=request.priority)
        self._runs.insert(structs.asdict(record))
        shown = structs.asdict(request)
        variables = shown.pop("extra_vars")
        self._launches.insert({
            "run_id": run_id, "user_id": identity.user_id, "idempotency_key": key, "body_digest": asked,
            "request": shown, "sealed": books.seal(SEAL, run_id, variables), "created": now, "settled": None})
        books.audit.write(identity.name, LAUNCH, run_id, address=identity.address, playbook=request.playbook,
                          project=request.project_id, inventory=request.inventory_id, limit=request.limit or "",
                          check=request.check, via=identity.via)
        books.database.notify(run_id, RUNS_CHANNEL)


def options_of(request: RunRequest) -> dict[str, Any]:
    """What the run's row shows of it: the options as `orch run` stores them, and no variable's value."""
    options = structs.asdict(run_options(request, (), ()))
    return {**options, "extra_vars": dict.fromkeys(request.extra_vars, WITHHELD)}


def run_options(request: RunRequest, playbooks: tuple[str, ...], sources: tuple[str, ...]) -> RunOptions:
    """The engine's options, without the extra vars."""
    return RunOptions(
        playbooks=playbooks, inventory=sources, limit=request.limit, tags=request.tags or ("all",),
        skip_tags=request.skip_tags, check=request.check, diff=request.diff, forks=request.forks,
        priority=request.priority, run_timeout_s=float(request.timeout_s))
