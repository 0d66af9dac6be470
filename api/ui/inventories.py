"""Inventories: which hosts there are. Hosts and groups of the managed ones are edited here."""

from __future__ import annotations

from typing import Any

from litestar import get, post
from litestar.params import FromPath

from api.operator.conventions import AnyRequest
from api.operator.identity import identity_of, office_of
from api.ui.forms import Form, Wrong, as_yaml, sent_form
from api.ui.lists import asked, page_asked
from api.ui.pages import Html, go, page, tried
from api.ui.words import count
from orchestrator.access.rights import Identity
from orchestrator.control.control import Control
from orchestrator.errors import OrchError
from orchestrator.projects.inventories import Inventory
from orchestrator.projects.inventory_hosts import NewHost
from orchestrator.refusals import Malformed, NotFound
from orchestrator.store.paging import PageRequest

CREATE, CHANGED = "inventory.create", "inventory.change"
KINDS = (("managed", "Kept here: hosts and groups are edited in the page"), ("files", "Files of a project"))


@get("/inventories", action="own")
async def inventories(request: AnyRequest) -> Html:
    me, filters = identity_of(request), asked(request, "search", "kind")
    found = await office_of(request).call(lambda control: control.inventories.list(
        me, page_asked(request), kind=filters["kind"], search=filters["search"] or ""))
    return page(request, "content/inventories.html", part="rows", inventories=found, filters=filters)


@get("/inventories/new", action=CREATE)
async def new_inventory(request: AnyRequest) -> Html:
    return await _form(request, Form({"kind": "managed"}))


@post("/inventories/new", action=CREATE, status_code=200)
async def add_inventory(request: AnyRequest) -> Html:
    form, me = await sent_form(request), identity_of(request)
    form.require("name")
    is_files, values = form.text("kind") == "files", form.mapping("vars")

    def make(control: Control) -> Inventory:
        try:
            return control.inventories.create(
                me, form.text("name"), form.text("kind"), sources=form.words("sources") if is_files else (),
                project_id=form.text("project_id") or None if is_files else None, vars=None if is_files else values)
        except NotFound as error:  # a file that the project does not have: a typing mistake, not a view that is gone
            raise Malformed(error.message, hint=error.hint, fields=[("sources", error.message)]) from None

    try:
        made = await tried(request, form, make)
    except Wrong:
        return await _form(request, form, 422)
    return go(request, f"/inventories/{made.id}", "Made.")


async def _form(request: AnyRequest, form: Form, status: int = 200) -> Html:
    me = identity_of(request)
    projects = await office_of(request).call(lambda control: control.projects.list(me, PageRequest(200)).items)
    return page(request, "content/inventory_form.html", part="form", status=status, form=form, kinds=KINDS,
                projects=[(one.id, one.name) for one in projects])


@get("/inventories/{inventory_id:str}", action="own")
async def inventory(request: AnyRequest, inventory_id: FromPath[str]) -> Html:
    return await _inventory(request, inventory_id)


@post("/inventories/{inventory_id:str}/vars", action=CHANGED, status_code=200)
async def change_vars(request: AnyRequest, inventory_id: FromPath[str]) -> Html:
    form, me = await sent_form(request), identity_of(request)
    values = form.mapping("vars")
    try:
        await tried(request, form, lambda control: control.inventories.change(
            me, inventory_id, form.number("version"), vars=values))
    except Wrong:
        return await _inventory(request, inventory_id, vars_form=form, part="vars", status=422)
    return go(request, f"/inventories/{inventory_id}", "Saved.")


@post("/inventories/{inventory_id:str}/hosts", action=CHANGED, status_code=200)
async def add_hosts(request: AnyRequest, inventory_id: FromPath[str]) -> Html:
    """One or many: names between commas, spaces or line ends, all with the same groups and variables."""
    form, me = await sent_form(request), identity_of(request)
    form.require("names")
    values, address = form.mapping("vars"), form.text("address")
    if address:
        values = {"ansible_host": address, **values}
    fresh = [NewHost(name, dict(values), form.words("groups")) for name in form.words("names")]
    names = {f"hosts[{number}].{name}": {"name": "names"}.get(name, name)
             for number in range(len(fresh)) for name in ("name", "vars", "groups")}
    try:
        added = await tried(request, form, lambda control: control.inventory_hosts.add(me, inventory_id, fresh), names)
    except Wrong:
        return await _inventory(request, inventory_id, host_form=form, part="add_host", status=422)
    return go(request, f"/inventories/{inventory_id}", f"Added {', '.join(added[:5])}.")


@get("/inventories/{inventory_id:str}/hosts/{name:str}", action="own")
async def edit_host(request: AnyRequest, inventory_id: FromPath[str], name: FromPath[str]) -> Html:
    me = identity_of(request)
    one = await office_of(request).call(lambda control: control.inventory_hosts.show(me, inventory_id, name))
    return await _host(request, inventory_id, name, Form({
        "vars": as_yaml(one.vars), "groups": " ".join(one.groups), "enabled": "1" if one.enabled else None,
        "version": one.version}))


@post("/inventories/{inventory_id:str}/hosts/{name:str}", action=CHANGED, status_code=200)
async def change_host(request: AnyRequest, inventory_id: FromPath[str], name: FromPath[str]) -> Html:
    form, me = await sent_form(request), identity_of(request)
    values = form.mapping("vars")
    try:
        await tried(request, form, lambda control: control.inventory_hosts.change(
            me, inventory_id, name, form.number("version"), vars=values, enabled=form.has("enabled"),
            groups=form.words("groups")))
    except Wrong:
        return await _host(request, inventory_id, name, form, 422)
    return go(request, f"/inventories/{inventory_id}", "Saved.")


@post("/inventories/{inventory_id:str}/hosts/{name:str}/remove", action=CHANGED, status_code=200)
async def remove_host(request: AnyRequest, inventory_id: FromPath[str], name: FromPath[str]) -> Html:
    me = identity_of(request)
    await office_of(request).call(lambda control: control.inventory_hosts.remove(me, inventory_id, [name]))
    return go(request, f"/inventories/{inventory_id}", f"{name} is out of the inventory.")


async def _host(request: AnyRequest, inventory_id: str, name: str, form: Form, status: int = 200) -> Html:
    me = identity_of(request)
    one = await office_of(request).call(lambda control: control.inventories.show(me, inventory_id))
    return page(request, "content/inventory_host.html", part="form", status=status, inventory=one, name=name,
                form=form)


@post("/inventories/{inventory_id:str}/groups", action=CHANGED, status_code=200)
async def add_group(request: AnyRequest, inventory_id: FromPath[str]) -> Html:
    form, me = await sent_form(request), identity_of(request)
    form.require("group")
    values = form.mapping("vars")
    try:
        await tried(request, form, lambda control: control.inventory_groups.create(
            me, inventory_id, form.text("group"), vars=values, hosts=form.words("hosts"),
            children=form.words("children")), {"name": "group"})
    except Wrong:
        return await _inventory(request, inventory_id, group_form=form, part="add_group", status=422)
    return go(request, f"/inventories/{inventory_id}", "Added.")


@get("/inventories/{inventory_id:str}/groups/{name:str}", action="own")
async def edit_group(request: AnyRequest, inventory_id: FromPath[str], name: FromPath[str]) -> Html:
    me = identity_of(request)
    one = await office_of(request).call(lambda control: control.inventory_groups.show(me, inventory_id, name))
    return await _group(request, inventory_id, name, Form({
        "vars": as_yaml(one.vars), "hosts": "\n".join(one.hosts), "children": " ".join(one.children),
        "version": one.version}))


@post("/inventories/{inventory_id:str}/groups/{name:str}", action=CHANGED, status_code=200)
async def change_group(request: AnyRequest, inventory_id: FromPath[str], name: FromPath[str]) -> Html:
    form, me = await sent_form(request), identity_of(request)
    values = form.mapping("vars")
    try:
        await tried(request, form, lambda control: control.inventory_groups.change(
            me, inventory_id, name, form.number("version"), vars=values, hosts=form.words("hosts"),
            children=form.words("children")))
    except Wrong:
        return await _group(request, inventory_id, name, form, 422)
    return go(request, f"/inventories/{inventory_id}", "Saved.")


@post("/inventories/{inventory_id:str}/groups/{name:str}/delete", action=CHANGED, status_code=200)
async def delete_group(request: AnyRequest, inventory_id: FromPath[str], name: FromPath[str]) -> Html:
    me = identity_of(request)
    await office_of(request).call(lambda control: control.inventory_groups.delete(me, inventory_id, name, None))
    return go(request, f"/inventories/{inventory_id}", f"The group {name} is gone; its hosts stay.")


async def _group(request: AnyRequest, inventory_id: str, name: str, form: Form, status: int = 200) -> Html:
    me = identity_of(request)
    one = await office_of(request).call(lambda control: control.inventories.show(me, inventory_id))
    return page(request, "content/inventory_group.html", part="form", status=status, inventory=one, name=name,
                form=form)


@post("/inventories/{inventory_id:str}/refresh", action=CHANGED, status_code=200)
async def refresh_inventory(request: AnyRequest, inventory_id: FromPath[str]) -> Html:
    me = identity_of(request)
    hosts = await office_of(request).call(lambda control: control.inventories.refresh(me, inventory_id))
    return go(request, f"/inventories/{inventory_id}", f"Read: {count(hosts, 'host')}.")


@post("/inventories/{inventory_id:str}/delete", action=CREATE, status_code=200)
async def delete_inventory(request: AnyRequest, inventory_id: FromPath[str]) -> Html:
    me = identity_of(request)
    await office_of(request).call(lambda control: control.inventories.delete(me, inventory_id, None))
    return go(request, "/inventories", "Deleted.")


async def _inventory(request: AnyRequest, inventory_id: str, *, vars_form: Form | None = None,
                     host_form: Form | None = None, group_form: Form | None = None, part: str | None = "rows",
                     status: int = 200) -> Html:
    me, search = identity_of(request), request.query_params.get("search", "")

    def found(control: Control) -> dict[str, Any]:
        one = control.inventories.show(me, inventory_id)
        return {"inventory": one, "groups": control.inventory_groups.list(me, inventory_id),
                "hosts": control.inventory_hosts.list(me, inventory_id, page_asked(request), search=search),
                "project": _project(control, me, one)}

    values = await office_of(request).call(found)
    one = values["inventory"]
    shown = vars_form or Form({"vars": as_yaml(one.vars), "version": one.version}, "inventory-")
    shown.prefix = "inventory-"
    host_form, group_form = host_form or Form(), group_form or Form()
    host_form.prefix, group_form.prefix = "host-", "group-"
    return page(request, "content/inventory.html", part=part, status=status, vars_form=shown, host_form=host_form,
                group_form=group_form, search=search, **values)


def _project(control: Control, me: Identity, one: Inventory) -> Any:
    try:
        return control.projects.show(me, one.project_id) if one.project_id else None
    except OrchError:
        return None


HANDLERS = [inventories, new_inventory, add_inventory, inventory, change_vars, add_hosts, edit_host, change_host,
            remove_host, refresh_inventory, add_group, edit_group, change_group, delete_group, delete_inventory]
