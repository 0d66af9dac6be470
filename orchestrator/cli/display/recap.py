"""The recap of a run as a table: what went wrong first; hosts that fared alike share a row when there are many."""

from __future__ import annotations

from collections.abc import Mapping

from rich.table import Table
from rich.text import Text

from orchestrator.cli.display.safe import one_line
from orchestrator.cli.display.styles import STYLES, named
from orchestrator.events import HostRecap

ALWAYS = ("ok", "changed", "failed")
MANY = 24
"""More hosts than this do not get a row each."""


def recap_table(recap: Mapping[str, HostRecap]) -> Table:
    """Columns in the order of a play recap; those that Ansible has and nobody has counts in are left out."""
    columns = [name for name in ("ok", "changed", "unreachable", "failed", "skipped", "rescued", "ignored",
                                 "interrupted", "cancelled", "lost")
               if name in ALWAYS or any(getattr(line, name) for line in recap.values())]
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("host", overflow="fold")
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    for hosts, line in _rows(recap):
        bad = is_bad(line)
        names = named([one_line(host) for host in hosts], 3)
        count = f"  ({len(hosts)} hosts)" if len(hosts) > 4 else ""
        cells = [Text(str(getattr(line, name)), STYLES[name] if getattr(line, name) else "dim") for name in columns]
        table.add_row(Text(f"{'✗' if bad else '✓'} {names}{count}", "bold red" if bad else "green"), *cells)
    return table


def is_bad(line: HostRecap) -> bool:
    return bool(line.failed or line.unreachable)


def _rows(recap: Mapping[str, HostRecap]) -> list[tuple[list[str], HostRecap]]:
    ordered = sorted(recap.items(), key=lambda pair: not is_bad(pair[1]))
    if len(ordered) <= MANY:
        return [([host], line) for host, line in ordered]
    groups: list[tuple[list[str], HostRecap]] = []
    for host, line in ordered:
        alike = next((hosts for hosts, other in groups if other == line), None)
        if alike is None:
            groups.append(([host], line))
        else:
            alike.append(host)
    return groups
