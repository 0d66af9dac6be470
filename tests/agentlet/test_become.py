"""How sudo and su are called, and what their words mean."""

from __future__ import annotations

from typing import Any

import pytest

from agentlet.become import Identity, argv, identity_of, meaning, prompt_seen, refuse

MARKER = "0123456789abcdef"


def identity(**fields: Any) -> Identity:
    common = {"method": "sudo", "user": "root", "flags": None, "exe": None, "secret": None, "prompts": ()}
    return Identity(**{**common, **fields})


ARGV = [
    ("default", {}, False, ["sudo", "-H", "-n", "-u", "root", "--"]),
    ("password", {}, True, ["sudo", "-H", "-p", "PROMPT", "-u", "root", "--"]),
    ("Ansible's flags", {"flags": "-H -S -n"}, True, ["sudo", "-H", "-p", "PROMPT", "-u", "root", "--"]),
    ("flags together", {"flags": "-HSn -g wheel"}, False, ["sudo", "-H", "-g", "wheel", "-n", "-u", "root", "--"]),
    ("long flags", {"flags": "--stdin --login"}, False, ["sudo", "--login", "-n", "-u", "root", "--"]),
    ("executable", {"exe": "/opt/sudo"}, False, ["/opt/sudo", "-H", "-n", "-u", "root", "--"]),
    ("another user", {"user": "app"}, False, ["sudo", "-H", "-n", "-u", "app", "--"]),
]


@pytest.mark.parametrize(("fields", "password", "expected"), [a[1:] for a in ARGV], ids=[a[0] for a in ARGV])
def test_sudo_is_called_with_the_right_words(fields: dict[str, Any], password: bool, expected: list[str]) -> None:
    words = argv(identity(**fields), "PROMPT", MARKER, 10, ("python3",), password)
    assert words[: len(expected)] == expected and words[len(expected)] == "/bin/sh"


def test_su_gets_one_line_and_beside_descriptors() -> None:
    words = argv(identity(method="su", user="app", flags="-l"), "PROMPT", MARKER, 10, ("python3",), True)
    assert words[:4] == ["su", "-l", "app", "-c"] and "exec <&3 >&4" in words[4]


PROMPTS = [
    ("[orch x] password: ", True),
    ("Password: ", True),
    ("[sudo] password for ops: ", True),
    ("Passwort: ", True),
    ("Password for ops@EXAMPLE.ORG: ", True),
    ("Last login: today\r\n", False),
    ("Password: \r\nSorry\r\n", False),
    ("your password expires: soon", False),
]


@pytest.mark.parametrize(("text", "seen"), PROMPTS)
def test_a_prompt_is_a_prompt_only_at_the_end(text: str, seen: bool) -> None:
    assert prompt_seen(text, "[orch x] password: ") is seen


@pytest.mark.parametrize(("text", "named", "seen"), [
    ("Пароль: ", (), False),
    ("Пароль: ", ("Jelszó", "пароль"), True),
    ("Пароль користувача：", ("Пароль користувача",), True),
    ("Пароль: \r\nno", ("Пароль",), False),
    ("(.*: ", (".*",), True),
    ("Password: ", ("Пароль",), True),
], ids=["unknown", "one of them", "wide colon", "not at the end", "no pattern", "beside the known"])
def test_a_prompt_may_have_the_operators_words(text: str, named: tuple[str, ...], seen: bool) -> None:
    assert prompt_seen(text, "[orch x] password: ", named) is seen


MEANINGS = [
    ("sudo: a password is required", 0, "become_password_missing"),
    ("sudo: a terminal is required to read the password; either use the -S option", 0, "become_password_missing"),
    ("sudo: sorry, you must have a tty to run sudo", 0, "become_tty_required"),
    ("Sorry, try again.\r\nsudo: 1 incorrect password attempt", 1, "become_password_wrong"),
    ("su: Authentication failure", 1, "become_password_wrong"),
    ("anything", 2, "become_password_wrong"),
    ("sudo: unknown user nobody-here\nsudo: error initializing audit plugin", 0, "become_user_unknown"),
    (
        "su: user nobody does not exist or the user entry does not contain all the required fields",
        0,
        "become_user_unknown",
    ),
    ("ops is not in the sudoers file.  This incident will be reported.", 1, "become_not_allowed"),
    ("Sorry, user ops is not allowed to execute '/bin/sh' as root on host.", 1, "become_not_allowed"),
    ("This account is currently not available.", 1, "become_no_shell"),
    ("", 0, "become_failed"),
    ("sudo: unable to do something new", 0, "become_failed"),
]


@pytest.mark.parametrize(("text", "asked", "code"), MEANINGS, ids=[m[0][:30] or "nothing" for m in MEANINGS])
def test_words_have_a_meaning(text: str, asked: int, code: str) -> None:
    fault = meaning(identity(), text, "ops", asked)
    assert fault.code == code and fault.message


@pytest.mark.parametrize("user", ["-s", "", "a b", "x;id", "$(id)", "a\nb"])
def test_a_user_that_could_be_an_option_is_refused(user: str) -> None:
    fault = refuse(identity(user=user))
    assert fault is not None and fault.code == "become_user_unknown"


@pytest.mark.parametrize("user", ["root", "app", "svc.web", "user@DOMAIN", "_apt", "#1000", "DOM\\user", "machine$"])
def test_names_that_systems_use_are_not(user: str) -> None:
    assert refuse(identity(user=user)) is None


def test_the_own_user_needs_no_becoming() -> None:
    assert identity_of({"method": "sudo", "user": "ops"}, "ops") is None
    assert identity_of(None, "ops") is None
    assert identity_of({"user": None}, "ops") == identity()
