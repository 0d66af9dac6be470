"""`Scope`: what one task on one host sees. A stack of mappings, asked from the highest layer down, unrendered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from typing import TYPE_CHECKING, Any

from orchestrator.content.trust import adopt
from orchestrator.errors import Origin
from orchestrator.template.omit import OMIT
from orchestrator.variables.layers import Layered, origin_in
from orchestrator.variables.magic import MAGIC
from orchestrator.variables.merging import laid_over

if TYPE_CHECKING:
    from orchestrator.model import Play, Role, Task
    from orchestrator.variables.store import VariableStore

Chain = list[tuple[str, Mapping[str, Any]]]
_NOTHING: Mapping[str, Any] = {}


class Scope:
    """Raw values by name. ``memo`` belongs to the engine, which keeps there what has been rendered."""

    __slots__ = ("chain", "fallback", "host", "locals", "memo", "play", "role", "store", "task")

    def __init__(
        self, store: VariableStore, host: str | None, play: Play | None, task: Task | None, role: Role | None,
        chain: Chain, locals: Mapping[str, Any], fallback: Mapping[str, Any] = _NOTHING,
    ) -> None:
        self.store = store
        self.host = host
        self.play = play
        self.task = task
        self.role = role
        self.chain = chain
        self.locals = locals
        self.fallback = fallback
        """What a task's keywords and the defaults say of the connection, where no variable does."""
        self.memo: dict[str, Any] = {"omit": OMIT}

    def lookup(self, name: str) -> Any:
        """The raw value that wins. Raises KeyError when nothing sets ``name``."""
        if name in self.locals:
            return self.locals[name]
        make = MAGIC.get(name)
        if make is not None:
            try:
                return make(self)
            except KeyError:
                pass  # outside of a role `role_name` is anybody's
        for _, values in self.chain:
            if name in values:
                value = values[name]
                return self._merged(name) if self.store.merges_mappings and isinstance(value, Mapping) else value
        return self.fallback[name]

    def _merged(self, name: str) -> Any:
        """The mappings that the layers hold under ``name``, as one; above a value that is none nothing counts."""
        layers = [values[name] for _, values in reversed(self.chain) if name in values]
        return adopt(reduce(laid_over, layers))

    def given(self, name: str) -> Any:
        """The same for a name that somebody set; KeyError for what the run itself would fill in."""
        if name in self.locals:
            return self.locals[name]
        for _, values in self.chain:
            if name in values:
                return values[name]
        raise KeyError(name)

    def names(self) -> set[str]:
        """Every name that `lookup` can answer."""
        names: set[str] = {*self.locals, *self.fallback}
        for _, values in self.chain:
            names.update(key for key in values if isinstance(key, str))
        return names | self._magic_names()

    def _magic_names(self) -> set[str]:
        names = set()
        for name, make in MAGIC.items():
            try:
                make(self)
            except KeyError:
                continue
            names.add(name)
        return names

    def explain(self, name: str) -> list[Layered]:
        """Every layer that sets ``name``, the winner last."""
        found = []
        for label, values, place_of in self.store.layers(self):
            if name in values:
                found.append(Layered(label, _origin(values, name, place_of), values[name]))
        make = MAGIC.get(name)
        if make is not None:
            try:
                found.append(Layered("magic variables", None, make(self)))
            except KeyError:
                pass
        if name in self.locals:
            found.append(Layered("loop and task locals", origin_in(self.locals, name), self.locals[name]))
        return found

    def with_locals(self, more: Mapping[str, Any]) -> Scope:
        """The same scope with further names on top (a loop's item, a result under test); nothing is shared back."""
        merged = {**self.locals, **more} if self.locals else dict(more)
        return Scope(self.store, self.host, self.play, self.task, self.role, self.chain, merged, self.fallback)

    def with_fallback(self, fallback: Mapping[str, Any]) -> Scope:
        """The same scope with other connection variables behind what is set (a delegate's)."""
        return Scope(self.store, self.host, self.play, self.task, self.role, self.chain, self.locals, fallback)


def _origin(values: Mapping[str, Any], name: str, place_of: Callable[[str], Any] | None) -> Origin | None:
    if place_of is None:
        return origin_in(values, name)
    place = place_of(name)
    return Origin(place.file, place.line, place.column)
