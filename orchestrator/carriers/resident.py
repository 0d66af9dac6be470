"""The life of a connection to a resident runtime, the same over pipes and over SSH: boot, jobs, secrets, boot again.

A carrier adds how its runtime is reached and started, and how the line under it is dropped.
"""

from __future__ import annotations

import asyncio
import secrets
from abc import ABC, abstractmethod
from typing import Generic, Protocol, TypeVar

from orchestrator.carriers.base import BlobSource, EventHandler, HostInfo, Job, JobEnd, Settings, Uploads
from orchestrator.carriers.payload import boot_payload, compiled_payload
from orchestrator.carriers.session import Session
from orchestrator.carriers.target import Target
from orchestrator.errors import Unreachable

STDERR_BYTES = 4096
"""How much of what a runtime writes to stderr is kept, for the message when it dies."""
CLOSE_S = 3.0


class Runtime(Protocol):
    """The transport under one runtime. It feeds ``session``, which is set before the runtime is started."""

    session: Session

    def send(self, data: bytes) -> None: ...

    def kill(self) -> None:
        """End the runtime, or take away its input and output, without waiting."""
        ...


RuntimeT = TypeVar("RuntimeT", bound=Runtime)


class ResidentConnection(ABC, Generic[RuntimeT]):
    """What all carriers of `base.Connection` share. Not open until `open`; a lost runtime is booted anew by it."""

    carrier: str
    with_code = False
    """Whether compiled code goes with the sources: for a line where bytes cost nothing."""

    def __init__(self, target: Target, settings: Settings) -> None:
        self.name = target.name
        self.reason = target.reason
        self.target = target
        self._settings = settings
        self._runtime: RuntimeT | None = None
        self._secrets: dict[str, str] = {}
        self._opening = asyncio.Lock()

    async def open(self, deadline_s: float | None = None) -> HostInfo:
        async with self._opening:
            if self._runtime is None or self._runtime.session.error:
                boot_s = await self._reach(deadline_s)
                await self._boot(boot_s)
            assert self._runtime is not None
            return self._runtime.session.ready.result()

    async def run_job(
        self, job: Job, on_event: EventHandler, blobs: BlobSource | None = None, *, uploads: Uploads | None = None
    ) -> JobEnd:
        if self._runtime is None:
            raise Unreachable(f"{self.name}: the connection is not open", code="lost")
        return await self._runtime.session.run_job(job, on_event, blobs, uploads)

    def cancel(self, job_id: str) -> None:
        if self._runtime:
            self._runtime.session.cancel(job_id)

    def leave(self, job_id: str) -> None:
        """The host is here."""

    def ack(self, job_id: str, attempt: int) -> None:
        if self._runtime:
            self._runtime.session.ack(job_id, attempt)

    def set_secret(self, name: str, value: str) -> None:
        if self._secrets.get(name) == value:
            return
        self._secrets[name] = value
        if self._runtime and not self._runtime.session.error:
            self._runtime.session.set_secret(name, value)

    async def _boot(self, seconds: float) -> None:
        marker = secrets.token_hex(16)
        runtime = self._runtime = self._new_runtime()
        session = runtime.session = Session(
            self.name, marker, self._settings, runtime.send, self._drop_line, self.with_code
        )
        await self._start(runtime, marker)
        runtime.send((compiled_payload() if self.with_code else boot_payload()) + session.hello())
        for name, value in self._secrets.items():
            session.set_secret(name, value)
        try:
            async with asyncio.timeout(seconds):
                await asyncio.shield(session.ready)
        except TimeoutError:
            error = Unreachable(
                f"{self.name}: the runtime did not boot within {seconds:g} s",
                code="timeout",
                hint="the host is overloaded, or a login script waits for input",
            )
            session.lost(error)
            runtime.kill()
            raise error from None

    def _lose(self, how: str, hint: str | None = None) -> None:
        """End what the runtime was doing; nothing is said to it."""
        if self._runtime:
            self._runtime.session.lost(Unreachable(f"{self.name}: the connection {how}", code="lost", hint=hint))

    # --- what a carrier adds

    @abstractmethod
    async def _reach(self, deadline_s: float | None) -> float:
        """Connect where there is need; returns how many seconds the boot may take. Raises `Unreachable`."""

    @abstractmethod
    def _new_runtime(self) -> RuntimeT:
        """A transport that is not started yet."""

    @abstractmethod
    async def _start(self, runtime: RuntimeT, marker: str) -> None:
        """Start the boot command that answers with ``marker``. Raises `Unreachable`."""

    @abstractmethod
    def _drop_line(self, error: Unreachable) -> None:
        """The host broke the rules: cut the line under the runtime."""
