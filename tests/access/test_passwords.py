"""What may be a password."""

from __future__ import annotations

import pytest

from orchestrator.access import passwords
from orchestrator.refusals import Malformed

REFUSED = [
    # id, password, code
    ("short", "elevenchars", "password_short"), ("empty", "", "password_short"),
    ("long", "ab" * 600, "password_long"),
    ("the name", "annabelle.smith", "password_name"), ("the name, louder", "Annabelle.Smith1!", "password_name"),
    ("the address", "annabelle@example.com", "password_name"),
    ("the name twice", "annabelle.smithannabelle.smith", "password_name"),
    ("common", "qwertyuiop123", "password_common"), ("common, louder", "PasswordPassword", "password_common"),
    ("one sign", "zzzzzzzzzzzzzz", "password_common"), ("two signs", "abababababababab", "password_common"),
]


@pytest.mark.parametrize("password, code", [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_weak_ones_are_refused(password: str, code: str) -> None:
    with pytest.raises(Malformed) as refused:
        passwords.refuse_weak(password, "annabelle.smith", "annabelle@example.com")
    assert refused.value.code == code and refused.value.fields[0][0] == "password"
    assert not password or password not in f"{refused.value.message} {refused.value.hint}"


@pytest.mark.parametrize("password", ["four words are enough", "xK3#mPq9!vL2", "пароль из слов", "anna at the sea"])
def test_others_may_be_one(password: str) -> None:
    passwords.refuse_weak(password, "anna", "anna@example.com")


def test_only_the_right_one_is_right_and_nobody_has_none() -> None:
    stored = passwords.hash_password("four words are enough")
    assert stored.startswith("$argon2id$") and "four" not in stored
    assert passwords.is_right(stored, "four words are enough")
    assert not passwords.is_right(stored, "four words are Enough")
    assert not passwords.is_right(None, "the password of nobody at all")
    assert not passwords.is_right("!", "x")
