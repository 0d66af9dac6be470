"""What the desk says when it does not do what it was asked for. The gateway turns each kind into its HTTP status."""

from __future__ import annotations

from orchestrator.errors import OrchError


class Refused(OrchError):
    """A request that is not granted; ``code`` and ``hint`` may be told to the one who asked. 403."""

    code = "refused"
    subject = ""
    """Whom it is about, as far as is known: for the audit trail, and told to nobody else."""


class Unidentified(Refused):
    """Nobody that the desk knows, or nobody any more. 401."""

    code = "unidentified"


class NotFound(Refused):
    """There is no such thing for this agent: it does not exist, or is another's. 404."""

    code = "not_found"


class Conflict(Refused):
    """Somebody was faster, or the attempt is over. 409."""

    code = "conflict"


class Malformed(Refused):
    """The request makes no sense. 400."""

    code = "malformed"


class Rewind(Refused):
    """Something is missing before what was sent: go on from ``next``. 416.

    For events ``next`` is the sequence number that is awaited, for an upload the offset in bytes.
    """

    code = "rewind"

    def __init__(self, next_: int) -> None:
        super().__init__(f"go on from {next_}")
        self.next = next_
