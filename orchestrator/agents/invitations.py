"""Inviting a host: a token that is good once, for one host, for an hour."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from orchestrator.agents.office import Office
from orchestrator.agents.records import Invitation
from orchestrator.agents.rows import InvitationRow
from orchestrator.errors import UsageError
from orchestrator.refusals import Unidentified

LONGEST_HOST = 253
LONGEST_S = 30 * 86_400
INVITE_AGAIN = "on the controller: orch agents invite HOST"


class Invitations:
    def __init__(self, office: Office) -> None:
        self._office = office

    def invite(self, host: str, labels: dict[str, Any] | None = None, valid_s: float = 3600,
               by: str = "") -> Invitation:
        """A new token for a host of the inventory. It is not stored, only a keyed hash of it."""
        office, now = self._office, self._office.clock()
        if not 60 <= valid_s <= LONGEST_S:
            raise UsageError("an invitation is valid for a minute at least and 30 days at most", code="invitation")
        token = secrets.token_urlsafe(32)
        made = Invitation(self._id(token, host), token, checked_host(host), now + timedelta(seconds=valid_s))
        with office.database.transaction():
            office.invitations.insert({
                "id": made.id, "token_hash": self.hashed(token), "host": host, "created_by": by, "used_by": None,
                "address": None, "labels": labels or {}, "created": now, "expires": made.expires, "used": None})
            office.audit.write(by, "agent.invite", host, invitation=made.id, valid_s=int(valid_s))
        return made

    def hashed(self, token: str) -> str:
        """Keyed, so that nobody who can write to the database invites himself."""
        return self._office.master.derive("invitation", token).hex()

    def _id(self, token: str, host: str) -> str:
        """Follows from both: a row whose host was changed behind orch's back is not the token's any more."""
        return self._office.master.derive("invited", token, host)[:8].hex()

    def check(self, token: str, address: str = "") -> InvitationRow:
        """The invitation behind a token that is still good, as the install script's route asks. Uses nothing up.

        ``address``: who asks, for the audit trail.
        """
        row = self.find(token)
        self.refuse_unless_open(row)
        return row

    def find(self, token: str, lock: bool = False) -> InvitationRow:
        row = self._office.invitations.find('"token_hash" = ?', self.hashed(token), lock=lock)
        if row is None or row.id != self._id(token, row.host):
            raise Unidentified("the invitation is unknown", code="invitation_unknown",
                               hint=f"copy the whole line, or make a new one {INVITE_AGAIN}")
        return row

    def refuse_unless_open(self, row: InvitationRow) -> None:
        if row.used is not None:
            raise Unidentified("the invitation has been used", code="invitation_used",
                               hint=f"each is good for one host, once; make a new one {INVITE_AGAIN}")
        if row.expires <= self._office.clock():
            raise Unidentified("the invitation is too old", code="invitation_expired",
                               hint=f"make a new one {INVITE_AGAIN}")


def checked_host(host: str) -> str:
    """A name that may stand in the inventory. Raises `UsageError`."""
    if not host or len(host) > LONGEST_HOST or host.startswith("-") or not host.isprintable() or " " in host:
        raise UsageError(f"{host!r} cannot be the name of a host", code="host_name",
                         hint="take the host's name in the inventory")
    return host
