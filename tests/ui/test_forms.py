"""Forms: what was typed stays, and what is wrong is said beside it."""

from __future__ import annotations

import pytest

from api.ui.forms import Form, Wrong, as_yaml
from api.ui.launching import answers, form_of, prefill
from orchestrator.projects.surveys import SurveyField
from orchestrator.refusals import Conflict, Malformed

VARS = {
    "nothing": ("", {}, None),
    "a mapping": ("port: 80\nname: x", {"port": 80, "name": "x"}, None),
    "json": ('{"a": [1]}', {"a": [1]}, None),
    "templates are text": ("x: '{{ lookup(\"pipe\", \"id\") }}'", {"x": '{{ lookup("pipe", "id") }}'}, None),
    "no yaml": ("a: [1", {}, "line"),
    "a list": ("- a", {}, "NAME: VALUE"),
    "a number for a name": ("1: a", {}, "NAME: VALUE"),
    "an object of Python": ("!!python/object/apply:os.system [id]", {}, "line"),
}


@pytest.mark.parametrize("text, found, error", VARS.values(), ids=VARS)
def test_variables(text: str, found: dict[str, object], error: str | None) -> None:
    form = Form({"vars": text})
    assert form.mapping("vars") == found
    assert (error in form.errors["vars"]) if error else not form.errors
    assert form.raw("vars") == text


def test_numbers_have_bounds() -> None:
    form = Form({"a": "7", "b": "x", "c": "900", "d": ""})
    assert [form.number(name, 1, 0, 100) for name in "abcd"] == [7, 1, 1, 1]
    assert set(form.errors) == {"b", "c"}


def test_a_refusal_goes_beside_its_field() -> None:
    form = Form({"name": "x", "extra_vars": "", "limit": ""})
    form.refused(Malformed("no", fields=[("name", "taken"), ("extra_vars.port", "must be text"),
                                         ("settings.limit", "no"), ("elsewhere", "odd")]))
    assert form.errors == {"name": "taken", "extra_vars": "must be text", "limit": "no", "": "elsewhere: odd"}


def test_a_refusal_of_no_field_stands_above() -> None:
    form = Form({"name": "x"})
    form.refused(Conflict("there is one already", hint="take another name"))
    assert form.errors == {"": "there is one already; take another name"}


def test_names_of_the_form() -> None:
    form = Form({"days": "9"})
    form.refused(Malformed("no", fields=[("valid_s", "too long")]), {"valid_s": "days"})
    assert form.errors == {"days": "too long"}


def test_what_is_needed() -> None:
    form = Form({"a": " ", "b": ""})
    form.require("b", "c")
    assert set(form.errors) == {"b", "c"}
    with pytest.raises(Wrong):
        form.refuse_wrong()


def test_variables_come_back_as_they_can_be_written() -> None:
    value = {"a": 1, "b": ["x", {"c": None}], "ü": "text: with colon"}
    assert Form({"v": as_yaml(value)}).mapping("v") == value
    assert as_yaml({}) == ""


SURVEY = [SurveyField("word"), SurveyField("number", type="int"), SurveyField("flag", type="bool", default=True),
          SurveyField("one", type="choice", choices=["a", "b"]), SurveyField("phrase", type="password"),
          SurveyField("some", type="multichoice", choices=["x", "y"])]


def test_variables_of_before_go_back_to_where_they_were_asked_for() -> None:
    given = {"word": "yes", "number": 7, "flag": False, "one": "b", "some": ["x", "y"], "extra": {"a": [1, None]}}
    form = Form()
    assert prefill(form, SURVEY, {**given, "phrase": "open sesame"}) == ["phrase"]
    assert "open sesame" not in str(form.values)
    assert answers(form, SURVEY) == given and not form.errors


def test_an_answer_that_is_none_any_more_is_a_variable_like_others() -> None:
    form = Form()
    prefill(form, SURVEY, {"word": {"now": "a mapping"}})
    assert form.mapping("extra_vars") == {"word": {"now": "a mapping"}}


@pytest.mark.parametrize(("request_", "check"), [
    ({"check": True}, True), ({"check": True, "kind": "plan"}, False), ({}, False)])
def test_check_mode_is_taken_over_but_from_a_plan(request_: dict[str, object], check: bool) -> None:
    assert form_of(request_).has("check") == check
