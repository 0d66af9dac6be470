"""The one door to the carriers: a resolved target in, a connection out. A new carrier is one line here."""

from __future__ import annotations

from orchestrator.carriers.base import Connection, Settings
from orchestrator.carriers.target import Target


def open_connection(target: Target, settings: Settings) -> Connection:
    """The connection for ``target``, not opened yet: `Connection.open` or `Connection.raw` does that."""
    if target.carrier == "local":
        from orchestrator.carriers.local import LocalConnection

        return LocalConnection(target, settings)
    from orchestrator.carriers.ssh import SshConnection

    return SshConnection(target, settings)


async def close_shared(settings: Settings) -> None:
    """Close what connections had in common (jump hosts, the agent's socket) at the end of a run."""
    for closer in settings.shared.pop("closers", []):
        await closer()
    settings.shared.clear()
