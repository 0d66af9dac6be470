"""The courier: sends what the outbox holds. It never holds up whoever caused a message.

Any number of processes: a message is claimed in a transaction, for two minutes; who dies while sending leaves it to
the next one, so a message may come twice, with the same number. Not taken, it is tried again after longer and longer
pauses.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from orchestrator.notify import mail, webhook
from orchestrator.notify.alerts import Alerts
from orchestrator.notify.channels import Channels
from orchestrator.notify.kinds import PER_MINUTE
from orchestrator.notify.occasions import Notice, one_line
from orchestrator.notify.records import FAILED, PENDING, SENDING, SENT, Channel, Delivery
from orchestrator.notify.sending import NotSent
from orchestrator.refusals import NotFound, Refused
from orchestrator.store.books import Books

LEASE = timedelta(minutes=2)
PAUSES_S = (10, 60, 300, 900, 1_800, 3_600, 7_200)
"""Before the second, third … try; then it is given up, about four hours after the first."""
AT_ONCE = 20
MINUTE = timedelta(minutes=1)
OLDEST = timedelta(days=1)
"""No message is tried for longer."""
LOG = logging.getLogger("orch.notify")


class _Queued(Delivery):
    payload: dict[str, Any] = {}


class Sending(Struct, frozen=True):
    """How each kind goes out. ``allowed``: inner networks that the admin's settings open."""

    def send(self, channel: Channel, secret: Mapping[str, Any], delivery: Delivery, payload: Mapping[str, Any],
             allowed: Sequence[str]) -> None:
        """Raises `NotSent` or `Refused`."""
        if channel.kind == "mail":
            mail.send(delivery, payload, channel.public, secret)
        elif channel.kind == "slack":
            webhook.send_slack(payload, secret, allowed=allowed)
        elif channel.kind == "ping":
            webhook.send_ping(delivery, channel.public, secret, allowed=allowed)
        else:
            webhook.send(delivery, payload, secret, allowed=allowed)


class Courier:
    """``allowed``: gives the networks of the setting ``notify.allowed_networks``."""

    def __init__(self, books: Books, channels: Channels, alerts: Alerts,
                 allowed: Callable[[], Sequence[str]] = lambda: (), sending: Sending | None = None) -> None:
        self._books = books
        self._channels = channels
        self._alerts = alerts
        self._allowed = allowed
        self._sending = sending or Sending()
        self._queue = books.table("deliveries", _Queued)

    def send_due(self) -> int:
        """Send what is due now, one after the other; returns how many were tried."""
        claimed = self._claim()
        for delivery in claimed:
            self._send(delivery)
        return len(claimed)

    def next_try(self) -> datetime | None:
        """When there is something to do next."""
        found: datetime | None = self._queue.value(
            "next_try", '"state" IN (?, ?) AND "next_try" IS NOT NULL ORDER BY "next_try" LIMIT 1', PENDING, SENDING)
        return found

    def _claim(self) -> list[_Queued]:
        now = self._books.clock()
        with self._books.transaction():
            due = self._queue.all('"state" IN (?, ?) AND "next_try" <= ? ORDER BY "next_try", "id" LIMIT ?', PENDING,
                                  SENDING, now, AT_ONCE, lock=True)
            claimed = []
            room: dict[str, int] = {}
            for delivery in due:
                if delivery.attempts > len(PAUSES_S):  # each of its tries ended a process
                    self._queue.change({"state": FAILED, "next_try": None}, '"id" = ?', delivery.id)
                    continue
                left = room.setdefault(delivery.channel_id, self._room(delivery.channel_id, now))
                if left <= 0:
                    self._queue.change({"next_try": now + MINUTE / 2, "state": PENDING}, '"id" = ?', delivery.id)
                    continue
                room[delivery.channel_id] = left - 1
                self._queue.change({"state": SENDING, "next_try": now + LEASE, "attempts": delivery.attempts + 1},
                                   '"id" = ?', delivery.id)
                delivery.attempts += 1
                claimed.append(delivery)
        return claimed

    def _room(self, channel_id: str, now: datetime) -> int:
        """How many messages the channel takes now: so many in any minute."""
        try:
            channel, _ = self._channels.opened(channel_id)
        except NotFound:
            return 1
        sent = self._queue.count('"channel_id" = ? AND "created" > ? AND "sent" > ?', channel_id, now - OLDEST,
                                 now - MINUTE)
        return int(channel.public.get("per_minute", PER_MINUTE)) - sent

    def _send(self, delivery: _Queued) -> None:
        try:
            channel, secret = self._channels.opened(delivery.channel_id)
        except NotFound:
            return  # it was deleted, and its messages with it
        try:
            self._sending.send(channel, secret, delivery, delivery.payload, self._allowed())
        except NotSent as error:
            self._put_off(channel, delivery, error.message, error.is_final)
        except Refused as error:
            self._put_off(channel, delivery, error.message, True)
        except Exception as error:  # one message that cannot be sent must not keep the others
            LOG.error("channel %s: %s", channel.id, type(error).__name__)
            self._put_off(channel, delivery, f"a fault of the server: {type(error).__name__}", False)
        else:
            now = self._books.clock()
            with self._books.transaction():
                self._queue.change({"state": SENT, "sent": now, "next_try": None, "error": ""}, '"id" = ?', delivery.id)
                self._alerts.close(_key(channel))

    def _put_off(self, channel: Channel, delivery: Delivery, why: str, is_final: bool) -> None:
        pause_s = None if is_final else pause(delivery.attempts)
        changes: dict[str, Any] = {"state": FAILED, "next_try": None}
        if pause_s is not None:
            changes = {"state": PENDING, "next_try": self._books.clock() + timedelta(seconds=pause_s)}
        with self._books.transaction():
            self._queue.change({**changes, "error": one_line(why, 300)}, '"id" = ?', delivery.id)
            if pause_s is None:
                self._alerts.open(_key(channel), Notice(
                    "channel_failed", channel.name, f"the channel {channel.name} takes no messages", (why,)))


def pause(attempts: int) -> int | None:
    """Seconds until the next try after so many; None: it is given up."""
    return PAUSES_S[attempts - 1] if attempts <= len(PAUSES_S) else None


def _key(channel: Channel) -> str:
    return f"channel:{channel.id}"
