"""Passwords come from the terminal, files or vaults; never from the command line, and never into what is printed."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli import passwords
from orchestrator.errors import UsageError
from orchestrator.template.vault_format import encrypt
from tests.cli.conftest import Orch

FILES = {"login": "l-secret\n", "become": "b-secret\r\n", "empty": ""}
CASES: list[tuple[str, dict[str, Any], dict[str, str], list[str], tuple[str | None, str | None], int]] = [
    ("none", {}, {}, [], (None, None), 0),
    ("asked for", {"ask_pass": True, "ask_become_pass": True}, {}, ["l", "b"], ("l", "b"), 2),
    ("empty become password is the login's", {"ask_pass": True, "ask_become_pass": True}, {}, ["l", ""], ("l", "l"), 2),
    ("become alone", {"ask_become_pass": True}, {}, ["b"], (None, "b"), 1),
    ("login alone", {"ask_pass": True}, {}, ["l"], ("l", None), 1),
    ("files", {"connection_password_file": "login", "become_password_file": "become"}, {}, [],
     ("l-secret", "b-secret"), 0),
    ("environment", {}, {"ANSIBLE_BECOME_PASSWORD_FILE": "become", "ANSIBLE_CONNECTION_PASSWORD_FILE": "login"}, [],
     ("l-secret", "b-secret"), 0),
    ("the option above the environment", {"become_password_file": "login"}, {"ANSIBLE_BECOME_PASSWORD_FILE": "become"},
     [], (None, "l-secret"), 0),
]


@pytest.mark.parametrize(("given", "environment", "typed", "expected", "asked"), [row[1:] for row in CASES],
                         ids=[row[0] for row in CASES])
def test_where_passwords_come_from(project: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, Any],
                                   environment: dict[str, str], typed: list[str],
                                   expected: tuple[str | None, str | None], asked: int) -> None:
    for name, text in FILES.items():
        (project / name).write_text(text)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    prompts: list[str] = []
    answers = iter(typed)
    monkeypatch.setattr("getpass.getpass", lambda prompt: prompts.append(prompt) or next(answers))
    secrets = passwords.ask_secrets(given)
    found = tuple(secret.reveal() if secret else None for secret in (secrets.login, secrets.become))
    assert (found, len(prompts)) == (expected, asked)


def test_a_password_file_that_is_no_text_is_refused(project: Path) -> None:
    (project / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="not UTF-8"):
        passwords.ask_secrets({"become_password_file": "binary"})


def _vaulted(project: Path, text: str) -> None:
    (project / "vault-password").write_text("vault-secret\n")
    (project / "vars.yml").write_text(encrypt(text.encode(), b"vault-secret"))


def test_a_vault_opens_with_its_file_and_says_what_is_missing_without(project: Path, orch: Orch) -> None:
    _vaulted(project, "word: opened\n")
    argv = ["exec", "web1", "-i", "inv.yml", "-e", "@vars.yml", "-m", "debug", "-a", "var=word"]
    assert '"word": "opened"' in orch(*argv, "--vault-password-file", "vault-password").out
    assert '"word": "opened"' in orch(*argv, "--vault-id", "dev@vault-password").out
    without = orch(*argv)
    assert without.code == 1
    assert "--vault-password-file" in without.err


def test_a_vault_text_stays_one_as_a_fact_and_its_result_does_not_show_it(project: Path, orch: Orch) -> None:
    (project / "vault-password").write_text("vault-secret\n")
    sealed = textwrap.indent(encrypt(b"opened", b"vault-secret"), " " * 10)
    (project / "site.yml").write_text(
        "- hosts: web1\n  gather_facts: false\n  tasks:\n    - set_fact:\n        word: !vault |\n" + sealed.rstrip()
        + "\n    - set_fact: {other: '{{ word }}', held: ['{{ word }}'], longer: 'pre{{ word }}'}"
        + "\n    - debug: {msg: '{{ word }} {{ other is vault_encrypted }} {{ held[0] is vault_encrypted }}'}\n")
    said = orch("run", "site.yml", "-i", "inv.yml", "-v", "--vault-password-file", "vault-password")
    assert '"word": "(encrypted)"' in said.out and '"other": "(encrypted)"' in said.out
    assert '"held": ["(encrypted)"], "longer": "preopened"' in said.out
    assert "opened True True" in said.out
