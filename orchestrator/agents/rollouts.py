"""How far an update of the agentlets is let: to which ring, of which version, or paused. Kept in the store."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from orchestrator.agents.office import Office
from orchestrator.agents.records import Agent
from orchestrator.agents.releases import RINGS, ring_of, this_version
from orchestrator.errors import UsageError
from orchestrator.store.table import Table

LOOK_EVERY = timedelta(seconds=5)
STAGES = (0, *RINGS)


class Rollout(Struct, frozen=True):
    """``ring``: 0, 1, 10 or 100 per cent of the agentlets. ``version``: of that one alone; None: of any."""

    ring: int = 100
    version: str | None = None
    paused: bool = False
    by: str = ""
    at: datetime | None = None

    def tells(self, agent_id: str, chosen: int | None, version: str) -> bool:
        """Whether an agentlet is told of ``version`` now; ``chosen``: the ring that an operator put it into."""
        return not self.paused and self.version in (None, version) and ring_of(agent_id, chosen) <= self.ring


class Rollouts:
    """What is stored holds for every server on this store, within five seconds; ``otherwise`` until something is."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._table = Table(office.database, "rollouts", Rollout)
        self._looked: datetime | None = None
        self._known = Rollout()
        self.otherwise = Rollout()

    def stored(self) -> Rollout | None:
        """The newest that an operator has decided; looked up."""
        return self._table.find('1 = 1 ORDER BY "id" DESC')

    def now(self) -> Rollout:
        """What holds, as of five seconds ago at most."""
        now = self._office.clock()
        if self._looked is None or now - self._looked >= LOOK_EVERY:
            self._looked, self._known = now, self.stored() or self.otherwise
        return self._known

    def version_for(self, agent: Agent) -> str | None:
        """The version that an agentlet should have by now, as far as this server has one to give."""
        version = this_version()
        return version if self.now().tells(agent.id, agent.ring, version) else None

    def change(self, by: str, *, ring: int | None = None, version: str | None = None, any_version: bool = False,
               paused: bool | None = None) -> Rollout:
        """What is not given stays as it is. Raises `UsageError` for a ring that there is none of."""
        if ring is not None and ring not in STAGES:
            raise UsageError(f"there is no ring {ring}", code="ring", hint=f"one of {', '.join(map(str, STAGES))}")
        with self._office.database.transaction():
            old = self.stored() or self.otherwise
            new = replace(
                old, ring=old.ring if ring is None else ring, by=by, at=self._office.clock(),
                version=None if any_version else version or old.version,
                paused=old.paused if paused is None else paused)
            self._table.insert({name: getattr(new, name) for name in new.__struct_fields__})
            self._office.audit.write(by, "agent.rollout", "", ring=new.ring, version=new.version, paused=new.paused)
        self._looked = None
        return new
