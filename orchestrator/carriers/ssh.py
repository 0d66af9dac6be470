"""The ssh carrier: one SSH connection per host, the runtime on one channel of it, raw commands on further ones.

It uses asyncssh's session callbacks on bytes, without its streams: a frame costs one callback and no task.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable

import asyncssh

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
from orchestrator.carriers.payload import boot_command, boot_payload
from orchestrator.carriers.session import Session
from orchestrator.carriers.ssh_dial import dialer
from orchestrator.carriers.ssh_errors import explain
from orchestrator.carriers.ssh_plan import SshPlan
from orchestrator.carriers.target import Target
from orchestrator.errors import ContentError, Unreachable

STDERR_BYTES = 4096
CLOSE_S = 3.0
SIGNALS = {"HUP": 1, "INT": 2, "QUIT": 3, "ILL": 4, "ABRT": 6, "FPE": 8, "KILL": 9, "SEGV": 11, "PIPE": 13, "ALRM": 14,
           "TERM": 15}  # fmt: skip


class SshConnection:
    """`base.Connection` over SSH."""

    carrier = "ssh"

    def __init__(self, target: Target, settings: Settings) -> None:
        self.name = target.name
        self.reason = target.reason
        self.target = target
        self._settings = settings
        self._plan: SshPlan | None = None
        self._line: asyncssh.SSHClientConnection | None = None
        self._runtime: _RuntimeChannel | None = None
        self._secrets: dict[str, str] = {}
        self._opening = asyncio.Lock()
        self._closed = False

    async def open(self, deadline_s: float | None = None) -> HostInfo:
        async with self._opening:
            if self._runtime is None or self._runtime.session.error:
                started = asyncio.get_running_loop().time()
                line = await self._connect(deadline_s)
                spent = asyncio.get_running_loop().time() - started
                left = self._settings.boot_timeout_s
                await self._boot(line, left if deadline_s is None else max(1.0, min(left, deadline_s - spent)))
            assert self._runtime is not None
            return self._runtime.session.ready.result()

    async def run_job(
        self, job: Job, on_event: EventHandler, blobs: BlobSource | None = None, *, uploads: Uploads | None = None
    ) -> JobEnd:
        return await self._session().run_job(job, on_event, blobs, uploads)

    async def raw(self, command: str, stdin: bytes = b"", timeout_s: float | None = None) -> RawEnd:
        async with self._opening:
            line = await self._connect(None)
        channel = _RawChannel(self._settings.raw_output_bytes)
        try:
            await self._start(line, channel, command)
            channel.send(stdin)
            try:
                async with asyncio.timeout(timeout_s):
                    await channel.ended
            except TimeoutError:
                channel.kill()
                return channel.result(timed_out=True)
        finally:
            channel.close()
        if channel.rc is None:
            raise Unreachable(
                f"{self.name}: the connection was lost while a raw command ran",
                code="lost",
                hint="whether the command ended is not known",
            )
        return channel.result()

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
        self._closed = True
        runtime, line = self._runtime, self._line
        if runtime and not runtime.session.error and line and not line.is_closed():
            await runtime.farewell(CLOSE_S)
        if line:
            line.close()
            try:
                async with asyncio.timeout(CLOSE_S):
                    await line.wait_closed()
            except TimeoutError:
                line.abort()
        self._drop(Unreachable(f"{self.name}: the connection was closed", code="lost"))

    def abandon(self) -> None:
        self._closed = True
        if self._line:
            self._line.abort()
        self._drop(Unreachable(f"{self.name}: the connection was given up", code="lost"))

    # --- the inside

    def _session(self) -> Session:
        if self._runtime is None:
            raise Unreachable(f"{self.name}: the connection is not open", code="lost")
        return self._runtime.session

    async def _connect(self, deadline_s: float | None) -> asyncssh.SSHClientConnection:
        if self._closed:
            raise Unreachable(f"{self.name}: the connection was closed", code="lost")
        if self._line is None or self._line.is_closed():
            dial = dialer(self._settings)
            try:
                plan = self._plan = dial.plan(self.target.address, self.target.ssh_options)
            except ContentError as exc:
                raise Unreachable(
                    f"{self.name}: {exc.message}", code="config", origin=exc.origin, hint=exc.hint
                ) from None
            self._line = await dial.dial(
                self.name,
                plan,
                pins=self.target.host_fingerprints,
                password=self.target.password,
                retries=self.target.retries,
                deadline_s=deadline_s,
                on_lost=self._line_lost,
            )
        return self._line

    async def _boot(self, line: asyncssh.SSHClientConnection, seconds: float) -> None:
        marker = secrets.token_hex(16)
        session = Session(self.name, marker, self._settings, lambda data: channel.send(data), lambda _: line.abort())
        channel = self._runtime = _RuntimeChannel(self.name, session)
        await self._start(line, channel, boot_command(marker, self.target.python))
        channel.send(boot_payload() + session.hello())
        for name, value in self._secrets.items():
            session.set_secret(name, value)
        try:
            async with asyncio.timeout(seconds):
                await asyncio.shield(session.ready)
        except TimeoutError:
            session.lost(
                Unreachable(
                    f"{self.name}: the runtime did not boot within {seconds:g} s",
                    code="timeout",
                    hint="the host is overloaded, or a login script waits for input",
                )
            )
            channel.close()
            raise session.error or AssertionError from None

    async def _start(self, line: asyncssh.SSHClientConnection, channel: _Channel, command: str) -> None:
        try:
            async with asyncio.timeout(self._settings.login_timeout_s):
                await line.create_session(lambda: channel, command, encoding=None)
        except (TimeoutError, asyncssh.Error, OSError) as exc:
            assert self._plan is not None
            if line.is_closed():
                raise Unreachable(f"{self.name}: the connection was lost: {exc}", code="lost") from None
            if isinstance(exc, asyncssh.ChannelOpenError):
                raise Unreachable(
                    f"{self.name}: sshd opens no session: {exc.reason}",
                    code="protocol",
                    hint="MaxSessions, ForceCommand or the account's limits are in the way",
                ) from None
            raise explain(exc, self.name, self._plan, {}) from None

    def _line_lost(self, exc: Exception | None) -> None:
        why = f": {exc}" if exc is not None and str(exc) else ""
        self._drop(
            Unreachable(
                f"{self.name}: the connection was lost{why}",
                code="lost",
                hint="what was running may go on there to its deadline; orch run --resume RUN asks what came of it",
            )
        )

    def _drop(self, error: Unreachable) -> None:
        if self._runtime:
            self._runtime.session.lost(error)


class _Channel(asyncssh.SSHClientSession[bytes]):
    """One exec channel: bytes both ways, exit status, the end."""

    def __init__(self) -> None:
        self.rc: int | None = None
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        self._channel = chan

    def exit_status_received(self, status: int) -> None:
        self.rc = status

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:
        self.rc = 128 + SIGNALS.get(signal, 0)

    def connection_lost(self, exc: Exception | None) -> None:
        self._channel = None
        if not self.ended.done():
            self.ended.set_result(None)

    def send(self, data: bytes) -> None:
        if self._channel is not None and not self._channel.is_closing():
            self._channel.write(data)

    def close(self) -> None:
        if self._channel is not None:
            self._channel.close()


class _RuntimeChannel(_Channel):
    """The channel of the runtime: stdout is frames, stderr is kept for messages."""

    def __init__(self, name: str, session: Session) -> None:
        super().__init__()
        self.session = session
        self._name = name
        self._errors = b""
        self.pause_writing: Callable[[], None] = session.pause_writing
        self.resume_writing: Callable[[], None] = session.resume_writing

    def data_received(self, data: bytes, datatype: int | None) -> None:
        if datatype is None:
            self.session.feed(data)
        else:
            self._errors = (self._errors + data)[-STDERR_BYTES:]

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        errors = self._errors.decode("utf-8", "replace")
        if not self.session.ready.done():
            self.session.lost(boot_failure(self._name, self.rc, self.session.printed, errors))
        else:
            self.session.lost(runtime_ended(self._name, self.rc, errors))

    async def farewell(self, seconds: float) -> None:
        """Say bye, end the input, and wait for the runtime to go."""
        self.session.bye()
        if self._channel is not None:
            self._channel.write_eof()
        try:
            async with asyncio.timeout(seconds):
                await asyncio.shield(self.ended)
        except TimeoutError:
            self.close()


class _RawChannel(_Channel):
    """A raw command: its output is kept, capped."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__()
        self._stdout = Capped(limit_bytes)
        self._stderr = Capped(limit_bytes)

    def data_received(self, data: bytes, datatype: int | None) -> None:
        (self._stdout if datatype is None else self._stderr).add(data)

    def send(self, data: bytes) -> None:
        if self._channel is not None:
            if data:
                self._channel.write(data)
            self._channel.write_eof()

    def kill(self) -> None:
        """sshd may ignore the signal (it does for some users); closing the channel takes away its input and output."""
        if self._channel is not None:
            try:
                self._channel.send_signal("KILL")
            except OSError:
                pass

    def result(self, timed_out: bool = False) -> RawEnd:
        rc = self.rc if self.rc is not None else -1
        return RawEnd(
            -1 if timed_out else rc,
            self._stdout.data(),
            self._stderr.data(),
            timed_out,
            self._stdout.truncated or self._stderr.truncated,
        )
