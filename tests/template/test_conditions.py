"""A condition is a boolean, or it is refused (Ansible 2.19)."""

import pytest

from orchestrator.errors import ConditionError, Origin, SyntaxFault, UndefinedVariable
from orchestrator.template.engine import Engine
from orchestrator.template.types import Template
from tests.template.scopes import scope_of

VARS = "a: 1\ns: text\nn: null\nt: true\nl: [1]\nstrtrue: 'true'\ncond: a == 1\nund: '{{ nope }}'\n"

HOLDS = [
    ("a == 1", True),
    ("a != 1", False),
    ("t", True),
    ("not t", False),
    ("true", True),
    ("nope is defined", False),
    ("und is defined", False),
    ("not nope | default(false)", True),
    ("l | length > 1", False),
    ("{{ a == 1 }}", True),
    ("'{{ s }}' == 'text'", True),
    ('"{{ s }}" == "text"', True),
    ("strtrue | bool", True),
    ("{{ strtrue }}", True),
    (r"'a1' is match('a\d')", True),
    ("s in ['text']", True),
    ("a == 1 and t", True),
    ("n is none", True),
    ("t | default(true)", True),
    (True, True),
    (False, False),
    ("a == 1 or nope", True),
]


@pytest.mark.parametrize(("expression", "value"), HOLDS, ids=[str(row[0]) for row in HOLDS])
def test_a_condition_holds_or_not(engine, expression, value: bool) -> None:
    assert engine.condition(expression, scope_of(VARS)) is value


@pytest.mark.parametrize(
    "expression", ["a", "n", "s", "strtrue", "cond", "l", "'true'", "a == 1 and l", "l | length", ""]
)
def test_what_is_no_boolean_is_refused_with_its_expression(engine, expression: str) -> None:
    with pytest.raises(ConditionError) as caught:
        engine.condition(expression, scope_of(VARS), Origin("p.yml", 2, 3))
    assert expression in (caught.value.expression or "")
    assert str(caught.value.origin) == "p.yml:2:3"
    assert caught.value.hint


def test_the_setting_for_broken_conditionals_allows_them() -> None:
    engine = Engine(allow_broken_conditionals=True)
    assert engine.condition("l", scope_of(VARS)) is True
    assert engine.condition("n", scope_of(VARS)) is False


def test_an_undefined_name_says_which_condition(engine) -> None:
    words = "^Error while evaluating conditional: 'nope' is undefined$"
    with pytest.raises(UndefinedVariable, match=words) as caught:
        engine.condition("nope > 1", scope_of(VARS))
    assert caught.value.expression == "nope > 1"


TRUST = """
a: 1
written: a == 1
made: "a == {{ a }}"
rendered: "{{ written }}"
listed: [a == 1]
unsafe: !unsafe a == 1
"""


@pytest.mark.parametrize(
    "source", ["{{ written }}", "{{ rendered }}", "{{ listed[0] }}", "{{ [listed] | flatten | first }}"])
def test_a_template_may_name_a_condition_that_a_trusted_file_holds(engine, source: str) -> None:
    assert engine.condition(Template(source), scope_of(TRUST)) is True


@pytest.mark.parametrize(
    "source", ["{{ made }}", "{{ 'a == 1' }}", "{{ written ~ '' }}", "{{ unsafe }}", "{{ heard }}"])
def test_what_a_template_makes_or_a_host_said_is_never_evaluated(engine, source: str) -> None:
    with pytest.raises(ConditionError, match="untrusted"):
        engine.condition(Template(source), scope_of(TRUST, heard="a == 1"))


@pytest.mark.parametrize("expression", ["a ==", "s == {{ s }}", "a b", "x is nosuch"])
def test_malformed_conditions_are_syntax_faults(engine, expression: str) -> None:
    with pytest.raises(SyntaxFault):
        engine.condition(expression, scope_of(VARS))
    assert engine.check_condition(expression)


def test_braces_in_a_condition_are_hinted_at(engine) -> None:
    with pytest.raises(SyntaxFault) as caught:
        engine.condition("s == {{ s }}", scope_of(VARS))
    assert "leave out" in (caught.value.hint or "")
