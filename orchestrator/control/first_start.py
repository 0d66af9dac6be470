"""The first start: somebody must be able to come in, and nobody else."""

from __future__ import annotations

from orchestrator.access.identities import by_command_line
from orchestrator.control.control import Control
from orchestrator.errors import StoreError
from orchestrator.refusals import Conflict

FIRST_NAME = "admin"
VALID_S = 86_400.0


def first_link(control: Control) -> tuple[str, str] | None:
    """While no admin can come in: (name, token of a one-time link), made anew with each call. Else None."""
    by = by_command_line("orch serve")
    try:
        made = control.users.first_admin(by, FIRST_NAME, VALID_S)
    except (StoreError, Conflict):  # another process made the admin at this very moment
        made = control.users.first_admin(by, FIRST_NAME, VALID_S)
    return (made[0].name, made[1]) if made else None
