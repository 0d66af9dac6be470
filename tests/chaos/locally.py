"""The tasks of a round's job by the local carrier, and results as they can be compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from orchestrator.carriers.base import Job, Settings
from orchestrator.carriers.open import open_connection
from orchestrator.carriers.target import target_of
from tests.chaos.evidence import Evidence
from tests.chaos.work import Work

OF_TIME = frozenset({"start", "end", "delta", "seq", "job", "attempt", "started", "duration_s", "replayed", "t",
                     "stream"})


async def played_locally(evidence: Evidence, work: Work) -> list[dict[str, Any]]:
    """The events of the same tasks by the local carrier, in another folder."""
    folder = evidence.folder / "locally"
    folder.mkdir()
    (folder / "trace").touch()
    (folder / "trace.sh").write_bytes(evidence.kit.script.read_bytes())
    tasks = json.loads(json.dumps(work.job.tasks).replace(str(evidence.kit.folder), str(folder)))
    settings = Settings(run_id="local", state_dir=str(folder))
    connection = open_connection(target_of("local", {"ansible_connection": "local"}.get), settings)
    connection.set_secret("password", evidence.kit.canaries[1])
    events: list[dict[str, Any]] = []

    class Nowhere:
        def write(self, data: bytes) -> None: ...

        def close(self) -> None: ...

        def abort(self) -> None: ...

    try:
        await connection.open(30)
        await connection.run_job(Job(work.job.id + "-local", 1, tasks), events.append, dict(work.blobs),
                                 uploads=lambda *about: Nowhere())
        connection.ack(work.job.id + "-local", 1)
    finally:
        await connection.close()
    return events


def results_of(events: list[dict[str, Any]], folder: Path) -> list[Any]:
    """Results without what differs by time and place."""
    text = json.dumps([event for event in events if event["kind"] == "result"]).replace(str(folder), "FOLDER")
    return [_timeless(result) for result in json.loads(text)]


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _timeless(one) for name, one in value.items() if name not in OF_TIME}
    return value
