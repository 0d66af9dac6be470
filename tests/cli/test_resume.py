"""`orch run --resume`: the rest is done, nothing is repeated, by the options the run began with."""

from __future__ import annotations

from pathlib import Path

from orchestrator.template.vault_format import encrypt
from tests.cli.conftest import Orch

PLAYBOOK = """\
- hosts: all
  gather_facts: false
  tasks:
    - name: count
      shell: echo {{ word }} >> {{ playbook_dir }}/{{ inventory_hostname }}
"""
AWAY = "near ansible_connection=local\nfar ansible_connection=ssh ansible_host=127.0.0.1 ansible_port=1\n"


def _resumable(orch: Orch, project: Path) -> str:
    (project / "site.yml").write_text(PLAYBOOK)
    (project / "hosts").write_text(AWAY)
    assert orch("run", "site.yml", "-i", "hosts", "-e", "word=w").code == 4
    return orch("runs", "list").lines[1].split()[0]


def test_the_host_that_was_away_is_done_and_no_other(orch: Orch, project: Path) -> None:
    run = _resumable(orch, project)
    (project / "hosts").write_text(AWAY.replace("ssh ansible_host=127.0.0.1 ansible_port=1", "local"))
    said = orch("run", "--resume", run)
    assert said.code == 0, said.err
    assert (project / "near").read_text() == "w\n"
    assert (project / "far").read_text() == "w\n"


def test_a_playbook_that_has_changed_is_refused(orch: Orch, project: Path) -> None:
    run = _resumable(orch, project)
    (project / "site.yml").write_text(PLAYBOOK + "    - debug: {msg: more}\n")
    said = orch("run", "--resume", run)
    assert said.code == 1
    assert "have changed" in said.err


def test_what_exec_ran_is_not_resumed(orch: Orch) -> None:
    orch("exec", "web1", "-i", "inv.yml", "-m", "ping")
    said = orch("run", "--resume", orch("runs", "list").lines[1].split()[0])
    assert said.code == 1
    assert "run it again" in said.err


def test_a_fact_made_of_a_vault_text_is_in_no_store_and_is_made_anew(orch: Orch, project: Path) -> None:
    sealed = encrypt(b"the-word", b"vault-secret").strip().replace("\n", "\n        ")
    (project / "vault-password").write_text("vault-secret\n")
    (project / "hosts").write_text(AWAY)
    (project / "site.yml").write_text(
        f"- hosts: all\n  gather_facts: false\n  vars:\n    v: !vault |\n        {sealed}\n  tasks:\n"
        "    - set_fact: {word: ['{{ v }}']}\n      delegate_to: localhost\n"
        "    - shell: 'echo {{ word[0] | length }} >> {{ playbook_dir }}/{{ inventory_hostname }}'\n")
    secret = ("--vault-password-file", "vault-password")
    assert orch("run", "site.yml", "-i", "hosts", *secret).code == 4
    assert not [file for file in project.rglob("*.sqlite*") if b"the-word" in file.read_bytes()]
    run = orch("runs", "list").lines[1].split()[0]
    (project / "hosts").write_text(AWAY.replace("ssh ansible_host=127.0.0.1 ansible_port=1", "local"))
    assert orch("run", "--resume", run, *secret).code == 0
    assert (project / "near").read_text() == (project / "far").read_text() == "8\n"
