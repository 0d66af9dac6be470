"""What came from a host is never rendered, in any position.

The class of ansible CVE-2014-4966, -4967, CVE-2016-9587, CVE-2017-7481, CVE-2021-3583, CVE-2023-5764, CVE-2024-11079.
"""

import pytest

from orchestrator.errors import ConditionError
from orchestrator.template.types import Template
from tests.template.scopes import scope_of

EVIL = "{{ lookup('pipe', 'touch {marker}') }}{% set x = 1 %}{# #}"

POSITIONS = [
    ("fact", "{{ facts.name }}"),
    ("nested_fact", "{{ facts.list[0].deep }}"),
    ("whole_facts", "{{ facts }}"),
    ("concatenation", "{{ 'a' ~ facts.name ~ 'b' }}"),
    ("text_around", "before {{ facts.name }} after"),
    ("dict_key", "{{ {facts.name: 1} }}"),
    ("dict_value", "{{ {'a': facts.name} }}"),
    ("list_item", "{{ [facts.name] }}"),
    ("through_a_variable", "{{ trusted }}"),
    ("through_two_variables", "{{ trusted2 }}"),
    ("in_a_mapping_of_vars", "{{ conf.a }}"),
    ("default", "{{ nope | default(facts.name) }}"),
    ("ternary", "{{ true | ternary(facts.name, 1) }}"),
    ("join", "{{ facts.names | join(',') }}"),
    ("map", "{{ facts.names | map('upper') | map('lower') | list }}"),
    ("combine", "{{ {} | combine(facts) }}"),
    ("json_round_trip", "{{ facts | to_json | from_json }}"),
    ("yaml_round_trip", "{{ facts | to_yaml | from_yaml }}"),
    ("from_json_text", "{{ facts.json | from_json }}"),
    ("regex_replace", "{{ 'x' | regex_replace('x', facts.plain) }}"),
    ("split_and_joined", '{{ facts.open ~ \' lookup("pipe", "touch {marker}") \' ~ facts.close }}'),
    ("lookup_of_a_variable", "{{ lookup('vars', 'name_fact') }}"),
    ("lookup_of_data", "{{ lookup('list', facts.names, wantlist=true) }}"),
    ("lookup_items", "{{ query('items', facts.names) }}"),
    ("lookup_dict", "{{ query('dict', facts) }}"),
    ("for_loop", "{% for n in facts.names %}{{ n }}{% endfor %}"),
    ("set_block", "{% set x %}{{ facts.name }}{% endset %}{{ x }}"),
    ("macro", "{% macro m(v) %}{{ v }}{% endmacro %}{{ m(facts.name) }}"),
    ("call_block", "{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}{{ facts.name }}{% endcall %}"),
    ("format", "{{ '%s' | format(facts.name) }}"),
    ("str_format", "{{ '{}'.format(facts.plain) }}"),
    ("loop_item", "{{ item }}"),
    ("registered", "{{ result.stdout_lines }}"),
    ("env_lookup", "{{ lookup('env', 'EVIL_VALUE') }}"),
    ("file_lookup", "{{ lookup('file', evil_file) }}"),
    ("pipe_lookup", "{{ lookup('pipe', 'cat ' ~ evil_file) }}"),
]


@pytest.fixture
def poisoned(tmp_path, monkeypatch):
    marker = tmp_path / "touched"
    evil = EVIL.replace("{marker}", str(marker))
    file = tmp_path / "evil"
    file.write_text(evil)
    monkeypatch.setenv("EVIL_VALUE", evil)
    facts = {
        "name": evil,
        "list": [{"deep": evil}],
        "names": [evil, evil],
        "plain": "{{ 70001 * 3 }}",
        "open": "{{",
        "close": "}}",
        "json": '{"a": "{{ 70001 * 3 }}"}',
        evil: evil,
    }
    scope = scope_of(
        "trusted: '{{ facts.name }}'\ntrusted2: 'x{{ trusted }}'\nconf: {a: '{{ trusted }}'}\n",
        facts=facts,
        name_fact=evil,
        item=evil,
        result={"stdout_lines": [evil]},
        evil_file=str(file),
    )
    return scope, marker


@pytest.mark.parametrize("source", [p[1] for p in POSITIONS], ids=[p[0] for p in POSITIONS])
def test_host_data_stays_text(engine, poisoned, source: str) -> None:
    scope, marker = poisoned
    found = engine.render(Template(source.replace("{marker}", str(marker))), scope)
    again = engine.render(found, scope)
    scope.values["stored"] = found
    scope.memo.clear()
    stored = engine.render(Template("{{ stored }}"), scope)
    as_file = engine.render_text("{{ stored }}{% for x in [stored] %}{{ x }}{% endfor %}", scope, file="t.j2")
    assert not marker.exists()
    assert found == again == stored
    shown = repr((found, as_file))
    assert "{{" in shown
    assert "210003" not in shown


CONDITIONS = [
    "facts.name",
    "facts.plain",
    "facts.name == 'x'",
    "facts.name in facts.names",
    "'{{ facts.name }}' == 'x'",
    "{{ facts.name }}",
    "facts.plain == '210003'",
    "item",
    "result.stdout_lines[0] is defined",
]


@pytest.mark.parametrize("expression", CONDITIONS)
def test_host_data_in_a_condition_is_no_expression(engine, poisoned, expression: str) -> None:
    scope, marker = poisoned
    try:
        engine.condition(expression, scope)
    except ConditionError:
        pass
    assert not marker.exists()


@pytest.mark.parametrize("kind", ["loop", "items", "list", "indexed_items", "together", "nested", "flattened"])
def test_loop_items_from_a_host_stay_text(engine, poisoned, kind: str) -> None:
    scope, marker = poisoned
    items = engine.loop_items(kind, Template("{{ facts.names }}"), scope)
    for item in items:
        engine.render(Template("{{ item }}"), scope_of(item=item))
        engine.render(item, scope)
    assert not marker.exists()
    assert "{{ lookup" in repr(items)


@pytest.mark.parametrize("kind", ["dict", "subelements", "sequence", "fileglob", "first_found"])
def test_lookups_render_no_terms_from_a_host(engine, poisoned, kind: str) -> None:
    from orchestrator.errors import OrchError

    scope, marker = poisoned
    for source in ("{{ facts }}", "{{ facts.name }}", "{{ [facts.list, 'deep'] }}"):
        try:
            engine.loop_items(kind, Template(source), scope)
        except OrchError:
            pass
    assert not marker.exists()


ESCAPES = [
    "{{ ''.__class__ }}",
    "{{ [].__class__.__base__.__subclasses__() }}",
    "{{ lookup.__globals__ }}",
    "{{ (lookup | attr('__globals__')) }}",
    "{{ 'a'.format.__self__.__class__ }}",
    "{{ '{0.__class__}'.format(1) }}",
    "{{ '{0.__class__.__mro__}'.format('') }}",
    "{{ cycler.__init__.__globals__.os }}",
    "{{ self.__init__ }}",
    "{{ namespace.__init__.__globals__ }}",
    "{{ lipsum.__globals__['os'] }}",
    "{{ facts._orch_eval.engine }}",
    "{{ conf._orch_eval }}",
    "{{ hostvars._store }}",
    "{{ range.__doc__ }}",
    "{{ [''] | map(attribute='__class__') | list }}",
    "{{ 'x' | attr('_' ~ '_class_' ~ '_') }}",
]


@pytest.mark.parametrize("source", ESCAPES)
def test_templates_do_not_get_at_the_program(engine, poisoned, source: str) -> None:
    from orchestrator.errors import TemplateError

    with pytest.raises(TemplateError):
        engine.render(Template(source), poisoned[0])
