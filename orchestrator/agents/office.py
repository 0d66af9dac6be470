"""What the parts of the desk share: the store, the keys, the clock, the tables, the audit trail."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeAlias

from orchestrator.agents.records import Agent, Timing
from orchestrator.agents.rows import BlobRow, Certificate, EventsRow, InvitationRow, JobBlobRow, JobRow
from orchestrator.errors import UsageError
from orchestrator.security.master import MasterKey
from orchestrator.store.audit import Audit
from orchestrator.store.database import Database
from orchestrator.store.table import Table

if TYPE_CHECKING:
    from orchestrator.security.ca import CertificateAuthority

Clock = Callable[[], datetime]
AuthoritySource: TypeAlias = "CertificateAuthority | Callable[[], CertificateAuthority] | None"
"""Or how to get at it when it is needed: its library takes 60 ms to import."""


def utc_now() -> datetime:
    return datetime.now(UTC)


class Office:
    """Used from one thread at a time, as the store's connection is."""

    def __init__(self, database: Database, master: MasterKey, ca: AuthoritySource = None, clock: Clock = utc_now,
                 timing: Timing | None = None) -> None:
        self.database = database
        self.master = master
        self.clock = clock
        self.timing = timing or Timing()
        self.timing.check()
        self.audit = Audit(database, clock)
        self.agents = Table(database, "agents", Agent)
        self.certificates = Table(database, "agent_certificates", Certificate)
        self.invitations = Table(database, "invitations", InvitationRow)
        self.jobs = Table(database, "mailbox_jobs", JobRow)
        self.events = Table(database, "mailbox_events", EventsRow)
        self.blobs = Table(database, "mailbox_blobs", BlobRow)
        self.job_blobs = Table(database, "mailbox_job_blobs", JobBlobRow)
        self._ca = ca

    @property
    def ca(self) -> CertificateAuthority:
        if self._ca is None:
            raise UsageError("there is no certificate authority here", code="ca_missing", hint="orch ca init")
        if callable(self._ca):
            self._ca = self._ca()
        return self._ca

    # ---- what keys are made of

    def job_key(self, agent_id: str, generation: int) -> bytes:
        """Signs what this agentlet is handed."""
        return self.master.derive("job", agent_id, str(generation))

    def token(self, agent_id: str, generation: int) -> bytes:
        """By which this agentlet signs its requests."""
        return self.master.derive("token", agent_id, str(generation))

    # ---- what belongs together: who can write to the database alone cannot make these

    def agent_seal(self, agent_id: str, host: str) -> str:
        """An agentlet and its host."""
        return self.master.derive("agent", agent_id, host).hex()

    def certificate_seal(self, digest: str, agent_id: str, generation: int) -> str:
        """A certificate and whose it is."""
        return self.master.derive("certificate", digest, agent_id, str(generation)).hex()

    def job_seal(self, job_id: str, host: str) -> str:
        """A job and the host it is for."""
        return self.master.derive("mailbox", job_id, host).hex()

    def is_genuine(self, agent: Agent) -> bool:
        return agent.seal == self.agent_seal(agent.id, agent.host)

    # ---- what seals are for: a sealed value opens in its own place only

    @staticmethod
    def body_purpose(job_id: str) -> str:
        return f"job:{job_id}"

    @staticmethod
    def events_purpose(job_id: str, attempt: int, seq: int) -> str:
        return f"events:{job_id}:{attempt}:{seq}"

    @staticmethod
    def part_purpose(name: str, part: int) -> str:
        return f"file:{name}:{part}"

    def blob_name(self, digest: str) -> str:
        """Under which a file is stored: its digest alone would let a guess at its contents be checked."""
        return self.master.derive("blob", digest).hex()

    @staticmethod
    def upload_name(job_id: str, attempt: int, stream: str) -> str:
        return f"upload:{job_id}:{attempt}:{stream}"
