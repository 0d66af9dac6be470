"""Jobs as `orch run` posts them, and events as a host sends them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from orchestrator.agents.envelope import Envelope
from orchestrator.agents.opening import open_post
from orchestrator.agents.post import Post
from tests.api.gateway import Served


def posted(served: Served, job: str = "job-1", host: str = "web1", *, blobs: Mapping[str, bytes] | None = None,
           **fields: Any) -> Post:
    """A job in the mailbox, put there by another connection to the store."""
    post, _ = open_post(served.state, served.store_url)
    files = {hashlib.sha256(data).hexdigest(): data for data in (blobs or {}).values()}
    task = {"id": "t1", "module": "command", "args": {"cmd": "true"}}
    post.post(Envelope(host=host, run="run-1", job=job, tasks=[task], blobs=[(d, len(b)) for d, b in files.items()],
                       **fields), files)
    return post


def heads(job: str, count: int, first: int = 1) -> list[str]:
    return [json.dumps({"t": "event", "job": job, "attempt": 1, "seq": seq, "kind": "log", "task": "t1", "text": "x"})
            for seq in range(first, first + count)]


def digest(texts: list[str]) -> str:
    return hashlib.sha256("".join(texts).encode()).hexdigest()
