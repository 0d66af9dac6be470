"""Inventories: ``managed`` ones, whose hosts and groups are rows of the store, and ``files`` within a project.

Of ``files`` the hosts and groups are mirrored into the same rows whenever they are read, without variables: so that the
fleet, the rights and the searches know one kind of inventory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from orchestrator.access import rights
from orchestrator.access.rights import Host as RightsHost
from orchestrator.access.rights import Identity
from orchestrator.credentials.credentials import LIKE, checked_name, like
from orchestrator.engine.agentlet_inventory import SOURCE
from orchestrator.projects import inventory_reading as reading
from orchestrator.projects.host_rows import drop_rows
from orchestrator.projects.inventory_checks import (
    changed_vars,
    check_vars,
    groups_above,
    refuse_reaching_controller,
)
from orchestrator.projects.inventory_mirror import mirror
from orchestrator.projects.masking import masked_vars
from orchestrator.projects.paths import Tree, checked_path
from orchestrator.projects.sealed_vars import SealedVars
from orchestrator.projects.seen import is_admin, seen_ids
from orchestrator.refusals import Conflict, Malformed, NotFound, wrong
from orchestrator.store.books import Books, found, new_id, refuse_stale
from orchestrator.store.columns import READ
from orchestrator.store.managed_inventory import GroupLine, read_secrets
from orchestrator.store.paging import Page, PageRequest, page_of
from orchestrator.store.table import marks

if TYPE_CHECKING:
    from inventory import Inventory as Loaded
    from orchestrator.projects.host_variables import HostVariables
    from orchestrator.projects.projects import Projects

KINDS = ("managed", "files")
SORTS = {"name": ("name",), "created": ("created", "id")}
MOST_SOURCES = 20


class Inventory(Struct):
    """``vars`` hold for all hosts. ``sources`` are paths within the project, or ``agentlets:``."""

    id: str
    name: str
    kind: str
    project_id: str | None
    sources: list[str]
    vars: dict[str, Any]
    version: int
    created: datetime


class Matched(Struct):
    """What a pattern means now: how many hosts, and the first of them."""

    count: int
    hosts: list[str]
    warnings: list[str]


class Inventories:
    """``projects`` says where the files of an inventory lie."""

    def __init__(self, books: Books, projects: Projects) -> None:
        self._books = books
        self._projects = projects
        self._sealing = SealedVars(books)
        self._table = books.table("inventories", Inventory)

    # ---- asking

    def list(self, by: Identity, page: PageRequest, *, kind: str | None = None, search: str = "") -> Page[Inventory]:
        """Those that whoever asks may see some of."""
        only = seen_ids(by, rights.INVENTORY)
        where, values = ["1 = 1"], []
        if kind:
            where.append('"kind" = ?')
            values.append(kind)
        if search:
            where.append(LIKE)
            values.append(like(search))
        if only is not None:
            where.append(f'"id" IN ({marks(only) or "NULL"})')
            values += only
        rows = page_of(self._table, page, SORTS, " AND ".join(where), *values)
        return Page([_shown(row) for row in rows.items], rows.next)

    def show(self, by: Identity, inventory_id: str) -> Inventory:
        """Secrets are masked. Raises `NotFound`, for what one may not see too."""
        self.refuse_unseen(by, inventory_id)
        return _shown(self.row(inventory_id))

    def refuse_unseen(self, by: Identity, inventory_id: str) -> None:
        if not rights.may_see_some(by, rights.INVENTORY, inventory_id):
            raise NotFound(f"there is no inventory {inventory_id!r}")

    def row(self, inventory_id: str) -> Inventory:
        """As it is stored, for other services. Raises `NotFound`."""
        return found(self._table.find('"id" = ?', inventory_id), "inventory", inventory_id)

    def editable(self, by: Identity, inventory_id: str, hosts: Iterable[str] = ()) -> Inventory:
        """One whose rows may be edited: all of it, or just these hosts.

        Raises `NotFound`, `Refused`, and `Conflict` for one of files.
        """
        self.refuse_unseen(by, inventory_id)
        named = list(hosts)
        target = rights.Target(inventory_id, self.targets(inventory_id, named) if named else ())
        rights.refuse_unless(by, "inventory.change", target, "inventory", inventory_id)
        row = self.row(inventory_id)
        if row.kind != "managed":
            raise Conflict(f"the inventory {row.name!r} is made of files: they are edited where they are kept",
                           code="inventory_files", hint="import it into a managed one, or change the project's files")
        return row

    def editable_source(self, by: Identity, inventory_id: str) -> None:
        """Whether all of it may be copied, variables unmasked: by those who could change it. Raises as `editable`."""
        self.refuse_unseen(by, inventory_id)
        rights.refuse_unless(by, "inventory.change", rights.Target(inventory_id), "inventory", inventory_id)

    # ---- changing

    def create(self, by: Identity, name: str, kind: str = "managed", *, project_id: str | None = None,
               sources: Sequence[str] = (), vars: Mapping[str, Any] | None = None) -> Inventory:
        """Raises `Malformed` with the fields that are wrong, `Conflict` for a name that is taken."""
        rights.refuse_unless(by, "inventory.create")
        if kind not in KINDS:
            raise wrong("kind", f"one of {', '.join(KINDS)}")
        name, made = checked_name(name), new_id()
        checked = self._checked_sources(kind, project_id, sources)
        values = check_vars(vars or {})
        if kind == "files" and values:
            raise Malformed("an inventory of files has its variables in them", fields=[("vars", "must be empty")])
        refuse_reaching_controller(values, admin=is_admin(by))
        row: dict[str, Any] = {"id": made, "name": name, "kind": kind,
                               "project_id": project_id if kind == "files" else None,
               "sources": [*checked], "vars": {}, "version": 1, "created": self._books.clock()}
        # Files are read before the row is there: what cannot be read is refused, and not kept.
        files = reading.loaded(self._books.database, self._projects, Inventory(**row)) if kind == "files" else None
        row |= self._sealing.columns(made, "", "", values)
        with self._books.transaction():
            self._refuse_taken(name, made)
            self._table.insert(row)
            self._books.audit.write(by.name, "inventory.create", made, address=by.address, name=name, kind=kind)
        if files is not None:
            mirror(self._books, made, files)
        return _shown(self.row(made))

    def change(self, by: Identity, inventory_id: str, version: int | None, *, name: str | None = None,
               sources: Sequence[str] | None = None, vars: Mapping[str, Any] | None = None) -> Inventory:
        """What is given replaces what there was; a mask among ``vars`` leaves what stood there.

        Names and sources are for those who may make inventories.
        """
        self.refuse_unseen(by, inventory_id)
        rights.refuse_unless(by, "inventory.change" if name is None and sources is None else "inventory.create",
                             rights.Target(inventory_id), "inventory", inventory_id)
        with self._books.transaction():
            before = found(self._table.find('"id" = ?', inventory_id, lock=True), "inventory", inventory_id)
            refuse_stale(before.version, version, "inventory")
            changes: dict[str, Any] = {"version": before.version + 1}
            if name is not None:
                changes["name"] = checked_name(name)
                self._refuse_taken(changes["name"], before.id)
            if sources is not None:
                changes["sources"] = [*self._checked_sources(before.kind, before.project_id, sources)]
                reading.sources_of(self._projects, replace(before, sources=changes["sources"]))
            if vars is not None:
                if before.kind == "files" and vars:
                    raise Malformed("an inventory of files has its variables in them",
                                    fields=[("vars", "must be empty")])
                there = self._sealing.of_inventory(before.id)
                changes |= self._sealing.columns(before.id, "", "", changed_vars(vars, there, admin=is_admin(by)))
            self._table.change(changes, '"id" = ?', before.id)
            self._books.audit.write(by.name, "inventory.change", before.id, address=by.address,
                                    name=changes.get("name", before.name),
                                    fields=sorted(set(changes) - {"version", "sealed"}))
        if sources is not None and before.kind == "files":
            self.mirror(inventory_id)
        return _shown(self.row(inventory_id))

    def delete(self, by: Identity, inventory_id: str, version: int | None) -> None:
        """Raises `Conflict` that names the schedules and waiting runs that need it."""
        self.refuse_unseen(by, inventory_id)
        rights.refuse_unless(by, "inventory.create")
        books = self._books
        with books.transaction():
            row = found(self._table.find('"id" = ?', inventory_id, lock=True), "inventory", inventory_id)
            refuse_stale(row.version, version, "inventory")
            needed = self._needed_by(inventory_id)
            if needed:
                raise Conflict(f"the inventory {row.name!r} is used by {', '.join(needed)}", code="inventory_used",
                               hint="give them another one first")
            hosts = [str(name) for (name,) in books.database.select(
                'SELECT "name" FROM inventory_hosts WHERE "inventory_id" = ?', (inventory_id,))]
            books.database.execute("""DELETE FROM grants WHERE "kind" = 'inventory' AND "scope_id" = ?""",
                                   (inventory_id,))
            self._table.delete('"id" = ?', inventory_id)
            drop_rows(books.database, hosts)
            books.audit.write(by.name, "inventory.delete", inventory_id, address=by.address, name=row.name,
                              hosts=len(hosts))

    def mirror(self, inventory_id: str) -> int:
        """Read an inventory of files again into its rows; returns how many hosts it has. Raises `OrchError`."""
        return mirror(self._books, inventory_id, self.loaded(inventory_id))

    def refresh(self, by: Identity, inventory_id: str) -> int:
        """The same for who may change it; of a managed one there is nothing to be read."""
        self.editable_source(by, inventory_id)
        return self.mirror(inventory_id) if self.row(inventory_id).kind == "files" else 0

    def mirror_project(self, project_id: str) -> Sequence[str]:
        """All inventories of a project that has changed; returns what was wrong with those that cannot be read."""
        from orchestrator.errors import OrchError

        wrong = []
        for row in self._table.all('"project_id" = ? ORDER BY "name"', project_id):
            try:
                self.mirror(row.id)
            except OrchError as error:
                wrong.append(f"inventory {row.name!r}: {error.message}")
        return wrong

    # ---- for runs and for looking

    def sources_of(self, inventory_id: str) -> tuple[str, ...]:
        """What stands as ``inventory`` in a run's options: its process reads a managed one from the store, as data."""
        return reading.sources_of(self._projects, self.row(inventory_id))

    def tree_of(self, inventory_id: str) -> Tree | None:
        """The files that an inventory's are among; None for one that has none."""
        return reading.tree_of(self._projects, self.row(inventory_id))

    def loaded(self, inventory_id: str, *, opened: bool = False) -> Loaded:
        """The inventory as a run would see it now, group_vars and host_vars files aside. Raises `OrchError`.

        ``opened``: with its secrets, which nobody is shown; else they are masks.
        """
        return reading.loaded(self._books.database, self._projects, self.row(inventory_id),
                              self._sealing.unseal if opened else None)

    def secrets_of(self, inventory_id: str) -> dict[str, dict[str, Any]]:
        """What the process of a run is given to read a managed inventory with; see `read_secrets`."""
        if self.row(inventory_id).kind != "managed":
            return {}
        return read_secrets(self._books.database, inventory_id, self._sealing.unseal)

    def matched(self, by: Identity, inventory_id: str, pattern: str = "all", most: int = 200) -> Matched:
        """The hosts that a limit means, of those that whoever asks may see. Raises `Malformed` for no pattern."""
        self.refuse_unseen(by, inventory_id)
        names, warnings = reading.chosen(self.loaded(inventory_id), pattern)
        hosts = self.visible(by, inventory_id, names)
        # What a pattern does not match tells of the hosts and groups that there are.
        sees_all = rights.may(by, rights.VIEW, rights.Target(inventory_id))
        return Matched(len(hosts), [*hosts[:most]], [*warnings] if sees_all else [])

    def variables(self, by: Identity, inventory_id: str, host: str) -> HostVariables:
        """See `orchestrator.projects.host_variables`."""
        from orchestrator.projects.host_variables import variables_of

        return variables_of(self, by, inventory_id, host)

    def digest(self, inventory_id: str) -> str:
        """Changes with its hosts, groups and variables."""
        return reading.digest_of(self.loaded(inventory_id, opened=True))

    def targets(self, inventory_id: str, hosts: Iterable[str]) -> tuple[RightsHost, ...]:
        """These hosts with all groups they are in, as rights are asked about them."""
        lines = self._books.table("inventory_groups", GroupLine).all('"inventory_id" = ?', inventory_id)
        children = {line.name: line.children for line in lines}
        direct: dict[str, list[str]] = {}
        for line in lines:
            for name in line.hosts:
                direct.setdefault(name, []).append(line.name)
        return tuple(RightsHost(name, frozenset(groups_above(children, direct.get(name, ())))) for name in hosts)

    def visible(self, by: Identity, inventory_id: str, hosts: Sequence[str]) -> Sequence[str]:
        """Those of the hosts that whoever asks may see."""
        if rights.may(by, rights.VIEW, rights.Target(inventory_id)):
            return hosts
        return [host.name for host in self.targets(inventory_id, hosts)
                if rights.may(by, rights.VIEW, rights.Target(inventory_id, (host,)))]

    # ---- within

    def _checked_sources(self, kind: str, project_id: str | None, sources: Sequence[str]) -> Sequence[str]:
        if kind == "managed":
            if sources:
                raise Malformed("a managed inventory has no sources", fields=[("sources", "must be empty")])
            return []
        if not sources or len(sources) > MOST_SOURCES:
            raise Malformed("an inventory of files names them",
                            fields=[("sources", f"1 to {MOST_SOURCES} paths within the project, or {SOURCE}")])
        if any(source != SOURCE for source in sources):
            if project_id is None:
                raise Malformed("files lie in a project", fields=[("project_id", "is needed")])
            self._projects.row(project_id)
        return [source if source == SOURCE else checked_path(source, "sources") for source in sources]

    def _refuse_taken(self, name: str, own_id: str) -> None:
        if self._table.count('"name" = ? AND "id" <> ?', name, own_id):
            raise Conflict(f"there is an inventory {name!r} already", code="name_taken")

    def _needed_by(self, inventory_id: str) -> Sequence[str]:
        select = self._books.database.select
        named = [f"schedule {name!r}" for name, request in select('SELECT "name", "request" FROM schedules')
                 if READ["json"](request).get("inventory_id") == inventory_id]
        waiting = select("""SELECT "id" FROM runs WHERE "inventory_id" = ? AND "status" IN ('queued', 'running')""",
                         (inventory_id,))
        return named + [f"run {run_id}" for (run_id,) in waiting]


def _shown(row: Inventory) -> Inventory:
    return replace(row, vars=masked_vars(row.vars))
