"""The inventory: hosts in groups in groups, filled by sources and by running tasks, asked by patterns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from inventory import patterns
from inventory.errors import InventoryError
from inventory.model import Group, Host, Layer, Place

LOCALHOST_NAMES = ("localhost", "127.0.0.1", "::1")
RUN_TIME = Place("<run time>")
LOCALHOST_LAYER = Layer({"ansible_connection": "local"}, Place("<implicit localhost>"))


class Inventory:
    """Hosts and groups by name, in the order of the sources. ``all`` and ``ungrouped`` are always there.

    Sources call `put_host`, `put_group`, `put_child`, then `settle` once. Tasks call `add_host` and `add_group`.
    """

    def __init__(self) -> None:
        self.hosts: dict[str, Host] = {}
        self.groups: dict[str, Group] = {"all": Group("all"), "ungrouped": Group("ungrouped")}
        self.sources: list[str] = []
        """What was read, in order: paths, or the host list as given."""
        self.warnings: list[str] = []
        self.group_names = "never"
        """Whether names of groups that no variable could have are changed: never, always, ignore, silently."""
        self._additions: list[Callable[[], object]] = []
        """What tasks have put in, to be put in again behind a refresh."""
        self._members: dict[str, list[str]] = {}
        self._ancestors: dict[tuple[str, ...], list[Group]] = {}
        self.put_child("all", "ungrouped")

    # ---- filling

    def put_host(self, name: str, group: str | None = None, origin: Place | None = None) -> Host:
        """The host of that name, made if it is new, and put into ``group``."""
        host = self.hosts.get(name)
        if host is None:
            host = self.hosts[name] = Host(name, origin)
        elif host.implicit:
            host.implicit, host.origin, host.layers, host._merged = False, origin, [], None
        if group is not None and group not in host.groups:
            host.groups[group] = None
            self.groups[group].hosts[name] = None
        return host

    def put_group(self, name: str, origin: Place | None = None) -> Group:
        """The group of that name, made if it is new."""
        group = self.groups.get(name)
        if group is None:
            group = self.groups[name] = Group(name, origin)
        elif group.origin is None:
            group.origin = origin
        return group

    def put_child(self, parent: str, child: str, place: Place | None = None) -> None:
        """Put one known group into another; raises InventoryError with the chain when that closes a circle."""
        above, below = self.groups[parent], self.groups[child]
        if child in above.children:
            return
        chain = [child] if parent == child else self._way(child, parent)
        if chain:
            shown = " -> ".join([parent, *chain] if parent != child else [parent, child])
            raise InventoryError(
                f"group {child!r} cannot be a child of {parent!r}: that closes a circle ({shown})",
                file=place.file if place else None, line=place.line if place else 0,
                column=place.column if place else 0, hint="take one of these groups out of the other's children",
            )
        above.children[child] = None
        below.parents[parent] = None

    def _way(self, start: str, goal: str) -> list[str]:
        """The groups from ``start`` down to ``goal``, both included, or nothing."""
        came_from: dict[str, str] = {}
        waiting = [start]
        while waiting:
            name = waiting.pop()
            if name == goal:
                way = [name]
                while way[-1] != start:
                    way.append(came_from[way[-1]])
                return way[::-1]
            for child in self.groups[name].children:
                if child not in came_from and child != start:
                    came_from[child] = name
                    waiting.append(child)
        return []

    def settle(self) -> None:
        """Make the implicit memberships true: every group is below ``all``, hosts without a group in ``ungrouped``."""
        ungrouped = self.groups["ungrouped"]
        for group in list(self.groups.values()):
            if group.name != "all" and not group.parents:
                self.put_child("all", group.name)
        for host in self.hosts.values():
            self._settle_host(host, ungrouped)
        self._settle_depths()
        self._forget()

    def _settle_host(self, host: Host, ungrouped: Group) -> None:
        if host.implicit:
            return
        grouped = any(name not in ("all", "ungrouped") for name in host.groups)
        if grouped and "ungrouped" in host.groups:
            del host.groups["ungrouped"]
            del ungrouped.hosts[host.name]
        elif not grouped and "ungrouped" not in host.groups:
            host.groups["ungrouped"] = None
            ungrouped.hosts[host.name] = None

    def _settle_depths(self) -> None:
        for group in self.groups.values():
            group.depth = 0
        due = {"all": None}
        while due:  # a directed graph without circles: each round moves groups one level further down, then ends
            following: dict[str, None] = {}
            for name in due:
                depth = self.groups[name].depth + 1
                for child in self.groups[name].children:
                    if self.groups[child].depth < depth:
                        self.groups[child].depth = depth
                        following[child] = None
            due = following

    def _forget(self) -> None:
        self._members.clear()
        self._ancestors.clear()

    # ---- run time

    def add_host(self, name: str, groups: Iterable[str] = (), vars: Mapping[str, Any] | None = None) -> Host:
        """Put a host in while a play runs (``add_host``). Its variables are data: they came from a task."""
        groups = tuple(groups)
        self._additions.append(partial(self.add_host, name, groups, vars))
        host = self.put_host(name, origin=RUN_TIME)
        for group in groups:
            self.put_group(group, RUN_TIME)
            self.put_host(name, group)
        if vars:
            host.add_layer(Layer(dict(vars), RUN_TIME, trusted=False))
        self.settle()
        return host

    def add_group(self, name: str, host: str | None = None, parents: Iterable[str] = ()) -> Group:
        """Put a group in while a play runs (``group_by``), below ``parents``, with ``host`` in it."""
        parents = tuple(parents)
        self._additions.append(partial(self._put_back, name, host, parents))
        group = self.put_group(name, RUN_TIME)
        for parent in parents:
            self.put_group(parent, RUN_TIME)
            if parent != name:
                self.put_child(parent, name)
        if host is not None:
            self.put_host(host, name)
        self.settle()
        return group

    def _put_back(self, name: str, host: str | None, parents: Iterable[str]) -> None:
        """`add_group` behind a refresh: a host that the sources have no more stays away."""
        self.add_group(name, host if host in self.hosts else None, parents)

    def refresh(self, fresh: Inventory) -> None:
        """Take over what the sources say now (``meta: refresh_inventory``); what tasks have put in stays in."""
        self.hosts, self.groups = fresh.hosts, fresh.groups
        self.sources, self.warnings = fresh.sources, fresh.warnings
        additions, self._additions = self._additions, []
        self.settle()
        for put_in in additions:
            put_in()

    # ---- asking

    def host(self, name: str) -> Host | None:
        """The host of that name. The names of this machine always have one: implicit, local, and in no group."""
        found = self.hosts.get(name)
        if found is None and name in LOCALHOST_NAMES:
            found = self.hosts[name] = Host(name, LOCALHOST_LAYER.place, implicit=True)
            found.add_layer(LOCALHOST_LAYER)
        return found

    def groups_of(self, host: str) -> list[Group]:
        """Every group the host is in, ``all`` first: by depth, then ``ansible_group_priority``, then name."""
        found = self.hosts.get(host)
        direct = tuple(found.groups) if found else ()
        if found is not None and found.implicit and not direct:
            direct = ("all",)
        groups = self._ancestors.get(direct)
        if groups is None:
            groups = self._ancestors[direct] = self._above(direct)
        return list(groups)

    def _above(self, names: Iterable[str]) -> list[Group]:
        seen: dict[str, None] = {}
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen[name] = None
                waiting.extend(self.groups[name].parents)
        return sorted((self.groups[name] for name in seen), key=lambda g: (g.depth, g.priority, g.name))

    def hosts_of(self, group: str) -> list[str]:
        """Names of the hosts in the group and in those below it: its own first, then level by level, each once."""
        members = self._members.get(group)
        if members is None:
            found: dict[str, None] = {}
            for name in self._below(group):
                found.update(self.groups[name].hosts)
            members = self._members[group] = list(found)
        return list(members)

    def _below(self, group: str) -> list[str]:
        seen = {group: None}
        level = [group]
        while level:
            level = [child for name in level for child in self.groups[name].children if child not in seen]
            seen.update(dict.fromkeys(level))
        return list(seen)

    def select(
        self, pattern: str | Sequence[str], limit: str | Sequence[str] | None = None, order: str | None = None
    ) -> patterns.Selection:
        """The hosts a pattern means, within ``limit``, in ``order``, with warnings for terms that matched nothing."""
        chosen = patterns.select(pattern, self.hosts, self.groups, self.hosts_of, fallback=LOCALHOST_NAMES)
        hosts, warnings = chosen.hosts, list(chosen.warnings)
        if limit is not None:
            allowed = patterns.select(
                patterns.read_limit(limit), self.hosts, self.groups, self.hosts_of, fallback=LOCALHOST_NAMES
            )
            warnings += allowed.warnings
            within = set(allowed.hosts)
            hosts = [name for name in hosts if name in within]
        for name in hosts:
            if name in LOCALHOST_NAMES:
                self.host(name)
        return patterns.Selection(patterns.in_order(hosts, order), warnings)

    def match(
        self, pattern: str | Sequence[str], limit: str | Sequence[str] | None = None, order: str | None = None
    ) -> list[str]:
        """`select` for who needs the names alone; raises InventoryError for a malformed pattern or order."""
        return self.select(pattern, limit, order).hosts
