"""Templates give what Ansible 2.19 gives (each row was observed there), with its types."""

import datetime as dt

import pytest

from orchestrator.errors import SyntaxFault, TemplateError, UndefinedVariable
from orchestrator.template.omit import OMIT
from orchestrator.template.plain import as_data
from orchestrator.template.types import Template
from tests.template.scopes import scope_of

VARS = """
a: 1
s: text
n: null
t: true
l: [1, 2]
d: {x: 1, y: '{{ nope }}'}
nested: {a: '{{ s }}', b: '{{ nested.a }}'}
und: '{{ nope }}'
undcat: 'x{{ nope }}'
ml: '{{ [1, "{{ s }}"] }}'
chain: '{{ chain2 }}'
chain2: '{{ a }}{{ s }}'
"""

ROWS = [
    # Types
    ("{{ a }}", 1),
    ("{{ a }}{{ a }}", "11"),
    (" {{ a }}", " 1"),
    ("{{ a }} ", "1 "),
    ("{{ n }}", None),
    ("x{{ n }}y", "xy"),
    ("{{ n }}{{ n }}", None),
    ("{{ t }}x", "Truex"),
    ("{{ l }}", [1, 2]),
    ("{{ l }}x", "[1, 2]x"),
    ("{{ '1' }}", "1"),
    ("{{ '[1]' }}", "[1]"),
    ("{{ 1.50 }}", 1.5),
    ("{{ (1,2) }}", [1, 2]),
    ("{{ (1,2) }}x{{ {'a': (1,2)} }}", "[1, 2]x{'a': [1, 2]}"),
    ("{{ {'a':1}.keys() }}x", "['a']x"),
    ("{{ chain }}", "1text"),
    ("plain", "plain"),
    # Newlines at the end
    ("{{ a }}\n", 1),
    ("x{{ a }}\n", "x1\n"),
    ("{{ a }}\n\n", "1\n\n"),
    ("{{ s }}\n", "text\n"),
    # Blocks
    ("{% if t %}{{ l }}{% endif %}", [1, 2]),
    ("{% if not t %}{{ l }}{% endif %}", None),
    ("{% if t %}x{% endif %}", "x"),
    ("{% for i in l %}{{ i }}{% endfor %}", "12"),
    ("{% for i in l[:1] %}{{ i }}{% endfor %}", 1),
    ("{% set q = [] %}{{ q.append(1) }}{{ q }}", [1]),
    ("{% macro m() %}{{ l }}{% endmacro %}{{ m() }}", [1, 2]),
    ("{% raw %}{{ x }}{% endraw %}", "{{ x }}"),
    ("{# c #}", None),
    ("{# c #}x", "x"),
    ("x{{ 1 if false }}", "x"),
    ("{% for k, v in {'a':1}.items() %}{{ k }}{{ v }}{% endfor %}", "a1"),
    # Laziness
    ("{{ nested }}", {"a": "text", "b": "text"}),
    ("{{ nested.b }}", "text"),
    ("{{ d.x }}", 1),
    ("{{ d | length }}", 2),
    ("{{ (d | default({})).x }}", 1),
    ("{{ d.keys() | list }}", ["x", "y"]),
    ("{{ d.y | default('q') }}", "q"),
    ("{{ [nested] + [1] }}", [{"a": "text", "b": "text"}, 1]),
    ("{{ nested.items() | list }}", [["a", "text"], ["b", "text"]]),
    ("{{ nested | combine({'c': 3}) }}", {"a": "text", "b": "text", "c": 3}),
    # Undefined: asked about and passed on
    ("{{ und | default('z') }}", "z"),
    ("{{ undcat | default('z') }}", "z"),
    ("{{ und is defined }}", False),
    ("{{ und.b.c | default('deep') }}", "deep"),
    ("{{ nope['x']['y'] is defined }}", False),
    ("{{ [nope] is defined }}", True),
    ("{{ [nope, 1] | length }}", 2),
    ("{{ [nope] | first | default('z') }}", "z"),
    ("{{ [1, nope] | select('defined') | list }}", [1]),
    ("{{ s | default(nope) }}", "text"),
    ("{{ {'a': nope}.b | default(2) }}", 2),
    ("{{ s[100] | default('e') }}", "e"),
    ("{{ s.nope | default('x') }}", "x"),
    # Omit
    ("{{ omit }}", OMIT),
    ("{{ [omit, 1] }}", [1]),
    ("{{ {'a': omit, 'b': 1} }}", {"b": 1}),
    ("{{ nope | default(omit) }}", OMIT),
    # Constants that look like templates
    ("{{ '{{ s }}' }}", "{{ s }}"),
    ("{{ '{{ s }}' ~ 'x' }}", "{{ s }}x"),
    ("{{ ml }}", [1, "{{ s }}"]),
    ("{{ '{{' }} .Names {{ '}}' }}", "{{ .Names }}"),
    ("{{ '{{ .Names }}' }}", "{{ .Names }}"),
    ("{{ lookup('vars', '{{ \"s\" }}') }}", "text"),
    # Backslashes stand for themselves between {{ and }}
    (r"{{ 'a\tb' }}", r"a\tb"),
    (r"{{ 'it\'s' }}", r"it\'s"),
    (r"{{ 'a1' | regex_replace('\d', 'x') }}", "ax"),
    (r"{{ 'foobar' | regex_search('(f)(o+)', '\1', '\2') }}", ["f", "oo"]),
    (r"{% if 'a\tb' | length == 3 %}yes{% endif %}", "yes"),
    # Access
    ("{{ l.0 }}", 1),
    ("{{ l[-1] }}", 2),
    ("{{ s[0] }}", "t"),
    ("{{ s.upper() }}", "TEXT"),
    ("{{ {'a': 1}.a }}", 1),
    ("{{ {'keys': 3}['keys'] }}", 3),
    ("{{ 'x' ~ none }}", "xNone"),
    ("{{ 7 // 2 }}", 3),
    ("{{ 'a' in {'a': 1} }}", True),
    # Functions
    ("{{ range(3) | list }}", [0, 1, 2]),
    ("{{ dict(a=1) }}", {"a": 1}),
    ("{{ namespace(a=1).a }}", 1),
    ("{{ now(fmt='%Y') | length }}", 4),
    ("{{ q('vars', 's', 'a') }}", ["text", 1]),
]


@pytest.mark.parametrize(("source", "value"), ROWS, ids=[row[0][:60] for row in ROWS])
def test_a_template_gives_what_ansible_gives(engine, source: str, value: object) -> None:
    found = engine.render(Template(source), scope_of(VARS))
    assert found == value
    assert type(as_data(found)) is type(value)


UNDEFINED = [
    ("{{ nope }}", "'nope' is undefined"),
    ("{{ d }}", "'nope' is undefined"),
    ("{{ nope.b.c }}", "'nope' is undefined"),
    ("{{ d.nope }}", "object of type 'dict' has no attribute 'nope'"),
    ("{{ d['nope'].zz }}", "object of type 'dict' has no attribute 'nope'"),
    ("{{ [][5] }}", "list object has no element 5"),
    ("{{ l[5] }}", "object of type 'list' has no attribute 5"),
    ("{{ a.foo }}", "object of type 'int' has no attribute"),
    ("{{ nope == 1 }}", "undefined"),
    ("{{ not nope }}", "undefined"),
    ("{{ nope ~ 'x' }}", "undefined"),
    ("{{ nope or 1 }}", "undefined"),
    ("{{ t and nope }}", "undefined"),
    ("{{ [nope, 1] }}", "undefined"),
    ("{{ nope | bool }}", "undefined"),
    ("{{ nope | ternary(1, 2) }}", "undefined"),
    ("{{ d | to_json }}", "undefined"),
    *(
        (f"{{{{ nope is {test} }}}}", "undefined")
        for test in (
            "none",
            "string",
            "mapping",
            "sequence",
            "iterable",
            "number",
            "boolean",
            "in [1]",
            "sameas none",
            "truthy",
        )
    ),
    ("{{ undef('say so') }}", "say so"),
    ("{{ nope | mandatory }}", "nope"),
    ("{{ nope | mandatory('mine') }}", "mine"),
    ("{{ 1 if false }}", "else"),
    ("{{ lookup('vars', 'nope') }}", "nope"),
    ("{{ [] | first }}", "first item"),
    ("{{ s.__class__ }}", "unsafe"),
    ("{{ s._x }}", "attribute"),
    ("{{ ''.__class__.__mro__ }}", "unsafe"),
    ("{{ [{}] | map(attribute='a') | list }}", "no attribute 'a'"),
]


@pytest.mark.parametrize(("source", "words"), UNDEFINED, ids=[row[0][:60] for row in UNDEFINED])
def test_what_needs_an_undefined_value_says_so(engine, source: str, words: str) -> None:
    with pytest.raises(UndefinedVariable) as caught:
        engine.render(Template(source), scope_of(VARS))
    assert words in str(caught.value)


def test_an_undefined_variable_is_located_where_it_is_needed_and_hinted(engine) -> None:
    scope = scope_of("nginx_port: 80\nurl: 'http://x:{{ nginx_prt }}/'\n")
    with pytest.raises(UndefinedVariable) as caught:
        engine.render(Template("{{ url }}"), scope)
    assert str(caught.value) == "'nginx_prt' is undefined"
    assert caught.value.expression == "http://x:{{ nginx_prt }}/"
    assert str(caught.value.origin) == "vars.yml:2:6"
    assert caught.value.hint == "did you mean 'nginx_port'?"


def test_a_missing_key_hints_at_the_nearest(engine) -> None:
    with pytest.raises(UndefinedVariable) as caught:
        engine.render(Template("{{ conf.prot }}"), scope_of("conf: {port: 1}"))
    assert caught.value.hint == "did you mean 'port'?"


CIRCLES = [
    ("a: '{{ b }}'\nb: '{{ a }}'\n", "{{ a }}", "a -> b -> a"),
    ("a: '{{ a }}'\n", "{{ a }}", "a -> a"),
    ("a: '{{ b }}'\nb: '{{ c }}'\nc: '{{ b }}'\n", "{{ a }}", "b -> c -> b"),
    ("m: {x: '{{ m.y }}', y: '{{ m.x }}'}\n", "{{ m.x }}", "x -> y -> x"),
    ('a: \'{{ lookup("vars", "a") }}\'\n', "{{ a }}", "a -> a"),
]


@pytest.mark.parametrize(("trusted", "source", "circle"), CIRCLES, ids=[row[2] + row[1] for row in CIRCLES])
def test_a_circle_is_named(engine, trusted: str, source: str, circle: str) -> None:
    with pytest.raises(TemplateError) as caught:
        engine.render(Template(source), scope_of(trusted))
    assert circle in str(caught.value)


def test_a_variable_may_use_another_key_of_its_own_mapping(engine) -> None:
    assert engine.render(Template("{{ m.b }}"), scope_of("m: {a: 1, b: '{{ m.a + 1 }}'}")) == 2


@pytest.mark.parametrize(
    "source", ["{{ a", "{% if %}", "{{ 'x' | nosuch }}", "{{ 'x' is nosuch }}", "{{ a b }}", "{% x %}"]
)
def test_malformed_templates_are_syntax_faults(engine, source: str) -> None:
    with pytest.raises(SyntaxFault):
        engine.render(Template(source), scope_of(VARS))
    assert len(engine.check({"x": [Template(source)]})) == 1


@pytest.mark.parametrize(
    "source",
    [
        "{{ a + 'x' }}",
        "{{ d.values }}",
        "{{ lookup('nosuch') }}",
        "{{ 'x' | from_json }}",
        "{{ range(10**9) }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{{ '%d' % 'x' }}",
    ],
)
def test_what_fails_is_a_template_error_with_its_place(engine, source: str) -> None:
    from orchestrator.errors import Origin

    with pytest.raises(TemplateError) as caught:
        engine.render(Template(source, Origin("p.yml", 3, 7)), scope_of(VARS))
    assert str(caught.value.origin) == "p.yml:3:7"


def test_containers_render_to_plain_ones(engine) -> None:
    from orchestrator.content.yaml import load_yaml

    raw = load_yaml("a: ['{{ s }}', {b: '{{ l }}', c: '{{ omit }}'}]\n2: x\n")
    found = engine.render(raw, scope_of(VARS))
    assert found == {"a": ["text", {"b": [1, 2]}], 2: "x"}
    assert type(found) is dict and type(found["a"]) is list


def test_times_stay_times(engine) -> None:
    assert engine.render(Template("{{ '2024-01-02' | to_datetime('%Y-%m-%d') }}"), scope_of()) == dt.datetime(
        2024, 1, 2
    )


def test_values_are_rendered_once_per_scope(engine) -> None:
    scope = scope_of("r: '{{ 100000000 | random }}'")
    assert engine.render(Template("{{ r }}"), scope) == engine.render(Template("{{ r }}"), scope)


def test_a_template_cannot_change_what_the_scope_holds(engine) -> None:
    facts = {"x": 1}
    scope = scope_of(facts=facts, names=["a"])
    engine.render(Template("{% set _ = facts.update({'x': 2}) %}{% set _ = names.append('b') %}"), scope)
    assert facts == {"x": 1} and scope.values["names"] == ["a"]


NAMES = [
    ("{{ a.b | default(c) }}", {"a", "c"}),
    ("{% for i in items %}{{ i }}{{ x }}{% endfor %}", {"items", "x"}),
    ("{% set y = a %}{{ y }}", {"a"}),
    ("{{ lookup('env', z) }}", {"z"}),
    ("{{ lookup('vars', 'v') }}", {"v"}),
    ("{{ lookup('vars', p ~ 'v') }}", {"p", "vars"}),
    ("{{ range(n) | list }}", {"n"}),
    ("{{ a }}", {"a"}),
    ("{{ lookup('file', '{{ role_path }}/x') }}", {"role_path"}),
    ("{{ [x for x in y] }}" if False else "{{ y }}", {"y"}),
    ("text", set()),
]


@pytest.mark.parametrize(("source", "names"), NAMES, ids=[row[0][:40] for row in NAMES])
def test_free_names_are_known_without_rendering(engine, source: str, names: set[str]) -> None:
    assert engine.names(Template(source)) == names


def test_names_of_a_condition_and_what_it_depends_on(engine) -> None:
    assert engine.names("a is defined and b > 1") == {"a", "b"}
    assert engine.depends(Template("{{ chain }}"), scope_of(VARS)) == {"chain", "chain2", "a", "s"}
