"""The local carrier: the same runtime as over SSH, in a child process, over pipes."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from orchestrator.carriers.base import RawEnd
from orchestrator.carriers.output import Capped, RawOutput
from orchestrator.carriers.payload import boot_argv, compiled_payload
from orchestrator.carriers.resident import CLOSE_S, STDERR_BYTES, ResidentConnection
from orchestrator.carriers.session import Session
from orchestrator.errors import Unreachable


class LocalConnection(ResidentConnection["_RuntimeProcess"]):
    """`base.Connection` to this machine."""

    carrier = "local"
    with_code = True

    async def raw(self, command: str, stdin: bytes = b"", timeout_s: float | None = None) -> RawEnd:
        output = RawOutput(self._settings.raw_output_bytes)
        process = _Process(output.stdout, output.stderr)
        await process.start(["/bin/sh", "-c", command], self._settings.local_folder)
        process.send(stdin)
        process.send_eof()
        try:
            async with asyncio.timeout(timeout_s):
                await asyncio.shield(process.ended)
        except TimeoutError:
            return output.end(process.rc, timed_out=True)
        finally:
            process.kill()
        return output.end(process.rc)

    async def close(self, *, keep: bool = False) -> None:
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
        self._lose("was closed")
        if self._runtime:
            self._runtime.close()

    async def _reach(self, deadline_s: float | None) -> float:
        return min(self._settings.boot_timeout_s, deadline_s or self._settings.boot_timeout_s)

    def _new_runtime(self) -> _RuntimeProcess:
        return _RuntimeProcess()

    async def _start(self, runtime: _RuntimeProcess, marker: str) -> None:
        argv = boot_argv(marker, self.target.python or sys.executable, compiled_payload())
        await runtime.start(argv, self._settings.local_folder)

    def _drop_line(self, error: Unreachable) -> None:
        if self._runtime:
            self._runtime.close()


class _Process(asyncio.SubprocessProtocol):
    """A child in a process group of its own, with its three pipes."""

    def __init__(self, stdout: Capped, stderr: Capped) -> None:
        self.rc: int | None = None
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._stdout = stdout
        self._stderr = stderr
        self._transport: asyncio.SubprocessTransport | None = None
        self._stdin: asyncio.WriteTransport | None = None

    async def start(self, argv: list[str], folder: str | None = None) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.subprocess_exec(lambda: self, *argv, cwd=folder, start_new_session=True)
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

    def kill(self) -> None:
        """End the whole group at once, and close the pipes."""
        self.kill_group(signal.SIGKILL)
        self.close()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class _RuntimeProcess(_Process):
    """The runtime as a child: stdout is frames, stderr is kept for messages."""

    session: Session

    def __init__(self) -> None:
        super().__init__(Capped(0), Capped(STDERR_BYTES))

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
        self.session.runtime_gone(self.rc, self._stderr.data())
