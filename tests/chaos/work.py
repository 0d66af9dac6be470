"""The jobs of a round: tasks that leave traces, move files both ways, and carry secrets."""

from __future__ import annotations

import hashlib
import random
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from orchestrator.carriers.base import Job

TRACE = """#!/bin/sh
# MARK SECONDS JOURNAL: writes when it begins and ends, and whether the host's journal knew of the job before.
known=no
for journal in $3; do
    if grep -q '"what":"started"' "$journal" 2>/dev/null; then known=yes; fi
done
echo "begin $1 $known" >> "$TRACE_FILE"
sleep "$2"
echo "end $1 $known" >> "$TRACE_FILE"
echo "out of $1"
"""


class Work(Struct, frozen=True):
    """One job, its files, and what is to be found on the host afterwards."""

    job: Job
    blobs: dict[str, bytes]
    copied: Path
    marks: tuple[str, ...]
    """Of its traced tasks, in order: in the argument lists of what they start, too."""


class Kit(Struct, frozen=True):
    """What all jobs of a round share."""

    folder: Path
    script: Path
    trace: Path
    canaries: tuple[str, ...]


def kit_in(folder: Path) -> Kit:
    folder.mkdir()
    script = folder / "trace.sh"
    script.write_text(TRACE)
    (folder / "trace").touch()
    return Kit(folder, script, folder / "trace", tuple(f"canary-{uuid.uuid4().hex}" for _ in range(3)))


def jobs_for(kit: Kit, count: int, seed: int, states: Sequence[Path], *, is_repeatable: bool,
             last_sleeps_s: float | None = None, tag: str = "") -> list[Work]:
    draw = random.Random(seed)
    made = []
    for number in range(1, count + 1):
        sleeps = last_sleeps_s if last_sleeps_s and number == count else draw.uniform(0.05, 0.7)
        made.append(_work(kit, f"{tag}{seed}-{number}-{uuid.uuid4().hex[:8]}", draw.randbytes(300_000), sleeps, states,
                          is_repeatable))
    return made


def traces(path: Path) -> list[tuple[str, str, bool]]:
    """(begin or end, mark, whether the journal knew of the job), in order; a line that is not whole yet is left."""
    lines = path.read_text().split("\n")[:-1]
    return [(what, mark, known == "yes") for what, mark, known in (line.split() for line in lines)]


def _work(kit: Kit, name: str, data: bytes, sleeps: float, states: Sequence[Path], is_repeatable: bool) -> Work:
    digest, copied = hashlib.sha256(data).hexdigest(), kit.folder / f"copied-{name}"
    key = hashlib.sha256(name.encode()).hexdigest()[:40]
    journals = " ".join(f"{state}/jobs/{key}-*/journal" for state in states)
    marks = (f"mark-{name}-a", f"mark-{name}-b")
    args, password, variable = kit.canaries

    def trace(mark: str, seconds: float) -> dict[str, Any]:
        command = f"sh {kit.script} {mark} {seconds:.3f} '{journals}'"
        return {"module": "shell", "args": {"_raw_params": command},
                "environment": {"TRACE_FILE": str(kit.trace), "EXTRA": variable}}

    tasks = [
        trace(marks[0], sleeps),
        {"module": "copy", "args": {"src": {"blob": digest, "size": len(data)}, "dest": str(copied)},
         "retry_safe": True},
        {"module": "copy", "args": {"content": args, "dest": str(kit.folder / f"secret-{name}")}, "no_log": True,
         "retry_safe": True, "become": {"method": "sudo", "user": "root", "secret": "password", "flags": None,
                                        "exe": None}},
        {"module": "fetch", "args": {"src": str(copied), "dest": "kept/"}, "retry_safe": True},
        trace(marks[1], 0.02),
    ]
    job = Job(name, 1, [_whole(number, task, is_repeatable) for number, task in enumerate(tasks, 1)], None)
    return Work(job, {digest: data}, copied, marks)


def _whole(number: int, task: dict[str, Any], is_repeatable: bool) -> dict[str, Any]:
    """With every field of the wire."""
    is_safe = bool(task.get("retry_safe")) or is_repeatable
    default: dict[str, Any] = {
        "id": f"t{number}", "become": None, "environment": {}, "check": False, "diff": False, "timeout_s": None,
        "no_log": False, "continue_on_failure": False, "cwd": None}
    return {**default, **task, "retry_safe": is_safe, "receipt": not is_safe}
