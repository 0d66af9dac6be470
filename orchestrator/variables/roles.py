"""Which role's defaults and vars a task sees: every public role of the play, then its own chain, its own last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestrator.playbook.model import Role


def role_defaults(public: Iterable[Role], own: Role | None) -> dict[str, Any]:
    """Defaults, the own role's winning over its parents', those over its dependencies', those over the play's."""
    merged: dict[str, Any] = {}
    for role in public:
        if role.public:
            merged.update(role.defaults)
    if own is not None:
        for role in (*_dependencies(own), *own.parents, own):
            merged.update(role.defaults)
    return merged


def role_vars(public: Iterable[Role], own: Role | None) -> dict[str, Any]:
    """vars/main of the play's public roles, then of the own role's parents and dependencies, its own last."""
    merged: dict[str, Any] = {}
    for role in public:
        if role.public:
            merged.update(role.vars)
    if own is not None:
        for role in (*own.parents, *_dependencies(own), own):
            merged.update(role.vars)
    return merged


def role_params(own: Role) -> Mapping[str, Any]:
    """Parameters given where the role is used; those given to the roles that pulled it in come through."""
    if not own.parents:
        return own.params
    merged: dict[str, Any] = {}
    for role in (*own.parents, own):
        merged.update(role.params)
    return merged


def _dependencies(role: Role) -> list[Role]:
    found: list[Role] = []
    for dependency in role.dependencies:
        found += _dependencies(dependency)
        found.append(dependency)
    return found
