"""The Jinja environment: sandboxed, strict, with native types, over variables that are looked up when needed.

Differences to Jinja's own native environment: what an expression gives is never parsed again (a string that looks like
a number stays a string), and nothing is folded at compile time, since filters may draw random numbers or read files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

from jinja2 import Undefined as AnyUndefined
from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.idtracking import VAR_LOAD_RESOLVE
from jinja2.lexer import Lexer
from jinja2.nativetypes import NativeCodeGenerator
from jinja2.runtime import Context as JinjaContext
from jinja2.sandbox import SandboxedEnvironment
from jinja2.utils import missing

from orchestrator.template.lazy import PENDING, LazyMap, LazySeq
from orchestrator.template.plain import SCALARS, to_plain
from orchestrator.template.types import Sealed
from orchestrator.template.undefined import Undefined

if TYPE_CHECKING:
    from orchestrator.template.evaluation import Evaluation

EVALUATION = "\0evaluation"
"""The key under which a context's parent carries the `Evaluation` into included templates."""

_DICT_METHODS = frozenset(dir(dict))


def as_text(value: Any) -> str:
    """A part of a text. Tuples and views show as lists, as everything that templates hand out does."""
    if type(value) is str:
        return value
    if type(value) in SCALARS or isinstance(value, (str, AnyUndefined)):
        return str(value)
    plain = to_plain(value, _sealed)
    return plain if type(plain) is str else str(plain)


def _sealed(raw: Any) -> Any:
    raise TypeError(f"a {type(raw).__name__} cannot be shown")


def concat(values: Iterable[Any]) -> Any:
    """What a template's parts make together, as Ansible 2.19: nothing → None, one → itself, more → their text."""
    parts = [value for value in values if value is not None]
    if not parts:
        return None
    if len(parts) == 1:
        return parts[0]
    return "".join([as_text(part) for part in parts])


def concat_text(values: Iterable[Any]) -> str:
    """The same for what must be text: files, macros in files."""
    return "".join([as_text(value) for value in values if value is not None])


ASKS_FOR_FAULT = "ansible._protomatter.dump_object"


class Generator(NativeCodeGenerator):
    """Native output without constant folding; notes the free variables while it generates."""

    free_names: set[str]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.free_names = set()

    def enter_frame(self, frame: Frame) -> None:
        super().enter_frame(frame)
        for action, name in frame.symbols.loads.values():
            if action == VAR_LOAD_RESOLVE and name is not None:
                self.free_names.add(name)

    def visit_Filter(self, node: nodes.Filter, frame: Frame) -> None:
        """What asks about an expression's fault is given the fault, where any other filter would not be reached."""
        if node.name != ASKS_FOR_FAULT or node.node is None:
            super().visit_Filter(node, frame)
            return
        with self._filter_test_common(node, frame, True):
            self.write("environment.attempted(lambda: ")
            self.visit(node.node, frame)
            self.write(")")

    def _output_const_repr(self, group: Iterable[Any]) -> str:
        return repr("".join([str(value) for value in group]))

    def _output_child_to_const(self, node: nodes.Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo) -> Any:
        if isinstance(node, nodes.TemplateData):
            return node.as_const(frame.eval_ctx)
        raise nodes.Impossible


class Context(JinjaContext):
    """Names resolve to the template's own, then the scope's, then the environment's globals."""

    def __init__(
        self, environment: Environment, parent: dict[str, Any], name: str | None,
        blocks: dict[str, Callable[[JinjaContext], Iterator[str]]], globals: MutableMapping[str, Any] | None = None,
    ) -> None:
        super().__init__(environment, parent, name, blocks, globals)
        self.evaluation: Evaluation | None = parent.get(EVALUATION)

    def resolve_or_missing(self, key: str) -> Any:
        if key in self.vars:
            return self.vars[key]
        if key in self.parent:
            return self.parent[key]
        if self.evaluation is not None:
            value = self.evaluation.resolve(key)
            if value is not missing:
                return value
        return self.environment.globals.get(key, missing)

    def get_exported(self) -> dict[str, Any]:
        return {key: self.vars[key] for key in self.exported_vars}

    def get_all(self) -> dict[str, Any]:
        return {**self.parent, **self.vars}


_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def _known(escape: re.Match[str]) -> str:
    """An escape that means nothing (``\\d``) stands for itself."""
    return escape[0] if escape[1] in "\\'\"abfnrtv01234567xNuU\n" else "\\" + escape[0]


class VerbatimLexer(Lexer):
    """Backslashes in strings within ``{{ }}`` stand for themselves, as in Ansible: ``regex_replace('(a)', '\\1')``.

    In ``{% %}``, in conditions and in template files they are Jinja's escapes.
    """

    def wrap(self, stream: Iterable[Any], name: str | None = None, filename: str | None = None) -> Iterator[Any]:
        return super().wrap(self._doubled(stream), name, filename)

    @staticmethod
    def _doubled(stream: Iterable[Any]) -> Iterator[Any]:
        variable = False
        for lineno, token, value in stream:
            if token == "variable_begin" or token == "variable_end":
                variable = token == "variable_begin"
            elif token == "string" and "\\" in value:
                value = value.replace("\\", "\\\\") if variable else _ESCAPE.sub(_known, value)
            yield lineno, token, value


class Environment(SandboxedEnvironment):
    code_generator_class = Generator
    context_class = Context
    concat = staticmethod(concat)

    def __init__(self, **options: Any) -> None:
        options.setdefault("extensions", ["jinja2.ext.do", "jinja2.ext.loopcontrols"])
        super().__init__(undefined=Undefined, optimized=False, cache_size=0, **options)

    @property
    def lexer(self) -> Lexer:
        if self._lexer is None:
            self._lexer = VerbatimLexer(self)
        return self._lexer

    _lexer: Lexer | None = None

    def getattr(self, obj: Any, attribute: str) -> Any:
        kind = type(obj)
        if (kind is dict or kind is LazyMap) and attribute not in _DICT_METHODS:
            if attribute in obj:
                return self._ready(obj, obj[attribute])
            return self.undefined(obj=obj, name=attribute)
        return self._ready(obj, super().getattr(obj, attribute))

    def getitem(self, obj: Any, argument: Any) -> Any:
        kind = type(obj)
        if (kind is dict or kind is LazyMap) and isinstance(argument, str):
            if argument in obj:
                return self._ready(obj, obj[argument])
            if argument not in _DICT_METHODS:
                return self.undefined(obj=obj, name=argument)
        if (kind is list or kind is LazySeq) and isinstance(argument, str) and argument.isdigit():
            argument = int(argument)
        return self._ready(obj, super().getitem(obj, argument))

    def _ready(self, owner: Any, value: Any) -> Any:
        """A trusted container that came in behind the scope's back still renders."""
        if type(value) in PENDING:
            current = self.current
            if current is not None:
                return current.entry(value, None)
        return value

    current: Evaluation | None = None
    """The evaluation that runs now (the controller renders in one thread)."""

    def embedded(self, context: Context, source: str) -> Any:
        """A string constant with a template in it, where Ansible still allows that: conditions, lookup arguments."""
        assert context.evaluation is not None
        names = {**context.parent, **context.vars}
        return context.evaluation.embedded(source, names)

    def call(self, context: Any, obj: Any, /, *args: Any, **options: Any) -> Any:
        """A call of what is undefined is undefined; any other is the sandbox's."""
        return obj if isinstance(obj, Undefined) else super().call(context, obj, *args, **options)

    def attempted(self, evaluate: Callable[[], Any]) -> Any:
        """What the expression gives, or what it raises."""
        try:
            return evaluate()
        except Exception as error:
            return error

    def unopened(self, context: Context, name: str) -> Any:
        """A variable; a vault text is not opened."""
        evaluation = context.evaluation
        if evaluation is not None and name not in context.vars and name not in context.parent:
            try:
                raw = evaluation.scope.lookup(name)
            except KeyError:
                raw = None
            if type(raw) is Sealed:
                return raw
        return context.resolve(name)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return not attr.startswith("_") and bool(super().is_safe_attribute(obj, attr, value))

    def root_context(self, evaluation: Evaluation, names: Mapping[str, Any] | None = None) -> Context:
        parent: dict[str, Any] = {EVALUATION: evaluation}
        if names:
            parent.update(names)
        return Context(self, parent, None, {})


__all__ = ["EVALUATION", "Context", "Environment", "Generator", "as_text", "concat", "concat_text"]
