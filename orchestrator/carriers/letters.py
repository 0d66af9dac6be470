"""A job as it is left in the mailbox: complete in itself, since nobody may be there when the host calls for it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from orchestrator.carriers.base import BlobSource, Job, Settings
from orchestrator.errors import TaskFault

if TYPE_CHECKING:
    from orchestrator.agents.envelope import Envelope


class Letter(Struct):
    """The envelope, and the files that it names by their SHA-256."""

    envelope: Envelope
    blobs: dict[str, str | os.PathLike[str] | bytes]


def letter_for(job: Job, host: str, settings: Settings, blobs: BlobSource, secrets: Mapping[str, str]) -> Letter:
    """Reads the sources of the job's modules and the sizes of its files. Raises `TaskFault`."""
    from orchestrator.agents.envelope import Envelope

    files: dict[str, str | os.PathLike[str] | bytes] = dict(blobs)
    sources: list[tuple[str, str, int]] = []
    for dotted, text in _sources(job, settings).items():
        data = text.encode("utf-8", "surrogateescape")
        digest = sha256(data).hexdigest()
        sources.append((dotted, digest, len(data)))
        files[digest] = data
    envelope = Envelope(
        host=host, run=settings.run_id, job=job.id, tasks=job.tasks, attempt=job.attempt, priority=settings.priority,
        deadline_s=job.deadline_s, check=job.check, diff=job.diff, sources=sources,
        blobs=[(digest, _size(source)) for digest, source in files.items()],
        secrets={name: secrets[name] for name in _secret_names(job.tasks) if name in secrets},
    )
    return Letter(envelope, files)


def _sources(job: Job, settings: Settings) -> dict[str, str]:
    """Dotted name -> source of every module that the tasks need, in the order of import."""
    found: dict[str, str] = {}
    for task in job.tasks:
        for module in ("async_status", task["module"]) if task.get("detach") else (task["module"],):
            try:
                found = dict(settings.sources(module)) | found
            except (KeyError, OSError) as exc:
                raise TaskFault(f"the source of module {module!r} cannot be read: {exc}", code="module_source") from exc
    return found


def _size(source: str | os.PathLike[str] | bytes) -> int:
    if isinstance(source, bytes):
        return len(source)
    try:
        return os.stat(source).st_size
    except OSError as exc:
        raise TaskFault(f"{os.fspath(source)} cannot be read: {exc.strerror or exc}", code="unreadable") from exc


def _secret_names(tasks: list[dict[str, Any]]) -> set[str]:
    return {task["become"]["secret"] for task in tasks if task.get("become") and task["become"].get("secret")}
