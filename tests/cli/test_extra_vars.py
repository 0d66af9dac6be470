"""-e: pairs are text, mappings keep their types, files know where each name stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.extra_vars import parse_extra_vars
from orchestrator.errors import OrchError
from orchestrator.template.types import Template

CASES: list[tuple[str, list[str], dict[str, Any]]] = [
    ("a pair", ["a=1"], {"a": "1"}),
    ("several pairs", ["a=1 b=two"], {"a": "1", "b": "two"}),
    ("quoted blanks", ["a='x y' b=z"], {"a": "x y", "b": "z"}),
    ("an equals sign in the value", ["a=b=c"], {"a": "b=c"}),
    ("blanks within Jinja", ["a={{ 'x y' }} b=2"], {"a": Template("{{ 'x y' }}"), "b": "2"}),
    ("empty value", ["a="], {"a": ""}),
    ("JSON keeps its types", ['{"a": 1, "b": [true, null]}'], {"a": 1, "b": [True, None]}),
    ("YAML in flow style", ["{a: 1, b: x}"], {"a": 1, "b": "x"}),
    ("a file", ["@vars.yml"], {"a": 1, "b": {"c": 2}}),
    ("an empty file", ["@empty.yml"], {}),
    ("later ones win", ["a=1", '{"a": 2, "b": 3}', "b=4"], {"a": 2, "b": "4"}),
    ("nothing", [], {}),
]


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("vars.yml").write_text("a: 1\nb:\n  c: 2\n")
    Path("empty.yml").write_text("")
    Path("list.yml").write_text("- 1\n")


@pytest.mark.parametrize(("given", "expected"), [row[1:] for row in CASES], ids=[row[0] for row in CASES])
def test_parsed(given: list[str], expected: dict[str, Any]) -> None:
    assert parse_extra_vars(given) == expected


@pytest.mark.parametrize("text", ["a={{ b }}", '{"a": "{{ b }}"}'], ids=["pair", "JSON"])
def test_what_the_operator_writes_is_a_template(text: str) -> None:
    assert parse_extra_vars([text])["a"] == Template("{{ b }}")


def test_a_file_knows_where_each_name_stands() -> None:
    assert str(parse_extra_vars(["@vars.yml"]).origin_of("b")) == "vars.yml:2:1"


WRONG = ["word", "1a=2", "a-b=1", "a='b", "./vars.yml", "[1]", '{"a"', "@list.yml", "@missing.yml", "@"]


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_variable_is_refused(text: str) -> None:
    with pytest.raises(OrchError) as fault:
        parse_extra_vars([text])
    assert fault.value.message
