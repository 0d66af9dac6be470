"""Faults are gathered, not raised one by one: a reader of a playbook wants to see all of them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from msgspec import Struct

from orchestrator.errors import ContentError, Faults, OrchError, Origin


class Caution(Struct, frozen=True):
    """Something that works and should be changed; ``code`` is stable."""

    code: str
    message: str
    origin: Origin | None = None
    hint: str | None = None


class Collector:
    """The faults and cautions of one reading. The same fault at the same place counts once."""

    def __init__(self) -> None:
        self.errors: list[OrchError] = []
        self.cautions: list[Caution] = []
        self._seen: set[tuple[str, str]] = set()

    def add(self, message: str, origin: Origin | None, hint: str | None = None, *, code: str = "content",
            trail: Iterable[str] = ()) -> None:
        self.take(ContentError(message, origin=origin, hint=hint, code=code, trail=tuple(trail)))

    def take(self, error: OrchError) -> None:
        """Add an error that somebody raised; `Faults` are taken apart."""
        for one in error.errors if isinstance(error, Faults) else (error,):
            key = (str(one.origin), one.message)
            if key not in self._seen:
                self._seen.add(key)
                self.errors.append(one)

    def withdraw(self, since: int, codes: frozenset[str]) -> OrchError | None:
        """Take back the faults from number ``since`` on if all of them have one of these codes; returns the first."""
        late = self.errors[since:]
        if not late or not codes.issuperset(one.code for one in late):
            return None
        del self.errors[since:]
        self._seen.difference_update((str(one.origin), one.message) for one in late)
        return late[0]

    def warn(self, code: str, message: str, origin: Origin | None, hint: str | None = None) -> None:
        caution = Caution(code, message, origin, hint)
        if caution not in self.cautions:
            self.cautions.append(caution)

    def raise_all(self) -> None:
        """Raise `Faults` in the order of files read and of lines, if there are any."""
        if self.errors:
            raise Faults(_in_order(self.errors))


def _in_order(errors: list[OrchError]) -> list[OrchError]:
    files: dict[str, int] = {}
    for error in errors:
        files.setdefault(error.origin.file if error.origin else "", len(files))

    def place(error: OrchError) -> tuple[int, int, int]:
        origin = error.origin
        return (files[origin.file], origin.line, origin.column) if origin else (files[""], 0, 0)

    return sorted(errors, key=place)


def did_you_mean(word: object, known: Iterable[str], otherwise: str | None = None) -> str | None:
    """A hint with the nearest of the known words, or ``otherwise``."""
    near = nearest(word, known)
    return f"did you mean {near}?" if near else otherwise


def nearest(word: object, known: Iterable[str]) -> str | None:
    close = difflib.get_close_matches(str(word), list(known), n=1, cutoff=0.6)
    return close[0] if close else None
