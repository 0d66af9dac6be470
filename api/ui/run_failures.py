"""What ended the hosts that went wrong in a run: seen at once, without a search in the grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from orchestrator.access.rights import Identity
from orchestrator.runs.asking import Asking
from orchestrator.store.paging import PageRequest

SHOWN = 5
MOST_OF_MESSAGE, MOST_OF_OUTPUT = 300, 600
READ = PageRequest(200)


class Failure(Struct):
    """``text``: the result's message, and the end of what the task wrote."""

    status: str
    host: str
    task_id: str
    task_name: str
    text: str


class Failures(Struct):
    shown: list[Failure]
    more: int
    """Hosts that are not shown, among the run's first bad results."""


def failures(runs: Asking, me: Identity, run_id: str, hosts: Sequence[str]) -> Failures:
    """Of ``hosts``, those that a run ended badly for; what was cancelled is none of them."""
    if not hosts:
        return Failures([], 0)
    among, last = set(hosts), {}
    for line in runs.results(me, run_id, READ, status="bad").items:
        if line.host in among and line.item_index is None and not line.ignored and not line.rescued:
            last[line.host] = line  # it may have been tried again
    bad = [line for line in last.values() if line.status != "cancelled"]
    return Failures([Failure(line.status, line.host, line.task_id, line.task_name,
                             words(runs.result(me, run_id, line.id))) for line in bad[:SHOWN]], len(bad[SHOWN:]))


def words(result: Mapping[str, Any]) -> str:
    """The head of the message, and the tail of stderr, or of stdout where there is none. Pure."""
    message = str(result["message"]).strip()
    wrote = next((text for name in ("stderr", "module_stderr", "stdout")
                  if isinstance(text := result["values"].get(name), str) and text.strip()), "").strip()
    head = message if len(message) <= MOST_OF_MESSAGE else message[:MOST_OF_MESSAGE] + " …"
    tail = wrote if len(wrote) <= MOST_OF_OUTPUT else "… " + wrote[-MOST_OF_OUTPUT:]
    return "\n".join(part for part in (head, "" if tail in head else tail) if part)
