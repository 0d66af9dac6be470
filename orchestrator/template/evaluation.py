"""Rendering within one scope: names resolve when asked for, each once, and a circle is named, not followed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from jinja2.utils import missing

from orchestrator.errors import OrchError, Origin, TemplateError, UndefinedVariable
from orchestrator.template.environment import concat
from orchestrator.template.faults import shortened, words_of
from orchestrator.template.lazy import LazyMap, LazySeq
from orchestrator.template.types import Map, Sealed, Seq, Template, TrustedText, VaultedText
from orchestrator.template.undefined import Undefined

if TYPE_CHECKING:
    from orchestrator.template.compiler import Compiled
    from orchestrator.template.engine import Engine

MAX_NESTING = 60
"""Templates that need templates: deeper than this is taken for endless."""

_READY = frozenset({str, int, bool, float, type(None), TrustedText, VaultedText})
_STATE = "\0state"


class ScopeLike(Protocol):
    """What the engine needs of a scope: raw values by name, and a place to remember what they rendered to."""

    memo: dict[str, Any]

    def lookup(self, name: str) -> Any: ...

    def names(self) -> Any: ...


class Evaluation:
    """One per scope, kept in its memo."""

    __slots__ = ("engine", "labels", "memo", "running", "scope")

    def __init__(self, engine: Engine, scope: ScopeLike) -> None:
        self.engine = engine
        self.scope = scope
        self.memo = scope.memo
        self.running: list[Template] = []
        self.labels: list[str] = []

    @classmethod
    def of(cls, engine: Engine, scope: ScopeLike) -> Evaluation:
        state = scope.memo.get(_STATE)
        if state is None:
            state = scope.memo[_STATE] = cls(engine, scope)
        return state

    def resolve(self, name: str) -> Any:
        """The value of a variable, ready for use by a template; jinja's ``missing`` when there is none."""
        memo = self.memo
        if name in memo:
            return memo[name]
        try:
            raw = self.scope.lookup(name)
        except KeyError:
            return missing
        kind = type(raw)
        if kind in _READY:
            value = raw
        elif kind is dict or kind is list:
            value = raw.copy()
        else:
            value = self.entry(raw, name)
        memo[name] = value
        return value

    def entry(self, raw: Any, label: Any) -> Any:
        """A raw value as a template may use it."""
        kind = type(raw)
        if kind is Template:
            return self.nested(raw, str(label))
        if kind is Map:
            return LazyMap(raw, self)
        if kind is Seq:
            return LazySeq(raw, self)
        if kind is Sealed:
            return self.engine.unseal(raw)
        return raw

    def nested(self, template: Template, label: str) -> Any:
        """A template met while rendering another. What it lacks makes it undefined, not the whole a failure."""
        try:
            return self.evaluate(template, label)
        except UndefinedVariable as error:
            return Undefined(cause=error)

    def evaluate(self, template: Template, label: str = "") -> Any:
        """Render one template. Raises `UndefinedVariable` or `TemplateError` with place and expression."""
        self._enter(template, label)
        env = self.engine.env
        outer, env.current = env.current, self
        try:
            value = self.run(self.engine.compiled(template.source, template.origin))
            if type(value) is Undefined:
                raise value.fault()
            return value
        except OrchError as error:
            raise self.placed(error, template.source, template.origin) from error.__cause__
        except RecursionError:
            raise TemplateError("Recursive loop detected in template", origin=template.origin) from None
        except Exception as error:
            raise self.placed(failure(error), template.source, template.origin) from error
        finally:
            env.current = outer
            self.running.pop()
            self.labels.pop()

    def _enter(self, template: Template, label: str) -> None:
        running = self.running
        if template in running and any(one is template for one in running):
            start = next(i for i, one in enumerate(running) if one is template)
            circle = " -> ".join([*self.labels[start:], label])
            raise TemplateError(
                f"Recursive loop detected in template: the variables need each other in a circle: {circle}",
                origin=template.origin,
                hint="give one of them a value that does not use the others",
            )
        if len(running) >= MAX_NESTING:
            raise TemplateError(f"templates need templates more than {MAX_NESTING} deep", origin=template.origin)
        running.append(template)
        self.labels.append(label)

    def run(self, code: Compiled, names: Mapping[str, Any] | None = None) -> Any:
        env = self.engine.env
        if code.path is not None:
            value = self._follow(code.path, names)
        else:
            root = code.root
            assert root is not None
            value = concat(root(env.root_context(self, names)))
        if code.newlines and isinstance(value, str):
            short = code.newlines - (len(value) - len(value.rstrip("\n")))
            if short > 0:
                value += "\n" * short
        return value

    def _follow(self, path: tuple[str, ...], names: Mapping[str, Any] | None) -> Any:
        env = self.engine.env
        value = names[path[0]] if names and path[0] in names else self.resolve(path[0])
        if value is missing:
            value = env.globals.get(path[0], missing)
            if value is missing:
                value = Undefined(name=path[0])
        for attribute in path[1:]:
            value = env.getattr(value, attribute)
        return value

    def embedded(self, source: str, names: Mapping[str, Any]) -> Any:
        """A template that stood as a string constant in trusted source, with the names local to that place."""
        return self.run(self.engine.compiled(source, None), names)

    def placed(self, error: OrchError, source: str, origin: Origin | None) -> OrchError:
        """``error`` with the innermost expression and place, a hint for names that are nearly right."""
        if error.origin is None:
            error.origin = origin
        if isinstance(error, TemplateError) and error.expression is None:
            error.expression = shortened(source)
        if isinstance(error, UndefinedVariable) and error.hint is None:
            error.hint = self.engine.nearest(error, self.scope)
        return error


def failure(error: Exception, what: str = "template") -> OrchError:
    """Any exception out of an operator or method, as ours: its own words."""
    return TemplateError(f"Error rendering {what}: {words_of(error)}")
