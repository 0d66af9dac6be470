"""Inventories themselves; what is in them is `api.operator.inventory_entries`'."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from litestar import Controller, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import UNSET, Meta, Struct, UnsetType

from api.operator.conventions import AnyRequest, created, field_problem, versioned
from api.operator.identity import identity_of, office_of
from orchestrator.projects.inventories import Inventory, Matched
from orchestrator.projects.inventory_import import Imported
from orchestrator.store.paging import Page, PageRequest

Name = Annotated[str, Meta(max_length=200)]
Sources = Annotated[list[Annotated[str, Meta(max_length=500)]], Meta(max_length=20)]


class NewInventory(Struct, forbid_unknown_fields=True):
    """``managed``: hosts and groups are kept here; ``files``: ``sources`` are paths within the project."""

    name: Name
    kind: Literal["managed", "files"] = "managed"
    project_id: Name | None = None
    sources: Sources = []
    vars: dict[str, Any] = {}


class InventoryChange(Struct, forbid_unknown_fields=True):
    """A mask among ``vars`` (a secret as it was shown) leaves what stands there."""

    name: Name | UnsetType = UNSET
    sources: Sources | UnsetType = UNSET
    vars: dict[str, Any] | UnsetType = UNSET


class ImportRequest(Struct, forbid_unknown_fields=True):
    """Another inventory, or a text in the format of an inventory file."""

    inventory_id: Name | None = None
    text: Annotated[str, Meta(max_length=2 << 20)] | None = None
    format: Literal["yaml", "ini", "json", "toml"] = "yaml"


class InventoryController(Controller):
    path = "/inventories"
    tags = ["inventories"]

    @get("/", action="view", operation_id="list_inventories")
    async def list_inventories(self, request: AnyRequest, page: NamedDependency[PageRequest],
                               kind: FromQuery[Literal["managed", "files"] | None] = None,
                               search: FromQuery[str] = "") -> Page[Inventory]:
        """Sorts: name, created."""
        who = identity_of(request)
        return await office_of(request).call(
            lambda control: control.inventories.list(who, page, kind=kind, search=search))

    @post("/", action="inventory.create", operation_id="add_inventory")
    async def add(self, request: AnyRequest, data: JSONBody[NewInventory]) -> Response[Inventory]:
        who = identity_of(request)
        made = await office_of(request).call(lambda control: control.inventories.create(
            who, data.name, data.kind, project_id=data.project_id, sources=data.sources, vars=data.vars))
        return created(made, f"/api/v1/inventories/{made.id}")

    @get("/{inventory_id:str}", action="view", operation_id="show_inventory")
    async def show(self, request: AnyRequest, inventory_id: FromPath[str]) -> Response[Inventory]:
        who = identity_of(request)
        return versioned(await office_of(request).call(lambda control: control.inventories.show(who, inventory_id)))

    @patch("/{inventory_id:str}", action="inventory.change", operation_id="change_inventory")
    async def change(self, request: AnyRequest, inventory_id: FromPath[str], data: JSONBody[InventoryChange],
                     if_match: NamedDependency[int | None]) -> Response[Inventory]:
        who = identity_of(request)
        changes = given(data)
        return versioned(await office_of(request).call(
            lambda control: control.inventories.change(who, inventory_id, if_match, **changes)))

    @delete("/{inventory_id:str}", action="inventory.create", operation_id="delete_inventory")
    async def remove(self, request: AnyRequest, inventory_id: FromPath[str],
                     if_match: NamedDependency[int | None]) -> None:
        """409 that names the schedules and runs which need it."""
        who = identity_of(request)
        await office_of(request).call(lambda control: control.inventories.delete(who, inventory_id, if_match))

    @get("/{inventory_id:str}/match", action="view", operation_id="match_hosts")
    async def match(self, request: AnyRequest, inventory_id: FromPath[str],
                    pattern: Annotated[str, QueryParameter(max_length=5_000, description="as in --limit")] = "all",
                    ) -> Matched:
        """How many hosts a limit means now, and the first 200 of them."""
        who = identity_of(request)
        return await office_of(request).call(lambda control: control.inventories.matched(who, inventory_id, pattern))

    @post("/{inventory_id:str}/import", action="inventory.change", status_code=200, operation_id="import_inventory")
    async def take_over(self, request: AnyRequest, inventory_id: FromPath[str],
                        data: JSONBody[ImportRequest]) -> Imported:
        """Into a managed inventory: hosts and groups that are there already get the variables of the import."""
        who, text, source = identity_of(request), data.text, data.inventory_id
        if (text is None) == (source is None):
            raise field_problem(text="either a text or an inventory_id")
        if source is not None:
            return await office_of(request).call(
                lambda control: control.inventory_import.from_inventory(who, inventory_id, source))
        assert text is not None
        return await office_of(request).call(
            lambda control: control.inventory_import.from_text(who, inventory_id, text, data.format))

    @post("/{inventory_id:str}/refresh", action="inventory.change", status_code=200, operation_id="refresh_inventory")
    async def refresh(self, request: AnyRequest, inventory_id: FromPath[str]) -> Matched:
        """Read the files of an inventory again; returns the hosts it has now."""
        who = identity_of(request)
        await office_of(request).call(lambda control: control.inventories.refresh(who, inventory_id))
        return await office_of(request).call(lambda control: control.inventories.matched(who, inventory_id))


def given(change: Struct) -> dict[str, Any]:
    """The fields of a change that are in its body."""
    return {name: value for name in change.__struct_fields__ if (value := getattr(change, name)) is not UNSET}
