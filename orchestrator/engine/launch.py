"""A run from start to end: its row in the store, its lease, the operator's signals, and resuming."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import asdict, replace

from orchestrator.content.trust import trust
from orchestrator.engine.context import Stop
from orchestrator.engine.journal import Journal
from orchestrator.engine.options import RunOptions
from orchestrator.engine.run import Run
from orchestrator.engine.setup import Workbench, make_context, new_run_id, prepare
from orchestrator.errors import Origin, StoreError, UsageError
from orchestrator.events import Event, Notice, RunEnded, TaskResult
from orchestrator.template.types import Sealed

if TYPE_CHECKING:
    from orchestrator.engine.context import RunContext
    from orchestrator.engine.setup import Secrets
    from orchestrator.store import Store

Emit = Callable[[Event], None]
WITHHELD = "(withheld: give it again with -e)"
SECRET_NAME = re.compile(
    r"(^|_)pass(_|$)|passw(or)?d|passphrase|secret|token|(private|api|access|vault)_?key|credential", re.IGNORECASE)
CANCEL_POLL_S = 2.0
STOP_DEADLINE_S = 20.0
"""How long a host may take to confirm that a cancelled task is dead: 5 s for TERM, then KILL, and the way back."""


class Server(Struct, eq=False):
    """What a run has beside its options when a server's worker drives it, in a process of its own."""

    run_id: str
    """Of the row that was queued."""
    opened: Callable[[Store], None]
    """Called with the run's own store, in another thread, once the run's lease is taken."""
    silence_s: float
    """A holder that was silent for so long has lost the run; see `Store.resume_run`."""
    keeps_failures: bool = False
    """Of a run that is gone on with: hosts that failed stay so."""
    is_handed_over: bool = False
    """Set by the worker's wish: when the run has drained it is not ended, but queued again."""


async def launch(bench: Workbench, *, state_dir: Path, store_url: str | None, emit: Emit,
                 resume: ResumePoint | None = None, interactive: bool = False,
                 server: Server | None = None) -> RunEnded:
    """Run the workbench's playbook. Raises `StoreError` when nothing can be recorded: then nothing is run either."""
    run_id = resume.run_id if resume else server.run_id if server else new_run_id()
    loop = asyncio.get_running_loop()
    opening = loop.run_in_executor(None, _open_and_start, state_dir, store_url, run_id, bench, resume, server)
    if resume:
        store = await opening  # somebody else may be driving this run: then not a word of it is repeated here
        if server is not None:  # who drove it before may have stored more until a moment ago
            resume.stored = await asyncio.to_thread(store.journal, run_id)
    journal = Journal(opening, resume.stored if resume else None, server is not None and server.keeps_failures,
                      server.silence_s / 2 if server else None)
    stop = Stop()
    context = make_context(bench, run_id=run_id, journal=journal, state_dir=state_dir, stop=stop, emit=emit,
                           interactive=interactive, store_url=store_url, resumes=resume.resumes if resume else 0)
    for warning in bench.warnings:
        emit(Notice("warning", warning))
    assert bench.playbook is not None
    run = Run(context, bench.playbook, resumed=resume is not None)
    watcher = asyncio.create_task(_watch_cancel(opening, run_id, stop))
    ended: RunEnded | None = None
    is_cut_off = False
    try:
        with signals(stop, emit, context):
            ended = await run.execute()
            return ended
    except StoreError:
        is_cut_off = True  # the row stays as it is: it reads as interrupted, and a server's worker goes on with it
        raise
    finally:
        watcher.cancel()
        store = await opening
        await journal.close()
        if is_cut_off:
            await asyncio.to_thread(store.close)
        else:
            await asyncio.to_thread(_finish, store, run_id, ended, run, server)


def _open_and_start(state_dir: Path, store_url: str | None, run_id: str, bench: Workbench,
                    resume: ResumePoint | None, server: Server | None) -> Store:
    store = open_store(state_dir, store_url)
    try:
        if resume is None:
            store.start_run(run_record(run_id, bench))
        else:
            resume.resumes = store.resume_run(run_id, server.silence_s if server else None).resumes
        if server is not None:
            server.opened(store)
    except BaseException:
        store.close()
        raise
    return store


def open_store(state_dir: Path, url: str | None) -> Store:
    """The store of a project, created or migrated where needed. Blocks: call it off the loop."""
    from orchestrator.store import Store

    store = Store(url or str(state_dir / "orch.db"))
    store.open()
    return store


def run_record(run_id: str, bench: Workbench) -> Any:
    """The run's row: enough to show it, and to take it up again."""
    from orchestrator.store import RunRecord

    assert bench.playbook is not None
    options = asdict(bench.options)
    options["extra_vars"] = storable_vars(bench.options.extra_vars)
    return RunRecord(
        id=run_id, kind=bench.kind, plan_id=bench.plan_id, parent_id=bench.parent_id,
        playbooks=[str(Path(p).absolute()) for p in bench.options.playbooks],
        inventory=list(bench.options.inventory), limit=bench.options.limit, check_mode=bench.options.check,
        options=options, content_digest=bench.playbook.digest, cwd=os.getcwd(), user=_user(),
        hosts=list(bench.inventory.hosts),
    )


def storable_vars(extra: Mapping[str, Any]) -> dict[str, Any]:
    """Extra vars as a run's row keeps them: templates as source, and nothing whose name says that it is a secret.

    What is withheld stands as `WITHHELD`; a resume asks for it again.
    """
    from orchestrator.engine.effects import plain

    return {str(name): WITHHELD if SECRET_NAME.search(str(name)) or isinstance(value, Sealed) else plain(value)
            for name, value in extra.items()}


def _user() -> str:
    import getpass

    with contextlib.suppress(Exception):
        return getpass.getuser()
    return str(os.getuid())


def _finish(store: Store, run_id: str, ended: RunEnded | None, run: Run, server: Server | None) -> None:
    if server is not None and server.is_handed_over:
        store.hand_over(run_id)
    else:
        status = ended.status if ended else "failed"
        recap = {host: asdict(line) for host, line in run.recaps.items()}
        store.finish_run(run_id, status, recap)
    store.close()


async def _watch_cancel(opening: asyncio.Future[Store], run_id: str, stop: Stop) -> None:
    """`orch runs cancel` leaves a mark in the store; a run looks for it, and shows that it is alive, now and then."""
    store = await asyncio.shield(opening)
    while True:
        await asyncio.sleep(CANCEL_POLL_S)
        try:
            is_asked = await asyncio.to_thread(store.heartbeat, run_id)
        except StoreError as error:
            if error.code == "store_lease_lost":
                return  # the journal refuses the next result
            continue  # the store is away; a long task may outlast that
        if is_asked:
            os.kill(os.getpid(), signal.SIGTERM)


@contextlib.contextmanager
def signals(stop: Stop, emit: Emit, context: RunContext) -> Iterator[None]:
    """Ctrl-C once: begin nothing new. Twice: end what runs on the hosts, and wait until they say it is dead."""
    loop = asyncio.get_running_loop()

    def interrupt() -> None:
        if not stop.draining:
            stop.drain()
            emit(Notice("warning", "stopping after the tasks that run now; Ctrl-C again ends them on the hosts"))
        elif not stop.stopping:
            emit(Notice("warning", "ending the running tasks on the hosts"))
            terminate()

    def terminate() -> None:
        if not stop.stopping:
            stop.stop()
            loop.call_later(STOP_DEADLINE_S, give_up)

    def give_up() -> None:
        """Hosts that have not confirmed by now are let go: their runtime ends the task when its line is cut."""
        for name in context.links.abandon_all():
            context.left.append(f"{name}: did not confirm that its task has ended")

    loop.add_signal_handler(signal.SIGINT, interrupt)
    loop.add_signal_handler(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        loop.remove_signal_handler(signal.SIGTERM)


# Resuming

def trust_stored(extra: Mapping[str, Any]) -> dict[str, Any]:
    """Extra vars were the operator's own words when they were stored: their templates are templates again."""
    return {name: trust(value, Origin("extra vars")) for name, value in extra.items()}


class ResumePoint:
    """A stored run to take up again: its options as they were, and what it has journaled."""

    def __init__(self, run_id: str, options: RunOptions, stored: Mapping[Any, TaskResult], cwd: str,
                 digest: str) -> None:
        self.run_id = run_id
        self.options = options
        self.stored = stored
        self.cwd = cwd
        self.digest = digest
        self.resumes = 0
        """How often the run has been resumed, this time included; known once its lease is taken."""


def resume_point(store: Store, run_id: str) -> ResumePoint:
    """What is needed to go on with a run. Raises `UsageError` for an unknown run, `StoreError` for one still alive."""
    record = store.show_run(run_id)
    if record is None:
        raise UsageError(f"there is no run {run_id!r}", hint="`orch runs list` shows them")
    options = stored_options(record.options, record.playbooks)
    return ResumePoint(record.id, options, store.journal(record.id), record.cwd, record.content_digest)


def stored_options(stored: Mapping[str, Any], playbooks: Sequence[str]) -> RunOptions:
    """Options as a run's row keeps them, as `RunOptions` again."""
    plain: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()}
    return RunOptions(**plain | {"playbooks": tuple(playbooks)})


def prepare_resumed(point: ResumePoint, secrets: Secrets, overrides: Mapping[str, Any]) -> Workbench:
    """The workbench of a run to go on with, in the directory it was begun in.

    Raises `UsageError` when the content has changed since; otherwise as `prepare_again`.
    """
    bench = prepare_again(point, secrets, overrides, again="orch run --resume RUN")
    if bench.playbook is not None and bench.playbook.digest != point.digest:
        raise UsageError(
            "the playbook or its files have changed since this run began, so its journal no longer fits",
            hint="start a new run; state modules change nothing that is right already",
        )
    return bench


def prepare_again(point: ResumePoint, secrets: Secrets, overrides: Mapping[str, Any], *, again: str) -> Workbench:
    """The workbench of an earlier run, in its directory. ``again``: the command that calls, for a hint.

    ``overrides`` replace its options; ``extra_vars`` among them are laid over its own. Raises `UsageError` when a
    variable that was withheld from the store is not given again.
    """
    if os.path.isdir(point.cwd):
        os.chdir(point.cwd)
    extra = {**point.options.extra_vars, **overrides.get("extra_vars", {})}
    missing = sorted(name for name, value in extra.items() if value == WITHHELD)
    if missing:
        raise UsageError(f"the run was begun with -e {', '.join(missing)}, which is not stored because of its name",
                         hint=f"give it again: {again} -e NAME=VALUE")
    return prepare(replace(point.options, **{**overrides, "extra_vars": trust_stored(extra)}), secrets)
