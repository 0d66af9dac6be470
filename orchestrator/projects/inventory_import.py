"""Taking an inventory that exists into a managed one: from files, from another inventory, or from a text."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from orchestrator.access.rights import Identity
from orchestrator.content.yaml import load_yaml
from orchestrator.engine.effects import ENCRYPTED, plain
from orchestrator.errors import OrchError
from orchestrator.projects.host_rows import ensure_rows
from orchestrator.projects.inventories import Inventories
from orchestrator.projects.inventory_checks import (
    MOST_NESTING,
    check_group_name,
    check_host_name,
    check_vars,
    is_bounded,
    refuse_reaching_controller,
)
from orchestrator.projects.inventory_groups import MOST_GROUPS, InventoryGroup
from orchestrator.projects.inventory_hosts import HostRow
from orchestrator.projects.sealed_vars import SealedVars
from orchestrator.projects.seen import is_admin
from orchestrator.projects.taken_names import refuse_taken
from orchestrator.refusals import Malformed, wrong
from orchestrator.store.books import Books
from orchestrator.store.managed_inventory import GROUP, HOST

if TYPE_CHECKING:
    from inventory import Inventory

FORMATS = {"yaml": ".yml", "ini": ".ini", "json": ".json", "toml": ".toml"}
MOST_BYTES = 2 << 20
MOST_HOSTS = 20_000
MOST_WARNINGS = 50
RANGE = re.compile(r"\[(\d{0,9}):(\d{1,9})(?::\d+)?\]")


class Imported(Struct):
    """``warnings``: what is not what it was: templates that are data now, values that were encrypted."""

    hosts: int
    groups: int
    warnings: list[str]


class InventoryImport:
    def __init__(self, books: Books, inventories: Inventories) -> None:
        self._books = books
        self._inventories = inventories
        self._sealing = SealedVars(books)

    def from_inventory(self, by: Identity, inventory_id: str, source_id: str) -> Imported:
        """Copy another inventory, most of the time one of files. Raises `NotFound`, `Malformed`, `OrchError`."""
        self._inventories.editable(by, inventory_id)
        self._inventories.editable_source(by, source_id)
        return self._take(by, inventory_id, self._inventories.loaded(source_id, opened=True),
                          self._inventories.row(source_id).name)

    def from_text(self, by: Identity, inventory_id: str, text: str, format: str) -> Imported:
        """Read a text as an inventory file of that format; nothing in it is run. Raises `Malformed`."""
        self._inventories.editable(by, inventory_id)
        if format not in FORMATS:
            raise wrong("format", f"one of {', '.join(FORMATS)}")
        if len(text.encode()) > MOST_BYTES:
            raise wrong("text", f"{MOST_BYTES >> 20} MiB at most")
        if text.lstrip().startswith(("#!", "\x7fELF")):
            raise wrong("text", "is a program: only what it prints can be taken")
        if hosts_in_ranges(text) > MOST_HOSTS:
            raise wrong("text", f"has ranges of more than {MOST_HOSTS} hosts")
        return self._take(by, inventory_id, _read(text, format), f"a text of {len(text)} characters")

    def _take(self, by: Identity, inventory_id: str, loaded: Inventory, source: str) -> Imported:
        warnings: list[str] = list(loaded.warnings)
        hosts = {name: _vars(host.vars, f"host {name}", warnings) for name, host in loaded.hosts.items()
                 if not host.implicit}
        groups = {name: group for name, group in loaded.groups.items() if name not in ("all", "ungrouped")}
        if len(hosts) > MOST_HOSTS or len(groups) > MOST_GROUPS:
            raise Malformed(f"an import takes {MOST_HOSTS} hosts and {MOST_GROUPS} groups at most", code="too_many")
        group_vars = {name: _vars(group.vars, f"group {name}", warnings) for name, group in groups.items()}
        all_vars = _vars(loaded.groups["all"].vars, "all", warnings)
        _check(hosts, group_vars, all_vars, is_admin(by))
        refuse_taken(self._books, self._inventories, by, [*hosts])
        books, now = self._books, self._books.clock()
        host_rows = books.table("inventory_hosts", HostRow)
        group_rows = books.table("inventory_groups", InventoryGroup)
        with books.transaction():
            there = {row.name: row for row in group_rows.all('"inventory_id" = ?', inventory_id, lock=True)}
            known = {str(name) for (name,) in books.database.select(
                'SELECT "name" FROM inventory_hosts WHERE "inventory_id" = ?', (inventory_id,))}
            for name in sorted(set(hosts) & known):
                kept = self._sealing.columns(inventory_id, HOST, name, hosts[name])
                books.database.execute(
                    'UPDATE inventory_hosts SET "vars" = ?, "sealed" = ?, "version" = "version" + 1'
                    ' WHERE "inventory_id" = ? AND "name" = ?',
                    (books.database.write["json"](kept["vars"]), kept["sealed"], inventory_id, name))
            fresh = [name for name in hosts if name not in known]
            if fresh:
                host_rows.insert(*[{
                    "inventory_id": inventory_id, "name": name, "enabled": True, "version": 1, "created": now,
                    **self._sealing.columns(inventory_id, HOST, name, hosts[name])} for name in fresh])
            for name, group in groups.items():
                before = there.get(name)
                members = list(dict.fromkeys([*(before.hosts if before else ()),
                                              *(one for one in group.hosts if one in hosts)]))
                children = list(dict.fromkeys([*(before.children if before else ()),
                                               *(one for one in group.children if one in groups)]))
                row = {"inventory_id": inventory_id, "name": name, "hosts": members, "children": children,
                       **self._sealing.columns(inventory_id, GROUP, name, {
                           **(self._sealing.of_group(inventory_id, name) if before else {}), **group_vars[name]}),
                       "version": before.version + 1 if before else 1, "created": before.created if before else now}
                if before:
                    group_rows.change(row, '"inventory_id" = ? AND "name" = ?', inventory_id, name)
                else:
                    group_rows.insert(row)
            self._lay_over(inventory_id, all_vars)
            self._refuse_circles(inventory_id)
            ensure_rows(books.database, hosts)
            books.audit.write(by.name, "inventory.import", inventory_id, address=by.address, source=source,
                              hosts=len(hosts), groups=len(groups))
        return Imported(len(hosts), len(groups), warnings[:MOST_WARNINGS])

    def _lay_over(self, inventory_id: str, all_vars: Mapping[str, Any]) -> None:
        if all_vars:
            there = self._sealing.of_inventory(inventory_id)
            kept = self._sealing.columns(inventory_id, "", "", {**there, **all_vars})
            self._books.database.execute(
                'UPDATE inventories SET "vars" = ?, "sealed" = ?, "version" = "version" + 1 WHERE "id" = ?',
                (self._books.database.write["json"](kept["vars"]), kept["sealed"], inventory_id))

    def _refuse_circles(self, inventory_id: str) -> None:
        from orchestrator.projects.inventory_checks import refuse_circle

        rows = self._books.table("inventory_groups", InventoryGroup).all('"inventory_id" = ?', inventory_id)
        refuse_circle({row.name: row.children for row in rows})


def hosts_in_ranges(text: str) -> int:
    """How many hosts the ranges of a text (``web[001:250]``) make, at the most. Pure."""
    total = 0
    for line in text.splitlines():
        count = 0
        for first, last in RANGE.findall(line):
            count = max(count, 1) * max(1, int(last) - int(first or 0) + 1)
        total += count
    return total


def _read(text: str, format: str) -> Inventory:
    import inventory

    with tempfile.TemporaryDirectory(prefix="orch-import-") as folder:
        path = Path(folder) / f"inventory{FORMATS[format]}"
        path.write_text(text)
        path.chmod(0o600)
        try:
            # The house's own parser: libyaml's composer recurses, and a text of brackets ends the process.
            return inventory.load([str(path)], parse_yaml=lambda text, file: load_yaml(text, file=file, trusted=False))
        except inventory.InventoryError as error:
            raise _no_inventory(error.line, error.message, error.hint) from None
        except OrchError as error:
            raise _no_inventory(error.origin.line if error.origin else 0, error.message, error.hint) from None
        except RecursionError:
            raise _no_inventory(0, "it is nested too deep", None) from None


def _no_inventory(line: int | None, message: str, hint: str | None) -> Malformed:
    place = f"line {line}: " if line else ""
    return Malformed(f"the text is no inventory: {place}{message}", hint=hint, fields=[("text", f"{place}{message}")])


def _vars(values: Mapping[str, Any], whose: str, warnings: list[str]) -> dict[str, Any]:
    """Variables as data: what was a template is its text from now on, what was encrypted is left out."""
    if not is_bounded(values):
        raise wrong("text", f"{whose} has variables that are nested deeper than {MOST_NESTING} levels, or too many")
    kept = {}
    for name, value in plain(values).items():
        if _holds(value, lambda one: one == ENCRYPTED):
            warnings.append(f"{whose}: {name} was encrypted, and is left out: keep it as a credential")
            continue
        if _holds(value, lambda one: isinstance(one, str) and "{{" in one):
            warnings.append(f"{whose}: {name} was a template; here it is text, and is not rendered")
        kept[name] = value
    return kept


def _holds(value: Any, test: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_holds(one, test) for one in value.values())
    if isinstance(value, list):
        return any(_holds(one, test) for one in value)
    return bool(test(value))


def _check(hosts: Mapping[str, Mapping[str, Any]], groups: Mapping[str, Mapping[str, Any]],
           all_vars: Mapping[str, Any], admin: bool) -> None:
    """Raises `Malformed` with the first things that cannot be kept."""
    faults: list[tuple[str, str]] = []
    for kind, named in (("hosts", hosts), ("groups", groups), ("", {"all": all_vars})):
        for name, values in named.items():
            where = f"{kind}.{name}" if kind else name
            try:
                if kind:
                    (check_host_name if kind == "hosts" else check_group_name)(name, where)
                refuse_reaching_controller(check_vars(values, where), admin=admin, path=where)
            except Malformed as error:
                faults += error.fields
    if faults:
        raise Malformed("this inventory cannot be taken over as it is", code="import", fields=faults[:50])
