"""Filters give what Ansible 2.19 gives (rows were observed there)."""

import pytest

from orchestrator.errors import TemplateError
from orchestrator.template.filters import FILTERS
from orchestrator.template.plugins import imported
from orchestrator.template.types import Template
from tests.template.scopes import scope_of

ROWS = [
    ("'yes' | bool", True),
    ("'foo' | bool", False),
    ("'' | bool", False),
    ("1 | bool", True),
    ("2 | bool", False),
    ("none | bool", False),
    ("'on' | bool", True),
    ("'T' | bool", False),
    ("1.0 | bool", True),
    ("[] | bool", False),
    ("true | ternary('a','b')", "a"),
    ("none | ternary('a','b','c')", "c"),
    ("'' | ternary('a','b')", "b"),
    ("none | default('x')", None),
    ("none | default('x', true)", "x"),
    ("'' | d('y', true)", "y"),
    ("{'a':1,'b':{'c':1}} | combine({'b':{'d':2}})", {"a": 1, "b": {"d": 2}}),
    ("{'a':1,'b':{'c':1}} | combine({'b':{'d':2}}, recursive=True)", {"a": 1, "b": {"c": 1, "d": 2}}),
    ("{'a':[1,2]} | combine({'a':[2,3]}, list_merge='append')", {"a": [1, 2, 2, 3]}),
    ("{'a':[1,2]} | combine({'a':[2,3]}, list_merge='append_rp')", {"a": [1, 2, 3]}),
    ("{'a':[1,2]} | combine({'a':[2,3]}, list_merge='prepend')", {"a": [2, 3, 1, 2]}),
    ("{'a':[1,2]} | combine({'a':[2,3]}, list_merge='prepend_rp')", {"a": [2, 3, 1]}),
    ("{'a':[1]} | combine({'a':[2]}, list_merge='keep')", {"a": [1]}),
    ("[{'a':1},{'b':2}] | combine", {"a": 1, "b": 2}),
    ("{} | combine([])", {}),
    ("{'a':1} | dict2items", [{"key": "a", "value": 1}]),
    ("{'a':1} | dict2items(key_name='k', value_name='v')", [{"k": "a", "v": 1}]),
    ("[{'key':'a','value':1}] | items2dict", {"a": 1}),
    ("[1,[2,[3]],none] | flatten", [1, 2, 3]),
    ("[1,[2,[3]]] | flatten(1)", [1, 2, [3]]),
    ("[1,[2]] | flatten(levels=0)", [1, [2]]),
    ("[1,none] | flatten(skip_nulls=False)", [1, None]),
    ("[1,2] | zip(['a','b'])", [[1, "a"], [2, "b"]]),
    ("[1,2] | zip_longest([3], fillvalue='-')", [[1, 3], [2, "-"]]),
    ("[1] | product([2],[3])", [[1, 2, 3]]),
    ("[1,2,3] | combinations(2)", [[1, 2], [1, 3], [2, 3]]),
    ("[1,2] | permutations", [[1, 2], [2, 1]]),
    ("0 | extract(['a'])", "a"),
    ("'x' | extract({'x':{'y':1}}, 'y')", 1),
    ("['a','b'] | map('extract', {'a':1,'b':2}) | list", [1, 2]),
    ("[{'a':1,'l':[1,2]}] | subelements('l')", [[{"a": 1, "l": [1, 2]}, 1], [{"a": 1, "l": [1, 2]}, 2]]),
    ("[{'a':1}] | subelements('l', skip_missing=true)", []),
    ("[{'a':1,'b':2}] | rekey_on_member('a')", {1: {"a": 1, "b": 2}}),
    ("[1,2,2] | unique", [1, 2]),
    ("[[1],[1]] | unique", [[1]]),
    ("['a','A'] | unique(case_sensitive=false)", ["a"]),
    ("[{'x':1},{'x':1}] | unique(attribute='x')", [{"x": 1}]),
    ("[1,2] | union([2,3])", [1, 2, 3]),
    ("[1,2] | intersect([2])", [2]),
    ("[1,2] | difference([2])", [1]),
    ("[1,2] | symmetric_difference([2,3])", [1, 3]),
    ("[{'a':1}] | union([{'a':1}, {'b':2}])", [{"a": 1}, {"b": 2}]),
    ("{'a':[1,{'b':'é'}],'z':none} | to_json", '{"a": [1, {"b": "\\u00e9"}], "z": null}'),
    ("{1: 2} | to_json", '{"1": 2}'),
    ("{'b':1,'a':none} | to_nice_json", '{\n    "a": null,\n    "b": 1\n}'),
    ("{'b':1,'a':2} | to_nice_json(indent=2, sort_keys=False)", '{\n  "b": 1,\n  "a": 2\n}'),
    ("[1,2] | to_nice_json(indent=none)", "[1,2]"),
    ("{'a':[1,{'b':'é'}],'z':none, 'c':'x: y'} | to_nice_yaml", "a:\n- 1\n-   b: é\nc: 'x: y'\nz: null\n"),
    ("{'a':[1,{'b':'é'}],'z':none} | to_yaml", "a:\n- 1\n- {b: é}\nz: null\n"),
    ("{'a':[1,{'b':'é'}]} | to_nice_yaml(indent=2)", "a:\n- 1\n- b: é\n"),
    ("[] | to_nice_yaml", "[]\n"),
    ("'str' | to_yaml", "str\n"),
    ("5 | to_yaml", "5\n"),
    ("[1,2] | to_yaml", "[1, 2]\n"),
    ("{'b': 'yes', 'c': '1', 'd': '', 'e': true} | to_nice_yaml", "b: 'yes'\nc: '1'\nd: ''\ne: true\n"),
    ("'a: [1, yes]' | from_yaml", {"a": [1, True]}),
    ("none | from_yaml", None),
    ("'{\"a\": 1}' | from_json", {"a": 1}),
    ("'foobar' | regex_search('o+')", "oo"),
    ("'foobar' | regex_search('zz')", None),
    (r"'foobar' | regex_search('(?P<x>o+)', '\g<x>')", ["oo"]),
    ("'foo bar' | regex_findall('o|a')", ["o", "o", "a"]),
    (r"'foo bar' | regex_replace('^(f)(.*)$', '\2-\1')", "oo bar-f"),
    ("'foo' | regex_replace('O', 'x', ignorecase=True)", "fxx"),
    ("'foo' | regex_replace('o', 'x', count=1)", "fxo"),
    ("'a.b*c' | regex_escape", r"a\.b\*c"),
    ("'a.b*c' | regex_escape('posix_basic')", r"a\.b\*c"),
    ("'x' | hash('md5')", "9dd4e461268c8034f5c8564e155c67a6"),
    ("'x' | checksum", "11f6ad8ec52a2984abaafd7c3b516503785c2072"),
    ("'x' | hash('sha256')", "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"),
    ("'sha1' | sha1", "415ab40ae9b7cc4e66d6769cb2c08106e8293b48"),
    ("'md' | md5", "793914c9c583d9d86d0f4ed8c521b0c1"),
    ("'x' | to_uuid", "66b2f013-1baa-5313-9c8c-e6f1182e0e90"),
    ("1 | to_uuid", "4e353905-a9fa-5aaa-974a-01d8f03aebf2"),
    ("'x' | to_uuid(namespace='11111111-2222-3333-4444-555555555555')", "ae643dff-6199-5c7f-b5fe-bf3250d1d468"),
    ("'x' | b64encode", "eA=="),
    ("'eA==' | b64decode", "x"),
    ("'é' | b64encode(encoding='utf-16-le')", "6QA="),
    ("'x' | comment", "#\n# x\n#"),
    ("'x' | comment('c')", "//\n// x\n//"),
    ("'x' | comment('erlang')", "%\n% x\n%"),
    ("'x' | comment('xml')", "<!--\n -\n - x\n -\n-->"),
    ("'x' | comment('cblock')", "/*\n *\n * x\n *\n */"),
    ("'x' | comment('plain', prefix='#!', postfix='end', decoration='; ')", "#!\n; x\nend"),
    ("'a b' | quote", "'a b'"),
    ("'' | quote", "''"),
    ("none | quote", "''"),
    ("'a,b' | split(',')", ["a", "b"]),
    ("1024 | human_readable", "1.00 KB"),
    ("1500000 | human_readable(unit='K')", "1464.84 KB"),
    ("8 | human_readable(isbits=true)", "8.00 bits"),
    ("0 | human_readable", "0.00 Bytes"),
    ("'1K' | human_to_bytes", 1024),
    ("'1.5 GB' | human_to_bytes", 1610612736),
    ("'1Kb' | human_to_bytes(isbits=true)", 1024),
    ("'10' | human_to_bytes('M')", 10485760),
    ("10 | log", 2.302585092994046),
    ("100 | log(10)", 2.0),
    ("8 | root(3)", 2.0),
    ("2 | pow(3)", 8.0),
    ("['a','B'] | min", "a"),
    ("[{'a':2},{'a':1}] | min(attribute='a')", {"a": 1}),
    ("5 | random(seed='x')", 2),
    ("10 | random(1, 2, seed=3)", 3),
    ("[1,2,3,4] | shuffle(seed='y')", [3, 1, 4, 2]),
    ("'%Y-%m-%d %H' | strftime(0, utc=true)", "1970-01-01 00"),
    ("('2024-01-02 03:04:05' | to_datetime - '2024-01-01 03:04:05' | to_datetime).days", 1),
    ("'http://u:p@h:80/p?q#f' | urlsplit('hostname')", "h"),
    ("'http://h:8/p' | urlsplit('port')", 8),
    ("'a b/c' | urlencode", "a%20b/c"),
    ("{'a':1,'b':'x y'} | urlencode", "a=1&b=x+y"),
    ("'a%20b+c' | urldecode", "a b c"),
    ("['a','b'] | path_join", "a/b"),
    ("'/a/b.c' | splitext", ["/a/b", ".c"]),
    ("'a/b' | dirname", "a"),
    ("'/a/b/c.tar.gz' | basename", "c.tar.gz"),
    ("'/a/../b' | normpath", "/b"),
    ("'/a/b' | relpath('/a')", "b"),
    ("['/a/b','/a/c'] | commonpath", "/a"),
    (r"'C:\a\b.txt' | win_basename", "b.txt"),
    (r"'C:\a\b.txt' | win_dirname", "C:\\a"),
    (r"'C:\a' | win_splitdrive", ["C:", "\\a"]),
    ("[{'a':2,'b':1},{'a':1,'b':1}] | groupby('b')", [[1, [{"a": 2, "b": 1}, {"a": 1, "b": 1}]]]),
    ("{'b':1,'a':2} | dictsort", [["a", 2], ["b", 1]]),
    ("1 | type_debug", "int"),
    ("conf | type_debug", "dict"),
    (
        "'pw' | password_hash('sha512', 'saltsalt', rounds=5000)",
        "$6$saltsalt$pauPrmdmG4BTE9h2HPmywiw152IFch6BJCEsaY6D.PLTfpV8sqvXwWdyfsgVgozkYH9B80bAip/08R2BPH2xk/",
    ),
    ("'pw' | password_hash('md5', 'saltsalt')", "$1$saltsalt$6SNdNaZLKst2LlSm7oPPL1"),
    ("'x' | vault('pw', salt='s') | unvault('pw')", "x"),
    ("'plain' | unvault('pw')", "plain"),
    ("'x' | ansible.builtin.b64encode", "eA=="),
    ("['x'] | map('upper') | join(',')", "X"),
    ("'1h 30m' | community.general.to_minutes", 90.0),
    ("[{'k':1,'v':2}] | keep_keys(['k'])", [{"k": 1}]),
    # Addresses
    ("'192.168.1.5/24' | ipaddr('address')", "192.168.1.5"),
    ("'192.168.1.5/24' | ipaddr('network')", "192.168.1.0"),
    ("'192.168.1.5/24' | ansible.utils.ipaddr('netmask')", "255.255.255.0"),
    ("'192.168.1.0/24' | ipaddr('prefix')", 24),
    ("'192.168.1.0/24' | ipaddr('1')", "192.168.1.1/24"),
    ("'192.168.1.0/24' | ipaddr('net')", "192.168.1.0/24"),
    ("'192.168.1.5/24' | ipaddr('host/prefix')", "192.168.1.5/24"),
    ("'nonsense' | ipaddr", False),
    ("'192.168.1.5' | ipaddr", "192.168.1.5"),
    ("['::1', '10.0.0.1', 'x'] | ipv4", ["10.0.0.1"]),
    ("'10.1.2.3' | ipaddr('10.0.0.0/8')", "10.1.2.3"),
    ("'11.1.2.3' | ipaddr('10.0.0.0/8')", None),
    ("'10.1.2.3' | ipaddr('private')", "10.1.2.3"),
    ("'fe80::1' | ipwrap", "[fe80::1]"),
    ("'1.2.3.4' | ipwrap", "1.2.3.4"),
    ("'10.0.0.0/8' | nthhost(305)", "10.0.1.49"),
    ("'10.0.0.0/8' | ipsubnet(16)", "256"),
    ("'10.0.0.0/8' | ipsubnet(16, 1)", "10.1.0.0/16"),
    ("'10.0.0.0/8' | ipsubnet(16, -1)", "10.255.0.0/16"),
    ("'192.168.144.5' | ipsubnet(20)", "192.168.144.0/20"),
    ("'1.2.3.4' | ipaddr('revdns')", "4.3.2.1.in-addr.arpa."),
    ("'1a:2b:3c:4d:5e:6f' | hwaddr('cisco')", "1a2b.3c4d.5e6f"),
    ("'10.0.0.0/30' | ipaddr('range_usable')", "10.0.0.1-10.0.0.2"),
]


@pytest.mark.parametrize(("expression", "value"), ROWS, ids=[row[0][:60] for row in ROWS])
def test_a_filter_gives_what_ansible_gives(engine, expression: str, value: object) -> None:
    found = engine.render(Template("{{ " + expression + " }}"), scope_of("conf: {a: '{{ b }}'}\nb: 1\n"))
    assert found == value
    assert type(found) is type(value)


FAULTS = [
    "1 | combine({})",
    "'x' | combine({})",
    "[{'k':'a'}] | items2dict",
    "'x' | dict2items",
    "'x' | from_json",
    "'a: [' | from_yaml",
    "'x' | hash('blowfish')",
    "'x' | human_to_bytes",
    "'http://h' | urlsplit('nope')",
    "'x' | regex_search('(')",
    "'x' | comment('nope')",
    "[{}] | subelements('l')",
    "'pw' | password_hash('nope')",
    "'pw' | password_hash('sha512', 'salt with space')",
    "'1.2.3.4' | ipaddr('nonsense')",
    "{} | combine({}, list_merge='x')",
    "'2024' | to_datetime",
    "'x' | to_uuid(namespace='y')",
    "[{'a':1},{'a':1}] | rekey_on_member('a')",
]


@pytest.mark.parametrize("expression", FAULTS)
def test_a_filter_says_what_it_cannot_do(engine, expression: str) -> None:
    with pytest.raises(TemplateError) as caught:
        engine.render(Template("{{ " + expression + " }}"), scope_of())
    assert "Traceback" not in str(caught.value)
    assert "pw" not in str(caught.value).split(" in: ")[0]


def test_yaml_bombs_from_a_host_are_refused(engine) -> None:
    bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 9)
    )
    for text in (bomb, "[" * 5000):
        with pytest.raises(TemplateError):
            engine.render(Template("{{ text | from_yaml }}"), scope_of(text=text))


@pytest.mark.parametrize("name", sorted(FILTERS))
def test_every_filter_can_be_had(name: str) -> None:
    assert callable(imported(FILTERS[name]))


def test_json_query_works_where_jmespath_is_installed(engine) -> None:
    pytest.importorskip("jmespath", reason="jmespath is optional")
    scope = scope_of("m: {b: ['{{ 1 }}', 2]}")
    assert engine.render(Template("{{ m | json_query('b[0]') }}"), scope) == 1


@pytest.mark.parametrize(("expression", "words"), [
    ("malformed | ansible._protomatter.dump_object", "Syntax error in template"),
    ("undef(0) | ansible._protomatter.dump_object", "argument must be of type"),
    ("lookup('pipe', 'exit 1') | ansible._protomatter.dump_object", "The lookup plugin 'pipe' failed"),
    ("nope | ansible._protomatter.dump_object", "'nope' is undefined"),
])
def test_what_is_wrong_with_an_expression_can_be_asked(engine, expression: str, words: str) -> None:
    scope = scope_of("malformed: \"{{ #'\"")
    assert words in engine.render(Template(f"{{{{ ({expression}).exception.message }}}}"), scope)
