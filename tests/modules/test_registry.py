"""Names of modules, what is known of them, and what a host is sent for one."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from modules import registry


@pytest.mark.parametrize(("written", "bare"), [
    ("copy", "copy"), ("ansible.builtin.copy", "copy"), ("ansible.legacy.copy", "copy"), ("systemd_service", "systemd"),
    ("ansible.builtin.systemd_service", "systemd"), ("ansible.posix.sysctl", "sysctl"),
    ("community.general.modprobe", "modprobe"), ("community.general.copy", None), ("copi", None), ("api", None),
    ("registry", None), ("../copy", None), ("", None), (None, None), ("file_attributes", None),
])
def test_every_spelling_of_a_name(written, bare):
    assert registry.canonical(written) == bare


@pytest.mark.parametrize(("written", "near"), [
    ("coppy", "copy"), ("ansible.builtin.tempalte", "ansible.builtin.template"), ("serivce", "service"),
    ("community.general.copy", "ansible.builtin.copy"), ("zzzzzz", None),
])
def test_an_unknown_name_gets_the_nearest(written, near):
    from orchestrator.engine.actions import register_all

    register_all()
    assert registry.nearest(written) == near


def test_what_is_known_of_a_module():
    info = registry.describe("ansible.builtin.command")
    assert (info.name, info.kind, info.retry_safe, info.free_form) == ("command", "run", False, "_raw_params")
    assert registry.describe("file").kind == "state"
    assert registry.describe("file").retry_safe
    assert registry.describe("no_such_module") is None


def test_sources_come_in_the_order_of_import_and_end_with_the_module():
    names = [dotted for dotted, _ in registry.sources("lineinfile")]
    assert names[-1] == "modules.lineinfile"
    assert len(names) == len(set(names))
    assert "modules.api" not in names
    seen = set(registry.RUNTIME_FILES)
    for dotted, text in registry.sources("lineinfile"):
        assert set(registry._imports(text)) <= seen, dotted
        seen.add(dotted)


def test_an_action_is_described_only_when_asked_for():
    made = []

    def make():
        made.append(1)
        return registry.ModuleInfo("made_up", {})

    registry.register("made_up", make)
    try:
        assert registry.canonical("made_up") == "made_up"
        assert not made
        assert registry.describe("made_up") is registry.describe("made_up")
        assert made == [1]
        assert registry.sources("made_up") == []
    finally:
        del registry._registered["made_up"]
        registry.sources.cache_clear()


def test_the_import_pattern_finds_what_the_syntax_tree_has():
    for path in sorted(Path(registry.FOLDER).rglob("*.py")):
        text = path.read_text()
        found = set()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                found.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                found.update([node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)])
        known = {name for name in found if name.startswith("modules.") and Path(registry._path(name)).exists()}
        assert set(registry._imports(text)) == known, path
