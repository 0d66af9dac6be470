"""Reports a job that does not run here, as a failed result of its first task, without keeping anything on disk."""

import time

from agentlet.pull import plan
from agentlet.wire import EventDigest, header_bytes


def report(gateway, job, attempt, key, envelope, refused):
    """Start, one event, finish: the run ends with the reason, rather than with a lease. Raises as `Gateway` does."""
    digest, heads = EventDigest(), []
    task = _first_task(envelope)
    if task is not None:
        event = plan.refused_result({"id": task}, refused, time.time())
        heads.append(header_bytes(dict(event, t="event", job=job, attempt=attempt, seq=1)))
        digest.add(heads[0])
    gateway.start(job, attempt, key)
    if heads:
        gateway.add_events(job, attempt, 1, [head.decode("ascii") for head in heads], key)
    gateway.finish(job, attempt, "failed", digest.count, digest.hexdigest(), 0, key)


def _first_task(envelope):
    """The id of the first task, of an envelope that is not believed."""
    tasks = envelope.get("tasks")
    first = tasks[0] if isinstance(tasks, list) and tasks else None
    name = first.get("id") if isinstance(first, dict) else None
    return name if isinstance(name, str) else None
