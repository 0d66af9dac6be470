"""``omit``: the value that takes its argument away."""

from __future__ import annotations

from typing import Final


class Omit:
    """One object, `OMIT`: an argument, mapping entry or list item that renders to it is left out."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<<Omit>>"

    def __bool__(self) -> bool:
        return False


OMIT: Final = Omit()
