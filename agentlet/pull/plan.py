"""What is left to do of a job: pure. The runtime is given runs of tasks; what may not run gets its result from here."""

ENDS_JOB = ("failed", "interrupted", "cancelled")
NOT_AGAIN = "not_again"
"""The code of what the root helper says of a task that had begun; the agentlet knows why, and says that instead."""


class Refused(object):
    """A task that this host does not run: ``code`` and ``message`` of its result."""

    def __init__(self, code, message, hint=None):
        self.code = code
        self.message = message
        self.hint = hint


def become_user(task):
    """Whom a task runs as that asks for another user; None for one that does not."""
    become = task.get("become")
    return (become.get("user") or "root") if become else None


def remaining(tasks, results, refusal):
    """``[(tasks, None) | ([task], Refused)]`` in order: what to run, and what to refuse.

    ``results``: status by id of the tasks that are done. ``refusal(task)`` is a `Refused` or None. What follows an
    ending failure is left out.
    """
    parts = []
    for task in tasks:
        if task["id"] in results:
            if results[task["id"]] in ENDS_JOB and not task.get("continue_on_failure"):
                return []
            continue
        refused = refusal(task)
        if refused is not None:
            parts.append(([task], refused))
            if not task.get("continue_on_failure"):
                return parts
        elif parts and parts[-1][1] is None:
            parts[-1][0].append(task)
        else:
            parts.append(([task], None))
    return parts


def status_of(results):
    """What a job has come to whose tasks ended so; ``interrupted`` when of one of them nobody knows the end."""
    if "interrupted" in results.values():
        return "interrupted"
    return "failed" if any(status in ENDS_JOB for status in results.values()) else "ok"


def refused_result(task, refused, now):
    """The result of a task that was refused, as the runtime would have written it."""
    return {"kind": "result", "task": task["id"], "status": "failed", "values": {"msg": refused.message}, "diff": [],
            "warnings": [],
            "error": {"code": refused.code, "message": refused.message, "hint": refused.hint}, "started": now,
            "duration_s": 0.0, "replayed": False}


def result_of_begun(task, is_uncertain, refused, now):
    """The result of a task that had begun when its runtime was lost, unless the receipts know better; None: it runs.

    ``is_uncertain``: it must not run twice. ``refused``: why it would not be run again, or None.
    """
    if is_uncertain:
        refused = Refused("interrupted", "This task had begun when its runtime was lost, and left no result: it may "
                          "have run in part", "Look at the host; with retry_safe: true on the task it is run again")
    if refused is None:
        return None
    return dict(refused_result(task, refused, now), status="interrupted" if is_uncertain else "failed")
