"""The process that drives one run of the server, or one slice of it: `python -m orchestrator.runs.slice WORKER_PID`.

What it is to do comes on standard input (`orchestrator.runs.handed`). It dies with its worker, by the kernel's hand.
SIGTERM cancels the run; SIGUSR1 leaves it to another worker once the tasks that run now have ended.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import structs

from orchestrator.engine.launch import ResumePoint, Server, launch
from orchestrator.engine.materials import secrets_of, with_credentials
from orchestrator.engine.opening import Opening
from orchestrator.engine.setup import prepare
from orchestrator.errors import Faults, InventoryFault, OrchError, StoreError, UsageError
from orchestrator.runs.handed import (
    EXIT_BLOCKED,
    EXIT_ENDED,
    EXIT_HANDED_OVER,
    EXIT_LOST,
    EXIT_SPLIT,
    EXIT_STORE_AWAY,
    MOST_BYTES,
    Handed,
    from_json,
    secret_texts,
)
from orchestrator.runs.launches import run_options
from orchestrator.runs.planned import why_not
from orchestrator.runs.recorder import Recorder
from orchestrator.runs.start import RunStart
from orchestrator.security.confinement import Bounds, bounds, confine
from orchestrator.security.master import MasterKey
from orchestrator.security.secrets import redact

if TYPE_CHECKING:
    from orchestrator.engine.setup import Workbench

PR_SET_PDEATHSIG = 1
LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
LONGEST_MESSAGE = 4000
TIMED_OUT = "stopped: its time was over"


def main(arguments: Sequence[str]) -> int:
    die_with(int(arguments[0]))
    handed = from_json(sys.stdin.buffer.read(MOST_BYTES + 1))
    try:
        return begun(handed)
    except StoreError as error:
        print(error.message, file=sys.stderr)
        return EXIT_STORE_AWAY


def begun(handed: Handed) -> int:
    """The exit code. Raises `StoreError` when the store is away: that says nothing of the run."""
    with RunStart(handed) as start:
        if not handed.place.runs_here:
            confine(within(handed))
        try:
            os.chdir(handed.place.folder)
            bench = workbench(handed)
            hosts = targets(bench)
            if (code := start.claim_hosts(hosts, may_split=handed.parent_id is None)) is not None:
                return {"blocked": EXIT_BLOCKED, "split": EXIT_SPLIT, "lost": EXIT_LOST}[code]
        except StoreError:
            raise
        except (OrchError, OSError) as error:
            start.refuse(told(error, handed))
            return EXIT_ENDED
    if handed.plan and not handed.is_resumed:
        if (reason := asyncio.run(why_not(handed, workbench(looking(handed))))) is not None:
            with RunStart(handed) as start:
                start.refuse(reason[:LONGEST_MESSAGE])
            return EXIT_ENDED
    return asyncio.run(drive(handed, bench))


def within(handed: Handed) -> Bounds:
    """What the process of a project may reach that may not run on the server: its files, its hosts, the store; nothing
    else in the state directory, where the keys are."""
    database = handed.store_url or f"{handed.state_dir}/orch.db"
    files = [] if "://" in database else [f"{database}{end}" for end in ("", "-wal", "-shm", "-journal")]
    place, state_dir = handed.place, handed.state_dir
    folders = [place.folder, *(source if os.path.isdir(source) else os.path.dirname(source)
                               for source in place.sources if source.startswith("/"))]
    return bounds(folders, [*files, f"{state_dir}/known_hosts"], secrets=[state_dir, *handed.hidden],
                  home=os.path.expanduser("~"))


def looking(handed: Handed) -> Handed:
    """The same, without a change to any host."""
    return structs.replace(handed, request=structs.replace(handed.request, check=True, diff=True))


def die_with(worker_pid: int) -> None:
    """SIGKILL when the worker's thread that started this process ends; at once when it has ended already."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != worker_pid:
        os._exit(EXIT_LOST)


def workbench(handed: Handed) -> Workbench:
    """Everything but hosts. Raises `Faults`, `UsageError` when the content is no longer that of the journal."""
    request = handed.request
    options = run_options(request, (handed.place.playbook,), tuple(handed.place.sources))
    options = structs.replace(options, extra_vars=with_credentials(request.extra_vars, handed.materials),
                              user=handed.materials.username,
                              **({"limit": ",".join(handed.hosts)} if handed.hosts else {}))
    secrets = secrets_of(handed.materials)
    secrets.opening = Opening(MasterKey.of_text(handed.master_key) if handed.master_key else None,
                              handed.inventory_secrets)
    bench = prepare(options, secrets, store_url=handed.store_url)
    assert bench.playbook is not None
    if handed.is_resumed and handed.content_digest and bench.playbook.digest != handed.content_digest:
        raise UsageError("the playbook or its files have changed since this run began, so it cannot be gone on with",
                         code="content_changed", hint="launch it again")
    return bench


def targets(bench: Workbench) -> list[str]:
    """The hosts that the playbook's plays mean, in the inventory's order; not this machine, which is everybody's."""
    from inventory import InventoryError

    assert bench.playbook is not None
    found: dict[str, None] = {}
    for play in bench.playbook.plays:
        pattern = bench.engine.render(play.hosts, bench.variables.scope(None, play), play.origin)
        text = ",".join(map(str, pattern)) if isinstance(pattern, list | tuple) else str(pattern)
        try:
            found |= dict.fromkeys(bench.inventory.select(text, bench.options.limit).hosts)
        except InventoryError as error:
            raise InventoryFault(error.message, origin=play.origin, hint=error.hint) from error
    return [host for host in bench.inventory.hosts if host in found and host not in LOCAL]


async def drive(handed: Handed, bench: Workbench) -> int:
    """The engine on the store; returns the exit code of the process."""
    recorder = Recorder(handed.run_id, on_lost=lambda: os._exit(EXIT_LOST))
    server = Server(handed.run_id, recorder.opened, handed.silence_s, handed.keeps_failures)
    loop = asyncio.get_running_loop()

    def leave() -> None:
        server.is_handed_over = recorder.is_leaving = True
        os.kill(os.getpid(), signal.SIGINT)

    loop.add_signal_handler(signal.SIGUSR1, leave)
    message: str | None = None

    def time_is_over() -> None:
        nonlocal message
        message = TIMED_OUT
        with suppress(StoreError), RunStart(handed) as start:  # before it has ended: whoever sees that sees why
            start.note(message)
        os.kill(os.getpid(), signal.SIGTERM)

    if (left_s := time_left_s(handed)) is not None:
        loop.call_later(left_s, time_is_over)
    resume = ResumePoint(handed.run_id, bench.options, {}, handed.place.folder,
                         handed.content_digest) if handed.is_resumed else None
    try:
        await launch(bench, state_dir=Path(handed.state_dir), store_url=handed.store_url, emit=recorder.on,
                     resume=resume, server=server)
    except StoreError as error:
        if error.code in ("store_lease_lost", "store_run_alive", "store_run_exists", "store_run_unknown"):
            return EXIT_LOST
        raise
    except OrchError as error:
        message = told(error, handed)
    finally:
        recorder.close()
    if server.is_handed_over:
        return EXIT_HANDED_OVER
    if message is not None:
        with RunStart(handed) as start:
            start.note(message)
    return EXIT_ENDED


def time_left_s(handed: Handed) -> float | None:
    """Of the run's time limit; None when it has none."""
    from orchestrator.store.records import now

    if not handed.request.timeout_s:
        return None
    passed = (now() - handed.began).total_seconds() if handed.began and handed.is_resumed else 0.0
    return max(0.1, handed.request.timeout_s - passed)


def told(error: Exception, handed: Handed) -> str:
    """An error as the run's row keeps it: sentences, places and hints, and no secret."""
    errors: list[Any] = list(error.errors) if isinstance(error, Faults) else [error]
    lines = [f"{one.origin}: {one.message}" if isinstance(one, OrchError) and one.origin else
             (one.message if isinstance(one, OrchError) else f"{type(one).__name__}: {getattr(one, 'strerror', one)}")
             for one in errors]
    return redact("\n".join(lines), secret_texts(handed))[:LONGEST_MESSAGE]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
