"""The one door to the carriers: a resolved target in, a connection out. A new carrier is one line here."""

from __future__ import annotations

import sys
from typing import NoReturn

from orchestrator.carriers.base import Connection, Settings
from orchestrator.carriers.target import Target
from orchestrator.errors import Unreachable


def open_connection(target: Target, settings: Settings) -> Connection:
    """The connection for ``target``, not opened yet: `Connection.open` or `Connection.raw` does that."""
    if target.carrier == "local":
        sys.audit("orch.local", target.name)
        from orchestrator.carriers.local import LocalConnection

        return LocalConnection(target, settings)
    if target.carrier == "mailbox":
        from orchestrator.carriers.mailbox import MailboxConnection

        return MailboxConnection(target, settings, settings.mailroom or _no_mailroom(target))
    if target.fallback and settings.mailroom is not None:
        from orchestrator.carriers.auto import AutoConnection

        return AutoConnection(target, settings, settings.mailroom)
    from orchestrator.carriers.ssh import SshConnection

    return SshConnection(target, settings)


def _no_mailroom(target: Target) -> NoReturn:
    raise Unreachable(f"{target.name} has no agentlet: none has been invited from here", code="agent_unknown",
                      hint=f"orch serve, then orch agents invite {target.name} prints the line that installs one")


async def close_shared(settings: Settings) -> None:
    """Close what connections had in common (jump hosts, the agent's socket) at the end of a run."""
    for closer in settings.shared.pop("closers", []):
        await closer()
    settings.shared.clear()
