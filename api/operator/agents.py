"""Agentlets: hosts that call in by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from litestar import Controller, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta, Struct

from api.operator.conventions import AnyRequest
from api.operator.identity import identity_of, office_of
from orchestrator.agents.inviting import install_line, server_pin, server_url
from orchestrator.agents.registry import LogLine
from orchestrator.control.control import Control
from orchestrator.errors import UsageError
from orchestrator.projects.agentlets import Agentlet, AgentletDetail
from orchestrator.refusals import wrong
from orchestrator.store.paging import Page, PageRequest

Name = Annotated[str, Meta(max_length=300)]
Labels = Annotated[dict[str, str], Meta(max_length=50)]


class NewInvitation(Struct, forbid_unknown_fields=True):
    """``url``: where the host reaches the gateway, when that is not the server's first name at port 8444."""

    host: Name
    labels: Labels = {}
    valid_s: Annotated[int, Meta(ge=60, le=30 * 86_400)] = 3_600
    url: Annotated[str, Meta(max_length=500)] | None = None


class Invited(Struct):
    """``line`` is for a shell on the host, as root. Shown this once; good once, for this host alone."""

    id: str
    host: str
    line: str
    expires: datetime


class LabelChange(Struct, forbid_unknown_fields=True):
    """null takes a label away; those that are not named stay."""

    labels: Annotated[dict[str, str | None], Meta(max_length=50)]


class AgentController(Controller):
    path = "/agents"
    tags = ["agents"]

    @get("/", action="view", operation_id="list_agents")
    async def list_agents(self, request: AnyRequest, page: NamedDependency[PageRequest],
                          status: FromQuery[Literal["active", "revoked", "removed"] | None] = None,
                          search: FromQuery[str] = "") -> Page[Agentlet]:
        """Sorts: host, enrolled. Without the removed ones, unless they are asked for."""
        who = identity_of(request)
        return await office_of(request).call(lambda control: control.agentlets.list(
            who, page, state=status, search=search))

    @post("/invitations", action="agent.change", operation_id="invite_agent")
    async def invite(self, request: AnyRequest, data: JSONBody[NewInvitation]) -> Response[Invited]:
        who, url = identity_of(request), data.url or request.app.state.get("agents_url")

        def act(control: Control) -> Invited:
            control.desk.office.ca.create()
            running = control.desk.servers.running()
            try:
                base = server_url(url, running, control.desk.office.ca)
            except UsageError as error:
                raise wrong("url", error.message, code="agents_url") from None
            made = control.agentlets.invite(who, data.host, data.labels, data.valid_s)
            line = install_line(base, made.token, server_pin(base, running, control.desk.office.ca))
            return Invited(made.id, made.host, line, made.expires)

        return Response(await office_of(request).call(act), status_code=201, headers={"Cache-Control": "no-store"})

    @get("/{name:str}", action="view", operation_id="show_agent")
    async def show(self, request: AnyRequest, name: FromPath[str]) -> AgentletDetail:
        """By the id of the agentlet, or the name of its host. Facts and stats are the host's word."""
        who = identity_of(request)
        return await office_of(request).call(lambda control: control.agentlets.show(who, name))

    @get("/{name:str}/logs", action="view", operation_id="agent_logs")
    async def logs(self, request: AnyRequest, name: FromPath[str],
                   lines: Annotated[int, QueryParameter(ge=1, le=1_000)] = 100) -> Sequence[LogLine]:
        who = identity_of(request)
        return await office_of(request).call(lambda control: control.agentlets.logs(who, name, lines))

    @patch("/{name:str}", action="agent.change", operation_id="label_agent")
    async def label(self, request: AnyRequest, name: FromPath[str], data: JSONBody[LabelChange]) -> Agentlet:
        who = identity_of(request)
        return await office_of(request).call(lambda control: control.agentlets.label(who, name, data.labels))

    @post("/{name:str}/rotate", action="agent.change", status_code=200, operation_id="rotate_agent")
    async def rotate(self, request: AnyRequest, name: FromPath[str]) -> Agentlet:
        """It is asked for a new key when it calls next."""
        who = identity_of(request)
        return await office_of(request).call(lambda control: control.agentlets.rotate(who, name))

    @post("/{name:str}/approve", action="agent.change", status_code=200, operation_id="approve_agent")
    async def approve(self, request: AnyRequest, name: FromPath[str]) -> Agentlet:
        """One whose certificate is over may have a new one, within a day."""
        who = identity_of(request)
        return await office_of(request).call(lambda control: control.agentlets.approve(who, name))

    @post("/{name:str}/revoke", action="agent.change", status_code=200, operation_id="revoke_agent")
    async def revoke(self, request: AnyRequest, name: FromPath[str]) -> Agentlet:
        """Its next request is refused, and what waits for it ends."""
        who = identity_of(request)
        return await office_of(request).call(lambda control: control.agentlets.revoke(who, name))

    @delete("/{name:str}", action="agent.change", operation_id="remove_agent")
    async def remove(self, request: AnyRequest, name: FromPath[str]) -> None:
        """Revoked, and not listed any more."""
        who = identity_of(request)
        await office_of(request).call(lambda control: control.agentlets.remove(who, name))
