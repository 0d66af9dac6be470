"""The columns of the gateway's tables, as in `orchestrator.store.gateway_tables`."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.store.kinds import columns

TABLES: Mapping[str, Mapping[str, str]] = {
    "nonces": columns("text: digest; time: expires"),
    "servers": columns("text: id machine born url; int: pid; bool: behind_proxy; time: started heartbeat"),
    "agent_stats": columns("text: agent_id; time: at; json: stats"),
    "rollouts": columns("int: ring; text: version by; bool: paused; time: at"),
}
NUMBERED = frozenset({"rollouts"})
