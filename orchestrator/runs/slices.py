"""A run in slices: its hosts divided, and what the slices came to put together again. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

Recap = dict[str, dict[str, int]]
WORST_FIRST = ("interrupted", "failed", "cancelled", "unreachable", "pending", "ok")


def split(hosts: Sequence[str], slices: int) -> list[list[str]]:
    """``hosts`` in ``slices`` parts whose sizes differ by one at most; fewer parts where there are fewer hosts.

    Hosts go round, as cards are dealt: neighbours in an inventory are often of one kind, and one kind is often slow.
    """
    count = max(1, min(slices, len(hosts)))
    return [list(hosts[number::count]) for number in range(count)]


def slice_id(run_id: str, number: int) -> str:
    return f"{run_id}.{number}"


def merged_status(statuses: Iterable[str]) -> str:
    """The run's status from its slices': the worst of them."""
    found = set(statuses)
    return next((status for status in WORST_FIRST if status in found), "ok")


def merged_recap(recaps: Iterable[Mapping[str, Mapping[str, int]]]) -> Recap:
    """Counts by host. A host that is in several (delegated to, say) has the sum."""
    merged: Recap = {}
    for recap in recaps:
        for host, line in recap.items():
            counts = merged.setdefault(host, {})
            for name, count in line.items():
                counts[name] = counts.get(name, 0) + int(count)
    return merged
