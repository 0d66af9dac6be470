"""What a service says when it does not do what it was asked for. The API turns each kind into its HTTP status."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.errors import OrchError


class Refused(OrchError):
    """A request that is not granted; ``code`` and ``hint`` may be told to the one who asked. 403."""

    code = "refused"
    subject = ""
    """Whom it is about, as far as is known: for the audit trail, and told to nobody else."""


class Unidentified(Refused):
    """Nobody that is known here, or nobody any more. 401."""

    code = "unidentified"


class NotFound(Refused):
    """There is no such thing for whoever asks: it does not exist, or is another's. 404."""

    code = "not_found"


class Conflict(Refused):
    """Somebody was faster, or the attempt is over. 409."""

    code = "conflict"


class Malformed(Refused):
    """The request makes no sense. 400. ``fields``: what is wrong with which of its fields, by path (``vars.port``)."""

    code = "malformed"

    def __init__(self, message: str, *, code: str | None = None, hint: str | None = None,
                 fields: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message, code=code, hint=hint)
        self.fields = tuple(fields)


def wrong(field: str, message: str, *, code: str = "malformed", hint: str | None = None) -> Malformed:
    """One field that is wrong."""
    return Malformed(message, code=code, hint=hint, fields=[(field, message)])


class Stale(Refused):
    """Somebody has changed it since it was read. 412."""

    code = "stale"


class Throttled(Refused):
    """Too many attempts: to be repeated after ``retry_s``. 429."""

    code = "throttled"

    def __init__(self, message: str, retry_s: float, *, code: str | None = None, hint: str | None = None) -> None:
        super().__init__(message, code=code, hint=hint)
        self.retry_s = retry_s


class Rewind(Refused):
    """Something is missing before what was sent: go on from ``next``. 416.

    For events ``next`` is the sequence number that is awaited, for an upload the offset in bytes.
    """

    code = "rewind"

    def __init__(self, next_: int) -> None:
        super().__init__(f"go on from {next_}")
        self.next = next_
