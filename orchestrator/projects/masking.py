"""Values as people may see them: what looks secret by its name, or was in a vault, is masked. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from orchestrator.engine.effects import ENCRYPTED
from orchestrator.engine.launch import SECRET_NAME
from orchestrator.security.secrets import HIDDEN
from orchestrator.template.types import Sealed, VaultedText

IN_URL = re.compile(r"(?P<before>[a-z][a-z0-9+.-]*://[^/\s:@]*:)[^/\s@]+(?=@)", re.IGNORECASE)
MOST_TEXT = 20_000


def is_secret_name(name: str) -> bool:
    return SECRET_NAME.search(name) is not None


def masked(name: str, value: Any) -> Any:
    """``value`` of the variable ``name`` for the eyes: JSON, templates as their source."""
    if isinstance(value, Sealed | VaultedText):
        return ENCRYPTED
    if is_secret_name(name) and value not in (None, "", True, False):
        return HIDDEN
    if isinstance(value, Mapping):
        return {str(key): masked(str(key), one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [masked("", one) for one in value]
    text = getattr(value, "source", value)
    if isinstance(text, str):
        return IN_URL.sub(rf"\g<before>{HIDDEN}", text)[:MOST_TEXT]
    return text if text is None or isinstance(text, bool | int | float) else str(text)[:MOST_TEXT]


def masked_vars(values: Mapping[str, Any]) -> dict[str, Any]:
    return {str(name): masked(str(name), value) for name, value in values.items()}


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
