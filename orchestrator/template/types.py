"""The types by which trust travels: only loaders of trusted files make these.

A plain ``str`` is data and is never rendered, wherever it came from. A `Template` is source text from a trusted file,
a `TrustedText` is text from one that holds no Jinja, a `Sealed` a vault text, a `VaultedText` what stood in one. `Map`
and `Seq` are ``dict`` and ``list`` that remember where each entry stands.
"""

from __future__ import annotations

from typing import Any

from orchestrator.errors import Origin


class Template:
    """Jinja source from a trusted file. Not a ``str`` on purpose: what forgets to render it fails loudly."""

    __slots__ = ("origin", "source")

    def __init__(self, source: str, origin: Origin | None = None) -> None:
        self.source = source
        self.origin = origin

    def __repr__(self) -> str:
        return f"Template({self.source!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Template) and other.source == self.source

    def __hash__(self) -> int:
        return hash((Template, self.source))


class TrustedText(str):
    """A text without Jinja from a trusted file: a ``str`` for all purposes, and the one kind that may be an expression.

    ``when: "{{ item.condition }}"`` evaluates what the template gives if it gives such a text as it stands. Whatever is
    made from it (joined, cut, encoded) is a plain ``str`` again, and so is what comes back from a host or a store.
    """

    __slots__ = ()


TrustedText.__name__ = "str"  # people read it in messages: “str object has no attribute …”


class Sealed:
    """An ansible-vault text (``!vault``), opened only when it is used. ``repr`` shows no secret."""

    __slots__ = ("ciphertext", "origin")

    def __init__(self, ciphertext: str, origin: Origin | None = None) -> None:
        self.ciphertext = ciphertext
        self.origin = origin

    def __repr__(self) -> str:
        return "Sealed(…)"


class VaultedText(str):
    """The text of a `Sealed`, opened: a ``str`` for all purposes that is known to be secret wherever it is handed on.

    It keeps its ``ciphertext``, so that YAML is written with the vault text. Whatever is made from it (joined, cut,
    encoded) is a plain ``str``, and so is what comes back from a host or a store.
    """

    __slots__ = ("ciphertext",)
    ciphertext: str

    def __new__(cls, text: str, ciphertext: str = "") -> VaultedText:
        made = super().__new__(cls, text)
        made.ciphertext = ciphertext
        return made


VaultedText.__name__ = "str"


class Map(dict[Any, Any]):
    """A mapping from a trusted file. ``origin`` is its place, `origin_of` that of a key, `value_origin` of a value."""

    __slots__ = ("key_marks", "origin", "value_marks")

    def __init__(self, *args: Any, origin: Origin | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.origin = origin
        self.key_marks: dict[Any, tuple[int, int]] = {}
        self.value_marks: dict[Any, tuple[int, int]] = {}

    def origin_of(self, key: object) -> Origin | None:
        """Where ``key`` stands, or the place of the mapping itself when unknown."""
        mark = self.key_marks.get(key)
        return Origin(self.origin.file, *mark) if mark and self.origin else self.origin

    def value_origin(self, key: object) -> Origin | None:
        """Where the value of ``key`` stands, or the place of the mapping itself when unknown."""
        mark = self.value_marks.get(key)
        return Origin(self.origin.file, *mark) if mark and self.origin else self.origin


class Seq(list[Any]):
    """A sequence from a trusted file."""

    __slots__ = ("marks", "origin")

    def __init__(self, *args: Any, origin: Origin | None = None) -> None:
        super().__init__(*args)
        self.origin = origin
        self.marks: list[tuple[int, int]] = []

    def item_origin(self, index: int) -> Origin | None:
        """Where item ``index`` stands, or the place of the sequence itself when unknown."""
        if self.origin and index < len(self.marks):
            return Origin(self.origin.file, *self.marks[index])
        return self.origin
