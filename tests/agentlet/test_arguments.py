"""Arguments are coerced as Ansible does it, and refused with a sentence that names the argument."""

from __future__ import annotations

from typing import Any

import pytest

from agentlet.arguments import no_log_values, size_bytes, validate
from modules.api import Arg, Failed, exclusive, one_of, required_by, required_if, together

COERCED = [
    ("str of int", "str", 5, "5"),
    ("str of bool", "str", True, "True"),
    ("str of bytes", "str", b"\xff", "\udcff"),
    ("bool of yes", "bool", "Yes", True),
    ("bool of off", "bool", "off", False),
    ("bool of 1", "bool", 1, True),
    ("bool of 0.0", "bool", 0.0, False),
    ("int of text", "int", "-7", -7),
    ("int of a whole float", "int", 3.0, 3),
    ("float of text", "float", "1.5", 1.5),
    ("float of int", "float", 2, 2.0),
    ("list of comma text", "list", "a,b", ["a", "b"]),
    ("list of one number", "list", 5, ["5"]),
    ("list of tuple", "list", (1, 2), [1, 2]),
    ("dict of pairs", "dict", 'a=1, b="x, y"', {"a": "1", "b": "x, y"}),
    ("dict of pairs with an escape", "dict", r"a=x\ y b=2", {"a": "x y", "b": "2"}),
    ("dict of JSON", "dict", '{"a": [1]}', {"a": [1]}),
    ("dict of a literal", "dict", "{'a': None}", {"a": None}),
    ("bytes of M", "bytes", "10M", 10 << 20),
    ("bytes of GB", "bytes", "1.5GB", 3 << 29),
    ("bytes of a number", "bytes", 512, 512),
    ("mode as it is", "mode", "u=rw,g=r", "u=rw,g=r"),
    ("mode number as it is", "mode", 0o644, 0o644),
    ("raw as it is", "raw", {"blob": "x"}, {"blob": "x"}),
    ("any as it is", "any", [1, "2"], [1, "2"]),
]


@pytest.mark.parametrize(("kind", "value", "expected"), [c[1:] for c in COERCED], ids=[c[0] for c in COERCED])
def test_a_value_is_coerced(kind: str, value: object, expected: object) -> None:
    result = validate({"x": value}, {"x": Arg(kind)})["x"]
    assert result == expected and type(result) is type(expected)


REFUSED = [
    ("bool", "maybe"),
    ("bool", 2),
    ("bool", []),
    ("int", "1.5"),
    ("int", "x"),
    ("int", []),
    ("float", "x"),
    ("list", True),
    ("list", {"a": 1}),
    ("dict", "text"),
    ("dict", "{broken"),
    ("dict", "a=1 b"),
    ("dict", [1]),
    ("bytes", "10X"),
    ("bytes", "M"),
    ("path", ["/a"]),
]


@pytest.mark.parametrize(("kind", "value"), REFUSED, ids=[f"{k}-{v}" for k, v in REFUSED])
def test_what_cannot_be_coerced_is_refused_by_name(kind: str, value: object) -> None:
    with pytest.raises(Failed) as caught:
        validate({"x": value}, {"x": Arg(kind)})
    assert caught.value.code == "bad_arguments" and "argument 'x'" in caught.value.message


def test_paths_are_expanded_on_the_host_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLACE", "here")
    monkeypatch.setenv("HOME", "/home/me")
    spec = {"p": Arg("path"), "many": Arg("list", elements="path")}
    args = {"p": "~/$PLACE", "many": "~/a,$PLACE"}
    assert validate(args, spec) == {"p": "~/$PLACE", "many": ["~/a", "$PLACE"]}
    assert validate(args, spec, expand=True) == {"p": "/home/me/here", "many": ["/home/me/a", "here"]}


SPEC = {
    "name": Arg(aliases=("pkg", "package")),
    "state": Arg(choices=("present", "absent"), default="present"),
    "force": Arg("bool", default=False),
    "opts": Arg("dict", suboptions={"a": Arg("int", required=True)}),
    "items": Arg("list", elements="dict", suboptions={"b": Arg("bool", default=True)}),
}


def test_the_result_is_complete() -> None:
    assert validate({}, SPEC) == {"name": None, "state": "present", "force": False, "opts": None, "items": None}


def test_none_is_not_given() -> None:
    assert validate({"state": None, "name": None}, SPEC)["state"] == "present"
    with pytest.raises(Failed, match="required"):
        validate({"x": None}, {"x": Arg(required=True)})


def test_an_alias_counts_and_the_name_wins() -> None:
    warnings: list[str] = []
    assert validate({"pkg": "a"}, SPEC)["name"] == "a"
    assert validate({"pkg": "a", "name": "b"}, SPEC, warn=warnings.append)["name"] == "b"
    assert len(warnings) == 1


def test_suboptions_are_validated_where_they_stand() -> None:
    assert validate({"opts": {"a": "1"}, "items": [{}, {"b": "no"}]}, SPEC)["items"] == [{"b": True}, {"b": False}]
    for args, where in (
        ({"opts": {}}, "opts"),
        ({"items": [{}, {"c": 1}]}, r"items\[1\]"),
        ({"items": ["x"]}, "items"),
    ):
        with pytest.raises(Failed, match=where):
            validate(args, SPEC)


@pytest.mark.parametrize(
    ("args", "hint"), [({"stat": "x"}, "state"), ({"packag": 1}, "package"), ({"state": "presnt"}, "present")]
)
def test_a_slip_gets_the_nearest_name(args: dict[str, Any], hint: str) -> None:
    with pytest.raises(Failed) as caught:
        validate(args, SPEC, module="demo")
    assert hint in (caught.value.hint or "")


def test_unknown_arguments_pass_where_a_module_says_so() -> None:
    assert validate({"x": 1}, {}, allow_unknown=True) == {"x": 1}


CHOICES = [(("yes", "no"), True, "yes"), (("on", "off", "auto"), False, "off"), ((True, False), "True", True)]


@pytest.mark.parametrize(("choices", "value", "expected"), CHOICES)
def test_a_yaml_boolean_finds_the_word_that_was_meant(
    choices: tuple[object, ...], value: object, expected: object
) -> None:
    kind = "raw" if isinstance(choices[0], bool) else "str"
    assert validate({"x": value}, {"x": Arg(kind, choices=choices)})["x"] == expected


RULES = [
    ("one_of", (one_of("a", "b"),), {}, {"b": "1"}),
    ("exclusive", (exclusive("a", "b"),), {"a": "1", "b": "1"}, {"a": "1"}),
    ("together", (together("a", "b"),), {"a": "1"}, {"a": "1", "b": "1"}),
    ("required_if", (required_if("a", "x", "b", "c"),), {"a": "x", "b": "1"}, {"a": "y"}),
    ("required_by", (required_by("a", "b"),), {"a": "1"}, {"b": "1"}),
]


@pytest.mark.parametrize(("rules", "bad", "good"), [r[1:] for r in RULES], ids=[r[0] for r in RULES])
def test_rules_hold(rules: tuple[Any, ...], bad: dict[str, Any], good: dict[str, Any]) -> None:
    spec = {"a": Arg(), "b": Arg(), "c": Arg()}
    validate(good, spec, rules)
    with pytest.raises(Failed):
        validate(bad, spec, rules)


def test_a_secret_is_not_in_the_error() -> None:
    with pytest.raises(Failed) as caught:
        validate({"pin": "hunter2"}, {"pin": Arg("int", no_log=True)})
    assert "hunter2" not in caught.value.message + str(caught.value.values)


def test_secrets_are_found_at_any_depth() -> None:
    spec = {
        "a": Arg(no_log=True),
        "b": Arg("dict", suboptions={"c": Arg(no_log=True)}),
        "d": Arg("list", elements="dict", suboptions={"e": Arg("dict", no_log=True)}),
        "f": Arg("bool", no_log=True),
    }
    args = {"a": "1", "b": {"c": "2"}, "d": [{"e": {"x": [3]}}], "f": True}
    assert no_log_values(args, spec) == {"1", "2", "3"}


@pytest.mark.parametrize("text", ["", "x", "-1", "1 2", "1e3"])
def test_a_size_is_a_size(text: str) -> None:
    with pytest.raises(ValueError):
        size_bytes(text)


WORDS = [
    ("required", {}, {"b": Arg(required=True), "a": Arg(required=True)}, (), "missing required arguments: a, b"),
    ("unknown", {"x": 1, "n": 1}, {"b": Arg(aliases=("c",)), "a": Arg()}, (),
     "Unsupported parameters for (demo) module: n, x. Supported parameters include: a, b (c)."),
    ("choice", {"a": "z"}, {"a": Arg(choices=("x", "y"))}, (), "value of a must be one of: x, y, got: z"),
    ("type", {"a": "z"}, {"a": Arg("int")}, (), "argument 'a' is of type str and we were unable to convert to int: "),
    ("exclusive", {"a": 1, "b": 1}, {"a": Arg(), "b": Arg(), "c": Arg()}, (exclusive("a", "b", "c"),),
     "parameters are mutually exclusive: a|b|c"),
    ("one of", {}, {"a": Arg(), "b": Arg()}, (one_of("a", "b"),), "one of the following is required: a, b"),
    ("together", {"a": 1}, {"a": Arg(), "b": Arg()}, (together("a", "b"),), "parameters are required together: a, b"),
    ("required if", {"a": "x"}, {"a": Arg(), "b": Arg()}, (required_if("a", "x", "b"),),
     "a is x but all of the following are missing: b"),
    ("required by", {"a": 1}, {"a": Arg(), "b": Arg()}, (required_by("a", "b"),),
     "missing parameter(s) required by 'a': b"),
]


@pytest.mark.parametrize(("args", "spec", "rules", "says"), [w[1:] for w in WORDS], ids=[w[0] for w in WORDS])
def test_faults_are_told_in_the_words_that_playbooks_match_on(
    args: dict[str, Any], spec: dict[str, Any], rules: Any, says: str
) -> None:
    with pytest.raises(Failed) as caught:
        validate(args, spec, rules, module="demo")
    assert caught.value.message.startswith(says)
