"""Which kind of source a path or a word is, directories, and lists of hosts."""

from __future__ import annotations

from pathlib import Path

import pytest

from inventory import InventoryError, load

NO_ENDING = {
    "ini-section": ("[web]\nh1\n", ["h1"]), "ini-host": ("h1\nh2 a=1\n", ["h1", "h2"]),
    "ini-port": ("h1:2222\n", ["h1"]), "yaml": ("all:\n  hosts:\n    h1:\n", ["h1"]),
    "yaml-marker": ("---\nweb: {hosts: {h1: }}\n", ["h1"]), "json": ('{"web": {"hosts": {"h1": {}}}}', ["h1"]),
    "yaml-comment": ("# hosts\nweb:\n  hosts: {h1: }\n", ["h1"]), "empty": ("", []), "comments": ("# none\n", []),
}


@pytest.mark.parametrize(("text", "hosts"), NO_ENDING.values(), ids=NO_ENDING)
def test_a_file_without_an_ending_is_read_by_its_look(tmp_path: Path, text: str, hosts: list[str]) -> None:
    path = tmp_path / "hosts"
    path.write_text(text)
    assert load([str(path)]).match("all") == hosts


def test_a_directory_is_all_its_sources_by_name(tmp_path: Path) -> None:
    files = {"20.yml": "web: {hosts: {b: }, vars: {x: 2}}", "10.ini": "[web]\na\n[web:vars]\nx=1\n", "sub/hosts": "c\n",
             "30.yml.bak": "[", "~": "[", "40.ini~": "[", "50.retry": "a", "README.md": "[", ".hidden": "zz",
             "group_vars/all.yml": "x: 9", "host_vars/a.yml": "x: 9", "x.pyc": "[", "a.cfg": "[", "b.orig": "["}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    inventory = load([str(tmp_path)])
    assert sorted(inventory.hosts) == ["a", "b", "c"]
    assert inventory.groups["web"].vars == {"x": 2}


@pytest.mark.parametrize(("source", "hosts"), [
    ("h1,", ["h1"]), ("h1,h2:2222", ["h1", "h2"]), ("h[1:3],", ["h1", "h2", "h3"]),
    ("fe80::1, 10.0.0.1", ["fe80::1", "10.0.0.1"]),
])
def test_a_word_with_a_comma_is_a_list_of_hosts(source: str, hosts: list[str]) -> None:
    assert load([source]).match("all") == hosts


def test_ports_of_a_list_are_kept() -> None:
    assert load(["h2:2222,"]).hosts["h2"].vars == {"ansible_port": 2222}


def test_several_sources_make_one_inventory(tmp_path: Path) -> None:
    path = tmp_path / "hosts.ini"
    path.write_text("[web]\nh1 a=1\n")
    inventory = load([str(path), "h1,h2"])
    assert inventory.match("all") == ["h2", "h1"]
    assert inventory.sources == [str(path), "h1,h2"]


def test_no_source_is_an_inventory_without_hosts() -> None:
    assert load([]).match("all") == []


def test_a_missing_source_says_how_to_write_a_list() -> None:
    with pytest.raises(InventoryError) as caught:
        load(["/nonexistent/web1"])
    assert "-i web1," in str(caught.value.hint)


def test_programs_that_may_not_run_are_refused_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "script").write_text("#!/bin/sh\n")
    with pytest.raises(InventoryError) as caught:
        load([str(tmp_path / "script")])
    assert "chmod +x" in str(caught.value.hint)


def test_ten_thousand_hosts_are_all_there_and_matched(tmp_path: Path) -> None:
    path = tmp_path / "hosts.ini"
    groups = [f"[g{g}]\nhost{g:02d}[00:99].example.com ansible_user=deploy\n" for g in range(100)]
    path.write_text("".join(groups) + "[prod:children]\n" + "".join(f"g{g}\n" for g in range(50)))
    inventory = load([str(path)])
    assert len(inventory.hosts) == 10_000
    assert len(inventory.match("prod:!~host0.*:&g*")) == 4_000


@pytest.mark.parametrize(("group_names", "name", "warned"), [
    ("never", "web-1", True), ("always", "web_1", True), ("ignore", "web-1", False), ("silently", "web_1", False),
])
def test_names_of_groups_are_changed_where_that_is_asked_for(tmp_path: Path, group_names: str, name: str,
                                                             warned: bool) -> None:
    (tmp_path / "a.ini").write_text("[web-1]\nh1\n[all-web:children]\nweb-1\n")
    (tmp_path / "b.yml").write_text("web-1: {hosts: {h2: }}\n")
    inventory = load([str(tmp_path / "a.ini"), str(tmp_path / "b.yml")], group_names=group_names)
    assert inventory.match(name) == inventory.match("all-web" if name == "web-1" else "all_web") == ["h1", "h2"]
    assert bool(inventory.warnings) is warned
