"""Values as people may see them: what looks secret by its name, or was in a vault, is masked. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from orchestrator.engine.effects import ENCRYPTED
from orchestrator.engine.launch import SECRET_NAME
from orchestrator.security.secrets import HIDDEN
from orchestrator.template.types import Sealed, VaultedText

VAULT_TEXT = "$ANSIBLE_VAULT;"
IN_URL = re.compile(r"(?P<before>[a-z][a-z0-9+.-]*://[^/\s:@]*:)[^/\s@]+(?=@)", re.IGNORECASE)
MOST_TEXT = 20_000
LEAST_TEXT = 4


def is_secret_name(name: str) -> bool:
    return SECRET_NAME.search(name) is not None


def masked(name: str, value: Any) -> Any:
    """``value`` of the variable ``name`` for the eyes: JSON, templates as their source."""
    if isinstance(value, Sealed | VaultedText):
        return ENCRYPTED
    if _is_hidden(name, value):
        return HIDDEN
    if isinstance(value, Mapping):
        return {str(key): masked(str(key), one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [masked("", one) for one in value]
    text = getattr(value, "source", value)
    if isinstance(text, str):
        return IN_URL.sub(rf"\g<before>{HIDDEN}", text)[:MOST_TEXT]
    return text if text is None or isinstance(text, bool | int | float) else str(text)[:MOST_TEXT]


def _is_hidden(name: str, value: Any) -> bool:
    """As a whole: by its name, or as a text that a vault holds."""
    if isinstance(value, str) and value.lstrip().startswith(VAULT_TEXT):
        return True
    return is_secret_name(name) and value not in (None, "", True, False)


def holds_secret(name: str, value: Any) -> bool:
    """Whether anything of the variable ``name``, which is JSON, is masked."""
    if _is_hidden(name, value):
        return True
    if isinstance(value, Mapping):
        return any(holds_secret(str(key), one) for key, one in value.items())
    if isinstance(value, list):
        return any(holds_secret("", one) for one in value)
    return isinstance(value, str) and IN_URL.search(value) is not None


def parted(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Variables as they are stored in the open, with masks, and the whole of those that hold secrets."""
    secret = {name: value for name, value in values.items() if holds_secret(name, value)}
    return {name: masked(name, value) if name in secret else value for name, value in values.items()}, secret


def hidden_texts(name: str, value: Any) -> list[str]:
    """Every text of the variable ``name`` that a mask would hide, but for short ones: what no message may repeat."""
    if _is_hidden(name, value):
        return [text for text in _texts(value) if len(text) >= LEAST_TEXT]
    if isinstance(value, Mapping):
        return [text for key, one in value.items() for text in hidden_texts(str(key), one)]
    if isinstance(value, list):
        return [text for one in value for text in hidden_texts("", one)]
    return [found[0].rpartition(":")[2] for found in IN_URL.finditer(value)] if isinstance(value, str) else []


def _texts(value: Any) -> list[str]:
    if isinstance(value, Mapping | list):
        return [text for one in (value.values() if isinstance(value, Mapping) else value) for text in _texts(one)]
    return [str(value)]


def masked_vars(values: Mapping[str, Any]) -> dict[str, Any]:
    return {str(name): masked(str(name), value) for name, value in values.items()}


def open_vars(values: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The variables that may be shown as they are, and the names of the others: what a mask would change."""
    shown = {name: value for name, value in values.items() if masked(name, value) == value}
    return shown, sorted(values.keys() - shown.keys())


def unmasked(given: Any, before: Any) -> Any:
    """``given`` as it was meant by somebody who was shown masks: where a mask stands, what there was stays."""
    if given == HIDDEN:
        return before if before is not None else given
    if isinstance(given, str) and isinstance(before, str) and HIDDEN in given and masked("", before) == given:
        return before
    if isinstance(given, Mapping) and isinstance(before, Mapping):
        return {key: unmasked(value, before.get(key)) for key, value in given.items()}
    if isinstance(given, list) and isinstance(before, list) and len(given) == len(before):
        return [unmasked(one, was) for one, was in zip(given, before, strict=True)]
    return given
