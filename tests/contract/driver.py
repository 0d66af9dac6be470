"""A controller of the simplest kind, over local pipes: boots a runtime on any interpreter and speaks frames with it."""

from __future__ import annotations

import hashlib
import itertools
import os
import select
import subprocess
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agentlet.wire import CHUNK_BYTES, PROTOCOL, WINDOW_BYTES, Decoder, EventDigest, encode, header_bytes
from orchestrator.carriers import payload

Header = dict[str, Any]
_numbers = itertools.count(1)


class Gone(Exception):
    """The runtime's stream ended while something was awaited."""


@dataclass
class Outcome:
    """Everything that came back for one job."""

    events: list[Header]
    status: str
    digest_ok: bool
    uploads: dict[str, bytearray] = field(default_factory=dict)
    uploaded_bytes: int = 0

    @property
    def results(self) -> list[Header]:
        return [event for event in self.events if event["kind"] == "result"]

    @property
    def result(self) -> Header:
        assert len(self.results) == 1, self.events
        return self.results[0]

    @property
    def code(self) -> str | None:
        return self.result["error"] and self.result["error"]["code"]


class Runtime:
    """A booted runtime. Use it as a context manager; at the end of the block its stdin ends."""

    def __init__(
        self,
        python: str,
        *,
        env: Mapping[str, str] | None = None,
        hello: bool = True,
        cwd: Path | None = None,
        user: int | None = None,
        memory_limit_bytes: int | None = None,
        keep_s: float | None = None,
        boot: bytes | None = None,
    ) -> None:
        boot = payload.boot_payload() if boot is None else boot
        marker = os.urandom(16).hex()
        environment = {**os.environ, **(env or {})}
        self.process = subprocess.Popen(
            payload.boot_argv(marker, python, boot),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            cwd=cwd,
            user=user,
            start_new_session=True,
            bufsize=0,
        )
        self._decoder = Decoder()
        self._frames: list[tuple[Header, bytes]] = []
        self.sent_sources: set[str] = set()
        self.write(boot)
        self._await_marker(marker)
        self.ready, _ = self.next_frame()
        assert self.ready["t"] == "ready", self.ready
        if hello:
            self.send(
                {
                    "t": "hello",
                    "protocol": PROTOCOL,
                    "run": "r",
                    "host": "h",
                    "keep_s": keep_s,
                    "memory_limit_bytes": memory_limit_bytes,
                }
            )

    def __enter__(self) -> Runtime:
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin
        if not self.process.stdin.closed:
            try:
                self.send({"t": "bye"})
            except BrokenPipeError:
                pass
        self.close()

    def close(self, timeout_s: float = 30) -> int:
        """Ends the runtime's stdin, as a lost carrier does, and waits for its exit."""
        self.hang_up()
        self.drain(timeout_s)
        return self.process.wait(timeout_s)

    def hang_up(self) -> None:
        assert self.process.stdin
        if not self.process.stdin.closed:
            self.process.stdin.close()

    def drain(self, timeout_s: float = 30) -> list[tuple[Header, bytes]]:
        """All frames until the end of the stream."""
        frames = []
        try:
            while True:
                frames.append(self.next_frame(timeout_s))
        except Gone:
            return frames

    def write(self, data: bytes) -> None:
        assert self.process.stdin
        view = memoryview(data)
        while view:
            view = view[self.process.stdin.write(view) or 0 :]

    def send(self, header: Header, body: bytes = b"") -> None:
        self.write(encode(header, body))

    def next_frame(self, timeout_s: float = 60) -> tuple[Header, bytes]:
        end = time.monotonic() + timeout_s
        while not self._frames:
            data = self._read(max(0.0, end - time.monotonic()))
            self._frames += self._decoder.feed(data)
        return self._frames.pop(0)

    def add_module(self, name: str, source: str) -> None:
        """Makes ``source`` the module of that name."""
        self.send({"t": "source", "name": f"modules.{name}"}, zlib.compress(source.encode()))

    def offer(
        self,
        *tasks: Header,
        id: str | None = None,
        attempt: int = 1,
        deadline_s: float | None = None,
        check: bool = False,
        diff: bool = False,
    ) -> str:
        job = id or f"job-{os.getpid()}-{next(_numbers)}"
        self.send(
            {
                "t": "job",
                "id": job,
                "attempt": attempt,
                "deadline_s": deadline_s,
                "check": check,
                "diff": diff,
                "tasks": [complete(number, one) for number, one in enumerate(tasks, 1)],
            }
        )
        return job

    def run(
        self, *tasks: Header, blobs: Mapping[str, Path | bytes] | None = None, keep_uploads: bool = True, **options: Any
    ) -> Outcome:
        return self.finish(self.offer(*tasks, **options), blobs, keep_uploads)

    def finish(self, job: str, blobs: Mapping[str, Path | bytes] | None = None, keep_uploads: bool = True) -> Outcome:
        """Serves the job until it has finished; checks numbers and digest of its events."""
        digest, server = EventDigest(), BlobServer(self, blobs or {})
        outcome = Outcome([], "", False)
        while True:
            header, body = self.next_frame()
            assert header["t"] != "fault", header
            if header.get("job") != job:
                continue
            if header["t"] == "need":
                server.serve(job, header["digest"], header["credit"], more=header.get("more", False))
            elif header["t"] == "upload":
                self._take_upload(outcome, header, body, keep_uploads)
            elif header["kind"] == "finished":
                outcome.status = header["status"]
                outcome.digest_ok = header["count"] == digest.count and header["digest"] == digest.hexdigest()
                assert outcome.digest_ok
                return outcome
            else:
                digest.add(header_bytes(header))
                assert header["seq"] == digest.count
                outcome.events.append(header)

    def await_event(self, kind: str) -> Header:
        while True:
            header, _ = self.next_frame()
            if header.get("kind") == kind:
                return header

    def rss_bytes(self) -> int:
        return rss_bytes(self.process.pid)

    def _take_upload(self, outcome: Outcome, header: Header, body: bytes, keep: bool) -> None:
        outcome.uploaded_bytes += len(body)
        if keep:
            outcome.uploads.setdefault(header["stream"], bytearray()).extend(body)
        if not header["last"]:
            self.send({"t": "credit", "job": header["job"], "stream": header["stream"], "bytes": len(body)})

    def _await_marker(self, marker: str) -> None:
        seen = b""
        while True:
            seen += self._read(60)
            found = payload.parse_boot(seen, marker)
            if found:
                assert found.status == "ok", found
                self._frames += self._decoder.feed(found.rest)
                return

    def _read(self, timeout_s: float) -> bytes:
        assert self.process.stdout
        readable, _, _ = select.select([self.process.stdout], [], [], timeout_s)
        assert readable, f"the runtime said nothing for {timeout_s} s"
        data = os.read(self.process.stdout.fileno(), 1 << 18)
        if not data:
            raise Gone(self._last_words())
        return data

    def _last_words(self) -> str:
        assert self.process.stderr
        if not select.select([self.process.stderr], [], [], 0.2)[0]:
            return ""
        return os.read(self.process.stderr.fileno(), 65536).decode("utf-8", "replace")


class BlobServer:
    """Sends what is asked for, within the credit given."""

    def __init__(self, runtime: Runtime, blobs: Mapping[str, Path | bytes]) -> None:
        self._runtime = runtime
        self._blobs = blobs
        self._open: dict[str, tuple[Any, int, int]] = {}

    def serve(self, job: str, digest: str, credit: int, more: bool) -> None:
        if more and digest not in self._open:
            return
        if digest not in self._blobs:
            self._runtime.send({"t": "blob_error", "job": job, "digest": digest, "message": "the source vanished"})
            return
        stream, offset, left = self._open.pop(digest, (None, 0, 0))
        left += credit
        assert left <= WINDOW_BYTES
        stream = stream or self._source(digest)
        last = False
        while left > 0 and not last:
            data = stream.read(min(left, CHUNK_BYTES))
            last = len(data) < CHUNK_BYTES
            self._runtime.send({"t": "blob", "job": job, "digest": digest, "offset": offset, "last": last}, data)
            offset, left = offset + len(data), left - len(data)
        if not last:
            self._open[digest] = (stream, offset, left)

    def _source(self, digest: str) -> Any:
        import io

        source = self._blobs[digest]
        return io.BytesIO(source) if isinstance(source, bytes) else open(source, "rb")


def complete(number: int, task: Header) -> Header:
    """A task with every field of the wire."""
    default = {
        "id": f"t{number}",
        "args": {},
        "become": None,
        "environment": {},
        "timeout_s": None,
        "retry_safe": True,
        "receipt": False,
        "no_log": False,
        "continue_on_failure": False,
        "cwd": None,
    }
    return {**default, **task}


def task(module: str, /, _args: Header | None = None, **fields: Any) -> Header:
    return {"module": module, "args": _args or {}, **fields}


def blob_ref(data: bytes) -> Header:
    return {"blob": hashlib.sha256(data).hexdigest(), "size": len(data)}


def rss_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def processes_with(text: str) -> list[int]:
    """Every living process whose command line holds ``text``."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if text.encode() in (entry / "cmdline").read_bytes() and " Z " not in (entry / "stat").read_text():
                    found.append(int(entry.name))
            except (FileNotFoundError, ProcessLookupError):
                continue
    return found
