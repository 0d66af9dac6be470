"""The one error of an inventory: located where possible, with a hint that says what to do."""

from __future__ import annotations


class InventoryError(Exception):
    """An inventory source or a host pattern cannot be used. ``line`` and ``column`` count from 1; 0 means unknown."""

    def __init__(
        self, message: str, file: str | None = None, line: int = 0, column: int = 0, hint: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.file = file
        self.line = line
        self.column = column
        self.hint = hint

    def __str__(self) -> str:
        if self.file is None:
            return self.message
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        return f"{place}: {self.message}"
