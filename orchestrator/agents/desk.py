"""The desk: all that the gateway and the command line ask of the mailbox. Synchronous, for one thread at a time.

Each call is one transaction. What it refuses is in the audit trail afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from orchestrator.agents.enrolment import Enrolment
from orchestrator.agents.files import Files
from orchestrator.agents.identity import Caller, Identity
from orchestrator.agents.invitations import Invitations
from orchestrator.agents.jobs import TWIN, Jobs
from orchestrator.agents.office import AuthoritySource, Clock, Office, utc_now
from orchestrator.agents.records import Timing
from orchestrator.agents.registry import Registry
from orchestrator.agents.results import Results
from orchestrator.agents.rollouts import Rollouts
from orchestrator.agents.servers import Servers
from orchestrator.agents.sweep import Sweep
from orchestrator.agents.vitals import VitalSigns
from orchestrator.refusals import Conflict, Refused, Rewind
from orchestrator.security.master import MasterKey
from orchestrator.store.database import Database

P = ParamSpec("P")
R = TypeVar("R")


class Desk:
    """The parts' docstrings say what each call guarantees; docs/interfaces.md lists them."""

    def __init__(self, database: Database, master: MasterKey, ca: AuthoritySource = None, clock: Clock = utc_now,
                 timing: Timing | None = None) -> None:
        self.office = office = Office(database, master, ca, clock, timing)
        self.timing = office.timing
        self.database = database
        self.registry = registry = Registry(office)
        self.invitations = invitations = Invitations(office)
        identity, enrolment = Identity(office), Enrolment(office, invitations, registry)
        self.rollouts, self.servers, self.vitals = Rollouts(office), Servers(office), VitalSigns(office)
        self.jobs = jobs = Jobs(office)
        results, files = Results(office, jobs), Files(office, jobs)

        self.invite = invitations.invite
        self.check_invitation = self._audited("install", invitations.check)
        self.enrol = self._audited("enrol", enrolment.enrol)
        self.identify_certificate = self._audited("identify", identity.by_certificate)
        self.identify_signature = self._audited("identify", identity.by_signature)
        self.renew = self._audited("renew", enrolment.renew)
        self.seen = identity.seen
        self.offers = jobs.offers
        self.due = jobs.due
        self.claim = self._audited("claim", jobs.claim)
        self.start = self._audited("start", jobs.start)
        self.resume = self._audited("resume", jobs.resume)
        self.heartbeat = self._audited("heartbeat", jobs.heartbeat)
        self.orders = jobs.orders
        self.add_events = self._audited("events", results.add_events)
        self.finish = self._audited("finish", results.finish)
        self.blob = self._audited("blob", files.blob)
        self.put_upload = self._audited("upload", files.put_upload)
        self.config = registry.config
        self.log = registry.log
        self.audit = office.audit.write
        self.refused = office.audit.refused
        self.sweep = Sweep(office, self._write).sweep
        self._identity = identity

    def close(self) -> None:
        """Write what is kept in memory: when agentlets were seen, what they said of themselves, counts of refusals."""
        self._write()
        self.office.audit.flush(all_of_them=True)

    def _write(self) -> None:
        self._identity.write_seen()
        self.vitals.write()
        self._identity.forget_nonces()

    def _audited(self, action: str, act: Callable[P, R]) -> Callable[P, R]:
        """``act``, whose refusals are written down, after its transaction was taken back."""
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return act(*args, **kwargs)
            except Refused as error:
                if isinstance(error, Conflict | Rewind) and error.code != TWIN:
                    raise  # ordinary words of the protocol
                caller = args[0] if args and isinstance(args[0], Caller) else None
                address = caller.address if caller else str(kwargs.get("address", ""))
                actor = caller.agent.id if caller else ""
                subject = str(args[1])[:80] if caller and len(args) > 1 else error.subject
                self.refused(actor, f"agent.{action}", subject, error.code, address)
                raise

        return call
