"""Connection variables as people write them in inventories and settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from orchestrator.errors import InventoryFault

Get = Callable[[str], Any]
"""Variable name -> its rendered value; None (or KeyError) when it is not set."""
Password = Callable[[], str]
TRUE_WORDS = frozenset({"yes", "on", "1", "true", "y", "t"})
FALSE_WORDS = frozenset({"no", "off", "0", "false", "n", "f", ""})


def truth(value: Any, what: str) -> bool:
    """A boolean as people write it in inventories; anything else is an `InventoryFault`."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise InventoryFault(f"{what} is {value!r}, which is neither true nor false", hint="write true or false")


def tolerant(get: Get) -> Get:
    """``get`` that gives None for what is not set."""
    def lookup(name: str) -> Any:
        try:
            return get(name)
        except KeyError:
            return None

    return lookup


def words(value: Any) -> tuple[str, ...]:
    """A list as Ansible's settings have it: of texts, or one text with commas."""
    parts = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else ()
    return tuple(word for part in parts if (word := str(part).strip().rstrip(":")))
