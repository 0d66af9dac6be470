"""Surveys: what may be asked, and which answers will do."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.content.yaml import load_yaml
from orchestrator.errors import ContentError
from orchestrator.projects.surveys import SurveyField, answered, from_prompts, merged, read_fields
from orchestrator.refusals import Malformed


@pytest.mark.parametrize("text, says", [
    ("a: b", "list"), ("- 1", "mapping"), ("- {nam: x}", "unknown 'nam'"), ("- {label: x}", "name must"),
    ("- {name: a-b}", "name must"), ("- {name: a, type: colour}", "type is"), ("- {name: a, type: choice}", "choices"),
    ("- {name: a, min: x}", "whole"), ("- {name: a, type: int, default: x}", "default must be a whole"),
    ("- {name: a}\n- {name: a}", "already"), ("- {name: a, label: '{{ x }}'}", "template"),
    ("- {name: a, type: choice, choices: [x], default: y}", "default must be one of")])
def test_a_survey_that_cannot_be_asked_says_why(text: str, says: str) -> None:
    with pytest.raises(ContentError, match=says):
        read_fields(load_yaml(text, file="s.yml"), "s.yml")


@pytest.mark.parametrize("field, value, good", [
    (SurveyField("x", type="int", min=1, max=5), 3, True), (SurveyField("x", type="int", min=1), 0, False),
    (SurveyField("x", type="int"), True, False), (SurveyField("x", type="int"), "3", False),
    (SurveyField("x", type="bool"), False, True), (SurveyField("x", type="bool"), "no", False),
    (SurveyField("x", type="choice", choices=["a"]), "a", True),
    (SurveyField("x", type="choice", choices=["a"]), "b", False),
    (SurveyField("x", type="multichoice", choices=["a", "b"], min=2), ["a", "b"], True),
    (SurveyField("x", type="multichoice", choices=["a", "b"], min=2), ["a"], False),
    (SurveyField("x", type="multichoice", choices=["a"]), "a", False),
    (SurveyField("x", max=3), "abc", True), (SurveyField("x", max=3), "abcd", False), (SurveyField("x"), 3, False),
    (SurveyField("x", required=True), "", False), (SurveyField("x", required=True), None, False),
    (SurveyField("x"), "{{ lookup('pipe', 'id') }}", True), (SurveyField("x", type="password", min=8), "kurz", False)])
def test_answers(field: SurveyField, value: Any, good: bool) -> None:
    if good:
        assert answered([field], {"x": value})["x"] == value
    else:
        with pytest.raises(Malformed) as refused:
            answered([field], {"x": value})
        assert refused.value.fields[0][0] == "extra_vars.x" and "kurz" not in str(refused.value.fields)


def test_defaults_stand_behind_and_strangers_pass() -> None:
    assert answered([SurveyField("a", default="d")], {"b": 1}) == {"a": "d", "b": 1}


def test_prompts_are_fields_and_the_survey_wins() -> None:
    prompts = from_prompts(load_yaml("- {name: user, prompt: Who, private: false, default: x}\n- {name: pw}\n- {n: 1}",
                                     file="p.yml"))
    assert [(one.name, one.label, one.type, one.default) for one in prompts] == [
        ("user", "Who", "text", "x"), ("pw", "pw", "password", None)]
    both = merged(prompts, [SurveyField("user", type="choice", choices=["x"]), SurveyField("n", type="int")])
    assert [(one.name, one.type) for one in both] == [("user", "choice"), ("pw", "password"), ("n", "int")]
