"""`orch plan`: nothing is changed, everything that would be is shown, and the exit code says which."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestrator.cli.plan import exit_code
from tests.cli.conftest import Orch

PLAY = """\
- hosts: web
  gather_facts: false
  tasks:
    - name: write it
      copy: {{content: "new\\n", dest: "{folder}/file"}}
    - name: run it
      command: touch {folder}/ran
"""


@pytest.fixture
def playbook(project: Path) -> str:
    (project / "site.yml").write_text(PLAY.format(folder=project))
    return "site.yml"


def test_changes_are_shown_once_for_all_hosts_and_end_with_2(orch: Orch, project: Path, playbook: str) -> None:
    said = orch("plan", playbook, "-i", "inv.yml")
    assert said.code == 2
    assert said.lines[0].startswith("~ write it  web1, web2  ")
    assert said.out.count("+new") == 1
    assert "web1, web2: 1 to change, 0 as wanted, 1 skipped" in said.lines
    assert said.lines[-1] == "2 changes would be made."
    assert not (project / "file").exists() and not (project / "ran").exists()


def test_a_command_is_told_to_be_unknown(orch: Orch, playbook: str) -> None:
    assert "2 skipped: what a command would do cannot be known in check mode" in orch(
        "plan", playbook, "-i", "inv.yml").lines


def test_nothing_to_change_ends_with_0(orch: Orch, project: Path, playbook: str) -> None:
    (project / "file").write_text("new\n")
    said = orch("plan", playbook, "-i", "inv.yml")
    assert (said.code, said.lines[-1]) == (0, "Nothing would be changed.")


def test_json_has_the_same_exit_code(orch: Orch, playbook: str) -> None:
    said = orch("plan", playbook, "-i", "inv.yml", "--json")
    assert said.code == 2
    assert all(json.loads(line)["event"] for line in said.lines)


CODES = [("well", 0, 0, 0), ("changes", 0, 3, 2), ("a failed task is no change", 2, 3, 1), ("unreachable", 4, 1, 4),
         ("stopped", 130, 1, 130), ("error", 1, 0, 1)]


@pytest.mark.parametrize(("ended", "changes", "code"), [row[1:] for row in CODES], ids=[row[0] for row in CODES])
def test_exit_code(ended: int, changes: int, code: int) -> None:
    assert exit_code(ended, changes) == code
