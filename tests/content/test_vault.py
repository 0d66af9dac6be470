"""ansible-vault texts open, close, and keep their secrets."""

import pytest

from orchestrator.content.loader import ContentLoader
from orchestrator.content.passwords import parse_vault_id, read_secret
from orchestrator.content.vault import Vault, VaultSecret, encrypt, is_vault
from orchestrator.errors import ContentError, Origin, VaultError
from orchestrator.template.engine import Engine
from orchestrator.template.types import Template

# Made by ansible-core 2.19: {{ "x" | vault("pw", salt="s") }}
FOREIGN = """$ANSIBLE_VAULT;1.2;AES256;filter_default
37330a36363436626465336131323362346633343261356136343932333061316434643137323262
3464323233326137383635663263396266656564306632333132320a326338303761653837306233
6364663263306134643338316161373335363137
"""
FOREIGN_SALT, FOREIGN_SECRET, FOREIGN_TEXT = b"s", b"pw", "x"


def test_a_text_made_by_ansible_opens() -> None:
    vault = Vault([VaultSecret("filter_default", FOREIGN_SECRET)])
    assert vault.decrypt(FOREIGN) == FOREIGN_TEXT


def test_the_same_salt_gives_what_ansible_gives() -> None:
    from orchestrator.template import vault_format

    made = vault_format.encrypt(FOREIGN_TEXT.encode(), FOREIGN_SECRET, "filter_default", FOREIGN_SALT)
    assert made == FOREIGN


@pytest.mark.parametrize("text", ["", "x", "é" * 100, "line\n" * 1000, "0123456789abcdef"])
@pytest.mark.parametrize("label", ["default", "dev"])
def test_what_is_encrypted_opens_again(text: str, label: str) -> None:
    vault = Vault([VaultSecret(label, b"secret")])
    made = vault.encrypt(text)
    assert is_vault(made)
    assert made.startswith("$ANSIBLE_VAULT;1.2;AES256;dev\n" if label == "dev" else "$ANSIBLE_VAULT;1.1;AES256\n")
    assert max(len(line) for line in made.splitlines()) <= 80
    assert vault.decrypt(made) == text


def test_any_of_several_secrets_opens() -> None:
    made = encrypt("x", VaultSecret("prod", b"two"))
    assert Vault([VaultSecret("dev", b"one"), VaultSecret("other", b"two")]).decrypt(made) == "x"


def test_rekey_keeps_the_content() -> None:
    old, new = VaultSecret("a", b"one"), VaultSecret("b", b"two")
    assert Vault([new]).decrypt(Vault([old]).rekey(encrypt("x", old), new)) == "x"


def test_a_wrong_secret_names_the_ids_that_were_tried_and_no_secret() -> None:
    made = encrypt("content", VaultSecret("prod", b"right"))
    with pytest.raises(VaultError) as caught:
        Vault([VaultSecret("dev", b"wrong1"), VaultSecret("test", b"wrong2")]).decrypt(made, Origin("f.yml", 3, 1))
    text = f"{caught.value} {caught.value.hint} {caught.value!r}"
    assert "dev" in text and "test" in text and "prod" in text
    assert "wrong1" not in text and "right" not in text
    assert str(caught.value.origin) == "f.yml:3:1"


def test_no_secret_says_what_to_give() -> None:
    with pytest.raises(VaultError, match="no vault password") as caught:
        Vault().decrypt(encrypt("x", VaultSecret("default", b"y")))
    assert "--ask-vault-pass" in (caught.value.hint or "")


GOOD = encrypt("content", VaultSecret("default", b"y"))
DAMAGED = {
    "cut": "\n".join(GOOD.splitlines()[:-1]),
    "changed": GOOD[:-3] + ("00" if GOOD[-3:-1] != "00" else "11") + "\n",
    "not_hex": GOOD.replace("3", "g", 1) if "3" in GOOD.splitlines()[1] else GOOD + "zz",
    "empty": "$ANSIBLE_VAULT;1.1;AES256\n",
    "other_version": GOOD.replace("1.1", "9.9"),
    "other_cipher": GOOD.replace("AES256", "ROT13"),
    "no_vault": "hello",
}


@pytest.mark.parametrize("text", DAMAGED.values(), ids=list(DAMAGED))
def test_damaged_texts_are_refused(text: str) -> None:
    with pytest.raises(VaultError):
        Vault([VaultSecret("default", b"y")]).decrypt(text)


def test_secrets_are_not_in_repr() -> None:
    assert "hunter2" not in repr(VaultSecret("x", b"hunter2"))
    assert "hunter2" not in repr([VaultSecret("x", b"hunter2")])


def test_whole_files_are_opened_and_their_templates_trusted(tmp_path) -> None:
    secret = VaultSecret("default", b"y")
    path = tmp_path / "secrets.yml"
    path.write_text(encrypt("password: '{{ other }}'\n", secret))
    loaded = ContentLoader(Vault([secret])).read_vars(path)
    assert loaded["password"] == Template("{{ other }}")


def test_inline_values_open_when_used(tmp_path) -> None:
    secret = VaultSecret("default", b"y")
    body = "".join(f"  {line}\n" for line in encrypt("hunter2", secret).splitlines())
    path = tmp_path / "vars.yml"
    path.write_text(f"password: !vault |\n{body}")
    loaded = ContentLoader(Vault([secret])).read_vars(path)
    assert Engine(vault=Vault([secret])).render(loaded["password"], None) == "hunter2"
    with pytest.raises(VaultError):
        Engine().render(loaded["password"], None)


def test_a_password_file_is_stripped_and_checked(tmp_path) -> None:
    path = tmp_path / "pw"
    path.write_text("hunter2\n")
    path.chmod(0o644)
    warnings: list[str] = []
    assert read_secret(str(path), "dev", warnings.append).secret == b"hunter2"
    assert "chmod 600" in warnings[0]
    path.chmod(0o600)
    warnings.clear()
    read_secret(str(path), warn=warnings.append)
    assert not warnings


def test_a_password_program_is_run_and_told_the_id(tmp_path) -> None:
    path = tmp_path / "ring-client.sh"
    path.write_text('#!/bin/sh\necho "$1 $2"\n')
    path.chmod(0o700)
    assert read_secret(str(path), "prod").secret == b"--vault-id prod"


@pytest.mark.parametrize(
    ("content", "mode"),
    [("", 0o600), (" \n", 0o600), ("#!/bin/sh\nexit 3\n", 0o700), ("#!/bin/sh\n", 0o700), ("no program", 0o700),
     ("$ANSIBLE_VAULT;1.1;AES256\n", 0o600)],
    ids=["empty", "blank", "fails", "prints_nothing", "not_a_program", "a_vault"],
)
def test_a_bad_password_source_is_a_clear_error(tmp_path, content: str, mode: int) -> None:
    path = tmp_path / "pw"
    path.write_text(content)
    path.chmod(mode)
    with pytest.raises(VaultError):
        read_secret(str(path))


@pytest.mark.parametrize(
    ("text", "parsed"), [("dev@file", ("dev", "file")), ("file", ("default", "file")), ("@f", ("default", "f"))]
)
def test_vault_ids_are_taken_apart(text: str, parsed: tuple[str, str]) -> None:
    assert parse_vault_id(text) == parsed


def test_the_digest_covers_every_byte_read_once(tmp_path) -> None:
    (tmp_path / "a.yml").write_text("a: 1\n")
    (tmp_path / "b.yml").write_text("b: 1\n")
    digests = set()
    for names in (["a.yml"], ["a.yml", "b.yml"], ["b.yml", "a.yml"], ["a.yml", "b.yml", "a.yml"]):
        loader = ContentLoader()
        for name in names:
            loader.read(tmp_path / name)
        digests.add(loader.digest)
    assert len(digests) == 3


@pytest.mark.parametrize("text", ["- a\n", "just text\n", "1: x\n"], ids=["list", "text", "number_as_name"])
def test_a_vars_file_must_be_a_mapping_of_names(tmp_path, text: str) -> None:
    path = tmp_path / "v.yml"
    path.write_text(text)
    with pytest.raises(ContentError):
        ContentLoader().read_vars(path)


def test_an_empty_vars_file_is_no_variables(tmp_path) -> None:
    path = tmp_path / "v.yml"
    path.write_text("---\n# nothing yet\n")
    assert ContentLoader().read_vars(path) == {}


def test_json_is_read_as_well(tmp_path) -> None:
    path = tmp_path / "v.json"
    path.write_text('{"a": "{{ b }}", "c": [1, true, null]}')
    loaded = ContentLoader().read_vars(path)
    assert loaded == {"a": Template("{{ b }}"), "c": [1, True, None]}
