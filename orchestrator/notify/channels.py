"""Channels: where notifications go. For admins; what is secret in them is sealed, and given out to the courier only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from orchestrator.access.rights import Identity, refuse_unless
from orchestrator.notify.kinds import separated
from orchestrator.notify.occasions import SUBSCRIBED, TEST, Notice
from orchestrator.notify.outbox import Outbox
from orchestrator.notify.records import PENDING, Channel, Delivery
from orchestrator.refusals import Conflict, Malformed, Throttled
from orchestrator.store.books import Books, found, new_id, refuse_stale
from orchestrator.store.paging import Page, PageRequest, page_of

SORTS = {"name": ("name", "id"), "created": ("created", "id")}
DELIVERY_SORTS = {"id": ("id",)}
MOST_CHANNELS = 100
LONGEST_NAME = 100
MOST_TESTS_WAITING = 3
MOST_ID = 2**63
_PURPOSE = "channel"


class _Sealed(Struct):
    id: str
    sealed: bytes


class ChannelDraft(Struct, frozen=True, forbid_unknown_fields=True):
    """``settings`` as `orchestrator.notify.kinds` has them for the kind."""

    name: str
    kind: str
    settings: dict[str, Any]
    occasions: list[str] = field(default_factory=lambda: ["run_failed", "run_recovered", "schedule_missed"])
    enabled: bool = True


class Channels:
    def __init__(self, books: Books, outbox: Outbox) -> None:
        self._books = books
        self._outbox = outbox
        self._channels = books.table("channels", Channel)
        self._sealed = books.table("channels", _Sealed)
        self._deliveries = books.table("deliveries", Delivery)

    def list(self, identity: Identity, page: PageRequest) -> Page[Channel]:
        refuse_unless(identity, "channel.view")
        return page_of(self._channels, page, SORTS)

    def show(self, identity: Identity, channel_id: str) -> Channel:
        refuse_unless(identity, "channel.view")
        return self._found(channel_id)

    def create(self, identity: Identity, draft: ChannelDraft) -> tuple[Channel, dict[str, str]]:
        """The channel, and secrets that were made for it: the signing key of a webhook, shown this once."""
        refuse_unless(identity, "channel.change")
        public, secret = separated(draft.kind, draft.settings)
        _check(draft)
        channel_id = new_id()
        with self._books.transaction():
            if self._channels.count("1 = 1") >= MOST_CHANNELS:
                raise Conflict(f"there are {MOST_CHANNELS} channels already", code="too_many")
            self._refuse_taken(draft.name)
            self._channels.insert({
                "id": channel_id, "name": draft.name, "kind": draft.kind, "created_by": identity.user_id,
                "occasions": _sorted(draft.occasions), "public": public, "enabled": draft.enabled, "version": 1,
                "sealed": self._books.seal(_PURPOSE, channel_id, secret), "created": self._books.clock()})
            self._audit(identity, "channel.create", draft.name, channel_id)
        made = {"signing_key": secret["signing_key"]} if _was_made(draft.settings, secret) else {}
        return self._found(channel_id), made

    def change(self, identity: Identity, channel_id: str, draft: ChannelDraft, version: int | None) -> Channel:
        """All of it anew, but secrets that are not given stay (see `kinds.separated`). The kind cannot change."""
        refuse_unless(identity, "channel.change")
        _check(draft)
        with self._books.transaction():
            channel = self._found(channel_id, lock=True)
            refuse_stale(channel.version, version, "channel")
            if draft.kind != channel.kind:
                raise Malformed("a channel keeps its kind: make another one", code="request_invalid",
                                fields=[("kind", "cannot be changed")])
            if draft.name != channel.name:
                self._refuse_taken(draft.name)
            public, secret = separated(draft.kind, draft.settings, (channel.public, self._secret(channel_id)))
            self._channels.change({
                "name": draft.name, "occasions": _sorted(draft.occasions), "public": public, "enabled": draft.enabled,
                "sealed": self._books.seal(_PURPOSE, channel_id, secret), "version": channel.version + 1,
            }, '"id" = ?', channel_id)
            self._audit(identity, "channel.change", draft.name, channel_id)
            return self._found(channel_id)

    def delete(self, identity: Identity, channel_id: str, version: int | None = None) -> None:
        """What waits for it goes with it."""
        refuse_unless(identity, "channel.change")
        with self._books.transaction():
            channel = self._found(channel_id, lock=True)
            refuse_stale(channel.version, version, "channel")
            self._deliveries.delete('"channel_id" = ?', channel_id)
            self._channels.delete('"id" = ?', channel_id)
            self._audit(identity, "channel.delete", channel.name, channel_id)

    def test(self, identity: Identity, channel_id: str) -> Delivery:
        """Queue a test. It goes to what is stored: no address and no secret can be given along."""
        refuse_unless(identity, "channel.change")
        with self._books.transaction():
            channel = self._found(channel_id)
            if self._deliveries.count('"channel_id" = ? AND "occasion" = ? AND "state" = ?', channel_id, TEST,
                                      PENDING) >= MOST_TESTS_WAITING:
                raise Throttled("tests of this channel are waiting already", 60)
            delivery_id = self._outbox.tell_one(
                channel, Notice(TEST, channel.name, "This is a test of orch's notifications",
                                (f"Asked for by {identity.name}",)))
            self._audit(identity, "channel.test", channel.name, channel_id)
            return self.delivery(identity, delivery_id)

    def deliveries(self, identity: Identity, page: PageRequest, *, channel_id: str | None = None,
                   state: str | None = None) -> Page[Delivery]:
        refuse_unless(identity, "channel.view")
        wanted, values = ["1 = 1"], []
        for column, value in (("channel_id", channel_id), ("state", state)):
            if value is not None:
                wanted.append(f'"{column}" = ?')
                values.append(value)
        return page_of(self._deliveries, page, DELIVERY_SORTS, " AND ".join(wanted), *values, default="-id")

    def delivery(self, identity: Identity, delivery_id: int) -> Delivery:
        refuse_unless(identity, "channel.view")
        row = self._deliveries.find('"id" = ?', delivery_id) if 0 < delivery_id < MOST_ID else None
        return found(row, "delivery", str(delivery_id))

    def opened(self, channel_id: str) -> tuple[Channel, dict[str, Any]]:
        """The channel with its secrets, for the courier."""
        return self._found(channel_id), self._secret(channel_id)

    def _found(self, channel_id: str, lock: bool = False) -> Channel:
        return found(self._channels.find('"id" = ?', channel_id, lock=lock), "channel", channel_id)

    def _secret(self, channel_id: str) -> dict[str, Any]:
        row = found(self._sealed.find('"id" = ?', channel_id), "channel", channel_id)
        return self._books.unseal(_PURPOSE, channel_id, row.sealed)

    def _refuse_taken(self, name: str) -> None:
        if self._channels.count('"name" = ?', name):
            raise Conflict(f"there is a channel {name!r} already", code="name_taken")

    def _audit(self, identity: Identity, action: str, name: str, channel_id: str) -> None:
        self._books.audit.write(identity.name, action, name, address=identity.address, channel=channel_id)


def _check(draft: ChannelDraft) -> None:
    if not draft.name.strip() or len(draft.name) > LONGEST_NAME or not draft.name.isprintable():
        raise Malformed("a channel needs a name", code="request_invalid",
                        fields=[("name", f"1 to {LONGEST_NAME} printable characters")])
    for occasion in draft.occasions:
        if occasion not in SUBSCRIBED:
            raise Malformed(f"there is no occasion {occasion[:80]!r}", code="request_invalid",
                            fields=[("occasions", f"among {', '.join(SUBSCRIBED)}")])


def _sorted(occasions: Sequence[str]) -> list[str]:
    return sorted(set(occasions))


def _was_made(given: Mapping[str, Any], secret: Mapping[str, Any]) -> bool:
    return "signing_key" in secret and not given.get("signing_key")
