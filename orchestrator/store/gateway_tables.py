"""The tables of the gateway's own upkeep: what several server processes must know of each other, and of agentlets."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index
from sqlmodel import Field

from orchestrator.store.tables import BIG_ID, HostText, Table, UtcDateTime


class NonceRow(Table, table=True):
    """A signed request that was heard: the digest of its agentlet and nonce. It is refused until it is too old."""

    __tablename__ = "nonces"
    __table_args__ = (Index(None, "expires"),)

    digest: str = Field(primary_key=True, sa_type=HostText)
    expires: datetime = Field(sa_type=UtcDateTime)


class ServerRow(Table, table=True):
    """An `orch serve` that runs: where agentlets reach it. Gone when it has ended in order."""

    __tablename__ = "servers"

    id: str = Field(primary_key=True, sa_type=HostText)
    machine: str = Field(sa_type=HostText)
    pid: int
    born: str = Field(sa_type=HostText)
    url: str = Field(sa_type=HostText)
    behind_proxy: bool
    started: datetime = Field(sa_type=UtcDateTime)
    heartbeat: datetime = Field(sa_type=UtcDateTime)


class AgentStatsRow(Table, table=True):
    """What an agentlet said last of itself and its host."""

    __tablename__ = "agent_stats"

    agent_id: str = Field(primary_key=True, foreign_key="agents.id", ondelete="CASCADE", sa_type=HostText)
    at: datetime = Field(sa_type=UtcDateTime)
    stats: dict[str, Any] = Field(sa_type=JSON, nullable=False)


class RolloutRow(Table, table=True):
    """How far the agentlets' update is let: the newest row holds, the others are how it came to that."""

    __tablename__ = "rollouts"

    id: int | None = Field(default=None, primary_key=True, sa_type=BIG_ID)
    ring: int
    version: str | None = Field(sa_type=HostText)
    paused: bool
    by: str = Field(sa_type=HostText)
    at: datetime = Field(sa_type=UtcDateTime)
