"""Which filters, tests and lookups a piece of Jinja names. Nothing is rendered."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from jinja2 import Environment, TemplateSyntaxError, nodes

LOOKUP_CALLS = frozenset({"lookup", "query", "q"})


class Named(NamedTuple):
    kind: str
    """filter, test or lookup."""
    name: str
    line: int
    """Within the text, from 1."""


def names_in(text: str) -> Iterator[Named]:
    """Every name, in no order; nothing for text that is no Jinja, since the loader tells about that with its place."""
    try:
        tree = _environment().parse(text)
    except TemplateSyntaxError:
        return
    for node in tree.find_all((nodes.Filter, nodes.Test, nodes.Call)):
        if isinstance(node, nodes.Filter):
            yield Named("filter", node.name, node.lineno)
        elif isinstance(node, nodes.Test):
            yield Named("test", node.name, node.lineno)
        elif isinstance(node, nodes.Call):
            yield from _lookup(node)


def names_in_condition(text: str) -> Iterator[Named]:
    """The same for a bare expression, as ``when`` has it."""
    return names_in("{{ " + text + " }}")


def _lookup(node: nodes.Call) -> Iterator[Named]:
    called = node.node
    if isinstance(called, nodes.Name) and called.name in LOOKUP_CALLS and node.args:
        first = node.args[0]
        if isinstance(first, nodes.Const) and isinstance(first.value, str):
            yield Named("lookup", first.value, node.lineno)


@cache
def _environment() -> Environment:
    return Environment(extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"], autoescape=False)
