"""Lookups give what Ansible 2.19 gives; loops use the same."""

import os
import stat

import pytest

from orchestrator.errors import Origin, TaskFault, TemplateError
from orchestrator.template.engine import Engine
from orchestrator.template.lookups import LOOKUPS
from orchestrator.template.plugins import imported
from orchestrator.template.types import Template
from tests.template.scopes import scope_of


@pytest.fixture
def scope(tmp_path):
    (tmp_path / "files").mkdir()
    (tmp_path / "templates").mkdir()
    (tmp_path / "files" / "x.csv").write_text("a,b\nc,d\n")
    (tmp_path / "files" / "x.ini").write_text("[s]\nk=v\nk2=w\n")
    (tmp_path / "files" / "p.properties").write_text("user.name=me\n")
    (tmp_path / "templates" / "t.j2").write_text("T {{ s }} {{ extra | default('') }}\n")
    return scope_of("s: text\na: 1\nl: [1, 2]\n", playbook_dir=str(tmp_path), ansible_search_path=[str(tmp_path)])


ROWS = [
    ("lookup('items', [1,[2,[3]]])", [1, [2, [3]]]),
    ("lookup('dict', {'a':1})", {"key": "a", "value": 1}),
    ("query('dict', {'a':1})", [{"key": "a", "value": 1}]),
    ("lookup('nested', [1,2], ['a'])", [[1, "a"], [2, "a"]]),
    ("lookup('together', [1,2], ['a'])", [[1, "a"], [2, None]]),
    ("query('together', [1,2],[3])", [[1, 3], [2, None]]),
    ("lookup('sequence', 'start=1 end=5 stride=2 format=x%02d')", "x01,x03,x05"),
    ("query('sequence', start=1, count=3)", ["1", "2", "3"]),
    ("query('sequence', '1-3')", ["1", "2", "3"]),
    ("query('sequence', '4:host%02d')", ["host01", "host02", "host03", "host04"]),
    ("query('sequence', 'count=0')", []),
    ("query('sequence', 'start=5 end=1 stride=-2')", ["5", "3", "1"]),
    ("query('sequence', 'start=0x0f end=0x11')", ["15", "16", "17"]),
    ("lookup('indexed_items', ['a','b'])", [[0, "a"], [1, "b"]]),
    ("lookup('list', [1,2])", [1, 2]),
    ("lookup('varnames', '^l$')", "l"),
    ("lookup('varnames', '^l$', '^s$', wantlist=true)", ["l", "s"]),
    ("lookup('subelements', [{'n':1,'s':[1,2]}], 's')", [[{"n": 1}, 1], [{"n": 1}, 2]]),
    ("query('subelements', [{'n':1}], 's', {'skip_missing': true})", []),
    ("query('subelements', [{'n':1}], 's', {'flags': none, 'skip_missing': true})", []),
    ("lookup('random_choice', [1])", [1]),
    ("lookup('vars', 's')", "text"),
    ("lookup('vars','zip', default='dd')", "dd"),
    ("lookup('env','NOPE_X')", ""),
    ("lookup('env', 'NOPE_X', default='q')", "q"),
    ("lookup('pipe','echo hi')", "hi"),
    ("query('pipe','echo hi')", ["hi"]),
    ("lookup('lines', 'printf \"a\\nb\"')", "a,b"),
    ("lookup('pipe','exit 3', errors='ignore')", None),
    ("query('pipe','exit 3', errors='ignore')", []),
    ("lookup('file', 'x.csv')", "a,b\nc,d"),
    ("lookup('file', 'x.csv', rstrip=false)", "a,b\nc,d\n"),
    ("lookup('csvfile', 'a file=x.csv delimiter=,')", "b"),
    ("lookup('csvfile', 'zz', file='x.csv', delimiter=',', default='no')", "no"),
    ("lookup('ini', 'k section=s file=x.ini')", "v"),
    ("lookup('ini', 'zz', section='s', file='x.ini', default='D')", "D"),
    ("query('ini', 'k.*', section='s', file='x.ini', re=true)", ["v", "w"]),
    ("lookup('ini', 'user.name type=properties file=p.properties')", "me"),
    ("lookup('template', 't.j2')", "T text \n"),
    ("lookup('template', 't.j2', template_vars={'extra': 'e'})", "T text e\n"),
    ("lookup('first_found', ['nope', 'x.csv']) | basename", "x.csv"),
    ("lookup('first_found', ['no_such_folder/../x.csv']) | basename", "x.csv"),
    ("query('first_found', ['nope'], skip=true)", []),
    ("lookup('first_found', {'files': ['no', 'x.ini'], 'paths': ['files']}) | basename", "x.ini"),
    ("lookup('fileglob', 'nope*')", []),
    ("query('fileglob', '*.csv') | map('basename') | list", ["x.csv"]),
    ("query('filetree', '.') | selectattr('state', 'eq', 'file') | map(attribute='path') | list | length", 3),
    ("lookup('password', '/dev/null length=5 chars=digits') | length", 5),
    ("lookup('password', '/dev/null', length=8, seed='x') == lookup('password', '/dev/null length=8 seed=x')", True),
    ("lookup('config', 'DEFAULT_BECOME_USER')", "root"),
    ("lookup('ansible.builtin.env', 'NOPE_X')", ""),
    ("lookup('unvault', 'x.csv')", "a,b\nc,d\n"),
    ("lookup('flattened', [[1], [2, [3]]])", [1, 2, 3]),
]


@pytest.mark.parametrize(("expression", "value"), ROWS, ids=[row[0][:60] for row in ROWS])
def test_a_lookup_gives_what_ansible_gives(engine, scope, expression: str, value: object) -> None:
    assert engine.render(Template("{{ " + expression + " }}"), scope) == value


FAULTS = [
    ("lookup('nosuch')", "nosuch"),
    ("lookup('file','/nope')", "/nope"),
    ("lookup('first_found', ['/nope'])", "/nope"),
    ("lookup('pipe','exit 3')", "3"),
    ("lookup('template', '/nope')", "/nope"),
    ("lookup('sequence', 'start=1')", "end"),
    ("lookup('sequence', 'end=99999999999')", "numbers"),
    ("lookup('dict', [1])", "expects a dictionary"),
    ("lookup('url', 'http://127.0.0.1:1/')", "127.0.0.1"),
    ("lookup('url', 'file:///etc/passwd')", "http"),
    ("lookup('csvfile', 'a', file='nope')", "nope"),
    ("lookup('config', 'NOPE')", "NOPE"),
    ("lookup('password', '')", "path"),
]


@pytest.mark.parametrize(("expression", "words"), FAULTS, ids=[row[0] for row in FAULTS])
def test_a_lookup_says_what_it_cannot_do(engine, scope, expression: str, words: str) -> None:
    with pytest.raises(TemplateError) as caught:
        engine.render(Template("{{ " + expression + " }}"), scope)
    assert words in str(caught.value)


@pytest.mark.parametrize(("name", "data", "expression"), [
    ("l1.ini", b"[s]\nk=\xe9\n", "lookup('ini', 'k section=s file=l1.ini encoding=iso8859-1')"),
    ("l1.csv", b"k,\xe9\n", "lookup('csvfile', 'k', file='l1.csv', delimiter=',', encoding='iso8859-1')"),
])
def test_tables_are_read_in_their_encoding(engine, scope, tmp_path, name: str, data: bytes, expression: str) -> None:
    (tmp_path / "files" / name).write_bytes(data)
    assert engine.render(Template("{{ " + expression + " }}"), scope) == "\xe9"
    with pytest.raises(TemplateError, match="nosuch"):
        engine.render(Template("{{ " + expression.replace("iso8859-1", "nosuch") + " }}"), scope)


def test_an_option_that_a_lookup_has_not_is_left_out_with_a_warning(scope) -> None:
    warnings: list[str] = []
    engine = Engine(warn=warnings.append)
    assert engine.render(Template("{{ lookup('env', 'NO_SUCH_X', nosuchoption=1) }}"), scope) == ""
    assert "nosuchoption" in warnings[0]


def test_a_url_shows_no_password(engine, scope) -> None:
    with pytest.raises(TemplateError) as caught:
        engine.render(Template("{{ lookup('url', u) }}"), scope_of(u="http://me:hunter2@127.0.0.1:1/x"))
    assert "hunter2" not in str(caught.value)


def test_a_password_is_made_once_and_private(engine, scope, tmp_path) -> None:
    template = Template("{{ lookup('password', 'secrets/db length=12') }}")
    first = engine.render(template, scope)
    scope.memo.clear()
    assert engine.render(template, scope) == first and len(first) == 12
    path = tmp_path / "secrets" / "db"
    assert path.read_text() == first + "\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(path.parent) == ["db"]


def test_an_encrypted_password_keeps_its_salt(engine, scope, tmp_path) -> None:
    template = Template("{{ lookup('password', 'db encrypt=sha512_crypt') }}")
    first = engine.render(template, scope)
    assert first.startswith("$6$") and engine.render(template, scope) == first
    assert " salt=" in (tmp_path / "db").read_text()


@pytest.mark.parametrize("name", sorted(LOOKUPS))
def test_every_lookup_can_be_had(name: str) -> None:
    assert callable(imported(LOOKUPS[name]))


LOOPS = [
    ("loop", "['{{ a }}', '{{ s }}']", [1, "text"]),
    ("loop", "'{{ l }}'", [1, 2]),
    ("items", "'{{ l }}'", [1, 2]),
    ("items", "[1, [2, 3], '{{ l }}']", [1, 2, 3, 1, 2]),
    ("items", "single", ["single"]),
    ("list", "[[1], [2]]", [[1], [2]]),
    ("dict", "{x: '{{ s }}'}", [{"key": "x", "value": "text"}]),
    ("sequence", "start=1 end=2", ["1", "2"]),
    ("sequence", "count={{ a }}", ["1"]),
    ("nested", "[[1, 2], '{{ l }}']", [[1, 1], [1, 2], [2, 1], [2, 2]]),
    ("together", "[[1, 2], ['{{ a }}', 9]]", [[1, 1], [2, 9]]),
    ("indexed_items", "[x, y]", [[0, "x"], [1, "y"]]),
    ("subelements", "[[{n: 1, k: [5]}], k]", [[{"n": 1}, 5]]),
    ("flattened", "[[1], [[2]]]", [1, 2]),
    ("lines", "printf 'a\\nb'", ["a", "b"]),
    ("first_found", "[{files: [nope], skip: true}]", []),
    ("loop", "[]", []),
]


@pytest.mark.parametrize(("kind", "value", "items"), LOOPS, ids=[f"{row[0]} {row[1]}" for row in LOOPS])
def test_loops_give_their_items(engine, scope, kind: str, value: str, items: list[object]) -> None:
    from orchestrator.content.yaml import load_yaml

    raw = load_yaml("v: " + value)["v"] if not value.startswith("'{{ l") else Template("{{ l }}")
    assert engine.loop_items(kind, raw, scope) == items


@pytest.mark.parametrize(("value", "hint"), [({"a": 1}, "dict2items"), ("text", "list"), (None, "list"), (3, "list")])
def test_loop_wants_a_list(engine, scope, value: object, hint: str) -> None:
    with pytest.raises(TaskFault, match="The `loop` value must resolve to a 'list', not ") as caught:
        engine.loop_items("loop", value, scope, Origin("p.yml", 4, 1))
    assert hint in (caught.value.hint or "") and str(caught.value.origin) == "p.yml:4:1"


def test_a_failing_command_does_not_show_what_was_rendered_into_it(engine) -> None:
    with pytest.raises(TemplateError) as caught:
        engine.render(Template("{{ lookup('pipe', 'exit 3 # ' ~ secret) }}"), scope_of(secret="hunter2"))
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"


FIRST_FOUND = [
    ("['{{ missing }}x', there]", "an undefined name is left out"),
    ("[{files: ['{{ missing.deep }}.yml', there]}]", "in a mapping too"),
    ("[{files: '{{ names }}'}]", "in a list that a variable holds too"),
    ("[{}, there]", "an empty mapping names nothing"),
]


@pytest.mark.parametrize(("terms", "claim"), FIRST_FOUND, ids=[row[1] for row in FIRST_FOUND])
@pytest.mark.parametrize("kind", ["first_found", "ansible.builtin.first_found"])
def test_first_found_leaves_out_what_is_undefined(engine, tmp_path, kind: str, terms: str, claim: str) -> None:
    (tmp_path / "there").write_text("")
    scope = scope_of(f"terms: {terms}\nnames: ['{{{{ missing }}}}', there]\n", playbook_dir=str(tmp_path))
    assert engine.loop_items(kind, scope.values["terms"], scope, None) == [str(tmp_path / "there")]


def test_values_of_an_ini_file_may_refer_to_others(engine, scope, tmp_path) -> None:
    (tmp_path / "files" / "p.ini").write_text("[s]\nhome=/h\nbin=%(home)s/bin\nexec=run %u\n")
    asked = "{{ lookup('ini', 'KEY', section='s', file='p.ini') }}"
    assert engine.render(Template(asked.replace("KEY", "bin")), scope) == "/h/bin"
    asked = asked.replace("KEY", "exec")
    assert engine.render(Template(asked.replace("'s'", "'s', interpolation=false")), scope) == "run %u"
    with pytest.raises(TemplateError, match="must be followed by"):
        engine.render(Template(asked), scope)


def test_a_key_without_a_value_and_a_key_given_twice(engine, scope, tmp_path) -> None:
    (tmp_path / "files" / "n.ini").write_text("[s]\nk\n")
    (tmp_path / "files" / "d.ini").write_text("[s]\nk=1\nk=2\n")
    asked = "{{ query('ini', 'k', section='s', file='n.ini', allow_no_value=true) }}"
    assert engine.render(Template(asked), scope) == []
    assert engine.render(Template(asked.replace("section", "re=true, section")), scope) == [""]
    with pytest.raises(TemplateError, match="Duplicate option in"):
        engine.render(Template("{{ lookup('ini', 'k section=s file=d.ini') }}"), scope)
