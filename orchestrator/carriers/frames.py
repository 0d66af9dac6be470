"""Frames as plain data: what the controller says to a runtime, and how the runtime's first answer is read."""

from __future__ import annotations

from typing import Any

from agentlet import wire
from orchestrator.carriers.base import HostInfo, Job, Settings
from orchestrator.errors import ProtocolError


def hello(host: str, settings: Settings) -> bytes:
    """The first frame, and from then on the sign of life."""
    header = {
        "t": "hello",
        "protocol": wire.PROTOCOL,
        "run": settings.run_id,
        "resumes": settings.resumes,
        "host": host,
        "keep_s": settings.keep_s,
        "memory_limit_bytes": settings.memory_limit_bytes,
    }
    return wire.encode(header)


def job(given: Job) -> bytes:
    header = {
        "t": "job",
        "id": given.id,
        "attempt": given.attempt,
        "deadline_s": given.deadline_s,
        "check": given.check,
        "diff": given.diff,
        "tasks": given.tasks,
    }
    return wire.encode(header)


def ack(job_id: str, attempt: int) -> bytes:
    return wire.encode({"t": "ack", "job": job_id, "attempt": attempt})


def host_info(header: dict[str, Any], banner: str) -> HostInfo:
    """The ready frame, with every field of the type it must have; `ProtocolError` when it lacks one."""
    python, receipts = header.get("python"), header.get("receipts")
    if not isinstance(python, list) or not all(isinstance(part, int) for part in python[:3]):
        raise ProtocolError("the ready frame names no Python version")
    try:
        info = HostInfo(
            protocol=int(header["protocol"]),
            python=tuple(python[:3]),
            platform=str(header["platform"]),
            pid=int(header["pid"]),
            user=str(header["user"]),
            uid=int(header["uid"]),
            home=str(header["home"]),
            receipts=None if receipts is None else str(receipts),
            time=float(header.get("time") or 0.0),
            executable=str(header.get("executable") or ""),
            banner=banner,
        )
    except (KeyError, TypeError, ValueError, OverflowError) as exc:
        raise ProtocolError(f"the ready frame is incomplete: {exc!r}") from None
    if info.protocol != wire.PROTOCOL:
        raise ProtocolError(f"the runtime speaks protocol {info.protocol}, not {wire.PROTOCOL}")
    return info
