"""Credentials: written, rotated, never read back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from litestar import Controller, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import UNSET, Meta, Struct, UnsetType

from api.operator.conventions import AnyRequest, created, versioned
from api.operator.identity import identity_of, office_of
from orchestrator.credentials.credentials import Credential, Use
from orchestrator.credentials.kinds import KINDS, schema_of
from orchestrator.store.paging import Page, PageRequest

Name = Annotated[str, Meta(max_length=200)]
Shared = Annotated[list[Name], Meta(max_length=200)]


class NewCredential(Struct, forbid_unknown_fields=True):
    """``values``: as the kind's schema says (GET /credential-kinds). ``shared``: who may use it without a grant, of
    ``operators``, ``project:ID`` and ``inventory:ID``; nobody but admins when it is empty."""

    name: Name
    kind: Name
    values: dict[str, Any] = {}
    shared: Shared = []

    def __repr__(self) -> str:
        return f"NewCredential({self.kind!r})"


class CredentialChange(Struct, forbid_unknown_fields=True):
    """Values that are not given stay as they are; null takes one away. A new secret is a rotation."""

    name: Name | UnsetType = UNSET
    values: dict[str, Any] | UnsetType = UNSET
    shared: Shared | UnsetType = UNSET

    def __repr__(self) -> str:
        return "CredentialChange(…)"


class CredentialKind(Struct):
    """``schema``: the JSON schema of its values; what is secret is ``writeOnly``."""

    name: str
    title: str
    help: str
    schema: dict[str, Any]


class CredentialUsers(Struct):
    """What needs it now, and who used it when, the latest first."""

    users: Sequence[str]
    uses: Sequence[Use]


class CredentialController(Controller):
    path = "/credentials"
    tags = ["credentials"]

    @get("/", action="credential.use", operation_id="list_credentials")
    async def list_credentials(self, request: AnyRequest, page: NamedDependency[PageRequest],
                               kind: FromQuery[str | None] = None,
                               search: FromQuery[str] = "") -> Page[Credential]:
        """Sorts: name, kind, created, changed. ``public.set`` names the secrets that there are."""
        who = identity_of(request)
        return await office_of(request).call(
            lambda control: control.credentials.list(who, page, kind=kind, search=search))

    @post("/", action="credential.change", operation_id="add_credential")
    async def add(self, request: AnyRequest, data: JSONBody[NewCredential]) -> Response[Credential]:
        who = identity_of(request)
        made = await office_of(request).call(
            lambda control: control.credentials.create(who, data.name, data.kind, data.values, data.shared))
        return created(made, f"/api/v1/credentials/{made.id}")

    @get("/{credential_id:str}", action="credential.use", operation_id="show_credential")
    async def show(self, request: AnyRequest, credential_id: FromPath[str]) -> Response[Credential]:
        who = identity_of(request)
        return versioned(await office_of(request).call(lambda control: control.credentials.show(who, credential_id)))

    @patch("/{credential_id:str}", action="credential.change", operation_id="change_credential")
    async def change(self, request: AnyRequest, credential_id: FromPath[str], data: JSONBody[CredentialChange],
                     if_match: NamedDependency[int | None]) -> Response[Credential]:
        who = identity_of(request)
        name = None if data.name is UNSET else data.name
        values = None if data.values is UNSET else data.values
        shared = None if isinstance(data.shared, UnsetType) else data.shared
        return versioned(await office_of(request).call(lambda control: control.credentials.change(
            who, credential_id, if_match, name=name, values=values, shared=shared)))

    @delete("/{credential_id:str}", action="credential.change", operation_id="delete_credential")
    async def remove(self, request: AnyRequest, credential_id: FromPath[str],
                     if_match: NamedDependency[int | None]) -> None:
        """409 that names the schedules, projects and waiting runs which need it."""
        who = identity_of(request)
        await office_of(request).call(lambda control: control.credentials.delete(who, credential_id, if_match))

    @get("/{credential_id:str}/uses", action="credential.change", operation_id="credential_uses")
    async def uses(self, request: AnyRequest, credential_id: FromPath[str]) -> CredentialUsers:
        who = identity_of(request)
        return await office_of(request).call(lambda control: CredentialUsers(
            control.credentials.users(who, credential_id), control.credentials.uses(who, credential_id)))


class CredentialKindController(Controller):
    path = "/credential-kinds"
    tags = ["credentials"]

    @get("/", action="credential.use", operation_id="list_credential_kinds")
    async def list_kinds(self, request: AnyRequest) -> list[CredentialKind]:
        """What kinds there are, with the JSON schema of each one's values."""
        return [CredentialKind(kind.name, kind.title, kind.help, schema_of(kind)) for kind in KINDS.values()]
