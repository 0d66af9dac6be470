"""Filters, tests and lookups that a playbook, a role or a collection brings along, written for Ansible."""

import sys
import textwrap
from pathlib import Path

import pytest

from orchestrator.errors import OrchError, SyntaxFault, TemplateError, UndefinedVariable
from orchestrator.template.engine import Engine
from orchestrator.template.types import Template
from tests.template.scopes import scope_of

FILTERS = """
    from __future__ import annotations
    import dataclasses
    from jinja2 import pass_environment
    from ansible.errors import AnsibleFilterError, AnsibleFilterTypeError
    from ansible.module_utils.common.collections import is_sequence
    from ansible.module_utils.common.text.converters import to_native, to_text
    from ansible.module_utils.parsing.convert_bool import boolean
    from ansible.module_utils.six import string_types, iteritems
    from ansible.plugins.filter.core import regex_replace
    from ansible.utils.display import Display

    display = Display()

    @dataclasses.dataclass
    class Pair:
        left: str

    def twice(value):
        if not is_sequence(value) and not isinstance(value, string_types):
            raise AnsibleFilterError("twice needs a list, not %s" % type(value).__name__)
        return value * 2

    def late(value):
        from ansible.module_utils.common.dict_transformations_of_ours import shout
        return shout(value)

    @pass_environment
    def upper_by_env(environment, value):
        return environment.filters["upper"](value)

    def warned(value):
        display.warning("careful: %s" % value)
        return Pair(to_text(value)).left

    def dumped(value):
        import json
        return json.dumps(value)

    class FilterModule(object):
        def filters(self):
            return {"twice": twice, "late": late, "upper_by_env": upper_by_env, "warned": warned, "dumped": dumped,
                    "no_dots": lambda value: regex_replace(value, "[.]", ""), "truth": boolean,
                    "pairs": lambda value: ((k, v) for k, v in iteritems(value)), "upper": lambda value: "OWN " + value}
"""

TESTS = """
    from ansible.errors import AnsibleError

    class TestModule:
        def tests(self):
            return {"big": lambda value, than=9: value > than}
"""

LOOKUP = """
    from ansible.errors import AnsibleError, AnsibleLookupError
    from ansible.plugins.lookup import LookupBase

    DOCUMENTATION = '''
    name: shout
    options:
      _terms: {description: words}
      times: {type: int, default: 2}
      mark: {type: str, vars: [{name: shout_mark}], default: '!'}
      quiet: {type: bool, default: false}
      sort: {type: list, default: "a,b"}
    '''

    class LookupModule(LookupBase):
        def run(self, terms, variables=None, **kwargs):
            self.set_options(var_options=variables, direct=kwargs)
            if self.get_option("quiet"):
                return []
            if not terms:
                raise AnsibleLookupError("shout needs a word")
            path = self.find_file_in_search_path(variables, "files", "word.txt", ignore_missing=True)
            extra = [self._loader.get_text_file_contents(path).strip()] if path else []
            sort = self.get_option("sort")
            return [term + self.get_option("mark") * self.get_option("times") for term in terms] + extra + [
                variables["who"], variables.get("nobody", "none"), len(sort)]
"""


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    _write(tmp_path / "filter_plugins" / "mine.py", FILTERS)
    _write(tmp_path / "test_plugins" / "mine.py", TESTS)
    _write(tmp_path / "lookup_plugins" / "shout.py", LOOKUP)
    utils = tmp_path / "module_utils" / "common"
    _write(utils / "dict_transformations_of_ours.py", "def shout(value):\n    return value.upper()\n")
    return tmp_path


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def engine(folder: Path, warnings: list[str]) -> Engine:
    return Engine(plugin_dirs=[str(folder)], warn=warnings.append)


def _render(engine: Engine, expression: str, folder: Path):
    scope = scope_of("who: '{{ \"me\" }}'\nl: ['{{ who }}', 2]\nm: {a: '{{ who }}'}\nbad: '{{ nothing }}'\n",
                     playbook_dir=str(folder))
    return engine.render(Template("{{ " + expression + " }}"), scope)


ROWS = [
    ("[1] | twice", [1, 1]),
    ("['a'] | map('twice')", ["aa"]),
    ("'x' | upper_by_env", "OWN x"),
    ("'x' | upper", "OWN x"),
    ("'1.2.3' | no_dots", "123"),
    ("'yes' | truth", True),
    ("l | dumped", '["me", 2]'),
    ("m | dumped", '{"a": "me"}'),
    ("m | pairs", [["a", "me"]]),
    ("nothing | twice | default('d')", "d"),
    ("10 is big", True),
    ("10 is big(than=20)", False),
    ("query('shout', 'a')", ["a!!", "me", "none", 2]),
    ("query('shout', 'a', 'b', times='1', sort=['x'])", ["a!", "b!", "me", "none", 1]),
    ("query('shout', 'a', quiet='yes')", []),
]


@pytest.mark.parametrize(("expression", "value"), ROWS, ids=[row[0] for row in ROWS])
def test_a_plugin_written_for_ansible_works(engine, folder, expression: str, value: object) -> None:
    assert _render(engine, expression, folder) == value


def test_an_option_of_a_lookup_comes_from_a_variable(engine, folder) -> None:
    scope = scope_of("shout_mark: '?'\nwho: me\n", playbook_dir=str(folder))
    assert engine.render(Template("{{ query('shout', 'a')[0] }}"), scope) == "a??"


def test_a_lookup_finds_files_of_the_playbook(engine, folder) -> None:
    _write(folder / "files" / "word.txt", "found\n")
    assert "found" in _render(engine, "query('shout', 'a')", folder)


FAULTS = [
    ("5 | twice", TemplateError, "twice needs a list, not int"),
    ("query('shout')", TemplateError, "shout needs a word"),
    ("nothing | twice", UndefinedVariable, "'nothing' is undefined"),
    ("nothing is big", UndefinedVariable, "'nothing' is undefined"),
    ("query('shout', 'a', times='x')", OrchError, "'times'"),
]


@pytest.mark.parametrize(("expression", "kind", "words"), FAULTS, ids=[row[0] for row in FAULTS])
def test_what_a_plugin_raises_is_said_in_its_words(engine, folder, expression: str, kind: type, words: str) -> None:
    with pytest.raises(kind) as caught:
        _render(engine, expression, folder)
    assert words in str(caught.value)


@pytest.mark.skipif("ansible" in sys.modules, reason="ansible itself is imported here")
def test_imports_of_ansible_work_only_while_plugins_need_them(engine, folder) -> None:
    assert _render(engine, "'x' | late", folder) == "X"
    assert not [name for name in sys.modules if name.partition(".")[0] in ("ansible", "ansible_collections")]


def test_a_plugin_s_warning_reaches_the_person(engine, folder, warnings) -> None:
    assert _render(engine, "'x' | warned", folder) == "x"
    assert warnings == ["careful: x"]


def test_a_broken_plugin_is_skipped_with_a_warning(folder, warnings) -> None:
    _write(folder / "filter_plugins" / "broken.py", "import no_such_package\n")
    engine = Engine(plugin_dirs=[str(folder)], warn=warnings.append)
    assert _render(engine, "[1] | twice", folder) == [1, 1]
    assert "broken.py" in warnings[0] and "no_such_package" in warnings[0]


def test_a_filter_that_is_nowhere_names_the_plugin_that_could_not_be_loaded(folder) -> None:
    _write(folder / "filter_plugins" / "broken.py", "import no_such_package\n")
    with pytest.raises(SyntaxFault, match="No filter named 'nowhere'") as caught:
        _render(Engine(plugin_dirs=[str(folder)]), "1 | nowhere", folder)
    assert "broken.py could not be loaded: No module named 'no_such_package'" in (caught.value.hint or "")


@pytest.mark.parametrize(("expression", "words"), [
    ("1 | unready", "The filter plugin 'unready' failed to load: boom"),
    ("1 is unready", "The test plugin 'unready' failed to load: boom"),
    ("lookup('unready')", "The lookup plugin 'unready' failed to load: boom"),
    ("1 | falls", "The filter plugin 'falls' failed: over 1"),
    ("'{' | from_json", "The filter plugin 'ansible.builtin.from_json' failed: Expecting property name"),
    ("lookup('nowhere')", "The lookup plugin 'nowhere' was not found."),
])
def test_who_uses_what_fails_is_told_which_plugin_and_why(folder, expression: str, words: str) -> None:
    unready = """
        class Unready:
            @property
            def accept_args_markers(self):
                raise RuntimeError("boom")

        def falls(value):
            raise ValueError(f"over {value}")

        class FilterModule:
            def filters(self):
                return {"unready": Unready(), "falls": falls}

        class TestModule:
            def tests(self):
                return {"unready": Unready()}
    """
    _write(folder / "filter_plugins" / "unready.py", unready)
    _write(folder / "test_plugins" / "unready.py", unready)
    _write(folder / "lookup_plugins" / "unready.py", "raise NotImplementedError('boom')\n")
    engine = Engine(plugin_dirs=[str(folder)])
    assert _render(engine, "[1] | twice", folder) == [1, 1]
    with pytest.raises(TemplateError) as caught:
        _render(engine, expression, folder)
    assert words in caught.value.message


@pytest.fixture
def collection(tmp_path: Path) -> Path:
    plugins = tmp_path / "ansible_collections" / "my" / "tools" / "plugins"
    _write(plugins / "plugin_utils" / "words.py", "GREETING = 'hello'\n")
    _write(plugins / "filter" / "greet.py", """
        from ansible_collections.my.tools.plugins.plugin_utils.words import GREETING
        from ..plugin_utils import words

        class FilterModule:
            def filters(self):
                return {"greet": lambda name: GREETING + " " + name, "words": lambda _: words.GREETING}
    """)
    _write(plugins / "test" / "long.py", """
        class TestModule:
            def tests(self):
                return {"long": lambda value: len(value) > 3}
    """)
    _write(plugins / "lookup" / "count.py", """
        from ansible.plugins.lookup import LookupBase

        class LookupModule(LookupBase):
            def run(self, terms, variables=None, **kwargs):
                return [len(self._flatten(terms))]
    """)
    return tmp_path


@pytest.mark.parametrize(("expression", "value"), [
    ("'you' | my.tools.greet", "hello you"),
    ("1 | my.tools.words", "hello"),
    ("'long' is my.tools.long", True),
    ("lookup('my.tools.count', [1, 2], 3)", 3),
], ids=["filter", "a filter in another filter's file", "test", "lookup"])
def test_plugins_of_a_collection_go_by_their_whole_name(collection, expression: str, value: object) -> None:
    engine = Engine()
    engine.plugins.add_collections([str(collection)], None)
    assert _render(engine, expression, collection) == value


def test_a_collection_s_plugin_does_not_go_by_its_bare_name(collection) -> None:
    engine = Engine()
    engine.plugins.add_collections([str(collection)], None)
    with pytest.raises(OrchError, match="greet"):
        _render(engine, "'you' | greet", collection)
