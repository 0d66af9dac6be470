"""`Engine`: renders values, texts and conditions over a scope. One per run; it holds what is compiled."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from orchestrator.errors import (
    ContentError,
    Origin,
    SyntaxFault,
    TemplateError,
    UndefinedVariable,
    VaultError,
)
from orchestrator.template.compiler import Compiled, compile_expression, compile_template
from orchestrator.template.conditions import judged
from orchestrator.template.environment import Environment
from orchestrator.template.evaluation import Evaluation, ScopeLike, failure
from orchestrator.template.functions import make_globals
from orchestrator.template.omit import OMIT
from orchestrator.template.plain import SCALARS, to_plain
from orchestrator.template.plugin_tables import PluginTables
from orchestrator.template.types import Map, Sealed, Seq, Template, TrustedText, VaultedText
from orchestrator.template.undefined import Undefined

if TYPE_CHECKING:
    from orchestrator.template.text import TextRenderer

UNDECRYPTABLE = "Attempt to use undecryptable variable: "
CACHE_SIZE = 20_000
"""Compiled sources kept; a run that makes more than that starts over."""


class Opener(Protocol):
    """What the engine needs of a vault."""

    def decrypt(self, text: str, origin: Origin | None = None) -> str: ...

    def decrypt_bytes(self, text: str, origin: Origin | None = None) -> bytes: ...


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
        self.env = Environment(trim_blocks=True)  # as in Ansible: in values, too, a block takes its line end along
        self.plugins = PluginTables(self.env, lambda text: self.warn(text))
        self.lookups = self.plugins.lookups
        self.env.globals.update(make_globals(self))
        for folder in plugin_dirs:
            self.plugins.add_dir(folder)
        self._text: TextRenderer | None = None
        self._templates: dict[str, Compiled] = {}
        self._expressions: dict[str, Compiled] = {}
        self._opened: dict[str, VaultedText] = {}

    def add_plugin_dir(self, folder: str) -> None:
        """Look for filters, tests and lookups of the operator's own below ``folder`` (a playbook's or role's) too."""
        self.plugins.add_dir(folder)

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

    def render_text(
        self, source: str, scope: ScopeLike, origin: Origin | None = None, *,
        file: str | os.PathLike[str] | None = None, dest: str | None = None, search: Sequence[str] = (),
        locals: Mapping[str, Any] | None = None, **options: Any,
    ) -> str:
        """A template file's text, rendered: the template module and lookup. Errors carry the file's own line.

        ``search``: folders for include, import and extends. ``dest``: the file it makes; with it come template_path,
        ansible_managed and their kin (see `file_names`). ``locals``: further names. ``options``: trim_blocks
        (True), lstrip_blocks, newline_sequence, the start and end strings; a first line ``#jinja2: name: value``
        overrides them.
        """
        names = dict(locals or {})
        if dest is not None and file:
            from orchestrator.template.managed import file_names

            names = {**file_names(scope, os.fspath(file), dest), **names}
        return str(self._file(source, scope, origin, file, search, names, options, native=False))

    def render_file_value(
        self, source: str, scope: ScopeLike, file: str, *, search: Sequence[str] = (),
        locals: Mapping[str, Any] | None = None, **options: Any,
    ) -> Any:
        """The template lookup: a file that is one expression gives that value (a list, a mapping), any other a text."""
        value = self._file(source, scope, None, file, search, dict(locals or {}), options, native=True)
        return value if type(value) in SCALARS else self._plain(value, Evaluation.of(self, scope), None, Origin(file))

    def _file(
        self, source: str, scope: ScopeLike, origin: Origin | None, file: str | os.PathLike[str] | None,
        search: Sequence[str], names: Mapping[str, Any], options: Mapping[str, Any], *, native: bool,
    ) -> Any:
        if self._text is None:
            from orchestrator.template.text import TextRenderer

            self._text = TextRenderer(self)
        name = os.fspath(file) if file else (origin.file if origin else "<template>")
        folders = search or ([os.path.dirname(name)] if os.path.isabs(name) else [])
        return self._text.render(source, scope, name, folders, names, options, native)

    def read_template(self, path: str) -> str:
        """The text of a template file; a vault is opened. Raises `ContentError`."""
        sys.audit("orch.content", path)
        try:
            data = Path(path).read_bytes()
        except OSError as error:
            raise ContentError(f"cannot read {path}: {error.strerror}", origin=Origin(path)) from error
        if data.startswith(b"$ANSIBLE_VAULT"):
            data = self.open_vault(data.decode("ascii", "replace"), path)
        return data.decode("utf-8", "surrogateescape")

    def loop_items(self, kind: str, value: Any, scope: ScopeLike, origin: Origin | None = None) -> list[Any]:
        """The items of ``loop`` (kind ``loop``) or ``with_<kind>``, as plain data. Raises `TemplateError`."""
        from orchestrator.template.loops import loop_items

        return loop_items(self, kind, value, scope, origin)

    def condition(self, expression: str | bool | Template, scope: ScopeLike, origin: Origin | None = None) -> bool:
        """Whether a condition of a trusted file holds. Raises `ConditionError` when the result is no boolean."""
        if isinstance(expression, bool):
            return expression
        return judged(self, TrustedText(expression) if type(expression) is str else expression, scope, origin)[0]

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
            raise TemplateError("Recursive loop detected in expression", origin=origin) from None
        except Exception as error:
            raise evaluation.placed(failure(error, "expression"), source, origin) from error
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

    def unseal(self, sealed: Sealed) -> VaultedText:
        """The text of a vault value, marked as such. Raises `VaultError` with its place."""
        text = self._opened.get(sealed.ciphertext)
        if text is None:
            if self.vault is None:
                raise VaultError(
                    f"{UNDECRYPTABLE}it is encrypted, and no vault password was given", origin=sealed.origin,
                    hint="give --vault-password-file or --ask-vault-pass",
                )
            try:
                text = VaultedText(self.vault.decrypt(sealed.ciphertext, sealed.origin), sealed.ciphertext)
            except VaultError as error:
                raise error.within(UNDECRYPTABLE) from error.__cause__
            self._opened[sealed.ciphertext] = text
        return text

    def open_vault(self, text: str, file: str) -> bytes:
        """The content of a vaulted file."""
        if self.vault is None:
            raise VaultError(
                f"{file} is encrypted, and no vault password was given", origin=Origin(file),
                hint="give --vault-password-file or --ask-vault-pass",
            )
        return self.vault.decrypt_bytes(text, Origin(file))

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


__all__ = ["OMIT", "Engine", "Undefined", "templates_in"]
