"""Files of jobs, as the gateway gives and takes them: to a host by their digest, from a host by the stream's name."""

from __future__ import annotations

import json
from typing import Any

from orchestrator.agents.blobs import PART_BYTES, insert_part, parts
from orchestrator.agents.identity import Caller
from orchestrator.agents.jobs import Jobs
from orchestrator.agents.office import Office
from orchestrator.agents.rows import UPLOAD, JobBlobRow
from orchestrator.agents.states import Event as JobEvent
from orchestrator.agents.states import State, after
from orchestrator.refusals import Malformed, NotFound, Refused, Rewind

LARGEST_CHUNK = 1024 * 1024
LARGEST_UPLOADS = 4 * 1024 * 1024 * 1024
"""Of one job, in all."""
STREAM_CHARS = 256


class Files:
    """What a host may read and write of them."""

    def __init__(self, office: Office, jobs: Jobs) -> None:
        self._office = office
        self._jobs = jobs

    def blob(self, caller: Caller, digest: str, offset: int, size: int) -> bytes:
        """Bytes of a file that a job needs which this agentlet holds; fewer at the file's end. `NotFound` otherwise."""
        if offset < 0 or not 0 < size <= LARGEST_CHUNK:
            raise Malformed(f"1 to {LARGEST_CHUNK} bytes are read at a time", code="range")
        office, name = self._office, self._office.blob_name(digest)
        rows = office.database.select(
            'SELECT b."size", j."id", j."seal" FROM mailbox_job_blobs b JOIN mailbox_jobs j ON j."id" = b."job_id"'
            ' WHERE b."name" = ? AND j."agent_id" = ? AND j."state" IN (?, ?, ?)',
            (name, caller.agent.id, State.CLAIMED.value, State.STARTED.value, State.LOST.value))
        sizes = [int(found) for found, job, seal in rows if seal == office.job_seal(str(job), caller.agent.host)]
        if not sizes:
            raise NotFound("no job of this agentlet needs such a file", code="blob_unknown", hint="drop this attempt")
        end = min(offset + size, sizes[0])
        if offset >= end:
            return b""
        first, last = offset // PART_BYTES, (end - 1) // PART_BYTES
        data = b"".join(parts(office, name, first, last))
        return data[offset - first * PART_BYTES:end - first * PART_BYTES]

    def put_upload(self, caller: Caller, job: str, attempt: int, stream: str, offset: int, last: bool, data: bytes,
                   meta: dict[str, Any] | None = None, key: str = "") -> int:
        """Append to a file from the host; returns its size so far. `Rewind` (in bytes) when something is missing.

        ``meta``: what the host says of it (path, mode, size); taken from the first chunk. ``key``: as for events.
        """
        if not 0 < len(stream) <= STREAM_CHARS or offset < 0 or len(data) > LARGEST_CHUNK:
            raise Malformed(f"a chunk has {LARGEST_CHUNK} bytes at most", code="upload")
        office = self._office
        name = office.upload_name(job, attempt, stream)
        with office.database.transaction():
            row = self._jobs.held(caller, job, attempt, key)
            after(State(row.state), JobEvent.REPORT)
            known = office.job_blobs.find('"job_id" = ? AND "name" = ?', job, name)
            size = known.size if known else 0
            new = data[max(size - offset, 0):] if offset <= size else b""
            if offset > size:
                raise Rewind(size)
            if known is not None and known.complete:
                return size
            self._refuse_too_much(job, len(new))
            if known is None:
                known = JobBlobRow(job, name, UPLOAD, 0, 0, False, office.master.seal(
                    json.dumps(meta or {}).encode(), f"upload:{name}"))
                office.job_blobs.insert({f: getattr(known, f) for f in JobBlobRow.__struct_fields__})
            if new:
                insert_part(office, name, known.parts, new)
            office.job_blobs.change(
                {"size": size + len(new), "parts": known.parts + bool(new), "complete": last},
                '"job_id" = ? AND "name" = ?', job, name)
            office.database.notify(job)
            return size + len(new)

    def _refuse_too_much(self, job: str, more: int) -> None:
        rows = self._office.database.select(
            'SELECT sum("size") FROM mailbox_job_blobs WHERE "job_id" = ? AND "kind" = ?', (job, UPLOAD))
        if int(rows[0][0] or 0) + more > LARGEST_UPLOADS:
            raise Refused("the job has sent too much", code="upload_size", hint="fetch fewer or smaller files")
