"""The ssh carrier: one SSH connection per host, the runtime on one channel of it, raw commands on further ones.

It uses asyncssh's session callbacks on bytes, without its streams: a frame costs one callback and no task.
"""

from __future__ import annotations

import asyncio

from orchestrator.carriers.base import RawEnd, Settings
from orchestrator.carriers.boot_errors import RESUME_HINT
from orchestrator.carriers.kept.lender import Lender
from orchestrator.carriers.kept.line import Line, LineUnusable
from orchestrator.carriers.output import RawOutput
from orchestrator.carriers.payload import boot_command
from orchestrator.carriers.resident import CLOSE_S, STDERR_BYTES, ResidentConnection
from orchestrator.carriers.session import Session
from orchestrator.carriers.ssh_dial import dialer
from orchestrator.carriers.ssh_errors import explain
from orchestrator.carriers.ssh_plan import SshPlan
from orchestrator.carriers.target import Target
from orchestrator.errors import ContentError, Unreachable
from orchestrator.security.ssh_library import asyncssh

KEPT_REASON = "by the connection that an earlier run left open"
SIGNALS = {"HUP": 1, "INT": 2, "QUIT": 3, "ILL": 4, "ABRT": 6, "FPE": 8, "KILL": 9, "SEGV": 11, "PIPE": 13, "ALRM": 14,
           "TERM": 15}  # fmt: skip


class SshConnection(ResidentConnection["_RuntimeChannel"]):
    """`base.Connection` over SSH."""

    carrier = "ssh"

    def __init__(self, target: Target, settings: Settings) -> None:
        super().__init__(target, settings)
        self._plan: SshPlan | None = None
        self._line: Line | None = None
        self._lender = Lender(target, settings)
        self._deadline_s: float | None = None
        self._redialling = asyncio.Lock()
        self._closed = False

    async def raw(self, command: str, stdin: bytes = b"", timeout_s: float | None = None) -> RawEnd:
        async with self._opening:
            await self._connect(None)
        output = RawOutput(self._settings.raw_output_bytes)
        channel = _RawChannel(output)
        try:
            await self._open_channel(channel, command)
            channel.send(stdin)
            try:
                async with asyncio.timeout(timeout_s):
                    await channel.ended
            except TimeoutError:
                channel.kill()
                return output.end(channel.rc, timed_out=True)
        finally:
            channel.close()
        if channel.rc is None:
            raise Unreachable(
                f"{self.name}: the connection was lost while a raw command ran",
                code="lost",
                hint="whether the command ended is not known",
            )
        return output.end(channel.rc)

    async def close(self, *, keep: bool = False) -> None:
        self._closed = True
        runtime, line = self._runtime, self._line
        if runtime and line and not line.is_closed():
            sound = not runtime.session.error and await runtime.farewell(CLOSE_S)
            keep = keep and sound
        if line and not (keep and self._plan and self._lender.take(line, self._plan)):
            line.close()
            try:
                async with asyncio.timeout(CLOSE_S):
                    await line.wait_closed()
            except TimeoutError:
                line.abort()
        self._lose("was closed")

    def abandon(self) -> None:
        self._closed = True
        if self._line:
            self._line.abort()
        self._lose("was given up")

    # --- the inside

    async def _reach(self, deadline_s: float | None) -> float:
        started = asyncio.get_running_loop().time()
        self._deadline_s = deadline_s
        await self._connect(deadline_s)
        spent = asyncio.get_running_loop().time() - started
        longest = self._settings.boot_timeout_s
        return longest if deadline_s is None else max(1.0, min(longest, deadline_s - spent))

    def _new_runtime(self) -> _RuntimeChannel:
        return _RuntimeChannel()

    async def _start(self, runtime: _RuntimeChannel, marker: str) -> None:
        await self._open_channel(runtime, boot_command(marker, self.target.python))

    def _drop_line(self, error: Unreachable) -> None:
        if self._line:
            self._line.abort()

    async def _connect(self, deadline_s: float | None) -> None:
        """See to it that there is a line: the one there is, one that an earlier run left, or a new one."""
        if self._closed:
            raise Unreachable(f"{self.name}: the connection was closed", code="lost")
        if self._line is not None and not self._line.is_closed():
            return
        try:
            self._plan = dialer(self._settings).plan(self.target.address, self.target.ssh_options)
        except ContentError as exc:
            raise Unreachable(f"{self.name}: {exc.message}", code="config", origin=exc.origin, hint=exc.hint) from None
        self._line = await self._lender.find(self._plan)
        if self._line is None:
            await self._dial(deadline_s)
        else:
            self.reason = f"{self.target.reason}; {KEPT_REASON}"

    async def _dial(self, deadline_s: float | None) -> None:
        assert self._plan is not None
        self.reason = self.target.reason
        self._line = await dialer(self._settings).dial(
            self.name,
            self._plan,
            pins=self.target.host_fingerprints,
            password=self.target.password,
            retries=self.target.retries,
            deadline_s=deadline_s,
            on_lost=self._line_lost,
        )

    async def _open_channel(self, channel: _Channel, command: str) -> None:
        line = self._line
        assert line is not None
        try:
            await self._begin(line, channel, command)
        except LineUnusable:
            line.close()
            async with self._redialling:
                if self._line is line:  # of several channels the first dials for all
                    await self._dial(self._deadline_s)
            assert self._line is not None
            await self._begin(self._line, channel, command)

    async def _begin(self, line: Line, channel: _Channel, command: str) -> None:
        try:
            async with asyncio.timeout(self._settings.login_timeout_s):
                await line.create_session(lambda: channel, command, encoding=None)
        except (TimeoutError, asyncssh.Error, OSError) as exc:
            assert self._plan is not None
            if line.is_closed() or isinstance(exc, asyncssh.ConnectionLost):
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
        self._lose(f"was lost{why}", hint=RESUME_HINT)


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

    session: Session

    def __init__(self) -> None:
        super().__init__()
        self._errors = b""

    def data_received(self, data: bytes, datatype: int | None) -> None:
        if datatype is None:
            self.session.feed(data)
        else:
            self._errors = (self._errors + data)[-STDERR_BYTES:]

    def pause_writing(self) -> None:
        self.session.pause_writing()

    def resume_writing(self) -> None:
        self.session.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.session.runtime_gone(self.rc, self._errors)

    def kill(self) -> None:
        self.close()

    async def farewell(self, seconds: float) -> bool:
        """Say bye, end the input, and wait for the runtime to go; whether it did."""
        self.session.bye()
        if self._channel is not None:
            self._channel.write_eof()
        try:
            async with asyncio.timeout(seconds):
                await asyncio.shield(self.ended)
        except TimeoutError:
            self.close()
            return False
        return self.rc is not None


class _RawChannel(_Channel):
    """A raw command: its output is kept, capped."""

    def __init__(self, output: RawOutput) -> None:
        super().__init__()
        self._output = output

    def data_received(self, data: bytes, datatype: int | None) -> None:
        (self._output.stdout if datatype is None else self._output.stderr).add(data)

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
