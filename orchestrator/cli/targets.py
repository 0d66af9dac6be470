"""What can be said about a run's targets before it begins: a limit that leaves nobody, a start that does not exist."""

from __future__ import annotations

import difflib
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from orchestrator.errors import UsageError

if TYPE_CHECKING:
    from inventory import Inventory
    from orchestrator.engine.setup import Workbench
    from orchestrator.model import Playbook

INCLUDES = frozenset({"include_tasks", "include_role", "include"})


def check_targets(bench: Workbench) -> list[str]:
    """Raise `UsageError` for a limit or a ``--start-at-task`` that nothing matches; warn of an empty inventory.

    Returns what a limit's terms did not match: a run tells it with its plays, other commands print it themselves.
    """
    options = bench.options
    unmatched = _check_limit(bench.inventory, options.limit) if options.limit else []
    if bench.playbook is None:
        return unmatched
    if options.start_at_task is not None:
        _check_start(bench.playbook, options.start_at_task)
    local = all(play.hosts in ("localhost", ["localhost"]) for play in bench.playbook.plays)
    if not bench.inventory.hosts and not local:
        bench.warnings.append("there are no hosts in the inventory: only the implicit localhost, which 'all' does not "
                              "mean; give an inventory with -i")
    return unmatched


def _check_limit(inventory: Inventory, limit: str) -> list[str]:
    chosen = inventory.select("all", limit)
    if chosen.hosts or not inventory.hosts or inventory.select("localhost", limit).hosts:
        return chosen.warnings
    close = difflib.get_close_matches(limit, [*inventory.hosts, *inventory.groups], n=1)
    raise UsageError(f"no host of the inventory is within the limit {limit!r}",
                     hint=f"did you mean {close[0]!r}?" if close else "`orch inventory graph` shows hosts and groups")


def _check_start(playbook: Playbook, start: str) -> None:
    """What is included while the run goes on may still hold the task, so only a closed playbook can be refused."""
    from orchestrator.playbook.listing import task_title, walk

    tasks = [task for play in playbook.plays for section in play.sections for node in section for task in walk(node)]
    titles = [task_title(task) for task in tasks if not task.implicit]
    names = titles + [title.partition(" : ")[2] for title in titles if " : " in title]
    if any(name == start or fnmatchcase(name, start) for name in names) or any(t.action in INCLUDES for t in tasks):
        return
    close = difflib.get_close_matches(start, names, n=1)
    raise UsageError(f"there is no task {start!r} to start at",
                     hint=f"did you mean {close[0]!r}?" if close else "see --list-tasks")
