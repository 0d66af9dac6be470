"""One run from its claim to its end: the child process started, watched, and what its end means."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from orchestrator.errors import OrchError, StoreError
from orchestrator.plans.plans import Plans
from orchestrator.runs.dispatch import Dispatch
from orchestrator.runs.handed import (
    EXIT_BLOCKED,
    EXIT_ENDED,
    EXIT_HANDED_OVER,
    EXIT_LOST,
    EXIT_SPLIT,
    EXIT_STORE_AWAY,
    Handed,
    environment,
    secret_texts,
    to_json,
)
from orchestrator.runs.launches import Launches
from orchestrator.runs.records import Run
from orchestrator.runs.supplies import Giving
from orchestrator.runs.takeover import MOST_RESUMES
from orchestrator.security.master import VARIABLE as MASTER_KEY_FILE
from orchestrator.security.secrets import redact

LOG = logging.getLogger("orch.runs")
LEAVE_S = 25.0
"""How long a run's tasks may go on when the worker is told to stop; then the process is killed, the run resumed."""
STDERR_BYTES = 8000
RETRY_S = 1.0
MODULE = "orchestrator.runs.slice"


class Room(Protocol):
    """What driving needs of a Control."""

    @property
    def dispatch(self) -> Dispatch: ...

    @property
    def launches(self) -> Launches: ...

    @property
    def supplies(self) -> Giving: ...

    @property
    def plans(self) -> Plans: ...


class Driving:
    """``open_room``: a room on a connection of its own, closed when left. One for a worker; safe from its threads."""

    def __init__(self, open_room: Callable[[], AbstractContextManager[Room]], state_dir: Path, store_url: str | None,
                 worker_id: str, silence_s: float, on_end: Callable[[], None] = lambda: None) -> None:
        self._open_room = open_room
        self._state_dir = state_dir
        self._store_url = store_url
        self._worker_id = worker_id
        self._silence_s = silence_s
        self._on_end = on_end
        # The kernel kills a child when the *thread* that started it ends: this one lives as long as the worker.
        self._nursery = ThreadPoolExecutor(1, "nursery")
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._lock = threading.Lock()
        self.is_leaving = False

    @property
    def running(self) -> list[str]:
        return sorted(self._children)

    def drive(self, run_id: str) -> str:
        """Returns when the run is no longer this worker's, in a word: ended, split, blocked, handed over, lost."""
        try:
            return self._until_over(run_id)
        finally:
            self._on_end()

    def _until_over(self, run_id: str) -> str:
        while True:
            try:
                outcome = self._once(run_id)
            except StoreError as error:
                LOG.warning("run %s: the store: %s", run_id, error.message)
                if self.is_leaving:
                    raise
                outcome = "crashed"
            if outcome != "crashed":
                return outcome
            time.sleep(RETRY_S)

    def _once(self, run_id: str) -> str:
        with self._open_room() as room:
            run = room.dispatch.claim(run_id, self._worker_id)
            if run is None:
                return "ended"
            if self.is_leaving:
                room.dispatch.requeue(run_id, self._worker_id)
                return "handed over"
            if run.cancel_requested and not run.content_digest:
                room.dispatch.end(run_id, "cancelled", "cancelled before it began")
                return "ended"
            if run.resumes >= MOST_RESUMES:
                room.dispatch.end(run_id, "interrupted", "given up: too many processes that drove it have died")
                return "ended"
            try:
                handed = self._handed(room, run)
            except StoreError:
                raise
            except OrchError as error:
                room.dispatch.end(run_id, "failed", error.message)
                return "ended"
        code, words = self._child(handed)
        return self._meaning(run_id, code, words)

    def _handed(self, room: Room, run: Run) -> Handed:
        request = room.launches.request_of(run.parent_id or run.id)
        secrets, master_key = room.supplies.opening_of(request)
        return Handed(
            run_id=run.id, state_dir=str(self._state_dir.absolute()), store_url=self._store_url,
            place=room.supplies.place_of(request, run.cwd if run.content_digest else ""), request=request,
            materials=room.supplies.materials_of(request, run.id, run.user,
                                                 room.launches.asked_by(run.parent_id or run.id)),
            inventory_secrets=secrets, master_key=master_key, parent_id=run.parent_id,
            hidden=[path for path in (os.environ.get(MASTER_KEY_FILE),) if path],
            hosts=run.hosts if run.parent_id else [], is_resumed=bool(run.content_digest),
            plan=room.plans.encoded(request.plan_id) if request.plan_id else b"",
            content_digest=run.content_digest, keeps_failures=run.queued is None or run.queued <= run.started,
            began=run.started, silence_s=self._silence_s)

    def _child(self, handed: Handed) -> tuple[int, str]:
        """Run the process to its end: its exit code, and the end of what it said, without secrets."""
        data = to_json(handed)
        try:
            child = self._nursery.submit(self._start).result()
        except RuntimeError:  # all others have left while this one was being made ready
            return -signal.SIGKILL, ""
        with self._lock:
            self._children[handed.run_id] = child
        try:
            if self.is_leaving:
                child.kill()
            _, said = child.communicate(data)
        except OSError:
            child.kill()
            _, said = child.communicate()
        finally:
            with self._lock:
                self._children.pop(handed.run_id, None)
        return child.returncode, redact(said[-STDERR_BYTES:].decode(errors="replace"), secret_texts(handed))

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", MODULE, str(os.getpid())], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, start_new_session=True, cwd="/",
            env=_with_path(environment(os.environ, str(self._state_dir))))

    def _meaning(self, run_id: str, code: int, words: str) -> str:
        with self._open_room() as room:
            dispatch = room.dispatch
            if code == EXIT_ENDED:
                return "ended"
            if code == EXIT_SPLIT:
                return "split"
            if code == EXIT_HANDED_OVER:
                return "handed over"
            if code == EXIT_BLOCKED:
                dispatch.put_back(run_id, self._worker_id)
                return "blocked"
            if code == EXIT_LOST:
                return "lost"
            if self.is_leaving:
                dispatch.requeue(run_id, self._worker_id)
                return "handed over"
            if code == EXIT_STORE_AWAY:
                LOG.warning("run %s: its process left it for now: %s", run_id, words.strip()[-2000:])
                return "crashed"
            LOG.error("run %s: its process ended with %d: %s", run_id, code, words.strip()[-2000:])
            run = dispatch.find(run_id)
            if run is not None and not run.content_digest and code > 0:  # it did not even begin: nor will the next one
                dispatch.end(run_id, "failed", "the process that drives it could not start; see the server's log")
                return "ended"
            return "crashed"

    def leave(self) -> None:
        """Stop all: tasks that run now may end, then each run is another worker's. Returns when all have left."""
        self.is_leaving = True
        self._signal(signal.SIGUSR1)
        deadline = time.monotonic() + LEAVE_S
        while self._children and time.monotonic() < deadline:
            time.sleep(0.05)
        self._signal(signal.SIGKILL)
        while self._children:
            time.sleep(0.05)
        self._nursery.shutdown(wait=True)

    def _signal(self, number: int) -> None:
        with self._lock:
            for child in self._children.values():
                child.send_signal(number)


def _with_path(environ: dict[str, str]) -> dict[str, str]:
    """The packages of this checkout or environment, wherever the child begins."""
    import orchestrator

    root = str(Path(orchestrator.__file__).parent.parent)
    return {**environ, "PYTHONPATH": os.pathsep.join(part for part in (root, environ.get("PYTHONPATH")) if part)}
