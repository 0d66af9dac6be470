"""`orch apply`: what was planned is made, and nothing else; what has drifted is refused, and nothing is touched."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Orch

PLAY = """\
- hosts: web
  gather_facts: false
  tasks:
    - name: write it
      copy: {{content: "{{{{ text | default('new') }}}}\\n", dest: "{folder}/{{{{ inventory_hostname }}}}"}}
    - name: read it
      command: cat {folder}/{{{{ inventory_hostname }}}}
"""


@pytest.fixture
def planned(orch: Orch, project: Path) -> Orch:
    """A plan for web1 and web2 is in ``friday.plan``."""
    (project / "site.yml").write_text(PLAY.format(folder=project))
    said = orch("plan", "site.yml", "-i", "inv.yml", "--out", "friday.plan")
    assert said.code == 2 and "orch apply friday.plan" in said.err
    return orch


def test_what_was_planned_is_made(planned: Orch, project: Path) -> None:
    said = planned("apply", "friday.plan")
    assert said.code == 0, said.err
    assert (project / "web1").read_text() == (project / "web2").read_text() == "new\n"
    kinds = [(run["kind"], run["plan_id"]) for run in map(json.loads, planned("runs", "list", "--json").lines)]
    plan = json.loads((project / "friday.plan").read_text())["plan"]["run_id"]
    assert kinds == [("run", plan), ("plan", None), ("plan", None)]


def test_a_host_that_has_drifted_stops_all_of_it(planned: Orch, project: Path) -> None:
    (project / "web1").write_text("by hand\n")
    said = planned("apply", "friday.plan")
    assert said.code == 2
    assert "web1 has drifted: 'write it' would make another change than planned" in said.err
    assert "Nothing was applied" in said.err and "--skip-drifted" in said.err
    assert (project / "web1").read_text() == "by hand\n" and not (project / "web2").exists()


def test_the_others_can_be_applied_without_it(planned: Orch, project: Path) -> None:
    (project / "web1").write_text("by hand\n")
    assert planned("apply", "friday.plan", "--skip-drifted").code == 0
    assert (project / "web1").read_text() == "by hand\n" and (project / "web2").read_text() == "new\n"


def test_content_that_has_changed_is_refused_before_a_host_is_touched(planned: Orch, project: Path) -> None:
    (project / "site.yml").write_text(PLAY.format(folder=project).replace("write it", "write that"))
    said = planned("apply", "friday.plan")
    assert said.code == 1 and "changed since the plan was made: site.yml" in said.err
    assert not (project / "web1").exists()


def test_an_inventory_that_has_changed_is_seen(planned: Orch, project: Path) -> None:
    (project / "inv.yml").write_text((project / "inv.yml").read_text().replace("        web2:\n", "        web3:\n"))
    said = planned("apply", "friday.plan")
    assert said.code == 2
    assert "web2 has drifted: it is not among the hosts any more" in said.err
    assert "web3 has drifted: it was not part of the plan" in said.err


def test_a_variable_that_was_withheld_is_asked_for(orch: Orch, project: Path) -> None:
    (project / "site.yml").write_text(PLAY.format(folder=project).replace("text |", "api_token |"))
    orch("plan", "site.yml", "-i", "inv.yml", "-e", "api_token=s3cret", "--out", "p")
    assert "s3cret" not in (project / "p").read_text()
    said = orch("apply", "p")
    assert said.code == 1 and "orch apply PLAN -e NAME=VALUE" in said.err
    assert orch("apply", "p", "-e", "api_token=s3cret").code == 0
    assert (project / "web1").read_text() == "s3cret\n"


def test_a_plan_has_an_end(orch: Orch, project: Path) -> None:
    (project / "site.yml").write_text(PLAY.format(folder=project))
    orch("plan", "site.yml", "-i", "inv.yml", "--out", "p", "--valid", "0s")
    said = orch("apply", "p")
    assert said.code == 1 and "the plan is too old" in said.err


def test_there_is_no_plan_where_a_task_fails(orch: Orch, project: Path) -> None:
    (project / "site.yml").write_text("- hosts: web\n  gather_facts: false\n  tasks:\n    - fail: {msg: no}\n")
    assert orch("plan", "site.yml", "-i", "inv.yml", "--out", "p").code == 1
    assert not (project / "p").exists()
