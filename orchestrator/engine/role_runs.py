"""A role runs once per host and play, unless it was used with other parameters or allows duplicates."""

from __future__ import annotations

from orchestrator.engine.hosts import HostState
from orchestrator.model import Block, Role


def enter_role(host: HostState, block: Block) -> bool:
    """Whether the host is to run this block: false for a role that has run on it already."""
    if not block.role_start or block.role is None or block.role.allow_duplicates:
        return True
    return _identity(block.role) not in host.roles_run


def worked_in(host: HostState, role: Role | None) -> None:
    """The host has done a task of this role (well or badly): it was not skipped."""
    if role is not None:
        host.roles_begun.add(_identity(role))


def left_role(host: HostState, block: Block) -> None:
    """The host has ended the block; a role counts as run only now, and only when one of its tasks was not skipped."""
    if block.role_start and block.role is not None and _identity(block.role) in host.roles_begun:
        host.roles_run.add(_identity(block.role))


def _identity(role: Role) -> tuple[str, str]:
    return (role.path, role.identity)
