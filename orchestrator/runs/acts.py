"""What people do with a run: cancel it, go on with it, run what failed once more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from msgspec import Struct, structs

from orchestrator.access.rights import Host, Identity, Target, may, refuse_unless
from orchestrator.projects.masking import open_vars
from orchestrator.refusals import Conflict
from orchestrator.runs.asking import Asking
from orchestrator.runs.launches import Launches
from orchestrator.runs.records import TABLE, Run, launch_of
from orchestrator.runs.requests import RunRequest
from orchestrator.runs.wake import wake
from orchestrator.store.books import Books
from orchestrator.store.database import RUNS_CHANNEL
from orchestrator.store.records import ENDED, QUEUED, RUNNING
from orchestrator.store.store import UNHELD

CANCEL, LAUNCH = "run.cancel", "run.launch"
GOES_ON = ("failed", "unreachable", "cancelled", "interrupted", "pending")
HostsOf = Callable[[str, Iterable[str]], Sequence[Host]]


class Again(Struct):
    """What a launch of the same begins with. ``withheld``: names of variables that look secret and are not told;
    ``is_own``: whoever asks has given them."""

    request: dict[str, Any]
    is_own: bool
    extra_vars: dict[str, Any]
    withheld: list[str]


class Acts:
    def __init__(self, books: Books, asking: Asking, launches: Launches, hosts_of: HostsOf | None = None,
                 check_use: Callable[[RunRequest, Identity], None] = lambda request, identity: None) -> None:
        self._books = books
        self._asking = asking
        self._launches = launches
        self._hosts_of = hosts_of
        self._check_use = check_use
        self._runs = books.table(TABLE, Run)

    def cancel(self, identity: Identity, run_id: str) -> None:
        """One that waits ends at once; one that runs is told, and ends its tasks on the hosts. Again does no harm."""
        self._top(identity, run_id, CANCEL)
        books = self._books
        with books.transaction():
            run = self._runs.find('"id" = ?', run_id, lock=True)
            if run is not None and run.status not in ENDED:
                now = books.clock()
                self._runs.change({"cancel_requested": True}, '("id" = ? OR "parent_id" = ?)', run_id, run_id)
                self._runs.change({"status": "cancelled", "ended": now, "message": "cancelled before it began"},
                                  f'("id" = ? OR "parent_id" = ?) AND "status" = \'{QUEUED}\' AND "worker_id" IS NULL',
                                  run_id, run_id)
                books.audit.write(identity.name, CANCEL, run_id, address=identity.address)
                books.database.notify(run_id, RUNS_CHANNEL)
        wake()

    def resume(self, identity: Identity, run_id: str) -> None:
        """Queue a run again that has ended before its work did: what is stored as done is not done again.

        Raises `Conflict` for one that goes on, or that was well.
        """
        run = self._top(identity, run_id, LAUNCH)
        if self._launches.request_of(run_id) is None or run.status not in GOES_ON:
            raise Conflict(f"run {run_id} is {run.status}: there is nothing to go on with", code="run_not_resumable")
        self._check_use(self._launches.request_of(run_id), identity)
        books = self._books
        again = {"status": QUEUED, "worker_id": None, "ended": None, "cancel_requested": False, "message": "",
                 "queued": books.clock(), **UNHELD}
        with books.transaction():
            if run.slices > 1:
                self._runs.change(again, f'"parent_id" = ? AND "status" IN ({_words(GOES_ON)})', run_id)
                again = {**again, "status": RUNNING}
            self._runs.change(again, f'"id" = ? AND "status" IN ({_words(GOES_ON)})', run_id)
            books.database.execute('UPDATE launches SET "settled" = NULL WHERE "run_id" = ?', (run_id,))
            books.audit.write(identity.name, "run.resume", run_id, address=identity.address)
            books.database.notify(run_id, RUNS_CHANNEL)
        wake()

    def rerun_failed(self, identity: Identity, run_id: str, key: str | None = None) -> str:
        """A new run of the same, on the hosts where it failed or that it did not reach; returns its id."""
        run = self._top(identity, run_id, LAUNCH)
        request = self._launches.request_of(run_id)
        hosts = failed_hosts(run)
        if run.status not in ENDED or not hosts:
            raise Conflict(f"run {run_id} has no hosts that failed", code="nothing_failed")
        return self._launches.launch(identity, structs.replace(
            request, limit=",".join(hosts), schedule_id=None, plan_id=None), key)

    def again(self, identity: Identity, run_id: str) -> Again:
        """For a form that launches the same with changes. Raises `Refused` for whoever may not launch it."""
        launch = launch_of(self._books, self._top(identity, run_id, LAUNCH))
        request = structs.asdict(self._launches.request_of(run_id))
        is_own = launch is not None and launch.user_id == identity.user_id != ""
        return Again(request, is_own, *open_vars(request.pop("extra_vars")))

    def _top(self, identity: Identity, run_id: str, action: str) -> Run:
        """A run that is no slice, and with which ``identity`` may do this."""
        run = self._asking.find(identity, run_id)
        if run.parent_id is not None:
            raise Conflict(f"this is a slice of run {run.parent_id}", code="run_slice", hint="name that one")
        if not may(identity, action):
            refuse_unless(identity, action, self._target(identity, action, run), "run", run_id)
        return run

    def _target(self, identity: Identity, action: str, run: Run) -> Target:
        """What the run is about: its playbook and its hosts. As long as it is not known which they are, whoever
        launched it may take it back."""
        playbook = Target(project_id=run.project_id, playbook=run.playbooks[0])
        if action == CANCEL and not run.hosts and self._asking.launched(identity, run):
            return playbook
        hosts = tuple(self._hosts_of(run.inventory_id, run.hosts)) if self._hosts_of and run.inventory_id else ()
        return structs.replace(playbook, inventory_id=run.inventory_id, hosts=hosts)


def failed_hosts(run: Run) -> list[str]:
    """Hosts of its recap where something went wrong, or that were not reached, or not until the end. Pure."""
    bad = ("failed", "unreachable", "cancelled", "interrupted", "lost")
    return sorted(host for host, line in run.recap.items() if any(line.get(name) for name in bad))


def _words(words: Sequence[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)
