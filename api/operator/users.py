"""Users and their grants, for admins."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from litestar import Controller, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import UNSET, Meta, Struct, UnsetType

from api.operator.conventions import AnyRequest, created, versioned
from api.operator.identity import identity_of, office_of
from orchestrator.access.records import ApiToken, GrantRecord, User
from orchestrator.store.paging import Page, PageRequest

Role = Literal["none", "viewer", "operator", "approver", "admin"]
Text = Annotated[str, Meta(max_length=200)]
Password = Annotated[str, Meta(max_length=1_024)]


class NewUser(Struct, forbid_unknown_fields=True):
    """Without a password it comes in by the link that POST /users/{id}/link makes."""

    name: Text
    role: Role = "viewer"
    display_name: Text = ""
    email: Text = ""
    password: Password | None = None


class UserChange(Struct, forbid_unknown_fields=True):
    role: Role | UnsetType = UNSET
    display_name: Text | UnsetType = UNSET
    email: Text | UnsetType = UNSET


class PasswordSet(Struct, forbid_unknown_fields=True):
    password: Password


class MadeLink(Struct):
    """Shown this once; good once."""

    token: str
    path: str
    """Below the address of the page."""


class NewGrant(Struct, forbid_unknown_fields=True):
    user_id: Text
    kind: Literal["inventory", "playbook", "credential"]
    scope_id: Text
    """The inventory, the project, or the credential."""
    pattern: Annotated[str, Meta(max_length=500)]
    """A group or host of the inventory, or a glob of playbooks' paths; * for all. Of a credential: *."""
    role: Literal["viewer", "operator", "approver"]


class UserController(Controller):
    path = "/users"
    tags = ["users"]

    @get("/", action="user.view", operation_id="list_users")
    async def list_users(self, request: AnyRequest, page: NamedDependency[PageRequest],
                         status: FromQuery[Literal["active", "locked"] | None] = None,
                         role: FromQuery[Role | None] = None,
                         search: FromQuery[str | None] = None) -> Page[User]:
        """Sorts: name, created, role."""
        who = identity_of(request)
        return await office_of(request).call(lambda control: control.users.list(
            who, page, state=status, role=role, search=search))

    @post("/", action="user.change", operation_id="add_user")
    async def add(self, request: AnyRequest, data: JSONBody[NewUser]) -> Response[User]:
        who = identity_of(request)
        user = await office_of(request).call(lambda control: control.users.add(
            who, data.name, data.role, display_name=data.display_name, email=data.email, password=data.password))
        return created(user, f"/api/v1/users/{user.id}")

    @get("/{user_id:str}", action="own", operation_id="show_user")
    async def show(self, request: AnyRequest, user_id: FromPath[str]) -> Response[User]:
        """Oneself, or anybody for admins."""
        who = identity_of(request)
        return versioned(await office_of(request).call(lambda control: control.users.show(who, user_id)))

    @patch("/{user_id:str}", action="user.change", operation_id="change_user")
    async def change(self, request: AnyRequest, user_id: FromPath[str], data: JSONBody[UserChange],
                     if_match: NamedDependency[int | None]) -> Response[User]:
        who, changes = identity_of(request), msgspec.structs.asdict(data)
        wanted = {name: value for name, value in changes.items() if value is not UNSET}
        return versioned(await office_of(request).call(
            lambda control: control.users.change(who, user_id, if_match, wanted)))

    @delete("/{user_id:str}", action="user.change", operation_id="delete_user")
    async def delete(self, request: AnyRequest, user_id: FromPath[str],
                     if_match: NamedDependency[int | None]) -> None:
        who = identity_of(request)
        await office_of(request).call(lambda control: control.users.delete(who, user_id, if_match))

    @post("/{user_id:str}/lock", action="user.change", status_code=200, operation_id="lock_user")
    async def lock(self, request: AnyRequest, user_id: FromPath[str]) -> Response[User]:
        """Its sessions and tokens are dead when this answers."""
        who = identity_of(request)
        return versioned(await office_of(request).call(lambda control: control.users.lock(who, user_id)))

    @post("/{user_id:str}/unlock", action="user.change", status_code=200, operation_id="unlock_user")
    async def unlock(self, request: AnyRequest, user_id: FromPath[str]) -> Response[User]:
        """Its tokens stay revoked."""
        who = identity_of(request)
        return versioned(await office_of(request).call(lambda control: control.users.unlock(who, user_id)))

    @post("/{user_id:str}/password", action="user.change", status_code=200, operation_id="set_password")
    async def set_password(self, request: AnyRequest, user_id: FromPath[str],
                           data: JSONBody[PasswordSet]) -> Response[User]:
        """To be changed at the next login."""
        who = identity_of(request)
        return versioned(await office_of(request).call(
            lambda control: control.users.set_password(who, user_id, data.password)))

    @post("/{user_id:str}/link", action="user.change", operation_id="make_login_link")
    async def link(self, request: AnyRequest, user_id: FromPath[str]) -> MadeLink:
        """A one-time link by which the user sets a password: good for a day, instead of the one before."""
        who = identity_of(request)
        token = await office_of(request).call(lambda control: control.users.reset_link(who, user_id))
        return MadeLink(token, link_path(token))

    @get("/{user_id:str}/tokens", action="user.view", operation_id="tokens_of_user")
    async def tokens(self, request: AnyRequest, user_id: FromPath[str],
                     page: NamedDependency[PageRequest]) -> Page[ApiToken]:
        who = identity_of(request)
        return await office_of(request).call(lambda control: control.tokens.of_user(who, user_id, page))


class GrantController(Controller):
    path = "/grants"
    tags = ["users"]

    @get("/", action="user.view", operation_id="list_grants")
    async def list_grants(self, request: AnyRequest, page: NamedDependency[PageRequest],
                          user: FromQuery[str | None] = None,
                          scope_id: FromQuery[str | None] = None) -> Page[GrantRecord]:
        """Sorts: created, role."""
        who = identity_of(request)
        return await office_of(request).call(lambda control: control.grants.list(who, page, user, scope_id))

    @post("/", action="user.change", operation_id="add_grant")
    async def add(self, request: AnyRequest, data: JSONBody[NewGrant]) -> Response[GrantRecord]:
        who = identity_of(request)
        made = await office_of(request).call(lambda control: control.grants.add(
            who, data.user_id, data.kind, data.scope_id, data.pattern, data.role))
        return created(made, f"/api/v1/grants/{made.id}")

    @delete("/{grant_id:str}", action="user.change", operation_id="remove_grant")
    async def remove(self, request: AnyRequest, grant_id: FromPath[str]) -> None:
        who = identity_of(request)
        await office_of(request).call(lambda control: control.grants.remove(who, grant_id))


def link_path(token: str) -> str:
    """The page that takes a one-time link. Paths are in no log of ours; and the token is good once."""
    return f"/link/{token}"
