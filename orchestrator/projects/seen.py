"""Which inventories and projects whoever asks may see some of."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.access import rights
from orchestrator.access.rights import Identity

may_see = rights.may_see_some


def seen_ids(by: Identity, kind: str) -> Sequence[str] | None:
    """The ids that grants of a kind let it see; None: all of them."""
    if rights.may(by, rights.VIEW):
        return None
    return sorted({grant.scope_id for grant in by.grants if grant.kind == kind} if "read" in by.scopes else ())


def is_admin(by: Identity) -> bool:
    """Whether it may set what acts on the server itself: it may change projects, and so what runs there anyway."""
    return rights.may(by, "project.change")
