"""Where a module is found, and which of several wins."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.bridge.search import ModuleSearch
from tests.bridge.conftest import write

PRINTS = "#!/bin/sh\necho '{}'\n"
COLLECTION = "collections/ansible_collections/ns/coll/"


def search(home: Path, **environ: str) -> ModuleSearch:
    return ModuleSearch([str(home / "collections")], {"PATH": "", "HOME": str(home), **environ})


@pytest.mark.parametrize(("files", "expected"), [
    (["play/library/x.py", "role/library/x.py", "paths/x.py"], "play/library/x.py"),
    (["role/library/x.py", "other/library/x.py", "paths/x.py"], "role/library/x.py"),
    (["paths/x.py"], "paths/x.py"),
    (["play/library/x.sh", "play/library/x.py"], "play/library/x.py"),
    (["play/library/deep/x"], "play/library/deep/x"),
    (["play/library/_x.py"], "play/library/_x.py"),
    (["play/library/x.md", "play/library/x.pyc", "play/library/x.py~", "play/library/y.py"], None),
], ids=["playbook first", "roles in order", "plugin paths", "py before others", "below library", "deprecated", "none"])
def test_own_modules_are_found_in_ansibles_order(tmp_path: Path, files: list[str], expected: str | None) -> None:
    write(tmp_path, {name: PRINTS for name in files})
    folders = [str(tmp_path / name) for name in ("play", "role", "other")]
    found = search(tmp_path, ANSIBLE_LIBRARY=str(tmp_path / "paths")).own("x", folders)
    assert (found and found.path) == (expected and str(tmp_path / expected))


@pytest.mark.parametrize(("written", "is_found"), [
    ("x", True), ("ansible.legacy.x", True), ("ansible.builtin.x", False), ("ns.coll.x", False),
])
def test_own_modules_have_bare_names(tmp_path: Path, written: str, is_found: bool) -> None:
    write(tmp_path, {"library/x.py": PRINTS})
    assert bool(search(tmp_path).own(written, [str(tmp_path)])) is is_found


def test_a_collections_module_is_found_by_its_full_name(tmp_path: Path) -> None:
    write(tmp_path, {COLLECTION + "plugins/modules/x.py": PRINTS})
    found = search(tmp_path).other("ns.coll.x", [], ())
    assert found and (found.name, found.dotted) == ("ns.coll.x", "ansible_collections.ns.coll.plugins.modules.x")
    assert search(tmp_path).other("x", [], ()) is None
    assert search(tmp_path).other("x", [], ("no.such", "ns.coll")) == found


def test_a_collection_beside_the_playbook_wins(tmp_path: Path) -> None:
    write(tmp_path, {COLLECTION + "plugins/modules/x.py": PRINTS, f"play/{COLLECTION}plugins/modules/x.py": PRINTS})
    found = search(tmp_path).other("ns.coll.x", [str(tmp_path / "play")], ())
    assert found and found.path.startswith(str(tmp_path / "play"))


def test_a_renamed_module_is_followed_and_a_removed_one_says_so(tmp_path: Path) -> None:
    write(tmp_path, {
        COLLECTION + "plugins/modules/new.py": PRINTS,
        COLLECTION + "meta/runtime.yml": """
            plugin_routing:
              modules:
                old: {redirect: ns.coll.new}
                loop: {redirect: ns.coll.loop2}
                loop2: {redirect: ns.coll.loop}
                gone: {tombstone: {warning_text: Use new.}}
            """,
    })
    found = search(tmp_path)
    assert getattr(found.other("ns.coll.old", [], ()), "name", None) == "ns.coll.new"
    gone, loop = found.other("ns.coll.gone", [], ()), found.other("ns.coll.loop", [], ())
    assert gone and gone.refused == "ns.coll.gone was removed. Use new."
    assert loop and "no end" in str(loop.refused)


def test_the_operators_ansible_core_is_found_by_its_commands(tmp_path: Path, core: Path) -> None:
    found = search(tmp_path, PATH=f"/nonexistent:{core}")
    assert found.installed and found.installed.version == "2.19.99"
    corely = found.other("ansible.builtin.corely", [], ())
    assert corely and corely == found.other("corely", [], ()) and corely.refused is None


def test_a_link_to_its_command_is_enough(tmp_path: Path, core: Path) -> None:
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "ansible").symlink_to(core / "ansible-playbook")
    assert search(tmp_path, PATH=str(tmp_path / "links")).installed


def test_a_module_whose_half_is_a_plugin_of_the_core_is_refused(tmp_path: Path, core: Path) -> None:
    found = search(tmp_path, PATH=str(core)).other("halved", [], ())
    assert found and "action plugin" in str(found.refused)


@pytest.mark.parametrize("name", ["../x", "a.b.../../x", "", ".", "ns.coll.", "x/y"])
def test_names_lead_nowhere_else(tmp_path: Path, core: Path, name: str) -> None:
    write(tmp_path, {"x.py": PRINTS, COLLECTION + "plugins/modules/y.py": PRINTS})
    found = search(tmp_path, PATH=str(core))
    assert found.own(name, [str(tmp_path / "library")]) is None
    assert found.other(name, [], ("ns.coll",)) is None
