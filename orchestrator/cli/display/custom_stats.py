"""What ``set_stats`` collected, below the recap, in the shape of Ansible's default callback."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator.cli.display.safe import safe

RUN = "_run"


def lines(stats: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """A line for each host, then one for the run as a whole, a blank line before and after it."""
    for host in sorted(set(stats) - {RUN}):
        yield f"\t{safe(host)}: {_flat(stats[host])}"
    if RUN in stats:
        yield ""
        yield f"\tRUN: {_flat(stats[RUN])}"
    yield ""


def wanted() -> bool:
    """Whether ``ANSIBLE_SHOW_CUSTOM_STATS`` asks for them."""
    return os.environ.get("ANSIBLE_SHOW_CUSTOM_STATS", "").lower() in ("1", "yes", "true", "on", "y", "t")


def _flat(values: Mapping[str, Any]) -> str:
    text = json.dumps(values, indent=1, sort_keys=True, ensure_ascii=False, default=str)
    return safe(text.replace("\n", ""))
