"""`Engine`: renders values, texts and conditions over a scope. One per run; it holds what is compiled."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from orchestrator.errors import ConditionError, Origin, SyntaxFault, TemplateError, UndefinedVariable, VaultError
from orchestrator.template.compiler import Compiled, compile_expression, compile_template
from orchestrator.template.environment import Environment
from orchestrator.template.evaluation import Evaluation, ScopeLike, failure
from orchestrator.template.omit import OMIT
from orchestrator.template.plain import SCALARS, to_plain
from orchestrator.template.types import Map, Sealed, Seq, Template
from orchestrator.template.undefined import Undefined

if TYPE_CHECKING:
    from orchestrator.content.yaml import Opener

CACHE_SIZE = 20_000
"""Compiled sources kept; a run that makes more than that starts over."""


class _NoScope:
    """A scope without variables: for what must not depend on any."""

    def __init__(self) -> None:
        self.memo: dict[str, Any] = {}

    def lookup(self, name: str) -> Any:
        raise KeyError(name)

    def names(self) -> set[str]:
        return set()


class Engine:
    """Renders. Values are rendered only where they are `Template`; a plain string is data wherever it stands.

    ``vault`` opens `Sealed` texts. ``plugin_dirs`` are folders that hold filter_plugins/, test_plugins/ and
    lookup_plugins/ of the playbook's own. ``warn`` takes one sentence for the person.
    """

    def __init__(
        self,
        *,
        vault: Opener | None = None,
        plugin_dirs: Iterable[str] = (),
        allow_broken_conditionals: bool = False,
        warn: Callable[[str], None] | None = None,
    ) -> None:
        self.vault = vault
        self.allow_broken_conditionals = allow_broken_conditionals
        self.warn = warn or (lambda text: None)
        self.env = Environment()
        self._templates: dict[str, Compiled] = {}
        self._expressions: dict[str, Compiled] = {}
        self._opened: dict[str, str] = {}

    # Rendering

    def render(self, value: Any, scope: ScopeLike | None, origin: Origin | None = None) -> Any:
        """``value`` with every template in it rendered: dict, list and scalars, types as in Ansible 2.19.

        `OMIT` comes out as itself; inside a mapping or list the entry is left out. Raises `TemplateError` and
        `UndefinedVariable` with the expression and its place, `VaultError` for a text that cannot be opened.
        """
        kind = type(value)
        if kind in SCALARS:
            return value
        evaluation = Evaluation.of(self, scope if scope is not None else _NoScope())
        if kind is Template:
            if value.origin is None and origin is not None:
                value = Template(value.source, origin)
            rendered = evaluation.evaluate(value)
            if type(rendered) in SCALARS:
                return rendered
            return self._plain(rendered, evaluation, value.source, value.origin)
        return self._plain(value, evaluation, None, origin)

    def _plain(self, value: Any, evaluation: Evaluation, source: str | None, origin: Origin | None) -> Any:
        try:
            return to_plain(value, lambda raw: evaluation.entry(raw, "item"))
        except TemplateError as error:
            raise (evaluation.placed(error, source, origin) if source else error) from error.__cause__

    def condition(self, expression: str | bool | Template, scope: ScopeLike, origin: Origin | None = None) -> bool:
        """Whether the condition holds. Raises `ConditionError` when the result is no boolean (Ansible 2.19)."""
        if isinstance(expression, bool):
            return expression
        source = expression.source if isinstance(expression, Template) else str(expression)
        if not source.strip():
            raise ConditionError("the condition is empty", origin=origin, hint="leave it out, or write true or false")
        delimited = source.lstrip().startswith(("{{", "{%"))
        value = self._condition_value(source, scope, origin, delimited)
        if type(value) is bool:
            return value
        if delimited and isinstance(value, str) and value.strip().lower() in ("true", "false"):
            return value.strip().lower() == "true"
        if self.allow_broken_conditionals:
            return bool(value)
        raise ConditionError(
            f"the condition gives {_a_kind(value)}, not a boolean: {source.strip()}", origin=origin, hint=_cure(value),
        )

    def _condition_value(self, source: str, scope: ScopeLike, origin: Origin | None, delimited: bool) -> Any:
        if delimited:
            return self.render(Template(source, origin), scope)
        return self.expression(source, scope, origin)

    def expression(self, source: str, scope: ScopeLike, origin: Origin | None = None) -> Any:
        """The value of a bare expression (``debug: var=``, ``label``, a condition), as plain data."""
        evaluation = Evaluation.of(self, scope)
        env = self.env
        outer, env.current = env.current, evaluation
        try:
            value = evaluation.run(self.compiled_expression(source, origin))
            if type(value) is bool:
                return value
            return to_plain(value, lambda raw: evaluation.entry(raw, "item"))
        except TemplateError as error:
            raise evaluation.placed(error, source, origin) from error.__cause__
        except (SyntaxFault, VaultError):
            raise
        except RecursionError:
            raise TemplateError("the expression calls itself without end", origin=origin) from None
        except Exception as error:
            raise evaluation.placed(failure(error), source, origin) from error
        finally:
            env.current = outer

    # What a value depends on

    def names(self, value: Any) -> frozenset[str]:
        """The variables that ``value`` (or, for a ``str``, the expression) uses directly. Raises `SyntaxFault`.

        ``vars`` among them means: may use any (``lookup('vars', …)`` with a computed name, and the like).
        """
        if isinstance(value, str):
            return self.compiled_expression(value, None).names
        if isinstance(value, Template):
            return self.compiled(value.source, value.origin).names
        if isinstance(value, dict):
            return frozenset().union(*(self.names(v) for v in value.values() if not isinstance(v, str)))
        if isinstance(value, (list, tuple)):
            return frozenset().union(*(self.names(v) for v in value if not isinstance(v, str)))
        return frozenset()

    def depends(self, value: Any, scope: ScopeLike) -> frozenset[str]:
        """The variables that ``value`` uses, directly or through other variables of ``scope``."""
        seen: set[str] = set()
        waiting = list(self.names(value))
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            try:
                raw = scope.lookup(name)
            except KeyError:
                continue
            if type(raw) in (Template, Map, Seq):
                waiting.extend(self.names(raw))
        return frozenset(seen)

    def check(self, value: Any) -> list[SyntaxFault]:
        """Every syntax fault of the templates in ``value``, without rendering any."""
        faults: list[SyntaxFault] = []
        for template in templates_in(value):
            try:
                self.compiled(template.source, template.origin)
            except SyntaxFault as fault:
                faults.append(fault)
        return faults

    def check_condition(self, expression: str | bool, origin: Origin | None = None) -> list[SyntaxFault]:
        """The syntax fault of a condition, if it has one."""
        if isinstance(expression, bool) or not expression.strip():
            return []
        try:
            delimited = expression.lstrip().startswith(("{{", "{%"))
            (self.compiled if delimited else self.compiled_expression)(expression, origin)
        except SyntaxFault as fault:
            return [fault]
        return []

    # Compiled code

    def compiled(self, source: str, origin: Origin | None) -> Compiled:
        code = self._templates.get(source)
        if code is None:
            code = compile_template(self.env, source, origin)
            self._keep(self._templates, source, code)
        return code

    def compiled_expression(self, source: str, origin: Origin | None) -> Compiled:
        code = self._expressions.get(source)
        if code is None:
            code = compile_expression(self.env, source, origin)
            self._keep(self._expressions, source, code)
        return code

    @staticmethod
    def _keep(cache: dict[str, Compiled], source: str, code: Compiled) -> None:
        if len(cache) >= CACHE_SIZE:
            cache.clear()
        cache[source] = code

    # Secrets and hints

    def unseal(self, sealed: Sealed) -> str:
        """The text of a vault value. Raises `VaultError` with its place."""
        text = self._opened.get(sealed.ciphertext)
        if text is None:
            if self.vault is None:
                raise VaultError(
                    "an encrypted value is needed, and no vault password was given", origin=sealed.origin,
                    hint="give --vault-password-file or --ask-vault-pass",
                )
            text = self._opened[sealed.ciphertext] = self.vault.decrypt(sealed.ciphertext, sealed.origin)
        return text

    def nearest(self, error: UndefinedVariable, scope: ScopeLike) -> str | None:
        """A hint with the name that was probably meant."""
        name, owner = getattr(error, "name", None), getattr(error, "owner", None)
        if not isinstance(name, str):
            return None
        known = [key for key in owner if isinstance(key, str)] if isinstance(owner, dict) else []
        if owner is None:
            known = [key for key in scope.names() if not key.startswith("\0")]
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.75)
        return f"did you mean {close[0]!r}?" if close else None


def templates_in(value: Any) -> Iterable[Template]:
    """Every template within ``value``, in order."""
    if isinstance(value, Template):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from templates_in(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from templates_in(item)


def _a_kind(value: Any) -> str:
    names = {"str": "a text", "int": "a number", "float": "a number", "list": "a list", "dict": "a mapping"}
    return "nothing (null)" if value is None else names.get(type(value).__name__, type(value).__name__)


def _cure(value: Any) -> str:
    if isinstance(value, str):
        return "compare it, or use “| bool” for texts like yes and no, or “| length > 0” for not empty"
    if isinstance(value, (list, dict)):
        return "use “| length > 0” for not empty"
    if value is None:
        return "use “is not none”, or “is defined”"
    return "use a comparison, for example “== 1” or “> 0”"


__all__ = ["OMIT", "Engine", "Undefined", "templates_in"]
