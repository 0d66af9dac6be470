"""`orch vault`: what it writes opens with the same password, nothing is half done, and no plain text is left behind."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from orchestrator.content.vault import Vault, VaultSecret
from orchestrator.content.yaml import load_yaml
from tests.cli.conftest import Orch

PLAIN = "db: canary\n"


@pytest.fixture
def vault(project: Path, orch: Orch, monkeypatch: pytest.MonkeyPatch):
    """`orch vault …` with the password of the file ``pw``, and any text on standard input."""
    monkeypatch.delenv("ANSIBLE_VAULT_PASSWORD_FILE", raising=False)
    for name in ("pw", "other"):
        (project / name).write_text(f"{name}\n")
        (project / name).chmod(0o600)

    def call(command: str, *args: str, stdin: str = "", password: str = "pw"):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        return orch("vault", command, *args, *(["--vault-password-file", password] if password else []))

    return call


def opened(path: Path, password: str = "pw") -> str:
    return Vault([VaultSecret("default", password.encode())]).decrypt(path.read_text())


def test_a_file_is_encrypted_in_place_and_back(project, vault):
    path = project / "s.yml"
    path.write_text(PLAIN)
    path.chmod(0o640)
    assert vault("encrypt", "s.yml").code == 0
    assert path.read_text().startswith("$ANSIBLE_VAULT;1.1;AES256\n")
    assert "canary" not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o640
    assert vault("view", "s.yml").out == PLAIN
    assert vault("decrypt", "s.yml").code == 0
    assert path.read_text() == PLAIN


def test_standard_input_goes_to_standard_output(vault):
    text = vault("encrypt", stdin=PLAIN).out
    assert text.startswith("$ANSIBLE_VAULT")
    assert vault("decrypt", stdin=text).out == PLAIN


FAULTS = [
    ("encrypt twice", ("encrypt", "e.yml"), "e.yml is encrypted already"),
    ("decrypt plain", ("decrypt", "s.yml"), "this is not encrypted"),
    ("wrong password", ("view", "e.yml", "other"), "no vault password opens this"),
    ("no file", ("view", "nothere.yml"), "cannot read nothere.yml"),
    ("create over a file", ("create", "s.yml"), "s.yml exists"),
    ("two files into one", ("encrypt", "s.yml", "t.yml", "--output", "x"), "--output takes one file"),
    ("one of two is no vault", ("rekey", "e.yml", "s.yml", "--new-vault-password-file", "other"), "not encrypted"),
    ("unknown identity", ("encrypt", "s.yml", "--encrypt-vault-id", "prod"), "no vault identity 'prod'"),
]


@pytest.mark.parametrize(("args", "words"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS])
def test_a_fault_is_named_and_no_file_is_changed(project, vault, args, words):
    for name in ("s.yml", "t.yml", "e.yml"):
        (project / name).write_text(PLAIN)
    vault("encrypt", "e.yml")
    before = {path.name: path.read_bytes() for path in project.iterdir()}
    password = "other" if args[-1] == "other" and args[0] == "view" else "pw"
    said = vault(*[a for a in args if not (a == "other" and args[0] == "view")], password=password)
    assert said.code == 1
    assert words in said.err, said.err
    assert {path.name: path.read_bytes() for path in project.iterdir()} == before


def test_rekey_changes_the_password_alone(project, vault):
    (project / "s.yml").write_text(PLAIN)
    vault("encrypt", "s.yml")
    assert vault("rekey", "s.yml", "--new-vault-password-file", "other").code == 0
    assert opened(project / "s.yml", "other") == PLAIN


def test_edit_keeps_the_identity_and_leaves_no_plain_text(project, vault, monkeypatch):
    (project / "s.yml").write_text(PLAIN)
    vault("encrypt", "s.yml", "--vault-id", "prod@pw", password="")
    seen = project / "seen"
    monkeypatch.setenv("EDITOR", f"sh -c 'echo $1 > {seen}; sed -i s/canary/changed/ $1' -")
    assert vault("edit", "s.yml", "--vault-id", "prod@pw", password="").code == 0
    assert (project / "s.yml").read_text().startswith("$ANSIBLE_VAULT;1.2;AES256;prod\n")
    assert opened(project / "s.yml") == "db: changed\n"
    assert not Path(seen.read_text().strip()).exists()


@pytest.mark.parametrize(("editor", "code"), [("true", 0), ("false", 1), ("no-such-editor", 1)])
def test_an_editor_that_changes_nothing_or_fails_leaves_the_file(project, vault, monkeypatch, editor, code):
    (project / "s.yml").write_text(PLAIN)
    vault("encrypt", "s.yml")
    before = (project / "s.yml").read_bytes()
    monkeypatch.setenv("EDITOR", editor)
    assert vault("edit", "s.yml").code == code
    assert (project / "s.yml").read_bytes() == before


def test_create_makes_a_file_that_only_we_can_read(project, vault, monkeypatch):
    monkeypatch.setenv("EDITOR", "sh -c 'echo db: canary > $1' -")
    assert vault("create", "new.yml").code == 0
    assert opened(project / "new.yml") == PLAIN
    assert (project / "new.yml").stat().st_mode & 0o777 == 0o600


STRINGS = [
    ("an argument", ("one",), "", [None]),
    ("named arguments", ("one", "two", "-n", "a", "-n", "b"), "", ["a", "b"]),
    ("standard input", ("--stdin-name", "a"), "one", ["a"]),
    ("standard input, not named", (), "one", [None]),
]


@pytest.mark.parametrize(("args", "stdin", "names"), [row[1:] for row in STRINGS], ids=[row[0] for row in STRINGS])
@pytest.mark.parametrize("command", ["encrypt-string", "encrypt_string"])
def test_a_string_becomes_a_yaml_value(vault, command, args, stdin, names):
    said = vault(command, *args, stdin=stdin)
    assert said.code == 0, said.err
    assert [line.split(":")[0] if ":" in line else None for line in said.lines if "!vault" in line] == names
    assert said.out.count("$ANSIBLE_VAULT;1.1;AES256") == len(names)


def test_an_encrypted_string_is_read_back_from_a_vars_file(project, vault):
    said = vault("encrypt-string", "--stdin-name", "db", stdin="canary")
    document = load_yaml(said.out)
    assert Vault([VaultSecret("default", b"pw")]).decrypt(str(document["db"].ciphertext)) == "canary"


def test_a_new_password_is_asked_for_twice(project, vault, monkeypatch):
    (project / "s.yml").write_text(PLAIN)
    typed = iter(["pw", "different"])
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(typed))
    said = vault("encrypt", "s.yml", password="")
    assert (said.code, "not the same" in said.err) == (1, True)
    assert (project / "s.yml").read_text() == PLAIN
