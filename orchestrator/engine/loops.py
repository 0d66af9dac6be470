"""Loops: the items, the names they go by, and what a display shows for one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from orchestrator.errors import TaskFault, TemplateError, UndefinedVariable

if TYPE_CHECKING:
    from orchestrator.model import Loop, LoopControl
    from orchestrator.template.engine import Engine
    from orchestrator.variables.scope import Scope


class Names(Struct, frozen=True):
    """``loop_control``, rendered for a host."""

    loop_var: str
    index_var: str | None
    extended: bool
    extended_allitems: bool
    pause_s: float


def names_of(control: LoopControl, engine: Engine, scope: Scope) -> Names:
    """Plain values cost nothing here; most loops have no ``loop_control`` at all."""

    def plain(value: Any) -> Any:
        return engine.render(value, scope)

    return Names(
        loop_var=str(plain(control.loop_var) or "item"),
        index_var=plain(control.index_var),
        extended=bool(plain(control.extended)),
        extended_allitems=bool(plain(control.extended_allitems)),
        pause_s=float(plain(control.pause) or 0),
    )


def items_of(loop: Loop, engine: Engine, scope: Scope) -> list[Any]:
    """The items of a loop for a host; raises `TaskFault` when ``loop`` is given something that is no list."""
    try:
        return list(engine.loop_items(loop.kind, loop.value, scope, loop.origin))
    except UndefinedVariable:
        raise
    except TemplateError as error:
        if loop.kind == "loop":
            raise
        raise TaskFault(error.message, origin=error.origin, code=error.code, hint=error.hint) from error


def locals_of(names: Names, items: Sequence[Any], index: int) -> dict[str, Any]:
    """The variables an item brings: itself, its index, and ``ansible_loop`` when asked for."""
    found: dict[str, Any] = {names.loop_var: items[index], "ansible_loop_var": names.loop_var}
    if names.index_var:
        found[names.index_var] = index
        found["ansible_index_var"] = names.index_var
    if names.extended:
        found["ansible_loop"] = _extended(names, items, index)
    return found


def locals_in(value: Mapping[str, Any]) -> dict[str, Any]:
    """The variables that an item had, as its stored value tells them: for an include that is replayed."""
    found = {name: value[name] for name in ("ansible_loop_var", "ansible_index_var", "ansible_loop") if name in value}
    for named in ("ansible_loop_var", "ansible_index_var"):
        if value.get(named) in value:
            found[value[named]] = value[value[named]]
    return found


def _extended(names: Names, items: Sequence[Any], index: int) -> dict[str, Any]:
    length = len(items)
    loop: dict[str, Any] = {
        "index": index + 1, "index0": index, "first": index == 0, "last": index + 1 == length, "length": length,
        "revindex": length - index, "revindex0": length - index - 1,
    }
    if names.extended_allitems:
        loop["allitems"] = list(items)
    if index + 1 < length:
        loop["nextitem"] = items[index + 1]
    if index > 0:
        loop["previtem"] = items[index - 1]
    return loop
