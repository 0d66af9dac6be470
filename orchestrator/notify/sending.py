"""What sending may end with."""

from __future__ import annotations

from orchestrator.errors import OrchError


class NotSent(OrchError):
    """A message that was not taken. ``is_final``: trying again would not help, as far as the other side says."""

    code = "not_sent"

    def __init__(self, message: str, *, is_final: bool = False) -> None:
        super().__init__(message)
        self.is_final = is_final
