"""What a stopped run has left where: one sentence for all hosts that share it."""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.cli.display.safe import safe
from orchestrator.cli.display.styles import named
from orchestrator.events import RunEnded

HOSTS_NAMED = 20


def left_lines(ended: RunEnded) -> list[str]:
    """Sentences of ``RunEnded.left``, those that differ in the host alone put together.

    When tasks were cancelled and every host has confirmed that they are dead, that is said too.
    """
    lines = [f"{named(hosts, HOSTS_NAMED)}: {rest}" if rest else named(hosts) for rest, hosts in _by_rest(ended.left)]
    if any(line.cancelled for line in ended.recap.values()) and not any("did not confirm" in one for one in ended.left):
        lines.append("the cancelled tasks were ended: nothing of them runs on the hosts any more")
    return lines


def _by_rest(sentences: Iterable[str]) -> list[tuple[str, list[str]]]:
    found: dict[str, list[str]] = {}
    for sentence in sentences:
        host, colon, rest = safe(sentence).partition(": ")
        found.setdefault(rest if colon else "", []).append(host)
    return list(found.items())
