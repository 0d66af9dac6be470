"""-e: ``name=value`` pairs, a JSON or YAML mapping, or ``@file``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from orchestrator.errors import ContentError, Origin, UsageError

if TYPE_CHECKING:
    from orchestrator.content.loader import ContentLoader
    from orchestrator.content.vault import Vault
    from orchestrator.template.types import Map

PLACE = Origin("-e")


def parse_extra_vars(given: Sequence[str], vault: Vault | None = None) -> Map:
    """The variables of all -e options; later ones win. Pairs are text, mappings keep their types, as in Ansible.

    Values that hold Jinja are `Template`: the operator's own words are trusted. ``vault`` opens vaulted files.
    Raises `UsageError` or `ContentError` with the place.
    """
    from orchestrator.template.types import Map

    parsed = [_parse(text, vault) for text in given]
    if len(parsed) == 1:
        return parsed[0]  # as it is: a file's mapping knows where each of its names stands
    found = Map(origin=PLACE)
    for variables in parsed:
        found.update(variables)
    return found


def _parse(text: str, vault: Vault | None) -> Map:
    from orchestrator.content.loader import ContentLoader
    from orchestrator.content.trust import trust
    from orchestrator.template.types import Map

    text = text.strip()
    if text.startswith("@"):
        return _file(ContentLoader(vault), text[1:])
    if text[:1] in ("{", "["):
        return _mapping(text)
    pairs = dict(_pair(word) for word in _split(text))
    return Map(trust(pairs, PLACE), origin=PLACE)


def _file(loader: ContentLoader, name: str) -> Map:
    import os

    if not name:
        raise UsageError("-e @ names no file", hint="-e @vars.yml")
    return loader.read_vars(os.path.expanduser(name))


def _mapping(text: str) -> Map:
    from orchestrator.content.yaml import load_yaml
    from orchestrator.template.types import Map

    try:
        value = load_yaml(text, file="-e")
    except ContentError as error:
        error.hint = error.hint or "quote the whole mapping for the shell: -e '{\"name\": \"value\"}'"
        raise
    if not isinstance(value, Map):
        raise UsageError("-e takes name=value pairs or a mapping, not a list", origin=PLACE,
                         hint="-e '{\"names\": [1, 2]}'")
    return value


def _split(text: str) -> list[str]:
    """Words as in a task's ``k=v`` text: quotes and Jinja blocks hold together what belongs together."""
    from orchestrator.playbook.arguments_text import Unbalanced, words

    try:
        return [word.text for word in words(text)]
    except Unbalanced as error:
        raise UsageError(f"-e {text}: {error}", hint="quote the value, inside the quotes of the shell") from None


def _pair(word: str) -> tuple[str, str]:
    from orchestrator.playbook.arguments_text import decode_escapes, split_pair, unquote

    pair = split_pair(decode_escapes(word))
    if pair is None or not pair[0].isidentifier():
        hint = "-e 'version=1.2 debug=yes', -e @vars.yml, or JSON; quote a value that holds blanks"
        if word.startswith((".", "/")):
            hint = f"for the variables in a file: -e @{word}"
        raise UsageError(f"-e {word}: this is no name=value", hint=hint)
    return pair[0], unquote(pair[1])
