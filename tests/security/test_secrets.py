"""Secrets stay out of every text."""

from __future__ import annotations

import copy
import pickle

import pytest

from orchestrator.security.secrets import HIDDEN, Secret, SecretStore, redact


def test_a_secret_shows_only_when_revealed() -> None:
    secret = Secret("swordfish")
    assert "swordfish" not in f"{secret} {secret!r} {[secret]}"
    assert secret.reveal() == secret() == "swordfish"


@pytest.mark.parametrize("act", [pickle.dumps, copy.deepcopy], ids=["pickle", "deepcopy"])
def test_a_secret_cannot_be_pickled(act: object) -> None:
    with pytest.raises(TypeError):
        act(Secret("swordfish"))  # type: ignore[operator]


def test_a_prompt_is_called_once_and_only_when_needed() -> None:
    asked: list[int] = []
    store = SecretStore()
    store.ask_with("become", lambda: (asked.append(1), "swordfish")[1])
    assert not asked and store.get("vault") is None
    assert store.get("become") == store.get("become") == Secret("swordfish")
    assert len(asked) == 1 and "swordfish" not in repr(store)


@pytest.mark.parametrize(
    ("text", "secrets", "expected"),
    [
        ("pw swordfish!", ["swordfish"], f"pw {HIDDEN}!"),
        ("swordfish2", ["swordfish", "swordfish2"], HIDDEN),
        ("a b a", ["a"], "a b a"),
        ("nothing", [], "nothing"),
    ],
    ids=["plain", "one inside another", "too short", "none"],
)
def test_redaction(text: str, secrets: list[str], expected: str) -> None:
    assert redact(text, secrets) == expected


def test_a_store_redacts_all_it_holds() -> None:
    store = SecretStore()
    store.put("a", "swordfish")
    store.guard("token-123")
    assert store.redact("swordfish and token-123") == f"{HIDDEN} and {HIDDEN}"
