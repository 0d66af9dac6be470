"""`orch schedules` against a store of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestrator.access.identities import by_command_line
from orchestrator.control.control import open_control
from tests.cli.conftest import Orch

ADD = ("--project", "site", "--playbook", "site.yml", "--inventory", "prod")


@pytest.fixture
def site(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project and an inventory, as an admin has made them."""
    monkeypatch.setenv("ORCH_PROJECT_ROOTS", str(project))
    (project / "site.yml").write_text("- hosts: all\n  tasks: []\n")
    control, by = open_control(project.parent / "state"), by_command_line("tests")
    control.projects.create(by, "site", "directory", path=str(project))
    control.inventories.create(by, "prod")
    control.close()


def test_a_schedule_is_added_looked_at_paused_and_run(orch: Orch, site: None) -> None:
    assert "No schedules yet" in orch("schedules", "list").err
    added = orch("schedules", "add", "nightly", "30 2 * * *", *ADD, "--timezone", "Europe/Berlin", "--catch-up", "26h")
    assert added.code == 0 and added.out.startswith("nightly: next 20"), added.err
    assert orch("schedules", "list").lines[0].split()[:3] == ["nightly", "active", "run"]
    times = orch("schedules", "next", "nightly", "-n", "3").lines
    assert len(times) == 3 and all("T02:30:00+0" in line for line in times)
    assert orch("schedules", "pause", "nightly").code == 0
    assert orch("schedules", "list").lines[0].split()[1] == "paused"
    assert orch("schedules", "resume", "nightly").code == 0
    ran = orch("schedules", "run", "nightly")
    assert ran.code == 0, ran.err
    shown = json.loads(orch("schedules", "show", "nightly", "--json").out)
    assert (shown["catch_up_age_s"], shown["fires"][0]["run_id"]) == (26 * 3600, ran.out.strip())
    assert orch("schedules", "run", "nightly").code != 0, "its run has not ended"


def test_what_is_wrong_is_said(orch: Orch, site: None) -> None:
    for argv in (["add", "x", "nonsense", *ADD], ["add", "x", "@daily", *ADD, "--timezone", "Nowhere"],
                 ["add", "x", "@daily", *ADD[:-1], "nowhere"], ["add", "x", "@daily", *ADD, "--jitter", "5x"],
                 ["show", "x"], ["pause", "x"], ["run", "x"], ["next", "x"]):
        said = orch("schedules", *argv)
        assert said.code != 0 and said.err, argv
