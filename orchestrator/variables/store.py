"""`VariableStore`: everything that is known of every host, and the scopes made from it.

Nothing is computed for a host that nobody asks for. What a host's inventory says is merged once; what does not depend
on the host (role defaults, role vars) once per role; a scope is then a short list of references.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from orchestrator.content.trust import adopt
from orchestrator.errors import ContentError, UndefinedVariable
from orchestrator.template.engine import Engine
from orchestrator.variables import facts as facts_rules
from orchestrator.variables.hostvars import DelegatesVars, VarsOfHost
from orchestrator.variables.listed import ListedHosts, Placed
from orchestrator.variables.merging import all_laid_over
from orchestrator.variables.roles import dependencies_of, merged, role_layers, role_params
from orchestrator.variables.scope import Chain, Scope

if TYPE_CHECKING:
    from orchestrator.content.loader import ContentLoader
    from orchestrator.model import Play, Role, Task

_EMPTY: Mapping[str, Any] = {}
_CONNECTION = ("ansible_host", "ansible_port", "ansible_user", "ansible_connection")


class RunOptions(Struct, frozen=True):
    """What the command line says that playbooks can see."""

    check_mode: bool = False
    diff_mode: bool = False
    forks: int = 50
    verbosity: int = 0
    limit: str | None = None
    run_tags: Sequence[str] = ("all",)
    skip_tags: Sequence[str] = ()
    inventory_sources: Sequence[str] = ()
    config_file: str | None = None
    connection: str | None = None
    remote_user: str | None = None
    python: str = sys.executable


class PlayState(Struct):
    """Hosts of the play that runs now. ``active`` gives those of the batch that have not failed."""

    hosts_all: Sequence[str]
    batch: Sequence[str]
    active: Callable[[], Iterable[str]]


class _Known(Struct):
    """What the run has learnt of one host."""

    facts: dict[str, Any] = field(default_factory=dict)
    injected: dict[str, Any] = field(default_factory=dict)
    set: dict[str, Any] = field(default_factory=dict)
    included: dict[str, Any] = field(default_factory=dict)


class VariableStore:
    """See the module. ``inventory`` offers hosts, groups and groups_of; ``content`` reads vars files."""

    def __init__(
        self,
        inventory: Any,
        engine: Engine,
        content: ContentLoader | None = None,
        extra_vars: Mapping[str, Any] | None = None,
        playbook_dir: str = ".",
        *,
        inventory_dirs: Sequence[str] = (),
        options: RunOptions | None = None,
        inject_facts: bool = True,
        merges_mappings: bool = False,
    ) -> None:
        self.inventory = inventory
        self.engine = engine
        self.content = content
        self.extra_vars: Mapping[str, Any] = extra_vars or {}
        self.playbook_dir = playbook_dir
        self.options = options or RunOptions()
        self.inject_facts = inject_facts
        self.merges_mappings = merges_mappings
        """``hash_behaviour: merge``: of a name that several layers set to mappings, all are seen as one."""
        self.state: PlayState | None = None
        self.facts: dict[str, dict[str, Any]] = {}
        self._known: dict[str, _Known] = {}
        self._prompts: dict[str, Any] = {}
        self._roles: dict[tuple[int, int, str], Mapping[str, Any]] = {}
        self._public: dict[int, list[Role]] = {}
        self._pinned: list[Any] = []
        self._version = 0
        self._others: dict[str, tuple[int, VarsOfHost]] = {}
        self.listed = ListedHosts(inventory, content, inventory_dirs, playbook_dir, merges_mappings)

    # What the run learns

    def set_fact(self, host: str, name: str, value: Any, cacheable: bool = False) -> None:
        """A variable of the host from now on (layer 19). ``cacheable``: a fact as well."""
        self._of(host).set[name] = value
        self._version += 1
        if cacheable:
            self.set_facts(host, {name: value})

    def set_facts(self, host: str, facts: Mapping[str, Any]) -> None:
        """Facts that the host told: into ``ansible_facts``, and to the top level those names a host may set."""
        known = self._of(host)
        known.facts.update(facts_rules.namespaced(facts))
        self.facts[host] = known.facts
        if self.inject_facts:
            known.injected.update(facts_rules.injected(facts))
        self._version += 1

    def clear_facts(self, host: str) -> None:
        known = self._of(host)
        known.facts, known.injected = {}, {}
        self.facts.pop(host, None)
        self._version += 1

    def register(self, host: str, name: str, value: Any) -> None:
        """A task's result under the name its author gave it."""
        self._of(host).set[name] = value
        self._version += 1

    def include_vars(self, host: str, values: Mapping[str, Any]) -> None:
        """Variables from ``include_vars`` (layer 18). They may hold templates."""
        self._of(host).included.update({name: adopt(value) for name, value in values.items()})
        self._version += 1

    def set_prompts(self, values: Mapping[str, Any]) -> None:
        """Answers to a play's ``vars_prompt``."""
        self._prompts = dict(values)
        self._version += 1

    def enter_play(
        self, play: Play, hosts_all: Sequence[str], batch: Sequence[str] | None = None,
        active: Callable[[], Iterable[str]] | None = None,
    ) -> None:
        """From now on ``ansible_play_hosts`` and its kin tell of this play."""
        chosen = list(batch if batch is not None else hosts_all)
        self.state = PlayState(list(hosts_all), chosen, active or (lambda: chosen))
        self._public[id(play)] = list(play.roles)
        self._version += 1

    def publish_role(self, play: Play, role: Role) -> None:
        """``include_role`` with ``public``: its defaults and vars are seen by the play from here on."""
        self._public.setdefault(id(play), list(play.roles)).extend([*dependencies_of(role), role])
        self._roles.clear()
        self._version += 1

    def inventory_changed(self) -> None:
        """Hosts or groups were added (add_host, group_by)."""
        self.listed.changed()
        self._version += 1

    def inventory_reloaded(self) -> None:
        """The inventory's sources were read again: so are the files beside them."""
        self.listed.reloaded()
        self._version += 1

    def _of(self, host: str) -> _Known:
        known = self._known.get(host)
        if known is None:
            known = self._known[host] = _Known()
        return known

    # Scopes

    def scope(
        self, host: str | None, play: Play | None = None, task: Task | None = None, role: Role | None = None,
        locals: Mapping[str, Any] | None = None,
    ) -> Scope:
        """What ``task`` sees on ``host``. Without a host: what does not depend on one."""
        if role is None and task is not None:
            role = task.role
        chain: Chain = [
            (label, values) for label, values in reversed(self._stack(host, play, task, role)) if values
        ]
        fallback = self._connection(host, task) if host is not None and task is not None else _EMPTY
        return Scope(self, host, play, task, role, chain, locals or _EMPTY, fallback)

    def _connection(self, host: str, task: Task) -> dict[str, Any]:
        """``ansible_host`` and its kin as a task sees them when no variable sets them; hostvars has none of this."""
        user = self.options.remote_user if task.remote_user is None else task.remote_user
        transport = self.options.connection or ("local" if self.listed.lacks(host) else "ssh")
        found = {"ansible_host": host, "ansible_connection": transport if task.connection is None else task.connection}
        if user is not None:
            found["ansible_user"] = user
        if self.listed.lacks(host):
            found["ansible_python_interpreter"] = self.options.python
        return found

    def delegated(self, scope: Scope, delegate: str) -> Scope:
        """``scope`` for a task that runs on ``delegate``: where the host itself sets no ``ansible_host`` (``_port``,
        ``_user``, ``_connection``), the delegate's is seen; all else of it is in ``ansible_delegated_vars``, under
        the ``inventory_hostname`` of the host that delegates."""
        known = self.vars_of(delegate)
        seen = {name: known[name] for name in _CONNECTION if name in known}
        there = DelegatesVars(self.scope(delegate), delegate, scope.host)
        return scope.with_locals({"ansible_delegated_vars": {delegate: there}}).with_fallback(
            {**scope.fallback, "ansible_host": delegate, **seen})

    def _stack(self, host: str | None, play: Play | None, task: Task | None, role: Role | None) -> Chain:
        """The layers, lowest first, the host's inventory as one."""
        known = self._known.get(host) if host is not None else None
        stack: Chain = []
        if play is not None or role is not None:
            stack.append(("role defaults", self._role_layer(play, role, "defaults")))
        if host is not None:
            stack.append(("inventory", self.listed.base(host)))
        if known is not None:
            stack.append(("facts", known.injected))
        if play is not None:
            stack += self._play_layers(host, play)
        if play is not None or role is not None:
            stack.append(("role vars", self._role_layer(play, role, "vars")))
        if task is not None:
            last = len(task.vars) - 1
            stack += [("task vars" if i == last else "block vars", v) for i, v in enumerate(task.vars)]
        if known is not None:
            stack += [("include_vars", known.included), ("set_fact and register", known.set)]
        if role is not None:
            stack.append(("role params", role_params(role)))
        if play is not None:
            stack += [("include params", values) for values in play.include_params]
        if task is not None:
            stack += [("include params", values) for values in task.include_params]
        stack.append(("extra vars", self.extra_vars))
        return stack

    def layers(self, scope: Scope) -> Placed:
        """The layers of a scope for `Scope.explain`: lowest first, inventory and roles taken apart."""
        apart: Placed = []
        for label, values in self._stack(scope.host, scope.play, scope.task, scope.role):
            if label == "inventory" and scope.host is not None:
                apart += self.listed.layers(scope.host)
            elif label in ("role defaults", "role vars"):
                layers = role_layers(self._public_roles(scope.play), scope.role, label.split()[1])
                apart += [(f"{label} ({name})", values, None) for name, values in layers]
            else:
                apart.append((label, values, None))
        return apart

    def _role_layer(self, play: Play | None, role: Role | None, which: str) -> Mapping[str, Any]:
        key = (id(play), id(role), which)
        found = self._roles.get(key)
        if found is None:
            self._pinned += [play, role]
            found = self._roles[key] = self._merged_roles(role_layers(self._public_roles(play), role, which))
        return found

    def _merged_roles(self, layers: Iterable[tuple[str, Mapping[str, Any]]]) -> Mapping[str, Any]:
        return all_laid_over(values for _, values in layers) if self.merges_mappings else merged(layers)

    def _public_roles(self, play: Play | None) -> list[Role]:
        return self._public.get(id(play), list(play.roles)) if play is not None else []

    def vars_of(self, host: str) -> VarsOfHost:
        """``hostvars[host]``: kept until anything changes."""
        version, view = self._others.get(host, (-1, None))
        if view is None or version != self._version:
            view = VarsOfHost(self.scope(host))
            self._others[host] = (self._version, view)
        return view

    # Plays

    def play_name(self, play: Play) -> str:
        if isinstance(play.name, str):
            return play.name
        if play.name is not None:
            return str(self.engine.render(play.name, self.scope(None)))
        hosts = play.hosts if isinstance(play.hosts, (list, tuple)) else [play.hosts]
        return ",".join(str(getattr(part, "source", part)) for part in hosts)

    def _play_layers(self, host: str | None, play: Play) -> Chain:
        layers: Chain = [("play vars", play.vars)]
        if play.vars_prompt:
            layers.append(("play vars_prompt", self._prompts))
        for path in self._vars_files(host, play) if play.vars_files else ():
            layers.append((f"play vars_files ({path})", self._read(path)))
        return layers

    def _vars_files(self, host: str | None, play: Play) -> list[str]:
        from orchestrator.variables.files import vars_files

        below: Chain = [("play vars", play.vars), ("extra vars", self.extra_vars)]
        if host is not None:
            known = self._of(host)
            below = [
                ("inventory", self.listed.base(host)), ("facts", known.injected), ("play vars", play.vars),
                ("set_fact", known.set), ("extra vars", self.extra_vars),
            ]
        scope = Scope(self, host, play, None, None, list(reversed(below)), _EMPTY)
        try:
            return vars_files(play, lambda value: self.engine.render(value, scope), self.playbook_dir)
        except UndefinedVariable:
            if host is None:
                return []
            raise

    def _read(self, path: str) -> Mapping[str, Any]:
        if self.content is None:
            raise ContentError(f"no loader to read {path}")
        return self.content.read_vars(path)
