"""Source to code, once: templates, expressions, and the plain variable paths that need no Jinja at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from jinja2 import TemplateSyntaxError, nodes
from jinja2.parser import Parser
from msgspec import Struct

from orchestrator.errors import Origin
from orchestrator.template.environment import Context, Environment, Generator
from orchestrator.template.faults import SourceFault, excerpt

_PATH = re.compile(r"\{\{-?\s*([a-zA-Z_][a-zA-Z0-9_]*)((?:\.[a-zA-Z_][a-zA-Z0-9_]*)*)\s*-?\}\}\n?\Z")
_BARE = re.compile(r"\s*([a-zA-Z_][a-zA-Z0-9_]*)((?:\.[a-zA-Z_][a-zA-Z0-9_]*)*)\s*\Z")
_WORDS = frozenset(
    "true false none True False None not and or in is if else loop self super caller varargs kwargs".split()
)
_LOOKUPS = frozenset({"lookup", "query", "q"})
_TAKES_SEALED = frozenset({"unvault", "vault_encrypted", "tagged_with", "dump_object"})
_ANY_NAME = frozenset({"vars", "varnames", "template"})
"""Lookups that may read any variable: what uses them depends on ``vars``."""


class Compiled(Struct, frozen=True):
    """``root`` yields the parts; or ``path`` is a variable and its attributes, and there is no code."""

    root: Callable[[Context], Iterator[Any]] | None
    names: frozenset[str]
    path: tuple[str, ...] | None = None
    newlines: int = 0
    """Newlines at the end of the source, kept at the end of a text result."""


def compile_template(env: Environment, source: str, origin: Origin | None) -> Compiled:
    """A string with ``{{ }}`` in it. Raises `SourceFault`."""
    newlines = len(source) - len(source.rstrip("\n"))
    path = _path(_PATH.match(source))
    if path:
        return Compiled(None, frozenset({path[0]}), path, newlines)
    with _Faults(env, source, origin):
        tree = env.parse(source)
    root, names = _code(env, tree, source, origin, strings=False)
    return Compiled(root, names, None, newlines)


def compile_expression(env: Environment, source: str, origin: Origin | None) -> Compiled:
    """A bare expression, as a condition is. Raises `SourceFault`."""
    path = _path(_BARE.match(source))
    if path:
        return Compiled(None, frozenset({path[0]}), path)
    with _Faults(env, source, origin, expression=True):
        parser = Parser(env, source, state="variable")
        expression = parser.parse_expression()
        if not parser.stream.eos:
            raise TemplateSyntaxError("something follows the expression", parser.stream.current.lineno)
        expression.set_environment(env)
    tree = nodes.Template([nodes.Output([expression], lineno=1)], lineno=1)
    tree.set_environment(env)
    root, names = _code(env, tree, source, origin, strings=True)
    return Compiled(root, names)


def _path(match: re.Match[str] | None) -> tuple[str, ...] | None:
    if match is None or match[1] in _WORDS:
        return None
    return (match[1], *match[2].split(".")[1:])


def _code(
    env: Environment, tree: nodes.Template, source: str, origin: Origin | None, *, strings: bool
) -> tuple[Callable[[Context], Iterator[Any]], frozenset[str]]:
    more = _embed(env, tree, strings, origin)
    generator = Generator(env, None, None, defer_init=True, optimized=False)
    with _Faults(env, source, origin, strings):
        generator.visit(tree)
    namespace: dict[str, Any] = {"environment": env, "__file__": "<template>"}
    try:
        exec(compile(generator.stream.getvalue(), "<template>", "exec"), namespace)  # type: ignore[attr-defined]
    except SyntaxError as error:  # what Jinja lets through and Python does not: an argument given twice
        with _Faults(env, source, origin, strings):
            raise TemplateSyntaxError(error.msg, 1) from None
    names = generator.free_names.difference(env.globals) | more
    return namespace["root"], frozenset(names)


# Constants that hold a template


def _holds_template(value: Any) -> bool:
    return isinstance(value, str) and "{{" in value and "}}" in value


def _embed(env: Environment, tree: nodes.Node, strings: bool, origin: Origin | None) -> set[str]:
    """Turn constants that hold ``{{ }}`` into templates where Ansible does: in conditions, in arguments of lookups.

    Only constants of trusted source can be such; a value is never looked at. Returns the names they depend on.
    """
    names: set[str] = set()

    def node_for(const: nodes.Const) -> nodes.Call:
        names.update(compile_template(env, const.value, origin).names)
        target = nodes.EnvironmentAttribute("embedded", lineno=const.lineno)
        call = nodes.Call(
            target, [nodes.ContextReference(lineno=const.lineno), nodes.Const(const.value, lineno=const.lineno)],
            [], None, None, lineno=const.lineno,
        )
        call.set_environment(env)
        return call

    def walk(node: nodes.Node, inside: bool) -> None:
        inside = inside or _is_lookup(node)
        if isinstance(node, (nodes.Filter, nodes.Test)) and node.name.rpartition(".")[2] in _TAKES_SEALED:
            names.update(_unopened(env, node))
        if _is_lookup(node):
            names.update(_lookup_names(node))
        for field, value in node.iter_fields():
            if isinstance(value, list):
                named = _is_lookup(node) and field == "args"  # its name, first of all, is no template
                for index, item in enumerate(value):
                    if named and index == 0 and isinstance(item, nodes.Const):
                        continue
                    if inside and isinstance(item, nodes.Const) and _holds_template(item.value):
                        value[index] = node_for(item)
                    elif isinstance(item, nodes.Node):
                        walk(item, inside)
            elif inside and isinstance(value, nodes.Const) and _holds_template(value.value):
                setattr(node, field, node_for(value))
            elif isinstance(value, nodes.Node):
                walk(value, inside)

    walk(tree, strings)
    return names


def _unopened(env: Environment, node: nodes.Filter | nodes.Test) -> set[str]:
    """What asks about a vault text gets a variable that is one as it is, not what is in it. Returns its name."""
    name = node.node
    if not isinstance(name, nodes.Name) or name.ctx != "load":
        return set()
    context = nodes.ContextReference(lineno=name.lineno)
    target = nodes.EnvironmentAttribute("unopened", lineno=name.lineno)
    node.node = nodes.Call(target, [context, nodes.Const(name.name)], [], None, None, lineno=name.lineno)
    node.node.set_environment(env)
    return {name.name}


def _is_lookup(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name in _LOOKUPS


def _lookup_names(node: Any) -> set[str]:
    kind = node.args[0].value if node.args and isinstance(node.args[0], nodes.Const) else None
    if isinstance(kind, str) and kind.rpartition(".")[2] not in _ANY_NAME:
        return set()
    names = [argument.value for argument in node.args[1:] if isinstance(argument, nodes.Const)]
    if kind is not None and kind.rpartition(".")[2] == "vars" and len(names) == len(node.args) - 1:
        return {str(name) for name in names}
    return {"vars"}


def missing_hint(env: Any, message: str) -> str | None:
    """What to do about “No filter named …”: a file that could not be loaded may be the reason."""
    for kind, plugins in (("filter", env.filters), ("test", env.tests)):
        if message.startswith(f"No {kind} named"):
            found = f"no {kind} has that name: look for a typing error, or put its plugin into {kind}_plugins/"
            return plugins.hint() or found
    return None


class _Faults:
    """Turns Jinja's syntax errors into ours."""

    def __init__(self, env: Environment, source: str, origin: Origin | None, expression: bool = False) -> None:
        self.env = env
        self.source = source
        self.origin = origin
        self.expression = expression

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        if not isinstance(error, TemplateSyntaxError):
            return
        message = error.message or "malformed"
        raise SourceFault(
            f"Syntax error in {'expression' if self.expression else 'template'}: {message}",
            excerpt=excerpt(self.source, error.lineno), origin=self.origin, hint=self._hint(message),
        ) from None

    def _hint(self, message: str) -> str | None:
        lacking = missing_hint(self.env, message)
        if lacking is not None:
            return lacking
        if self.expression and "{{" in self.source:
            return "a condition is an expression already: leave out {{ }}"
        if "end of template" in message or "Unexpected end" in message:
            return "a {{ or {% is not closed"
        return None
