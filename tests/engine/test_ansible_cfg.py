"""ansible.cfg as the environment variables of the same meaning; which file counts, and from where its paths count."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.engine.ansible_cfg import find, read, with_config
from orchestrator.errors import SyntaxFault

ROWS = [
    ("a relative inventory", "[defaults]\ninventory = hosts.ini", "ANSIBLE_INVENTORY", "{here}/hosts.ini"),
    ("several inventories", "[defaults]\ninventory = a, ../b", "ANSIBLE_INVENTORY", "{here}/a,{above}/b"),
    ("paths", "[defaults]\nroles_path = roles:/etc/roles", "ANSIBLE_ROLES_PATH", "{here}/roles:/etc/roles"),
    ("the former name", "[defaults]\ncollections_paths = c", "ANSIBLE_COLLECTIONS_PATH", "{here}/c"),
    ("a comment", "[defaults]\nremote_user = bob ; not alice", "ANSIBLE_REMOTE_USER", "bob"),
    ("a line of comment", "[defaults]\n# remote_user = eve\nremote_user=bob", "ANSIBLE_REMOTE_USER", "bob"),
    ("quotes", "[ssh_connection]\nssh_args = '-o A=b'", "ANSIBLE_SSH_ARGS", "-o A=b"),
    ("a percent sign", "[defaults]\nvault_password_file = 100%s", "ANSIBLE_VAULT_PASSWORD_FILE", "{here}/100%s"),
    ("a home", "[defaults]\nprivate_key_file = ~/key", "ANSIBLE_PRIVATE_KEY_FILE", str(Path.home() / "key")),
    ("another section", "[privilege_escalation]\nbecome = True", "ANSIBLE_BECOME", "True"),
    ("given twice", "[defaults]\ntimeout = 5\ntimeout = 6", "ANSIBLE_TIMEOUT", "6"),
    ("nothing behind it", "[defaults]\ninventory =", "ANSIBLE_INVENTORY", None),
    ("not for us", "[defaults]\nstdout_callback = yaml", "ANSIBLE_STDOUT_CALLBACK", None),
]


@pytest.mark.parametrize(("text", "name", "value"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_a_setting_becomes_its_variable(tmp_path, text, name, value):
    (tmp_path / "ansible.cfg").write_text(text)
    want = value and value.format(here=tmp_path, above=tmp_path.parent)
    assert read(tmp_path / "ansible.cfg").get(name) == want


def test_the_environment_wins(tmp_path):
    (tmp_path / "ansible.cfg").write_text("[defaults]\nremote_user = file\ngathering = smart\n")
    merged = with_config({"ANSIBLE_REMOTE_USER": "environment", "HOME": str(tmp_path)}, tmp_path)
    assert (merged["ANSIBLE_REMOTE_USER"], merged["ANSIBLE_GATHERING"]) == ("environment", "smart")


@pytest.mark.parametrize("there", [["named", "here", "home"], ["here", "home"], ["home"], []],
                         ids=["named", "folder", "home", "none"])
def test_the_nearest_file_counts(tmp_path, there):
    places = {"named": tmp_path / "x" / "my.cfg", "here": tmp_path / "p" / "ansible.cfg",
              "home": tmp_path / "h" / ".ansible.cfg"}
    for name, path in places.items():
        path.parent.mkdir()
        if name in there:
            path.write_text("[defaults]\n")
    environ = {"HOME": str(tmp_path / "h"), "ANSIBLE_CONFIG": str(places["named"])}
    found = find(environ, tmp_path / "p", print)
    assert found == (places[there[0]] if there else None) or (not there and str(found).startswith("/etc/"))


def test_a_folder_may_be_named(tmp_path):
    (tmp_path / "ansible.cfg").write_text("")
    assert find({"ANSIBLE_CONFIG": str(tmp_path)}, Path("/"), print) == tmp_path / "ansible.cfg"


def test_a_file_that_everybody_may_have_put_there_is_not_read_and_that_is_said(tmp_path):
    (tmp_path / "ansible.cfg").write_text("[defaults]\nremote_user = eve\n")
    tmp_path.chmod(0o777)
    said: list[str] = []
    assert with_config({"HOME": "/nonexistent"}, tmp_path, said.append).get("ANSIBLE_REMOTE_USER") is None
    assert "everybody may write" in said[0]


def test_a_broken_file_is_told_with_its_place(tmp_path):
    (tmp_path / "ansible.cfg").write_text("remote_user = bob\n")
    with pytest.raises(SyntaxFault) as caught:
        read(tmp_path / "ansible.cfg")
    assert caught.value.origin.file == str(tmp_path / "ansible.cfg") and caught.value.origin.line == 1
