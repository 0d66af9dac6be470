"""Channels of notifications, and what was sent over them. For admins."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from litestar import Controller, Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Meta, Struct, field, structs

from api.operator.conventions import AnyRequest, created, versioned
from api.operator.identity import identity_of, office_of
from orchestrator.notify.channels import ChannelDraft
from orchestrator.notify.occasions import OCCASIONS
from orchestrator.notify.records import Channel, Delivery
from orchestrator.store.paging import Page, PageRequest

Kind = Literal["mail", "webhook", "slack", "ping"]


class AskedChannel(Struct, forbid_unknown_fields=True):
    """`settings` by kind, those marked * are write-only:

    mail: host, port (587), security (starttls, tls, none), sender, recipients, username, password*
    webhook: url*, signing_key* (made where none is given, and shown this once)
    slack: url*
    ping: url*, fail_url*, method (GET, POST, HEAD)

    All take schedule_ids (none: of all runs) and per_minute (20). Secrets that a change leaves out stay as they are,
    unless the server or the user that they are for has changed.
    """

    name: Annotated[str, Meta(max_length=200)]
    kind: Kind
    settings: dict[str, Any]
    occasions: Annotated[list[str], Meta(max_length=50)] = field(
        default_factory=lambda: ["run_failed", "run_recovered", "schedule_missed"])
    enabled: bool = True

    def draft(self) -> ChannelDraft:
        return ChannelDraft(**structs.asdict(self))


class MadeChannel(Channel, kw_only=True):
    signing_key: str | None = None
    """Of a webhook for which none was given: shown this once."""


class Occasion(Struct):
    name: str
    text: str


class Occasions(Struct):
    items: list[Occasion]


class ChannelController(Controller):
    path = "/notifications/channels"
    tags = ["notifications"]

    @get("/", action="channel.view", operation_id="list_channels")
    async def list_channels(self, request: AnyRequest, page: NamedDependency[PageRequest]) -> Page[Channel]:
        """Sorts: name, created."""
        who = identity_of(request)
        return await office_of(request).call(lambda control: control.channels.list(who, page))

    @post("/", action="channel.change", operation_id="add_channel")
    async def add(self, request: AnyRequest, data: JSONBody[AskedChannel]) -> Response[MadeChannel]:
        who = identity_of(request)
        channel, made = await office_of(request).call(lambda control: control.channels.create(who, data.draft()))
        return created(MadeChannel(**structs.asdict(channel), signing_key=made.get("signing_key")),
                       f"/api/v1/notifications/channels/{channel.id}")

    @get("/{channel_id:str}", action="channel.view", operation_id="show_channel")
    async def show(self, request: AnyRequest, channel_id: FromPath[str]) -> Response[Channel]:
        who = identity_of(request)
        return versioned(await office_of(request).call(lambda control: control.channels.show(who, channel_id)))

    @put("/{channel_id:str}", action="channel.change", operation_id="change_channel")
    async def change(self, request: AnyRequest, channel_id: FromPath[str], data: JSONBody[AskedChannel],
                     if_match: NamedDependency[int | None]) -> Response[Channel]:
        who = identity_of(request)
        return versioned(await office_of(request).call(
            lambda control: control.channels.change(who, channel_id, data.draft(), if_match)))

    @delete("/{channel_id:str}", action="channel.change", operation_id="delete_channel")
    async def delete(self, request: AnyRequest, channel_id: FromPath[str],
                     if_match: NamedDependency[int | None]) -> None:
        who = identity_of(request)
        await office_of(request).call(lambda control: control.channels.delete(who, channel_id, if_match))

    @post("/{channel_id:str}/test", action="channel.change", status_code=202, operation_id="test_channel")
    async def test(self, request: AnyRequest, channel_id: FromPath[str]) -> Delivery:
        """Sends a test to what is stored. What became of it: GET /notifications/deliveries/{id}."""
        who = identity_of(request)
        return await office_of(request).call(lambda control: control.channels.test(who, channel_id))


class DeliveryController(Controller):
    path = "/notifications"
    tags = ["notifications"]

    @get("/occasions", action="view", operation_id="list_occasions")
    async def occasions(self) -> Occasions:
        """What a channel may be subscribed to."""
        return Occasions([Occasion(name, text) for name, text in OCCASIONS.items()])

    @get("/deliveries", action="channel.view", operation_id="list_deliveries")
    async def deliveries(self, request: AnyRequest, page: NamedDependency[PageRequest],
                         channel_id: FromQuery[str | None] = None,
                         status: FromQuery[Literal["pending", "sending", "sent", "failed", "dropped"] | None] = None,
                         ) -> Page[Delivery]:
        """The newest first. Sorts: id."""
        who = identity_of(request)
        return await office_of(request).call(lambda control: control.channels.deliveries(
            who, page, channel_id=channel_id, state=status))

    @get("/deliveries/{delivery_id:int}", action="channel.view", operation_id="show_delivery")
    async def delivery(self, request: AnyRequest, delivery_id: FromPath[int]) -> Delivery:
        who = identity_of(request)
        return await office_of(request).call(lambda control: control.channels.delivery(who, delivery_id))
