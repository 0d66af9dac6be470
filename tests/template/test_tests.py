"""Tests (``is …``) give what Ansible 2.19 gives."""

import pytest

from orchestrator.errors import TemplateError
from orchestrator.template.plugins import imported
from orchestrator.template.tests import TESTS
from tests.template.scopes import scope_of

TRUE = [
    "'1.2.3' is version('1.2', '>')",
    "'10' is version('9', 'gt')",
    "'1.10' is version('1.9', '>=')",
    "'1.2.3-rc1' is version('1.2.3', '<', version_type='semver')",
    "'1.0b1' is version('1.0', '<', strict=true)",
    "'1.2.3' is version_compare('1.2.3')",
    "'9.5' is ansible.builtin.version('9.4', 'gt')",
    "'foo' is match('f')",
    "not 'foo' is match('o')",
    "'foo' is search('o')",
    "'foo' is regex('^f.o$')",
    "'abc' is search('B', ignorecase=true)",
    "{'failed': true} is failed",
    "{} is success",
    "{} is succeeded",
    "{'changed': 1} is changed",
    "{'results': [{'changed': true}]} is changed",
    "{'skipped': true} is skipped",
    "not {'rc': 1} is failed",
    "{} is finished",
    "{'finished': 1} is finished",
    "{'unreachable': true} is unreachable",
    "'yes' is truthy",
    "'no' is truthy",
    "not 'no' is truthy(convert_bool=true)",
    "'' is falsy",
    "[1] is subset([1,2])",
    "[1,2] is superset([1])",
    "[1] is contains(1)",
    "[true,1] is all",
    "[0,1] is any",
    "'/etc' is directory",
    "'/etc/passwd' is file",
    "'/etc/passwd' is exists",
    "not '/nope' is link",
    "'/a' is abs",
    "'/' is mount",
    "'/etc' is same_file('/etc/')",
    "'http://a' is uri",
    "'http://a' is url",
    "'urn:a:b' is urn",
    "'a b' is uri",
    "'$ANSIBLE_VAULT;1.1;AES256' is not vault_encrypted",
    "not 'x' is vault_encrypted",
    "true is boolean",
    "1 is integer",
    "1 is number",
    "{} is mapping",
    "[] is sequence",
    "'x' is string",
    "none is none",
    "'a' is in ['a']",
    "1 is eq 1",
    "nope is not defined",
    "nope is undefined",
    "'10.0.0.1' is ansible.utils.private",
    "'10.0.0.1' is in_network('10.0.0.0/8')",
    "{'failed': true} is ansible.builtin.failed",
    "[{'a': 1}] | selectattr('a', 'eq', 1) | list | length == 1",
]


@pytest.mark.parametrize("expression", TRUE)
def test_it_holds(engine, expression: str) -> None:
    assert engine.condition(expression, scope_of()) is True


FAULTS = [
    "'x' is failed",
    "'' is version('1', '<')",
    "'a1' is version('1', '<')",
    "'1' is version('1', 'zz')",
    "'1.0-rc1' is version('1.0', '<', strict=true)",
    "'1' is version('1', '<', version_type='x')",
    "nope is failed",
    "nope is match('x')",
    "nope is changed",
    "'x' is match('(')",
]


@pytest.mark.parametrize("expression", FAULTS)
def test_it_cannot_be_said(engine, expression: str) -> None:
    with pytest.raises(TemplateError):
        engine.condition(expression, scope_of())


@pytest.mark.parametrize("name", sorted(TESTS))
def test_every_test_can_be_had(name: str) -> None:
    assert callable(imported(TESTS[name]))
