"""Running a program that may hang or never stop printing: a deadline, a bound on output, and no child left behind."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Sequence

from msgspec import Struct

MAX_STDERR = 64 * 1024
_CHUNK = 64 * 1024


class Ended(Struct, frozen=True):
    """``problem`` is None, or why the output does not count: what the program did, as a verb phrase."""

    returncode: int
    stdout: bytes
    stderr: bytes
    problem: str | None


def run_bounded(argv: Sequence[str], timeout_s: float, max_bytes: int) -> Ended:
    """Run ``argv`` without a shell. After the deadline or too much output its whole process group is killed."""
    try:
        process = subprocess.Popen(list(argv), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, start_new_session=True)
    except OSError as error:
        return Ended(-1, b"", b"", f"cannot be started ({error.strerror})")
    with process:
        try:
            out, err, problem = _read(process, time.monotonic() + timeout_s, timeout_s, max_bytes)
        finally:
            _kill_group(process)
        return Ended(process.wait(), out, err, problem)


def _read(
    process: subprocess.Popen[bytes], deadline: float, timeout_s: float, max_bytes: int
) -> tuple[bytes, bytes, str | None]:
    assert process.stdout is not None and process.stderr is not None
    out, err = bytearray(), bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ, out)
        selector.register(process.stderr, selectors.EVENT_READ, err)
        while selector.get_map():
            left = deadline - time.monotonic()
            ready = selector.select(left) if left > 0 else []
            if not ready:
                return bytes(out), bytes(err), f"did not end within {max(timeout_s, 0):.0f} s"
            for key, _ in ready:
                chunk = os.read(key.fd, _CHUNK)
                if not chunk:
                    selector.unregister(key.fileobj)
                key.data.extend(chunk)
                del err[:-MAX_STDERR]
            if len(out) > max_bytes:
                return b"", bytes(err), f"printed more than {max_bytes // 2**20} MiB"
    try:  # both ends closed: it is about to end, unless it only closed them
        process.wait(max(deadline - time.monotonic(), 0.1))
    except subprocess.TimeoutExpired:
        return bytes(out), bytes(err), f"did not end within {max(timeout_s, 0):.0f} s"
    return bytes(out), bytes(err), None


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Whatever the program left running in its group goes too."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
