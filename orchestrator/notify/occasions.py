"""What people are told about, and the words for it: pure. Whatever a host said is data: escaped, and cut to length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

RUN_FAILED, RUN_RECOVERED, RUN_SUCCEEDED, RUN_INTERRUPTED = (
    "run_failed", "run_recovered", "run_succeeded", "run_interrupted")
HOST_LOST, HOST_BACK = "host_lost", "host_back"
DRIFT, DRIFT_OVER = "drift", "drift_over"
SCHEDULE_MISSED, SCHEDULE_KEPT, SCHEDULE_STOPPED = "schedule_missed", "schedule_kept", "schedule_stopped"
AGENTLET_LOST, AGENTLET_BACK = "agentlet_lost", "agentlet_back"
BACKUP_OVERDUE, BACKUP_KEPT = "backup_overdue", "backup_kept"
TEST = "test"

OCCASIONS: Mapping[str, str] = {
    RUN_FAILED: "A run failed, or hosts of it were not reached",
    RUN_RECOVERED: "A run went well whose last one had not",
    RUN_SUCCEEDED: "A run went well",
    RUN_INTERRUPTED: "A run was cut off",
    HOST_LOST: "A host was not reached, or fell silent in a run",
    HOST_BACK: "A host that was lost is there again",
    DRIFT: "A host is not as its playbooks say",
    DRIFT_OVER: "A host that had drifted is as its playbooks say",
    SCHEDULE_MISSED: "A scheduled run did not start in time",
    SCHEDULE_KEPT: "A schedule that was missed is kept again",
    SCHEDULE_STOPPED: "A schedule cannot go on, and stopped",
    AGENTLET_LOST: "An agentlet does not call any more",
    AGENTLET_BACK: "An agentlet that was lost calls again",
    BACKUP_OVERDUE: "A backup is older than it may be",
    BACKUP_KEPT: "A backup that was overdue has been made",
    TEST: "A test, asked for by hand",
}
"""`TEST` goes to one channel by its own; all others are subscribed to."""
SUBSCRIBED = tuple(name for name in OCCASIONS if name != TEST)
GOOD = frozenset({RUN_RECOVERED, RUN_SUCCEEDED, HOST_BACK, DRIFT_OVER, SCHEDULE_KEPT, AGENTLET_BACK, BACKUP_KEPT, TEST})

LONGEST_SUBJECT, LONGEST_MESSAGE, LONGEST_LINE = 150, 4_000, 300
MOST_LINES = 10


class Notice(Struct):
    """One thing to be told. ``subject`` says whom or what it is about, ``title`` what happened, each in a line."""

    occasion: str
    subject: str
    title: str
    lines: tuple[str, ...] = ()
    run_id: str | None = None
    schedule_id: str | None = None

    def payload(self, at: str, url: str = "") -> dict[str, Any]:
        """What is stored and sent: bounded, and free of control characters."""
        link = f"{url}/runs/{self.run_id}" if url and self.run_id else url
        return {"occasion": self.occasion, "good": self.occasion in GOOD, "subject": one_line(self.subject),
                "title": one_line(self.title), "lines": bounded_lines(self.lines), "at": at, "run_id": self.run_id,
                "schedule_id": self.schedule_id, "url": link}


def named(hosts: Sequence[str]) -> str:
    """Whom a notice about several hosts is about: ``web1``, ``web1 and 16 more``."""
    return hosts[0] if len(hosts) == 1 else f"{hosts[0]} and {len(hosts) - 1} more"


def one_line(text: str, longest: int = LONGEST_SUBJECT) -> str:
    """Without control characters, line breaks and marks that turn text around; cut to length."""
    plain = "".join(one if one.isprintable() else " " for one in str(text))
    plain = " ".join(plain.split())
    return plain if len(plain) <= longest else plain[:longest - 1] + "…"


def bounded_lines(lines: Sequence[str]) -> list[str]:
    kept = [one_line(line, LONGEST_LINE) for line in lines[:MOST_LINES]]
    if len(lines) > MOST_LINES:
        kept.append(f"and {len(lines) - MOST_LINES} more")
    return kept


def text_of(payload: Mapping[str, Any]) -> str:
    """The message in plain text."""
    parts = [str(payload["title"]), "", *(f"  {line}" for line in payload["lines"])]
    parts += ["", f"When: {payload['at']}"]
    if payload.get("run_id"):
        parts.append(f"Run: {payload['run_id']}")
    if payload.get("url"):
        parts.append(f"More: {payload['url']}")
    return "\n".join(parts)[:LONGEST_MESSAGE] + "\n"


def slack_of(payload: Mapping[str, Any]) -> dict[str, Any]:
    """As Slack's incoming webhooks take it, and Mattermost, Rocket.Chat, Zulip with them.

    ``&``, ``<`` and ``>`` are escaped as Slack's documentation asks: nobody's host name calls a channel together or
    links away.
    """
    mark = ":white_check_mark:" if payload["good"] else ":warning:"
    lines = [f"{mark} *{slack_escape(str(payload['title']))}*"]
    lines += [f"> {slack_escape(str(line))}" for line in payload["lines"]]
    if payload.get("url"):
        lines.append(f"<{slack_escape(str(payload['url']))}|more>")
    return {"text": "\n".join(lines)[:LONGEST_MESSAGE], "unfurl_links": False, "link_names": 0}


def slack_escape(text: str) -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for mark in "*_~`":  # a zero-width joiner before it, and it formats nothing
        escaped = escaped.replace(mark, "\u2060" + mark)
    return escaped
