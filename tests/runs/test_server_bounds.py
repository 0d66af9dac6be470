"""What the content of a project reaches on the server itself: nothing, unless an admin has allowed it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.events import TaskResult
from orchestrator.runs.requests import RunRequest
from orchestrator.security.confinement import CODE
from orchestrator.store import Store
from tests.agents.conftest import claims_of
from tests.runs.conftest import ADMIN, Site

SECRET = "canary-of-the-server"
TASKS = """
- {name: own file, debug: {msg: "{{ lookup('file', 'own.txt') }}"}}
- {name: environment, debug: {msg: "{{ lookup('env', 'ORCH_MASTER_KEY_FILE') }}{{ lookup('env', 'OTHER_SECRET') }}"}}
- {name: command, command: "cat KEY"}
- {name: delegated, command: "cat KEY", delegate_to: localhost}
- {name: raw, raw: "cat KEY"}
- {name: key by lookup, debug: {msg: "{{ lookup('file', 'KEY') }}"}}
- {name: file of the machine, debug: {msg: "{{ lookup('file', '/etc/hostname') }}"}}
- {name: link, debug: {msg: "{{ lookup('file', 'link') }}"}}
- {name: unvault, debug: {msg: "{{ lookup('unvault', 'KEY') }}"}}
- {name: glob, debug: {msg: "{{ lookup('fileglob', '/etc/host*') }}"}}
- {name: first found, debug: {msg: "{{ lookup('first_found', ['/etc/hostname']) }}"}}
- {name: ini, debug: {msg: "{{ lookup('ini', 'a file=KEY') }}"}}
- {name: written, debug: {msg: "{{ lookup('password', 'OUTSIDE/made') }}"}}
- {name: program, debug: {msg: "{{ lookup('pipe', 'cat KEY') }}"}}
- {name: lines, debug: {msg: "{{ lookup('lines', 'cat KEY') }}"}}
- {name: template, debug: {msg: "{{ lookup('template', 'KEY') }}"}}
- {name: variables, include_vars: {file: KEY}}
- {name: copied, copy: {src: KEY, dest: /tmp/never-there}}
- {name: rendered, template: {src: KEY, dest: /tmp/never-there}}
- {name: filter of its own, debug: {msg: "{{ 'x' | mine }}"}}
- {name: action of its own, mine: {}}
"""
FREE = ("own file", "environment")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """On SQLite alone: it is the same process."""
    made = Site(tmp_path / ".orch", None, tmp_path / "site")
    made.control.projects.change(ADMIN, made.project_id, None, runs_here=False)
    yield made
    made.close()


def test_content_does_nothing_on_the_server(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("ORCH_MASTER_KEY_FILE", str(site.state / "master.key")), ("OTHER_SECRET", SECRET)):
        monkeypatch.setenv(name, value)
    key = (site.state / "master.key").read_text().strip()
    site.write("own.txt", "mine")
    (site.folder / "link").symlink_to(site.state / "master.key")
    plugin = f"open({str(site.folder / 'ran')!r}, 'w').write('x')\n"
    for folder, text in (
            ("filter_plugins", "class FilterModule:\n    def filters(self): return {'mine': str}\n"),
            ("action_plugins", "from ansible.plugins.action import ActionBase\n"
                               "class ActionModule(ActionBase):\n    def run(self, *a, **k): return {}\n")):
        (site.folder / folder).mkdir()
        (site.folder / folder / "mine.py").write_text(plugin + text)
    tasks = TASKS.replace("KEY", str(site.state / "master.key")).replace("OUTSIDE", str(tmp_path / "outside"))
    site.write("bad.yml", "- hosts: h1\n  gather_facts: false\n  ignore_errors: true\n  tasks:\n"
               + "".join(f"  {line}\n" for line in tasks.strip().splitlines()))
    run_id = site.launch("bad.yml")
    site.worker()
    run = site.wait(run_id)
    results = {row.task_name: row for row in results_of(site, run_id)}
    assert run.status == "ok", run.message
    assert {name for name, row in results.items() if row.status in ("ok", "changed")} == set(FREE), {
        name: (row.status, row.message) for name, row in results.items()}
    assert results["own file"].values["msg"] == "mine" and results["environment"].values["msg"] == ""
    for name, row in results.items():
        told = f"{row.message} {row.hint}"
        assert name in FREE or ("this project may not" in told and "bad.yml" in (row.task_origin or "")), (name, told)
    for name in ("command", "delegated", "raw", "copied", "rendered", "variables"):
        assert (results[name].error_code, "--runs-here" in str(results[name].hint)) == (CODE, True), results[name]
    assert key not in repr([row.values for row in results.values()])
    assert not (site.folder / "ran").exists() and not (tmp_path / "outside").exists()


def test_an_inventory_of_a_project_that_may_not_holds_for_one_that_may(site: Site, tmp_path: Path) -> None:
    """Its hosts may be ``ansible_connection: local``, its variables templates."""
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / "site.yml").write_text("- hosts: h1\n  gather_facts: false\n  tasks:\n    - command: id\n")
    control = site.control
    control.settings.change(ADMIN, "projects", None, {"roots": [str(tmp_path)]})
    other = control.projects.create(ADMIN, "other", "directory", path=str(folder), runs_here=True)
    request = site.request()
    assert not control.supplies.place_of(request).runs_here
    mixed = RunRequest(other.id, "site.yml", site.inventory_id)
    assert not control.supplies.place_of(mixed).runs_here
    control.projects.change(ADMIN, site.project_id, None, runs_here=True)
    assert control.supplies.place_of(mixed).runs_here


def test_what_is_sealed_for_agentlets_is_opened_by_a_key_that_is_handed_over(site: Site) -> None:
    """The master key's file is out of reach for the run's process; one without agentlets has no key at all."""
    control = site.control
    assert control.supplies.opening_of(site.request()) == ({}, "")
    control.desk.office.ca.create()
    token = control.desk.invite("far1", by="ann", labels={"site": "berlin"}).token
    control.desk.enrol(token, None, {**claims_of("far1"), "token_only": True}, address="192.0.2.1")
    site.write("far.yml", "- hosts: agentlets\n  gather_facts: false\n  tasks:\n"
                          "    - debug: {msg: \"{{ orch_labels.site }} {{ orch_agent_facts.hostname }}\"}\n")
    far = control.inventories.create(ADMIN, "far", "files", project_id=site.project_id, sources=["agentlets:"])
    run_id = control.launches.launch(ADMIN, RunRequest(site.project_id, "far.yml", far.id))
    site.worker()
    run = site.wait(run_id)
    assert run.status == "ok", run.message
    assert [row.values["msg"] for row in results_of(site, run_id)] == ["berlin far1"]


def results_of(site: Site, run_id: str) -> list[TaskResult]:
    store = Store(str(site.state / "orch.db"))
    store.open()
    try:
        found: list[Any] = store.results(run_id)
        return found
    finally:
        store.close()
