"""What is to be told, written down in the transaction of what caused it. Sending is the courier's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from orchestrator.notify.occasions import Notice, one_line
from orchestrator.notify.records import DROPPED, PENDING, Channel, Delivery
from orchestrator.store.books import Books

TOLD_JUST_NOW = timedelta(minutes=5)
"""An occasion about a subject is told to a channel once within this time: nothing that flaps fills a mailbox."""
MOST_PENDING = 500
"""Of one channel. A channel that cannot be reached for a day must not fill the disk."""


class Outbox:
    """``url``: where people reach the page, for links; empty where that is not known."""

    def __init__(self, books: Books, url: Callable[[], str] = lambda: "") -> None:
        self._books = books
        self._url = url
        self._channels = books.table("channels", Channel)
        self._deliveries = books.table("deliveries", Delivery)

    def tell(self, notice: Notice) -> int:
        """Queue it for every channel that wants it; returns for how many. Within the caller's transaction."""
        told = 0
        for channel in self._channels.all('"enabled" = ? ORDER BY "id"', True):
            if wants(channel, notice):
                told += self._queue(channel, notice)
        return told

    def tell_one(self, channel: Channel, notice: Notice) -> int:
        """Queue it for this channel, whatever it is subscribed to; the delivery's id. Within a transaction."""
        self._insert(channel, notice, PENDING)
        return int(self._books.database.select(
            'SELECT max("id") FROM deliveries WHERE "channel_id" = ?', (channel.id,))[0][0])

    def _queue(self, channel: Channel, notice: Notice) -> int:
        subject = one_line(notice.subject)
        if self._deliveries.count(
                '"channel_id" = ? AND "occasion" = ? AND "subject" = ? AND "state" != ? AND "created" > ?', channel.id,
                notice.occasion, subject, DROPPED, self._books.clock() - TOLD_JUST_NOW):
            return 0
        waiting = self._deliveries.count('"channel_id" = ? AND "state" = ?', channel.id, PENDING)
        if waiting > MOST_PENDING:
            return 0
        self._insert(channel, notice, PENDING if waiting < MOST_PENDING else DROPPED)
        return int(waiting < MOST_PENDING)

    def _insert(self, channel: Channel, notice: Notice, state: str) -> None:
        now = self._books.clock()
        self._deliveries.insert({
            "channel_id": channel.id, "occasion": notice.occasion, "subject": one_line(notice.subject),
            "run_id": notice.run_id, "state": state, "attempts": 0, "created": now, "sent": None,
            "error": "" if state == PENDING else f"{MOST_PENDING} messages wait for this channel already",
            "payload": notice.payload(now.isoformat(timespec="seconds"), self._url()),
            "next_try": now if state == PENDING else None})


def wants(channel: Channel, notice: Notice) -> bool:
    """Pure: whether a channel is subscribed to this."""
    only = channel.public.get("schedule_ids") or []
    return notice.occasion in channel.occasions and (not only or notice.schedule_id in only)
