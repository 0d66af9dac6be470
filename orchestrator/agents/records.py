"""What the desk gives and takes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct, field

ACTIVE, REVOKED, REMOVED = "active", "revoked", "removed"
TLS, TOKEN = "tls", "token"


class Agent(Struct):
    """An enrolled agentlet, as its row says. What came from the host (facts, platform, version) is data."""

    id: str
    host: str
    state: str
    machine_id: str
    instance_id: str
    mode: str
    """``tls``: it has a certificate; ``token``: it signs its requests."""
    version: str
    platform: str
    clone_of: str | None
    note: str
    seal: str
    generation: int
    """Of its keys: what it has shown to have."""
    next_generation: int | None
    """Handed out and not used yet."""
    protocol: int
    interval_s: int
    ring: int | None
    config: int
    """Counts up when something changed that it should ask for."""
    python: list[int]
    labels: dict[str, Any]
    renew: bool
    enrolled: datetime
    last_seen: datetime | None
    recovery_asked: datetime | None
    recovery_approved: datetime | None


class Invitation(Struct, frozen=True):
    id: str
    token: str
    """Shown once; the store has only a keyed hash of it."""
    host: str
    expires: datetime


class Enrolled(Struct, frozen=True):
    """An identity as it is handed over, once."""

    agent_id: str
    host: str
    certificate: str | None
    ca: str
    token: str
    job_key: str
    config: dict[str, Any]


class Offer(Struct, frozen=True):
    job: str
    attempt: int
    priority: int


class Held(Struct, frozen=True, array_like=True):
    """An attempt that an agentlet says it has: a list of two or three on the wire."""

    job: str
    attempt: int
    key: str = ""
    """What it claimed or resumed it with; a copy of the host has another one."""


class Claimed(Struct, frozen=True):
    envelope: str
    signature: str
    lease_s: int


class Orders(Struct):
    """What rides in every answer to an agentlet."""

    cancel: list[str] = field(default_factory=list)
    """Jobs it holds and should end."""
    gone: list[str] = field(default_factory=list)
    """Jobs it named of which nothing more is wanted: what runs may be ended, what is spooled may go."""
    config: int = 0
    update: str | None = None
    renew: bool = False


class Stored(Struct, frozen=True):
    """A finish was accepted; the agentlet may delete what it spooled."""

    state: str


class Incomplete(Struct, frozen=True):
    """A finish came before all events: send them from ``next_seq`` on, then finish again."""

    next_seq: int


class JobState(Struct):
    """A job as the carrier sees it."""

    job: str
    agent_id: str
    host: str
    run_id: str
    state: str
    attempt: int
    next_seq: int
    status: str | None
    event_count: int | None
    digest_ok: bool
    evicted: int
    """Log and progress events that the host had to drop before it could send them."""
    cancel: bool
    acked: bool
    expires: datetime
    offer_after: datetime | None
    """When a lost attempt is offered again as a new one; None: it is not."""
    reoffers: int


class Timing(Struct, frozen=True):
    """Seconds. `check` says whether they fit together."""

    lease_s: int = 600
    """What an agentlet is told: renew before this is over."""
    watchdog_s: int = 720
    """Of silence, after which a started attempt is lost; longer than the lease, for the renewal that is under way."""
    grace_s: int = 180
    """How long after that an agentlet may still take its attempt up again."""
    interval_s: int = 30
    offline_s: int = 300
    overdue_s: int = 86_400
    poll_wait_s: int = 45
    heartbeat_s: int = 60
    max_jobs: int = 2
    keep_jobs_s: int = 7 * 86_400
    keep_logs_s: int = 14 * 86_400
    keep_certificates_s: int = 400 * 86_400
    signature_window_s: int = 300

    def check(self) -> None:
        """Raises `ValueError` when a number makes another meaningless."""
        if not self.heartbeat_s * 2 < self.lease_s <= self.watchdog_s:
            raise ValueError("a lease must outlast two heartbeats, and the watchdog the lease")
        if not self.grace_s < self.watchdog_s:
            raise ValueError("the grace must be shorter than the watchdog")
        if not 5 <= self.interval_s <= 900:
            raise ValueError("the interval must be between 5 s and 15 min")
