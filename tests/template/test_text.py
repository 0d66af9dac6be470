"""Template files give the bytes that Ansible's template module gives, and their faults have the file's own line."""

import pytest

from orchestrator.errors import OrchError, SyntaxFault, TemplateError, UndefinedVariable
from orchestrator.template.engine import Engine
from tests.template.scopes import scope_of

VARS = "s: text\nt: true\nl: [1, 2]\nd: {x: 1}\nn: null\nund: 'x {{ nope }}'\n"

FILES = {
    "look.j2": "{% macro m() %}[{{ lookup('pipe', 'echo found') }}]{% endmacro %}",
    "inc.j2": "inc {{ s }} {{ d.x }}\n",
    "mac.j2": "{% macro m(x) %}mac {{ x }} {{ s }}{% endmacro %}",
    "base.j2": "base {% block b %}x{% endblock %} end\n",
    "bad.j2": "one\ntwo {{ nope }}\n",
    "syntax.j2": "a\nb {% if %}\n",
}

ROWS = [
    ("text", "A {{ s }}\n", "A text\n"),
    ("no_newline", "A {{ s }}", "A text"),
    ("newlines", "a\n\n\n", "a\n\n\n"),
    ("trim_blocks", "{% if t %}\nyes\n{% endif %}\nz\n", "yes\nz\n"),
    ("indented_blocks", "  {% for i in l %}\n  - {{ i }}\n  {% endfor %}\nz", "    - 1\n    - 2\n  z"),
    ("include_loses_its_newline", '{% include "inc.j2" %}\n|', "inc text 1|"),
    ("import", '{% from "mac.j2" import m with context %}\n{{ m(1) }}', "mac 1 text"),
    ("import_without_context", '{% import "look.j2" as k %}{{ k.m() }}', "[found]"),
    ("extends", '{% extends "base.j2" %}{% block b %}child {{ s }}{% endblock %}', "base child text end"),
    ("list", "{% set z = [] %}{% set _ = z.append(s) %}{{ z }}", "['text']"),
    ("escape", '{{ "a\\tb" }}', "a\tb"),
    ("null", "[{{ n }}]", "[]"),
    ("tuple", "{{ (1,2) }}", "[1, 2]"),
    ("single_value", "{{ l }}", "[1, 2]"),
    ("number", "{{ d.x }}", "1"),
    ("loop_variables", "{% for i in l %}{{ loop.index }}/{{ loop.length }} {% endfor %}", "1/2 2/2 "),
    ("do", "{% do l.append(3) %}{{ l }}", "[1, 2, 3]"),
    ("break", "{% for i in l %}{{ i }}{% break %}{% endfor %}", "1"),
    ("header", "#jinja2: lstrip_blocks: True, trim_blocks: False\n  {% if t %}y{% endif %}\nb", "y\nb"),
    (
        "header_strings",
        "#jinja2: variable_start_string: '[%', variable_end_string: '%]'\n[% s %] {{ s }}",
        "text {{ s }}",
    ),
    ("raw", "{% raw %}{{ s }}{% endraw %}", "{{ s }}"),
    ("lookup", "{{ lookup('env', 'NOPE_X') }}x", "x"),
    ("crlf_source", "a\r\n{{ s }}\r\n", "a\ntext\n"),
]


@pytest.fixture
def folder(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def _render(engine: Engine, folder, source: str, **options: object) -> str:
    path = folder / "main.j2"
    path.write_text(source, newline="")
    return engine.render_text(source, scope_of(VARS), file=path, search=[str(folder)], **options)


@pytest.mark.parametrize(("source", "text"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_a_file_gives_its_text(engine, folder, source: str, text: str) -> None:
    assert _render(engine, folder, source) == text


def test_options_of_the_module(engine, folder) -> None:
    source = "<% if t %>\n[[ s ]]\n<% endif %>"
    text = _render(
        engine,
        folder,
        source,
        variable_start_string="[[",
        variable_end_string="]]",
        block_start_string="<%",
        block_end_string="%>",
        newline_sequence="\\r\\n",
    )
    assert text == "text\r\n"
    assert _render(engine, folder, "a\n{{ s }}\n\n", newline_sequence="\\r\\n") == "a\r\ntext\r\n\r\n"
    assert _render(engine, folder, "a\r\n{{ s }}\r\n\r\n") == "a\ntext\n\n"
    assert _render(engine, folder, "{% if t %}\nx{% endif %}\n", trim_blocks=False) == "\nx\n"
    assert _render(engine, folder, "a\n  {% if t %}\nx{% endif %}", lstrip_blocks=True) == "a\nx"


FAULTS = [
    ("undefined", "one\ntwo {{ nope }}\n", UndefinedVariable, "main.j2", 2, "two {{ nope }}"),
    ("in_an_include", "a\n{% include 'bad.j2' %}\n", UndefinedVariable, "bad.j2", 2, "two {{ nope }}"),
    ("below_a_header", "#jinja2: trim_blocks: False\nx\n{{ nope }}\n", UndefinedVariable, "main.j2", 3, "{{ nope }}"),
    ("in_a_block", "{% for i in l %}\n{{ i }}\n{{ i.a.b }}\n{% endfor %}", UndefinedVariable, "main.j2", 3, "i.a.b"),
    ("types", "x\n\n{{ 1 + s }}\n", TemplateError, "main.j2", 3, "unsupported operand"),
    ("syntax", "a\nb {% if %}\n", SyntaxFault, "main.j2", 2, "Expected an expression"),
    ("syntax_in_an_include", "a\n{% include 'syntax.j2' %}", SyntaxFault, "syntax.j2", 2, "Expected an expression"),
    ("not_closed", "{% if t %}\nx\n", SyntaxFault, "main.j2", 2, "innermost block"),
    ("missing_include", "a\n{% include 'nofile' %}", OrchError, "main.j2", 2, "nofile"),
    ("unknown_filter", "x\n{{ s | nosuch }}", SyntaxFault, "main.j2", 2, "nosuch"),
]


@pytest.mark.parametrize(
    ("source", "kind", "file", "line", "words"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS]
)
def test_a_fault_names_the_file_and_its_line(engine, folder, source, kind, file, line, words) -> None:
    with pytest.raises(kind) as caught:
        _render(engine, folder, source)
    assert words in f"{caught.value} {getattr(caught.value, 'expression', '')}"
    origin = caught.value.origin
    assert origin is not None and origin.file == str(folder / file) and origin.line == line


def test_a_fault_in_a_variable_names_both_places(engine, folder) -> None:
    with pytest.raises(UndefinedVariable) as caught:
        _render(engine, folder, "a\n{{ und }}\n")
    assert str(caught.value.origin) == "vars.yml:6:6"
    assert caught.value.trail == (f"template {folder / 'main.j2'}:2",)


def test_a_template_that_includes_itself_ends(engine, folder) -> None:
    (folder / "self.j2").write_text("{% include 'self.j2' %}")
    with pytest.raises(TemplateError):
        _render(engine, folder, "{% include 'self.j2' %}")


def test_the_names_of_the_template_module(engine, folder) -> None:
    text = _render(
        engine,
        folder,
        "{{ ansible_managed }}|{{ template_path }}|{{ template_destpath }}|{{ template_uid }}",
        dest="/etc/x",
    )
    managed, path, dest, uid = text.split("|")
    assert (managed, path, dest) == ("Ansible managed", str(folder / "main.j2"), "/etc/x")
    assert uid


def test_bytes_that_are_not_utf8_pass_through(engine, folder) -> None:
    source = b"caf\xe9 {{ s }}".decode("utf-8", "surrogateescape")
    text = engine.render_text(source, scope_of(VARS), file="x.j2")
    assert text.encode("utf-8", "surrogateescape") == b"caf\xe9 text"


def test_own_plugins_are_found(engine, tmp_path) -> None:
    from orchestrator.template.types import Template

    for kind, body in (
        ("filter", "class FilterModule:\n    def filters(self):\n        return {'twice': lambda v: v * 2}\n"),
        ("test", "class TestModule:\n    def tests(self):\n        return {'big': lambda v: v > 9}\n"),
        ("lookup", "def run(terms, call, **options):\n    return [len(terms)]\n"),
    ):
        (tmp_path / f"{kind}_plugins").mkdir()
        (tmp_path / f"{kind}_plugins" / "mine.py").write_text(body)
    engine.add_plugin_dir(str(tmp_path))
    assert engine.render(Template("{{ 3 | twice }}{{ 10 is big }}{{ lookup('mine', 1, 2) }}"), scope_of()) == "6True2"
    (tmp_path / "filter_plugins" / "broken.py").write_text("import nosuchmodule\n")
    other = Engine(plugin_dirs=[str(tmp_path)])
    with pytest.raises(SyntaxFault) as caught:
        other.render(Template("{{ 3 | unknown }}"), scope_of())
    assert "nosuchmodule" in (caught.value.hint or "")


def test_a_variable_named_ansible_managed_goes_before_the_default(engine, tmp_path) -> None:
    (tmp_path / "main.j2").write_text("{{ ansible_managed }}")
    options = {"file": str(tmp_path / "main.j2"), "dest": "/etc/x"}
    own = scope_of("ansible_managed: 'by {{ 1 + 1 }}'")
    assert engine.render_text("{{ ansible_managed }}", scope_of(""), **options) == "Ansible managed"
    assert engine.render_text("{{ ansible_managed }}", own, **options) == "by 2"
