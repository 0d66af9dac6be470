"""Which role's defaults and vars a task sees: every public role of the play, then its own chain, its own last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestrator.model import Role


def role_layers(public: Iterable[Role], own: Role | None, which: str) -> list[tuple[str, Mapping[str, Any]]]:
    """``defaults`` or ``vars`` of every role that counts, with the role's name, the strongest last.

    Own over the roles that pulled it in and those it depends on, these over the play's other public roles. Of the
    latter only what their files say: vars given where a role is used are its own tasks' alone.
    """
    roles = [role for role in public if role.public]
    exporting = len(roles)
    if own is not None:
        parents, dependencies = list(own.parents), dependencies_of(own)
        roles += [*dependencies, *parents, own] if which == "defaults" else [*parents, *dependencies, own]
    last = {id(role): index for index, role in enumerate(roles)}
    return [(role.fqcn, _exported(role, which) if index < exporting else getattr(role, which))
            for index, role in enumerate(roles) if last[id(role)] == index]


def _exported(role: Role, which: str) -> Mapping[str, Any]:
    values: Mapping[str, Any] = getattr(role, which)
    return role.exported if which == "vars" and role.exported is not None else values


def merged(layers: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for _, values in layers:
        found.update(values)
    return found


def role_params(own: Role) -> Mapping[str, Any]:
    """Parameters given where the role is used; those given to the roles that pulled it in come through."""
    if not own.parents:
        return own.params
    merged: dict[str, Any] = {}
    for role in (*own.parents, own):
        merged.update(role.params)
    return merged


def dependencies_of(role: Role) -> list[Role]:
    """The roles that ``role`` depends on, and theirs, in the order in which they run."""
    found: list[Role] = []
    for dependency in role.dependencies:
        found += dependencies_of(dependency)
        found.append(dependency)
    return found
