"""Rows of the tables of this room, without what is sealed in them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct

PENDING, SENDING, SENT, FAILED, DROPPED = "pending", "sending", "sent", "failed", "dropped"


class Channel(Struct):
    """``public`` is what may be shown of its settings; addresses with keys in them, keys and passwords are sealed."""

    id: str
    name: str
    kind: str
    created_by: str
    occasions: list[str]
    public: dict[str, Any]
    enabled: bool
    version: int
    created: datetime


class Delivery(Struct):
    id: int
    channel_id: str
    occasion: str
    subject: str
    run_id: str | None
    state: str
    """``pending``, ``sending``, ``sent``, ``failed`` (given up), ``dropped`` (too many, or told just now)."""
    error: str
    attempts: int
    created: datetime
    next_try: datetime | None
    sent: datetime | None


class Alert(Struct):
    """``closed`` is None while it is wrong."""

    id: int
    key: str
    kind: str
    subject: str
    message: str
    opened: datetime
    closed: datetime | None
