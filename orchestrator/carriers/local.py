"""The local carrier: the same runtime as over SSH, in a child process, over pipes."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys

from orchestrator.carriers.base import (
    BlobSource,
    EventHandler,
    HostInfo,
    Job,
    JobEnd,
    RawEnd,
    Settings,
    Uploads,
)
from orchestrator.carriers.boot_errors import boot_failure, runtime_ended
from orchestrator.carriers.output import Capped
from orchestrator.carriers.payload import boot_argv, boot_payload
from orchestrator.carriers.session import Session
from orchestrator.carriers.target import Target
from orchestrator.errors import Unreachable

STDERR_BYTES = 4096
CLOSE_S = 3.0


class LocalConnection:
    """`base.Connection` to this machine."""

    carrier = "local"

    def __init__(self, target: Target, settings: Settings) -> None:
        self.name = target.name
        self.reason = target.reason
        self.target = target
        self._settings = settings
        self._runtime: _RuntimeProcess | None = None
        self._secrets: dict[str, str] = {}
        self._opening = asyncio.Lock()

    async def open(self, deadline_s: float | None = None) -> HostInfo:
        async with self._opening:
            if self._runtime is None or self._runtime.session.error:
                await self._boot(min(self._settings.boot_timeout_s, deadline_s or self._settings.boot_timeout_s))
            assert self._runtime is not None
            return self._runtime.session.ready.result()

    async def run_job(
        self, job: Job, on_event: EventHandler, blobs: BlobSource | None = None, *, uploads: Uploads | None = None
    ) -> JobEnd:
        if self._runtime is None:
            raise Unreachable(f"{self.name}: the connection is not open", code="lost")
        return await self._runtime.session.run_job(job, on_event, blobs, uploads)

    async def raw(self, command: str, stdin: bytes = b"", timeout_s: float | None = None) -> RawEnd:
        limit = self._settings.raw_output_bytes
        process = _Process(Capped(limit), Capped(limit))
        await process.start(["/bin/sh", "-c", command])
        process.send(stdin)
        process.send_eof()
        try:
            async with asyncio.timeout(timeout_s):
                await asyncio.shield(process.ended)
        except TimeoutError:
            return process.raw_end(timed_out=True)
        finally:
            process.kill_group(signal.SIGKILL)
            process.close()
        return process.raw_end()

    def cancel(self, job_id: str) -> None:
        if self._runtime:
            self._runtime.session.cancel(job_id)

    def ack(self, job_id: str, attempt: int) -> None:
        if self._runtime:
            self._runtime.session.ack(job_id, attempt)

    def set_secret(self, name: str, value: str) -> None:
        if self._secrets.get(name) == value:
            return
        self._secrets[name] = value
        if self._runtime and not self._runtime.session.error:
            self._runtime.session.set_secret(name, value)

    async def close(self) -> None:
        runtime = self._runtime
        if runtime is None:
            return
        if not runtime.session.error:
            runtime.session.bye()
        runtime.send_eof()
        for sign in (None, signal.SIGTERM, signal.SIGKILL):
            if sign is not None:
                runtime.kill_group(sign)
            try:
                async with asyncio.timeout(CLOSE_S):
                    await asyncio.shield(runtime.ended)
                break
            except TimeoutError:
                continue
        self.abandon()

    def abandon(self) -> None:
        if self._runtime:
            self._runtime.session.lost(Unreachable(f"{self.name}: the connection was closed", code="lost"))
            self._runtime.close()

    async def _boot(self, seconds: float) -> None:
        marker = secrets.token_hex(16)
        session = Session(self.name, marker, self._settings, lambda data: runtime.send(data), lambda _: runtime.close())
        runtime = self._runtime = _RuntimeProcess(self.name, session)
        await runtime.start(boot_argv(marker, self.target.python or sys.executable))
        runtime.send(boot_payload() + session.hello())
        for name, value in self._secrets.items():
            session.set_secret(name, value)
        try:
            async with asyncio.timeout(seconds):
                await asyncio.shield(session.ready)
        except TimeoutError:
            error = Unreachable(f"{self.name}: the runtime did not boot within {seconds:g} s", code="timeout")
            session.lost(error)
            runtime.kill_group(signal.SIGKILL)
            runtime.close()
            raise error from None


class _Process(asyncio.SubprocessProtocol):
    """A child in a process group of its own, with its three pipes."""

    def __init__(self, stdout: Capped, stderr: Capped) -> None:
        self.rc: int | None = None
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._stdout = stdout
        self._stderr = stderr
        self._transport: asyncio.SubprocessTransport | None = None
        self._stdin: asyncio.WriteTransport | None = None

    async def start(self, argv: list[str]) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.subprocess_exec(lambda: self, *argv, start_new_session=True)
        except OSError as exc:
            raise Unreachable(f"no process can be started here: {exc.strerror or exc}", code="lost") from None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.SubprocessTransport)
        self._transport = transport
        stdin = transport.get_pipe_transport(0)
        assert isinstance(stdin, asyncio.WriteTransport)
        self._stdin = stdin

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        (self._stdout if fd == 1 else self._stderr).add(data)

    def process_exited(self) -> None:
        if self._transport is not None:
            code = self._transport.get_returncode()
            self.rc = code if code is None or code >= 0 else 128 - code

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(None)

    def send(self, data: bytes) -> None:
        if data and self._stdin is not None and not self._stdin.is_closing():
            self._stdin.write(data)

    def send_eof(self) -> None:
        if self._stdin is not None and not self._stdin.is_closing():
            self._stdin.write_eof()

    def kill_group(self, sign: signal.Signals) -> None:
        """Signal the whole group; it may be gone already."""
        if self._transport is not None and (self.rc is None or sign is signal.SIGKILL):
            try:
                os.killpg(self._transport.get_pid(), sign)
            except (ProcessLookupError, PermissionError):
                pass

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def raw_end(self, timed_out: bool = False) -> RawEnd:
        cut = self._stdout.truncated or self._stderr.truncated
        rc = -1 if timed_out or self.rc is None else self.rc
        return RawEnd(rc, self._stdout.data(), self._stderr.data(), timed_out, cut)


class _RuntimeProcess(_Process):
    """The runtime as a child: stdout is frames, stderr is kept for messages."""

    def __init__(self, name: str, session: Session) -> None:
        super().__init__(Capped(0), Capped(STDERR_BYTES))
        self.session = session
        self._name = name

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == 1:
            self.session.feed(data)
        else:
            self._stderr.add(data)

    def pause_writing(self) -> None:
        self.session.pause_writing()

    def resume_writing(self) -> None:
        self.session.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        errors = self._stderr.data().decode("utf-8", "replace")
        if not self.session.ready.done():
            self.session.lost(boot_failure(self._name, self.rc, self.session.printed, errors))
        else:
            self.session.lost(runtime_ended(self._name, self.rc, errors))
