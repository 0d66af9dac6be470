"""Whether a host's line may come from an earlier run, and may go to a later one."""

from __future__ import annotations

from typing import cast

from orchestrator.carriers.base import Settings
from orchestrator.carriers.host_trust import HostTrust
from orchestrator.carriers.kept.line import KeptLine, Line
from orchestrator.carriers.kept.lines import Offer
from orchestrator.carriers.kept.naming import line_name
from orchestrator.carriers.ssh_dial import Owner
from orchestrator.carriers.ssh_plan import SshPlan
from orchestrator.carriers.target import Target
from orchestrator.security.ssh_library import asyncssh


class Lender:
    """Decides for one target. Not for a login with a password, or a ProxyCommand, whose process belongs to the run
    that started it."""

    def __init__(self, target: Target, settings: Settings) -> None:
        self._target = target
        self._settings = settings

    async def find(self, plan: SshPlan) -> KeptLine | None:
        """The line that an earlier run left; None when there is none, or it may not be used."""
        kept = self._settings.kept
        if kept is None or not kept.names or not self._idle_s(plan):
            return None
        return await kept.find(self._name(plan))

    def take(self, line: Line, plan: SshPlan) -> bool:
        """Keep a line that is as good as new. False when it is not to be kept: then it is to be closed."""
        if line.is_closed():
            return False
        if isinstance(line, KeptLine):
            line.leave()
            return True
        kept, idle_s = self._settings.kept, self._idle_s(plan)
        connection = cast(asyncssh.SSHClientConnection, line)
        owner = connection.get_owner()
        name = self._name(plan) if kept and idle_s else None
        if kept is None or name is None or not isinstance(owner, Owner):
            return False
        owner.release()
        return kept.offer(Offer(name, connection, plan.jumps, idle_s))

    def _idle_s(self, plan: SshPlan) -> float:
        if self._target.password is not None or plan.proxy_command:
            return 0.0
        return self._settings.persist_s if plan.persist_s is None else plan.persist_s

    def _name(self, plan: SshPlan) -> str:
        trust = HostTrust(self._target.name, plan, self._target.host_fingerprints, self._settings)
        return line_name(plan, trust, self._settings)
