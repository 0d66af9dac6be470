"""Inventory sources that are no files but rows of the store.

``agentlets:`` is every host that is enrolled: with its labels, and what it said of itself. All are in the group
``agentlets``, and in one group for each label: ``site=berlin`` makes ``site_berlin``. ``managed:ID`` is an inventory
that is kept in the store. What either says is data, and never a template.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestrator.agents.records import Agent
    from orchestrator.engine.opening import Opening

SOURCE = "agentlets:"
MANAGED = "managed:"
GROUP = "agentlets"
_NOT_IN_NAMES = re.compile(r"\W")


def providers(sources: Sequence[str], environ: Mapping[str, str],
              store_url: str | None, opening: Opening | None = None) -> dict[str, Callable[[], dict[str, Any]]]:
    """What `inventory.load` asks for these, where they are among ``sources``. Raises `StoreError` when asked.

    ``opening``: what a server has given its run; None: the project's own master key opens what is sealed.
    """
    found: dict[str, Callable[[], dict[str, Any]]] = {
        source: partial(_managed, source.removeprefix(MANAGED), environ, store_url, opening)
        for source in sources if source.startswith(MANAGED)}

    def provide() -> dict[str, Any]:
        from orchestrator.agents.opening import open_post
        from orchestrator.store.state import state_dir

        post, database = open_post(Path(state_dir(environ=environ)), store_url or environ.get("ORCH_STORE"),
                                   opening.master if opening is not None else None)
        try:
            return as_groups([(agent, post.facts(agent)) for agent in post.agents()])
        finally:
            database.close()

    if SOURCE in sources:
        found[SOURCE] = provide
    return found


def is_provided(source: str) -> bool:
    """Whether a source is one of these."""
    return source == SOURCE or source.startswith(MANAGED)


def _managed(inventory_id: str, environ: Mapping[str, str], store_url: str | None,
             opening: Opening | None) -> dict[str, Any]:
    from orchestrator.engine.opening import FromFile
    from orchestrator.store.database import database_for
    from orchestrator.store.managed_inventory import read_managed
    from orchestrator.store.state import state_dir

    folder = Path(state_dir(environ=environ))
    database = database_for(store_url or environ.get("ORCH_STORE") or str(folder / "orch.db"))
    database.open()
    try:
        return read_managed(database, inventory_id, (opening or FromFile(folder, environ)).variables)
    finally:
        database.close()


def as_groups(agents: Sequence[tuple[Agent, Mapping[str, Any]]]) -> dict[str, Any]:
    """The mapping that an inventory script would print. Pure."""
    groups: dict[str, Any] = {GROUP: {"hosts": [agent.host for agent, _ in agents]}}
    variables: dict[str, Any] = {}
    for agent, facts in agents:
        variables[agent.host] = {
            "orch_carrier": "agentlet", "orch_labels": dict(agent.labels), "orch_agent_facts": dict(facts),
            "orch_agent": {"id": agent.id, "version": agent.version, "platform": agent.platform},
        }
        for label, value in agent.labels.items():
            name = _NOT_IN_NAMES.sub("_", f"{label}_{value}" if value not in ("", True) else label)
            groups.setdefault(name, {"hosts": []})["hosts"].append(agent.host)
    return {**groups, "_meta": {"hostvars": variables}}
