"""Passwords in memory: held where ``repr`` shows nothing, and taken out of any text before a person sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

HIDDEN = "********"
SHORTEST = 4
"""Shorter secrets are not searched for: replacing every ``1`` or ``ab`` of a text would destroy it and hide little."""


class Secret:
    """A secret string. Only `reveal` hands it out; ``str``, ``repr`` and pickling do not."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __call__(self) -> str:
        """A secret can stand wherever a password callable is wanted."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    def __str__(self) -> str:
        return HIDDEN

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a Secret cannot be pickled")


class SecretStore:
    """Prompted, vault and become passwords of a run, by name; knows how to redact them all."""

    __slots__ = ("_named", "_prompts", "_values")

    def __init__(self) -> None:
        self._named: dict[str, Secret] = {}
        self._prompts: dict[str, Callable[[], str]] = {}
        self._values: set[str] = set()

    def put(self, name: str, value: str | Secret) -> Secret:
        """Keep ``value`` under ``name`` and redact it from now on."""
        secret = value if isinstance(value, Secret) else Secret(value)
        self._named[name] = secret
        self.guard(secret.reveal())
        return secret

    def ask_with(self, name: str, prompt: Callable[[], str]) -> None:
        """Call ``prompt`` for ``name`` when it is first needed, once."""
        self._prompts[name] = prompt

    def get(self, name: str) -> Secret | None:
        if name not in self._named and name in self._prompts:
            self.put(name, self._prompts.pop(name)())
        return self._named.get(name)

    def guard(self, value: str) -> None:
        """Redact ``value`` from now on, without a name."""
        if len(value) >= SHORTEST:
            self._values.add(value)

    def redact(self, text: str) -> str:
        """``text`` with every known secret replaced."""
        return redact(text, self._values)

    def __repr__(self) -> str:
        return f"SecretStore({', '.join(sorted(self._named))})"


def redact(text: str, secrets: Iterable[str]) -> str:
    """Replace each of ``secrets`` in ``text``, longest first so that one inside another leaves no rest."""
    for value in sorted(secrets, key=len, reverse=True):
        if len(value) >= SHORTEST and value in text:
            text = text.replace(value, HIDDEN)
    return text
