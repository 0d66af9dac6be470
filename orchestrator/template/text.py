"""Whole files as templates: the template module (text) and lookup (values). Errors name the file's own line."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from jinja2 import BaseLoader, TemplateNotFound, TemplateSyntaxError
from jinja2 import Template as JinjaTemplate
from jinja2.lexer import Lexer, get_lexer

from orchestrator.errors import ContentError, OrchError, Origin, SyntaxFault, TemplateError, UndefinedVariable
from orchestrator.template.compiler import missing_hint
from orchestrator.template.environment import EVALUATION, Context, Environment, as_text, concat_text
from orchestrator.template.evaluation import Evaluation, ScopeLike, failure
from orchestrator.template.faults import SourceFault, excerpt, shortened
from orchestrator.template.undefined import Undefined

if TYPE_CHECKING:
    from orchestrator.template.engine import Engine

MAX_OUTPUT = 256 * 1024 * 1024
HEADER = re.compile(r"#jinja2:([^\n]*)\n?")

_OPTIONS = {
    "variable_start_string": str, "variable_end_string": str, "block_start_string": str, "block_end_string": str,
    "comment_start_string": str, "comment_end_string": str, "trim_blocks": bool, "lstrip_blocks": bool,
    "newline_sequence": str, "keep_trailing_newline": bool, "line_statement_prefix": str, "line_comment_prefix": str,
}
_ESCAPED_NEWLINES = {"\\n": "\n", "\\r": "\r", "\\r\\n": "\r\n"}


class _Files(BaseLoader):
    """Templates that a template includes, imports or extends; each is read once per environment."""

    def __init__(self, search: Sequence[str], read: Callable[[str], str]) -> None:
        self.search = search
        self.read = read

    def get_source(self, environment: Any, template: str) -> tuple[str, str, Callable[[], bool]]:
        for folder in self.search:
            path = os.path.normpath(os.path.join(folder, template))
            if os.path.isfile(path):
                return self.read(path), path, lambda: True
        raise TemplateNotFound(template, f"the template {template!r} is in none of: {', '.join(self.search)}")


class FileEnvironment(Environment):
    """The same language for files: included files are found, backslashes are Jinja's."""

    @property
    def lexer(self) -> Lexer:
        return get_lexer(self)


class TextEnvironment(FileEnvironment):
    """Parts become text."""

    concat = staticmethod(concat_text)


def text_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of the template module in Jinja's types. Raises `TemplateError` for an unknown one."""
    chosen: dict[str, Any] = {"trim_blocks": True}
    for name, value in options.items():
        if value is None:
            continue
        kind = _OPTIONS.get(name)
        if kind is None:
            raise TemplateError(f"a template has no option {name!r}", hint=f"it has: {', '.join(_OPTIONS)}")
        if kind is bool and not isinstance(value, bool):
            value = str(value).lower() in ("true", "yes", "on", "1")
        chosen[name] = value
    newline = chosen.get("newline_sequence")
    if newline is not None:
        chosen["newline_sequence"] = _ESCAPED_NEWLINES.get(newline, newline)
    return chosen


def header_options(source: str) -> tuple[str, dict[str, Any]]:
    """A first line ``#jinja2: lstrip_blocks: True, trim_blocks: False`` taken off, and what it says."""
    found = HEADER.match(source)
    if found is None:
        return source, {}
    options: dict[str, Any] = {}
    for pair in found[1].split(","):
        name, colon, value = pair.partition(":")
        if not colon:
            if pair.strip():
                raise SyntaxFault(f"Missing key-value separator `:` in '#jinja2:' override pair {pair.strip()!r}.",
                                  hint="write name: value")
            continue
        text = value.strip()
        literal = text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text
        options[name.strip()] = {"true": True, "false": False}.get(literal.lower(), literal)
    return source[found.end():], options


class TextRenderer:
    """Renders files. Environments and compiled files are kept by their options and search path."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._environments: dict[Any, FileEnvironment] = {}
        self._compiled: dict[Any, JinjaTemplate] = {}

    def render(
        self, source: str, scope: ScopeLike, file: str, search: Sequence[str],
        locals: Mapping[str, Any], options: Mapping[str, Any], native: bool = False,
    ) -> Any:
        """The text; if ``native``, the value when the file is a single expression (as `Engine.render` has it)."""
        body, header = header_options(source)
        shift = source.count("\n", 0, len(source) - len(body))
        chosen = text_options({**options, **header})
        evaluation = Evaluation.of(self.engine, scope)
        env = self._environment((tuple(search), tuple(sorted(chosen.items())), native))
        template = self._template(env, body, file, shift)
        base = self.engine.env
        outer = base.current
        env.current = base.current = evaluation
        try:
            context = Context(env, {EVALUATION: evaluation, **locals}, template.name, template.blocks)
            text = env.concat(template.root_render_func(context))
        except RecursionError:
            raise TemplateError("the template includes itself without end", origin=Origin(file)) from None
        except Exception as error:
            raise self._located(error, template, file, shift, body, evaluation) from error
        finally:
            env.current = base.current = outer
        if not body.endswith("\n") or type(text) is not str:
            return text
        newline = chosen.get("newline_sequence", "\n")
        return text + newline * max(0, _newlines(body.replace("\r\n", "\n"), "\n") - _newlines(text, newline))

    def _template(self, env: FileEnvironment, body: str, file: str, shift: int) -> JinjaTemplate:
        compiled = self._compiled.get((env, file, body))
        if compiled is None:
            try:
                code = env.compile(body, file, file)
            except TemplateSyntaxError as error:
                raise self._syntax(error, file, body, shift) from None
            compiled = env.template_class.from_code(env, code, {}, None)
            compiled.name = compiled.filename = file
            self._compiled[env, file, body] = compiled
        return compiled

    def _environment(self, key: tuple[tuple[str, ...], tuple[tuple[str, Any], ...], bool]) -> FileEnvironment:
        env = self._environments.get(key)
        if env is None:
            search, options, native = key
            loader = _Files(search, self.engine.read_template)
            env = (
                FileEnvironment(loader=loader, finalize=_value, **dict(options)) if native
                else TextEnvironment(loader=loader, finalize=_part, **dict(options))
            )
            env.cache = {}
            base = self.engine.env
            env.filters, env.tests, env.globals = base.filters, base.tests, base.globals
            self._environments[key] = env
        return env

    def _syntax(self, error: TemplateSyntaxError, file: str, body: str, shift: int) -> SourceFault:
        other = error.filename not in (None, file)
        name = str(error.filename) if other else file
        source = error.source if other and error.source else body
        line = error.lineno if other else error.lineno + shift
        return SourceFault(
            f"Syntax error in template: {error.message}", excerpt=excerpt(source, error.lineno),
            origin=Origin(name, line), hint=_syntax_hint(self.engine.env, error.message or ""),
        )

    def _located(
        self, error: Exception, template: JinjaTemplate, file: str, shift: int, body: str, evaluation: Evaluation
    ) -> OrchError:
        if isinstance(error, TemplateSyntaxError):
            return self._syntax(error, file, body, shift)
        if isinstance(error, TemplateNotFound):
            ours: OrchError = ContentError(error.message or f"the template {error.name!r} is not found")
        else:
            ours = error if isinstance(error, OrchError) else failure(error)
        place = _place(error.__traceback__, template)
        if place is not None:
            name, line = place
            line += shift if name == file else 0
            shown = _source_line(name, line)
            if ours.origin is None:
                ours.origin = Origin(name, line)
            else:
                ours.trail = (f"template {name}:{line}", *ours.trail)
            if isinstance(ours, TemplateError) and ours.expression is None and shown:
                ours.expression = shortened(shown)
        elif ours.origin is None:
            ours.origin = Origin(file)
        if isinstance(ours, UndefinedVariable) and ours.hint is None:
            ours.hint = self.engine.nearest(ours, evaluation.scope)
        return ours


def _part(value: Any) -> str:
    """A part of the text, made within the template's own code, so that a fault has its line."""
    return "" if value is None else as_text(value)


def _value(value: Any) -> Any:
    """A part that may stay what it is; an undefined one fails here, where its line is known."""
    if isinstance(value, Undefined):
        raise value.fault()
    return value


def _newlines(text: str, newline: str) -> int:
    """Newlines at the end: Jinja takes one away, and the file shall end as its template does."""
    count = 0
    while text.endswith(newline, 0, len(text) - count * len(newline)):
        count += 1
    return count


def _syntax_hint(env: Environment, message: str) -> str | None:
    if "end of template" in message:
        return "a {% if %}, {% for %} or {{ is not closed"
    return missing_hint(env, message)


def _place(traceback: TracebackType | None, template: JinjaTemplate) -> tuple[str, int] | None:
    """File and line of the innermost template frame: compiled code tells by its debug table."""
    found = None
    while traceback is not None:
        frame = traceback.tb_frame
        debug = frame.f_globals.get("debug_info")
        if "__jinja_template__" in frame.f_globals or (debug is not None and "environment" in frame.f_globals):
            file = frame.f_code.co_filename
            line = 1
            for pair in str(debug or "").split("&"):
                source, _, generated = pair.partition("=")
                if generated and int(generated) <= traceback.tb_lineno:
                    line = int(source)
            if os.path.isabs(file) or file == template.filename:
                found = (file, line)
        traceback = traceback.tb_next
    return found


def _source_line(file: str, line: int) -> str:
    try:
        with open(file, encoding="utf-8", errors="replace") as source:
            for number, text in enumerate(source, 1):
                if number == line:
                    return text.strip()
    except OSError:
        pass
    return ""
