"""Managed inventories: what may stand in them, what they mean to a run, and to whom they are shown."""

from __future__ import annotations

import time
from typing import Any

import pytest

from orchestrator.access.rights import Grant
from orchestrator.control.control import Control
from orchestrator.engine.options import RunOptions
from orchestrator.engine.setup import prepare
from orchestrator.projects.inventory_hosts import NewHost
from orchestrator.projects.projects import Project
from orchestrator.refusals import Conflict, Malformed, NotFound, Refused, Stale
from orchestrator.security.secrets import HIDDEN
from orchestrator.store.paging import PageRequest
from orchestrator.template.types import Template

from .conftest import ADMIN, BY_ROLE, identity

OPERATOR, VIEWER = BY_ROLE["operator"], BY_ROLE["viewer"]


@pytest.fixture
def lab(control: Control) -> str:
    made = control.inventories.create(ADMIN, "lab", vars={"site": "berlin"})
    control.inventory_hosts.add(ADMIN, made.id, [
        NewHost("web1", {"port": 80, "text": "{{ lookup('pipe', 'id') }}"}, ["web"]),
        NewHost("web2", {}, ["web", "new"]),
        NewHost("db1", {"ansible_password": "geheim-7"}, ["db"]), NewHost("alone")])
    control.inventory_groups.create(ADMIN, made.id, "all_web", children=["web"], vars={"tier": 1})
    return made.id


def test_a_run_reads_a_managed_inventory_from_the_store_as_data(control: Control, lab: str, store_url: str | None,
                                                                tmp_path: Any) -> None:
    state = {"ORCH_STATE_DIR": str(tmp_path / "state")}
    bench = prepare(RunOptions(inventory=control.inventories.sources_of(lab)), environ=state, store_url=store_url)
    assert bench.inventory.match("all") == ["alone", "db1", "web1", "web2"]
    assert bench.inventory.match("all_web:!new") == ["web1"]
    scope = bench.variables.scope("web1")
    assert bench.engine.render(scope.lookup("text"), scope) == "{{ lookup('pipe', 'id') }}"
    assert not isinstance(scope.lookup("text"), Template)
    assert (scope.lookup("site"), scope.lookup("tier"), scope.lookup("port")) == ("berlin", 1, 80)


def test_hosts_that_are_switched_off_are_in_no_run(control: Control, lab: str) -> None:
    control.inventory_hosts.change(ADMIN, lab, "web1", 1, enabled=False)
    assert control.inventories.matched(ADMIN, lab, "web").hosts == ["web2"]


@pytest.mark.parametrize("name", ["-oProxyCommand=id", "a b", "a;b", "", "a" * 254, "web[1:3]", "a,b", "ä", "!",
                                  "a\n", "all"])
def test_a_host_is_not_named_so(control: Control, lab: str, name: str) -> None:
    with pytest.raises(Malformed) as refused:
        control.inventory_hosts.add(ADMIN, lab, [NewHost("fine"), NewHost(name)])
    assert refused.value.fields[0][0] == "hosts[1].name"
    assert control.inventories.matched(ADMIN, lab, "all").count == 4


@pytest.mark.parametrize("name", ["all", "ungrouped", "a-b", "1a", "", "a b", "web:db"])
def test_a_group_is_not_named_so(control: Control, lab: str, name: str) -> None:
    with pytest.raises(Malformed):
        control.inventory_groups.create(ADMIN, lab, name)


@pytest.mark.parametrize("values, path", [
    ({"a-b": 1}, "vars.a-b"), ({"x": {"y": [float("nan")]}}, "vars.x"), ({"x": 2**70}, "vars.x"),
    ({"x": "y" * 300_000}, "vars")], ids=["name", "nan", "huge", "large"])
def test_variables_are_bounded_json(control: Control, lab: str, values: dict[str, Any], path: str) -> None:
    with pytest.raises(Malformed) as refused:
        control.inventory_hosts.change(ADMIN, lab, "web1", None, vars=values)
    assert refused.value.fields[0][0] == path


@pytest.mark.parametrize("values", [
    {"ansible_connection": "local"}, {"ansible_connection": ["local"]}, {"orch_carrier": "local"},
    {"ansible_ssh_common_args": "-o ProxyCommand=id"},
    {"ansible_private_key_file": "/root/.ssh/id"}, {"ansible_host_key_checking": False}])
def test_only_admins_set_what_acts_on_the_server_itself(control: Control, lab: str, values: dict[str, Any]) -> None:
    with pytest.raises(Malformed, match="server itself"):
        control.inventory_hosts.change(OPERATOR, lab, "web1", None, vars=values)
    with pytest.raises(Malformed, match="server itself"):
        control.inventory_groups.create(OPERATOR, lab, "fresh", vars=values)
    with pytest.raises(Malformed, match="cannot be added"):
        control.inventory_hosts.add(OPERATOR, lab, [NewHost("fresh", values)])
    with pytest.raises(Malformed, match="taken over"):
        control.inventory_import.from_text(OPERATOR, lab, f"all: {{hosts: {{x: {values}}}}}".replace("False", "false"),
                                           "yaml")
    control.inventory_hosts.change(ADMIN, lab, "web1", None, vars=values)
    control.inventory_hosts.change(OPERATOR, lab, "web1", None, vars={**values, "more": 1})  # it leaves it as it stands


def test_secrets_are_masked_and_survive_being_sent_back(control: Control, lab: str) -> None:
    shown = control.inventory_hosts.show(VIEWER, lab, "db1")
    assert shown.vars == {"ansible_password": HIDDEN}
    control.inventory_hosts.change(OPERATOR, lab, "db1", shown.version, vars={**shown.vars, "port": 5432})
    assert control.inventories.loaded(lab, opened=True).hosts["db1"].vars == {"ansible_password": "geheim-7",
                                                                             "port": 5432}


def test_a_change_says_which_version_it_changes(control: Control, lab: str) -> None:
    control.inventory_hosts.change(ADMIN, lab, "web1", 1, vars={})
    for act in (lambda: control.inventory_hosts.change(ADMIN, lab, "web1", 1, vars={}),
                lambda: control.inventory_hosts.remove(ADMIN, lab, ["web1"], 1),
                lambda: control.inventory_groups.change(ADMIN, lab, "web", 7, vars={}),
                lambda: control.inventories.change(ADMIN, lab, 2, name="x")):
        with pytest.raises(Stale):
            act()


def test_groups_close_no_circle_and_hold_only_what_is_there(control: Control, lab: str) -> None:
    with pytest.raises(Malformed, match="circle"):
        control.inventory_groups.change(ADMIN, lab, "web", None, children=["all_web"])
    with pytest.raises(Malformed, match="no host 'web9'"):
        control.inventory_groups.change(ADMIN, lab, "web", None, hosts=["web9"])
    with pytest.raises(Malformed, match="no group 'nope'"):
        control.inventory_groups.change(ADMIN, lab, "web", None, children=["nope"])


def test_a_removed_host_leaves_its_groups_and_the_fleet(control: Control, lab: str) -> None:
    assert control.inventory_hosts.remove(ADMIN, lab, ["web2", "nowhere"]) == 1
    groups = {group.name: group.hosts for group in control.inventory_groups.list(ADMIN, lab)}
    assert groups == {"all_web": [], "web": ["web1"], "new": [], "db": ["db1"]}
    assert [one.host for one in control.fleet.list(ADMIN, PageRequest()).items] == ["alone", "db1", "web1"]


def test_two_hundred_hosts_at_a_time_all_or_none(control: Control, lab: str) -> None:
    hosts = [NewHost(f"h{n:03}", groups=["many"]) for n in range(200)]
    assert len(control.inventory_hosts.add(ADMIN, lab, hosts)) == 200
    assert control.inventories.matched(ADMIN, lab, "many").count == 200
    with pytest.raises(Malformed, match="200"):
        control.inventory_hosts.add(ADMIN, lab, [NewHost(f"i{n}") for n in range(201)])
    with pytest.raises(Conflict):
        control.inventory_hosts.add(ADMIN, lab, [NewHost("fresh"), NewHost("h007")])
    with pytest.raises(NotFound):
        control.inventory_hosts.show(ADMIN, lab, "fresh")


def test_files_are_mirrored_and_not_edited(control: Control, project: Project) -> None:
    made = control.inventories.create(ADMIN, "files", "files", project_id=project.id, sources=["inventory.yml"])
    assert [one.name for one in control.inventory_hosts.list(ADMIN, made.id, PageRequest()).items] == ["web1", "web2"]
    with pytest.raises(Conflict, match="files"):
        control.inventory_hosts.add(ADMIN, made.id, [NewHost("web3")])
    tree = control.projects.tree(project.id)
    tree.file("inventory.yml").write_text("web:\n  hosts:\n    web2:\n    web3:\n")
    assert control.inventories.refresh(OPERATOR, made.id) == 2
    assert [one.host for one in control.fleet.list(ADMIN, PageRequest()).items] == ["web2", "web3"]


@pytest.mark.parametrize("source", ["../x.yml", "/etc/passwd", "a/../b", "a,b", "~/x", "-i", ".git/config", "a//b", ""])
def test_sources_stay_within_the_project(control: Control, project: Project, source: str) -> None:
    with pytest.raises(Malformed):
        control.inventories.create(ADMIN, "files", "files", project_id=project.id, sources=[source])


def test_a_link_out_of_the_project_is_not_followed(control: Control, project: Project, tmp_path: Any) -> None:
    (tmp_path / "secret.yml").write_text("all: {hosts: {x: {}}}")
    (control.projects.tree(project.id).root / "out.yml").symlink_to(tmp_path / "secret.yml")
    with pytest.raises(NotFound):
        control.inventories.create(ADMIN, "files", "files", project_id=project.id, sources=["out.yml"])


def test_variables_with_their_provenance(control: Control, project: Project) -> None:
    made = control.inventories.create(ADMIN, "files", "files", project_id=project.id, sources=["inventory.yml"])
    said = control.inventories.variables(VIEWER, made.id, "web1")
    found = {one.name: one for one in said.variables}
    port = found["http_port"]
    assert (port.value, [layer.layer for layer in port.layers]) == (80, [
        "inventory group_vars (group_vars/web.yml)", "playbook group_vars (group_vars/web.yml)", "inventory host vars"])
    assert port.layers[-1].place == "inventory.yml:3:23"
    assert found["db_password"].value == HIDDEN and found["db_password"].layers[0].value == HIDDEN
    assert (found["url"].value, found["url"].is_template) == ("http://{{ inventory_hostname }}", True)
    assert said.groups == ["all", "web"]


def test_an_import_keeps_hosts_groups_and_variables_as_data(control: Control, project: Project, lab: str) -> None:
    files = control.inventories.create(ADMIN, "files", "files", project_id=project.id, sources=["inventory.yml"])
    took = control.inventory_import.from_inventory(ADMIN, lab, files.id)
    assert (took.hosts, took.groups) == (2, 1)
    assert any("url was a template" in warning for warning in took.warnings)
    loaded = control.inventories.loaded(lab)
    assert loaded.hosts["web1"].vars == {"http_port": 80} and loaded.match("web") == ["web1", "web2"]
    assert loaded.groups["web"].vars["url"] == "http://{{ inventory_hostname }}"


@pytest.mark.parametrize("format, text", [
    ("ini", "[web]\nx1 a=1\n[web:vars]\nb=2\n"), ("yaml", "web: {hosts: {x1: {a: 1}}, vars: {b: 2}}"),
    ("json", '{"web": {"hosts": {"x1": {"a": 1}}, "vars": {"b": 2}}}')])
def test_a_text_is_taken_in_each_format(control: Control, format: str, text: str) -> None:
    made = control.inventories.create(ADMIN, "empty")
    assert control.inventory_import.from_text(ADMIN, made.id, text, format).hosts == 1
    loaded = control.inventories.loaded(made.id)
    assert (loaded.hosts["x1"].vars, loaded.groups["web"].vars) == ({"a": 1}, {"b": 2})


BOMB = "".join(f"  {b}: &{b} [{(f'*{a},') * 9}]\n" for a, b in zip("abcdefgh", "bcdefghi"))


@pytest.mark.parametrize("format, text", [
    ("yaml", f"all:\n vars:\n  a: &a [1]\n{BOMB}"),
    ("ini", "x[1:9][0:99][0:999]\n"), ("yaml", "all: {vars: {deep: " + "[" * 5_000 + "]" * 5_000 + "}}"),
    ("json", '{"all": ' + "[" * 100_000),
    ("ini", "[all]\n" + "x[0:999999]\n" * 3), ("toml", "= 7"), ("toml", "a = " + "[" * 50_000),
    ("yaml", "\x00"), ("yaml", "- just\n- a list")])
def test_a_hostile_text_is_refused_quickly(control: Control, lab: str, format: str, text: str) -> None:
    began = time.process_time()
    with pytest.raises(Malformed):
        control.inventory_import.from_text(ADMIN, lab, text, format)
    assert time.process_time() - began < 5


def test_a_program_is_not_imported(control: Control, lab: str) -> None:
    with pytest.raises(Malformed):
        control.inventory_import.from_text(ADMIN, lab, "#!/bin/sh\ntouch /tmp/x\n", "ini")


def test_what_is_used_is_not_deleted(control: Control, lab: str) -> None:
    control.books.database.execute(
        """INSERT INTO schedules ("id", "name", "description", "state", "timing", "timezone", "misfire", "overlap",
        "kind", "created_by", "request", "sealed", "blackouts", "jitter_s", "grace_s", "catch_up_age_s", "max_running",
        "version", "created") VALUES ('s', 'nightly', '', 'on', '@daily', 'UTC', 'skip', 'skip', 'run', 'u', ?, ?, '[]',
        0, 0, 0, 1, 1, ?)""",
        (control.books.database.write["json"]({"inventory_id": lab}), b"",
         control.books.database.write["time"](control.books.clock())))
    with pytest.raises(Conflict, match="schedule 'nightly'"):
        control.inventories.delete(ADMIN, lab, None)
    control.books.database.execute("DELETE FROM schedules")
    control.inventories.delete(ADMIN, lab, None)
    assert control.fleet.list(ADMIN, PageRequest()).items == []


def test_a_grant_shows_its_hosts_and_no_others(control: Control, lab: str) -> None:
    bob = identity("none", Grant("inventory", lab, "web", "operator"))
    other = control.inventories.create(ADMIN, "other")
    assert [one.id for one in control.inventories.list(bob, PageRequest()).items] == [lab]
    with pytest.raises(NotFound):
        control.inventories.show(bob, other.id)
    assert [one.name for one in control.inventory_hosts.list(bob, lab, PageRequest()).items] == ["web1", "web2"]
    assert [one.host for one in control.fleet.list(bob, PageRequest()).items] == ["web1", "web2"]
    assert control.inventories.matched(bob, lab, "all").hosts == ["web1", "web2"]
    with pytest.raises(NotFound):
        control.inventory_hosts.show(bob, lab, "db1")
    with pytest.raises(NotFound):
        control.inventories.variables(bob, lab, "db1")
    control.inventory_hosts.change(bob, lab, "web1", None, vars={"port": 81})
    for act in (lambda: control.inventory_hosts.change(bob, lab, "db1", None, vars={}),
                lambda: control.inventory_hosts.change(bob, lab, "web1", None, groups=["db"]),
                lambda: control.inventory_hosts.add(bob, lab, [NewHost("mine")]),
                lambda: control.inventory_groups.change(bob, lab, "web", None, hosts=["db1"])):
        with pytest.raises(Refused):
            act()


def test_whoever_may_edit_one_inventory_takes_no_name_of_anothers_host(control: Control, lab: str) -> None:
    own = control.inventories.create(ADMIN, "own").id
    bob = identity("none", Grant("inventory", own, "*", "operator"), Grant("inventory", lab, "web", "operator"),
                   Grant("inventory", lab, "db", "viewer"))
    with pytest.raises(Conflict, match="db1") as refused:
        control.inventory_hosts.add(bob, own, [NewHost("fresh"), NewHost("db1")])
    assert refused.value.code == "host_taken"
    with pytest.raises(Conflict, match="db1"):
        control.inventory_import.from_text(bob, own, "all:\n  hosts:\n    db1:\n", "yaml")
    control.inventory_hosts.add(bob, own, [NewHost("fresh"), NewHost("web1")])
    assert [one.name for one in control.fleet.show(bob, "web1").inventories] == ["lab", "own"]
    control.inventory_hosts.add(BY_ROLE["operator"], own, [NewHost("db1")])
    assert [one.name for one in control.fleet.show(identity("none", Grant("inventory", own, "*", "viewer")),
                                                   "db1").inventories] == ["own"]
