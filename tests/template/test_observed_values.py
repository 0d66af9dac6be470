"""Expressions give what ansible-core 2.19.14 gives, with the collections of ansible 12.3.0: values observed there.

The tables hold pairs of an expression and its value (as JSON), over ``variables.json`` and the files in ``project/``.
"""

import json
from pathlib import Path

import pytest

from orchestrator.errors import OrchError
from orchestrator.template.types import Template
from tests.template.scopes import TableScope, scope_of

HERE = Path(__file__).with_name("observed")
GROUPS = ("filters", "network", "tests_and_lookups", "undefined")


def _table(name: str) -> list:
    return json.loads((HERE / f"{name}.json").read_text("utf-8"))


@pytest.fixture
def scope() -> TableScope:
    return scope_of((HERE / "variables.json").read_text("utf-8"), playbook_dir=str(HERE / "project"))


def _stored(value: object) -> object:
    """As a JSON file keeps it: keys and times are texts."""
    if isinstance(value, dict):
        return {str(key): _stored(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_stored(item) for item in value]
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)


ROWS = [row for group in GROUPS for row in _table(group)]


@pytest.mark.parametrize(("expression", "value"), ROWS, ids=[row[0][:70] for row in ROWS])
def test_an_expression_gives_what_ansible_gives(engine, scope, expression: str, value: object) -> None:
    found = _stored(engine.render(Template("{{ " + expression + " }}"), scope))
    assert json.dumps(found) == json.dumps(value)


FAULTS = _table("faults")


@pytest.mark.parametrize("expression", FAULTS, ids=[fault[:70] for fault in FAULTS])
def test_what_fails_in_ansible_fails_here(engine, scope, expression: str) -> None:
    with pytest.raises(OrchError):
        engine.render(Template("{{ " + expression + " }}"), scope)
