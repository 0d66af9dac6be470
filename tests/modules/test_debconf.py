"""Answers to packages' questions on a lab host; what debconf-show says, read."""

from __future__ import annotations

from typing import Any

import pytest

from modules import debconf
from modules.api import Failed
from tests.lab.fixtures import LabHosts
from tests.modules.remote import Remote

LOOK = ("debconf-show orchq | sort; echo get orchq/pw | debconf-communicate; "
        "echo fget orchq/note seen | debconf-communicate")


@pytest.fixture
def remote(lab_hosts: LabHosts) -> Remote:
    return Remote(lab_hosts(1)[0])


def test_debconfs_answers_are_read() -> None:
    output = "* a/seen: yes: it is\n  a/new:\n* a/pw: (password omitted)\n  a/long: x, y\nrubbish\n"
    assert debconf.shown(output) == {
        "a/seen": "yes: it is", "a/new": "", "a/pw": "(password omitted)", "a/long": "x, y"}


ANSWERS: dict[str, tuple[Any, str, str]] = {
    "a text": ("x y", "string", "x y"), "a number": (12, "string", "12"), "true": (True, "boolean", "true"),
    "True": ("True", "boolean", "true"), "a list": (["a", "b"], "multiselect", "a, b"), "empty": ("", "string", ""),
    "two lines": ("a\nb", "text", "a\\nb"), "a boolean of YAML for a select": (True, "select", "true"),
}


@pytest.mark.parametrize(("value", "vtype", "text"), ANSWERS.values(), ids=ANSWERS.keys())
def test_an_answer_is_one_line(value: Any, vtype: str, text: str) -> None:
    assert debconf.answer(value, vtype) == text


@pytest.mark.parametrize(("value", "vtype"), [(["a", 1], "multiselect"), (["a"], "string"), ({}, "string"),
                                              ("a\r\nx y string z", "string")])
def test_an_impossible_answer_is_refused(value: Any, vtype: str) -> None:
    with pytest.raises(Failed, match="Invalid value provided for"):
        debconf.answer(value, vtype)


CHANGES: dict[str, dict[str, Any]] = {
    "select": {"question": "orchq/s", "value": "C", "vtype": "select"},
    "boolean": {"question": "orchq/b", "value": True, "vtype": "boolean"},
    "string": {"question": "orchq/n", "value": 12, "vtype": "string"},
    "string with spaces": {"question": "orchq/t", "value": "a  b: c", "vtype": "string"},
    "multiselect": {"question": "orchq/m", "value": ["b", "a"], "vtype": "multiselect"},
    "unseen": {"question": "orchq/u", "value": "x", "vtype": "string", "unseen": True},
}


@pytest.mark.parametrize("args", CHANGES.values(), ids=CHANGES.keys())
def test_an_answer_is_kept(remote: Remote, args: dict[str, Any]) -> None:
    done = remote.converge("debconf", {"name": "orchq", **args}, LOOK)["values"]
    assert done["previous"][args["question"]] == ""
    now = remote.run("debconf", {"name": "orchq"})["values"]["current"]
    assert now[args["question"]] == done["current"][args["question"]]


def test_the_order_of_a_list_does_not_matter_that_of_a_text_does(remote: Remote) -> None:
    args = {"name": "orchq", "question": "orchq/order", "vtype": "multiselect"}
    remote.converge("debconf", {**args, "value": ["a", "b"]}, LOOK)
    remote.unchanged("debconf", {**args, "value": ["b", "a"]})
    remote.converge("debconf", {**args, "value": "b, a"}, LOOK)


def test_a_password_is_compared_and_never_shown(remote: Remote) -> None:
    args = {"name": "orchq", "question": "orchq/pw", "vtype": "password"}
    done = remote.converge("debconf", {**args, "value": "s3cret words"}, LOOK)
    assert "s3cret" not in str(done)
    assert remote.shell("echo get orchq/pw | debconf-communicate") == "0 s3cret words"
    remote.converge("debconf", {**args, "value": "another"}, LOOK)


def test_a_question_is_marked_as_asked(remote: Remote) -> None:
    remote.run("debconf", {"name": "orchq", "question": "orchq/note", "value": "x", "vtype": "string", "unseen": True})
    remote.converge("debconf", {"name": "orchq", "question": "orchq/note", "value": "true", "vtype": "seen"}, LOOK)


def test_question_kind_and_answer_belong_together(remote: Remote) -> None:
    remote.fails("debconf", {"name": "orchq", "question": "orchq/x"}, "bad_arguments", "question")
    remote.fails("debconf", {"name": "a b", "question": "x", "vtype": "string", "value": ""}, "bad_value")
