"""`orch credentials`, `orch projects`, `orch ca ssh-public`: no secret on a command line, and the API's rules."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from orchestrator.cli.main import command
from orchestrator.errors import UsageError
from tests.projects.conftest import committed, write

CANARY = "canary-cli-never-to-be-seen"


@pytest.fixture
def orch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("ORCH_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("ORCH_PROJECT_ROOTS", str(tmp_path / "roots"))
    return CliRunner()


def run(orch: CliRunner, *words: str, input: str | None = None) -> Result:
    done = orch.invoke(command, words, input=input)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def test_a_credential_comes_by_file_and_is_shown_to_nobody(orch: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(CANARY + "\n")
    said = [run(orch, "credentials", "add", "login", "password", "--value", "username=deploy", "--file",
                f"password={tmp_path / 'secret'}"),
            run(orch, "credentials", "add", "asked", "become", input=CANARY + "\n"),
            run(orch, "credentials", "add", "piped", "webhook", "--file", "secret=-", input=CANARY + "\n"),
            run(orch, "credentials", "add", "short", "ssh_certificate", "--value", "principals=deploy,ops"),
            run(orch, "credentials", "rotate", "login", "--file", f"password={tmp_path / 'secret'}"),
            run(orch, "credentials", "list"), run(orch, "credentials", "list", "--json"),
            run(orch, "credentials", "uses", "login"), run(orch, "credentials", "kinds")]
    assert all(one.exit_code == 0 for one in said) and CANARY not in "".join(one.output for one in said)
    listed = said[6].output.replace(" ", "")
    assert '"username":"deploy"' in listed and '["deploy","ops"]' in listed
    assert run(orch, "credentials", "delete", "login").exit_code == 0
    assert "login" not in run(orch, "credentials", "list").output


def test_a_secret_is_no_word_of_the_command_line(orch: CliRunner) -> None:
    with pytest.raises(UsageError, match="command line"):
        run(orch, "credentials", "add", "x", "password", "--value", f"password={CANARY}")
    with pytest.raises(UsageError, match="principals"):
        run(orch, "credentials", "add", "x", "ssh_certificate")


def test_projects_are_added_fetched_and_looked_through(orch: CliRunner, tmp_path: Path) -> None:
    write(tmp_path / "roots" / "site", {"site.yml": "- name: All of it\n  hosts: all\n"})
    commit = committed(tmp_path / "roots" / "origin", {"web.yml": "- hosts: web\n"})
    run(orch, "projects", "add", "site", "--path", str(tmp_path / "roots" / "site"))
    assert commit[:12] in run(orch, "projects", "add", "web", "--git", f"file://{tmp_path / 'roots' / 'origin'}").output
    assert "All of it" in run(orch, "projects", "playbooks", "site").output
    fresh = committed(tmp_path / "roots" / "origin", {"web.yml": "- hosts: db\n"})
    assert fresh[:12] in run(orch, "projects", "sync", "web").output
    assert fresh[:12] in run(orch, "projects", "list").output
    assert run(orch, "projects", "delete", "web").exit_code == 0
    with pytest.raises(UsageError, match="folder"):
        run(orch, "projects", "add", "etc", "--path", "/etc")


def test_the_line_for_sshd_stays_the_same(orch: CliRunner) -> None:
    first = run(orch, "ca", "ssh-public").output
    assert first.startswith("ssh-ed25519 ") and run(orch, "ca", "ssh-public").output == first
