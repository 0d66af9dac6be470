"""Hosts and groups of an inventory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from litestar import Controller, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import UNSET, Meta, Struct, UnsetType

from api.operator.conventions import AnyRequest, created, versioned
from api.operator.identity import identity_of, office_of
from api.operator.inventories import given
from orchestrator.projects.host_variables import HostVariables
from orchestrator.projects.inventory_groups import InventoryGroup
from orchestrator.projects.inventory_hosts import InventoryHost, NewHost
from orchestrator.store.paging import Page, PageRequest

Name = Annotated[str, Meta(max_length=300)]
Names = Annotated[list[Name], Meta(max_length=200)]


class NewHosts(Struct, forbid_unknown_fields=True):
    hosts: Annotated[list[NewHost], Meta(min_length=1, max_length=200)]


class Added(Struct):
    added: Sequence[str]


class HostChange(Struct, forbid_unknown_fields=True):
    """``groups`` are all that it is in from now on. A mask among ``vars`` leaves what stands there."""

    vars: dict[str, Any] | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    groups: Names | UnsetType = UNSET


class HostNames(Struct, forbid_unknown_fields=True):
    names: Names


class Removed(Struct):
    removed: int


class NewGroup(Struct, forbid_unknown_fields=True):
    name: Name
    vars: dict[str, Any] = {}
    hosts: list[Name] = []
    children: list[Name] = []


class GroupChange(Struct, forbid_unknown_fields=True):
    vars: dict[str, Any] | UnsetType = UNSET
    hosts: list[Name] | UnsetType = UNSET
    children: list[Name] | UnsetType = UNSET


class InventoryHostController(Controller):
    path = "/inventories/{inventory_id:str}/hosts"
    tags = ["inventories"]

    @get("/", action="view", operation_id="list_inventory_hosts")
    async def list_hosts(self, request: AnyRequest, inventory_id: FromPath[str], page: NamedDependency[PageRequest],
                         search: FromQuery[str] = "") -> Page[InventoryHost]:
        """Sorts: name."""
        who = identity_of(request)
        return await office_of(request).call(
            lambda control: control.inventory_hosts.list(who, inventory_id, page, search=search))

    @post("/", action="inventory.change", operation_id="add_inventory_hosts")
    async def add(self, request: AnyRequest, inventory_id: FromPath[str], data: JSONBody[NewHosts]) -> Added:
        """All of them or none; groups that do not exist are made."""
        who = identity_of(request)
        return Added(await office_of(request).call(
            lambda control: control.inventory_hosts.add(who, inventory_id, data.hosts)))

    @post("/remove", action="inventory.change", status_code=200, operation_id="remove_inventory_hosts")
    async def remove_many(self, request: AnyRequest, inventory_id: FromPath[str], data: JSONBody[HostNames]) -> Removed:
        who = identity_of(request)
        return Removed(await office_of(request).call(
            lambda control: control.inventory_hosts.remove(who, inventory_id, data.names)))

    @get("/{name:str}", action="view", operation_id="show_inventory_host")
    async def show(self, request: AnyRequest, inventory_id: FromPath[str],
                   name: FromPath[str]) -> Response[InventoryHost]:
        who = identity_of(request)
        return versioned(await office_of(request).call(
            lambda control: control.inventory_hosts.show(who, inventory_id, name)))

    @get("/{name:str}/variables", action="view", operation_id="host_variables")
    async def variables(self, request: AnyRequest, inventory_id: FromPath[str], name: FromPath[str]) -> HostVariables:
        """Every variable with the layers that set it, the winner last; as written, secrets masked."""
        who = identity_of(request)
        return await office_of(request).call(
            lambda control: control.inventories.variables(who, inventory_id, name))

    @patch("/{name:str}", action="inventory.change", operation_id="change_inventory_host")
    async def change(self, request: AnyRequest, inventory_id: FromPath[str], name: FromPath[str],
                     data: JSONBody[HostChange], if_match: NamedDependency[int | None]) -> Response[InventoryHost]:
        who, changes = identity_of(request), given(data)
        return versioned(await office_of(request).call(
            lambda control: control.inventory_hosts.change(who, inventory_id, name, if_match, **changes)))

    @delete("/{name:str}", action="inventory.change", operation_id="remove_inventory_host")
    async def remove(self, request: AnyRequest, inventory_id: FromPath[str], name: FromPath[str],
                     if_match: NamedDependency[int | None]) -> None:
        who = identity_of(request)
        await office_of(request).call(
            lambda control: control.inventory_hosts.remove(who, inventory_id, [name], if_match))


class InventoryGroupController(Controller):
    path = "/inventories/{inventory_id:str}/groups"
    tags = ["inventories"]

    @get("/", action="view", operation_id="list_inventory_groups")
    async def list_groups(self, request: AnyRequest, inventory_id: FromPath[str]) -> Sequence[InventoryGroup]:
        """All of them: an inventory has 2,000 at most."""
        who = identity_of(request)
        return await office_of(request).call(lambda control: control.inventory_groups.list(who, inventory_id))

    @post("/", action="inventory.change", operation_id="add_inventory_group")
    async def add(self, request: AnyRequest, inventory_id: FromPath[str],
                  data: JSONBody[NewGroup]) -> Response[InventoryGroup]:
        who = identity_of(request)
        made = await office_of(request).call(lambda control: control.inventory_groups.create(
            who, inventory_id, data.name, vars=data.vars, hosts=data.hosts, children=data.children))
        return created(made, f"/api/v1/inventories/{inventory_id}/groups/{made.name}")

    @get("/{name:str}", action="view", operation_id="show_inventory_group")
    async def show(self, request: AnyRequest, inventory_id: FromPath[str],
                   name: FromPath[str]) -> Response[InventoryGroup]:
        who = identity_of(request)
        return versioned(await office_of(request).call(
            lambda control: control.inventory_groups.show(who, inventory_id, name)))

    @patch("/{name:str}", action="inventory.change", operation_id="change_inventory_group")
    async def change(self, request: AnyRequest, inventory_id: FromPath[str], name: FromPath[str],
                     data: JSONBody[GroupChange], if_match: NamedDependency[int | None]) -> Response[InventoryGroup]:
        who, changes = identity_of(request), given(data)
        return versioned(await office_of(request).call(
            lambda control: control.inventory_groups.change(who, inventory_id, name, if_match, **changes)))

    @delete("/{name:str}", action="inventory.change", operation_id="remove_inventory_group")
    async def remove(self, request: AnyRequest, inventory_id: FromPath[str], name: FromPath[str],
                     if_match: NamedDependency[int | None]) -> None:
        """Its hosts stay in the inventory."""
        who = identity_of(request)
        await office_of(request).call(
            lambda control: control.inventory_groups.delete(who, inventory_id, name, if_match))
