"""Task results to store: plain ones, and ones that databases choke on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from orchestrator.events import TaskResult

RUN = "20261121-0900-abcdef"
MOMENT = datetime(2026, 11, 21, 9, 0, 0, 123456, UTC)


def result(**changes: Any) -> TaskResult:
    fields: dict[str, Any] = {
        "run_id": RUN, "play_id": "p0", "play_name": "web servers", "task_id": "p0/tasks/3",
        "task_name": "install nginx", "task_origin": "site.yml:12:7",
        "module": "apt", "host": "web1", "status": "changed",
    }
    return TaskResult(**{**fields, **changes})


FULL = result(
    attempt=2, item_index=3, item_label="nginx", carrier="ssh", carrier_reason="ansible_connection is ssh",
    delegated_to="lb1", rescued=True, ignored=True, check_mode=True, no_log=True, handler=True, role="web",
    started=MOMENT, ended=MOMENT, duration_s=1.25, message="installed", error_code="code", hint="do this",
    values={"changed": True, "rc": 0, "nested": {"list": [1, 2.5, None, "x"]}},
    diff=[{"before": "a\n", "after": "b\n"}],
    warnings=["careful"], notified=["restart nginx"], path="inc/2", replayed=True,
    trail=("include_tasks at site.yml:3:5",),
)
AWKWARD_TEXT = {
    "surrogate": "not utf-8: \udcff\udc80", "nul": "a\x00b", "dle": "\x10 0010 \x100010", "emoji": "日本 🚀",
    "quotes": "'\"; DROP TABLE runs; --", "per-cent": "100%s ?", "newlines": "a\r\n\tb\x1b[31m", "empty": "",
    "high-surrogate": "\ud800", "long": "x" * 300_000,
}
