"""Which files of ``module_utils`` a Python source imports. Pure: text in, names out."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from msgspec import Struct

ROOTS = ("ansible.module_utils", "ansible_collections")
_SIX = "ansible.module_utils.six"


class Need(Struct, frozen=True):
    """One import. ``names``: dotted names of which the first that exists is meant.

    ``optional``: the import stands below the top level of its file (in a ``try``, an ``if``, a function), so that the
    source has its own way to go on without it.
    """

    names: tuple[str, ...]
    optional: bool


def needs(source: str, dotted: str, is_package: bool, file: str = "<module>") -> list[Need]:
    """What ``source`` imports from `ROOTS`, in the order of its lines. Raises SyntaxError for what is no Python 3.

    ``dotted`` is its own name, from which relative imports start.
    """
    tree = ast.parse(source, file)
    top = {id(node) for node in tree.body}
    package = dotted if is_package else dotted.rpartition(".")[0]
    found: dict[Need, None] = {}
    for node in ast.walk(tree):
        for names in _names(node, package):
            found.setdefault(Need(names, id(node) not in top))
    return list(found)


def _names(node: ast.AST, package: str) -> Iterator[tuple[str, ...]]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            if is_ours(alias.name):
                yield (_without_moves(alias.name),)
    elif isinstance(node, ast.ImportFrom):
        base = _absolute(node, package)
        for alias in node.names:
            if is_ours(base) or is_ours(f"{base}.{alias.name}"):
                name = _without_moves(f"{base}.{alias.name}")
                yield tuple(dict.fromkeys((name, _without_moves(base)))) if is_ours(base) else (name,)


def _absolute(node: ast.ImportFrom, package: str) -> str:
    """The package that ``from … import`` names; a relative one is resolved as Python would."""
    if not node.level:
        return node.module or ""
    parts = package.split(".")
    parts = parts[:len(parts) - node.level + 1]
    return ".".join([*parts, *([node.module] if node.module else [])])


def is_ours(name: str) -> bool:
    return name.startswith(tuple(root + "." for root in ROOTS)) or name in ROOTS


def _without_moves(name: str) -> str:
    """``six.moves`` makes its modules up while it runs: the file is six's own."""
    return _SIX if name.startswith(_SIX + ".") else name
