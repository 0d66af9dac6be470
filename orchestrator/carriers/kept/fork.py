"""The process that stays behind: a fork of the run's own, at its very end, since only there the lines' keys are.

The run's process may touch neither the loop nor a connection from then on: both are the keeper's. Not even to close
them, since closing the loop takes descriptors out of the epoll set that both have in common. So it leaves by
`os._exit`, with nothing said to any host.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import fcntl
import os
import resource
import signal
import stat
import threading
from typing import NoReturn

from orchestrator.carriers.kept import places
from orchestrator.carriers.kept.keeper import Keeper, Lent
from orchestrator.carriers.kept.lines import KeptLines, Offer
from orchestrator.security.ssh_library import asyncssh

PR_SET_DUMPABLE, PR_SET_NAME = 4, 15
THREAD_END_S = 0.5


def stay_behind(runner: asyncio.Runner, kept: KeptLines) -> bool:
    """Fork a keeper for the lines that ``kept`` was offered; True when it has them.

    ``runner``: of the run's loop, which must not be running. True: leave by `os._exit` and nothing else. False: the
    lines are still the caller's, to be closed with the loop.
    """
    runner.run(_settle())
    if not _alone():
        return False  # a fork has no thread but the one that forks: what another holds would be held for ever
    offers = list(kept.offers.values())
    found = [lend(offer, kept) for offer in offers]
    lent = [one for one in found if one is not None]
    if not lent:
        return False
    spare = [offer.connection for offer, one in zip(offers, found) if one is None]
    try:
        child = os.fork()
    except OSError:
        for one in lent:
            one.place.remove()
            one.listening.close()
        return False
    if child == 0:
        _keep(runner, kept, lent, spare)
    return True


async def _settle() -> None:
    """Nothing of the run goes on in the child: as `asyncio.run` ends, but for the connections."""
    loop = asyncio.get_running_loop()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await loop.shutdown_asyncgens()
    await loop.shutdown_default_executor()


def _alone() -> bool:
    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            thread.join(THREAD_END_S)
    return threading.active_count() == 1


def lend(offer: Offer, kept: KeptLines) -> Lent | None:
    """The line with its socket; None when there is one of that name already, or no place for it."""
    try:
        found = None if offer.connection.is_closed() else places.listen(kept.path(offer.name))
    except OSError:
        found = None
    return Lent(offer.connection, *found, offer.idle_s) if found is not None else None


def _keep(
    runner: asyncio.Runner, kept: KeptLines, lent: list[Lent], spare: list[asyncssh.SSHClientConnection]
) -> NoReturn:
    async def serve() -> None:
        for connection in spare:
            connection.close()
        keeper = Keeper(lent)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, keeper.stop)
        await keeper.serve()

    try:
        _detach()
        places.sweep(str(kept.folder))
        runner.run(serve())
    except BaseException:  # noqa: BLE001  nobody is there to be told; the sockets go, whatever it was
        for one in lent:
            one.place.remove()
    finally:
        os._exit(0)


def _detach() -> None:
    """Out of the caller's session, pipes and files; and closed to other processes, for what a run knew is secret.

    Closed first, and named, so that whoever sees the caller's pipes end finds it so.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    prctl = ctypes.CDLL(None).prctl
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    prctl(PR_SET_NAME, b"orch-keeper", 0, 0, 0)
    os.setsid()
    os.chdir("/")
    os.umask(0o077)
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT, signal.SIGTSTP, signal.SIGUSR1):
        signal.signal(number, signal.SIG_DFL)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        if descriptor > 2 and not _own(descriptor):
            with contextlib.suppress(OSError):
                os.close(descriptor)


def _own(descriptor: int) -> bool:
    """Whether it is the loop's or a line's: a socket or an epoll set that this process opened itself.

    Python opens everything so that it is closed at exec; what is not came from the caller, who waits for its end.
    """
    try:
        if not fcntl.fcntl(descriptor, fcntl.F_GETFD) & fcntl.FD_CLOEXEC:
            return False
        mode = os.fstat(descriptor).st_mode
    except OSError:
        return False
    return stat.S_ISSOCK(mode) or not stat.S_IFMT(mode)  # an epoll set is an anonymous inode, which has no type
