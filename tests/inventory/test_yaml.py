"""YAML inventories, with PyYAML alone and with the controller's loader."""

from __future__ import annotations

from pathlib import Path

import pytest

from inventory import InventoryError, load
from inventory.listing import as_graph, as_list
from inventory.sources.plain_yaml import parse_yaml
from tests.inventory.conftest import Make
from tests.inventory.sources import DAG

FAULTS = {
    "list": ("- web1\n", "mapping of groups, not a list"),
    "text": ("web1\n", "mapping of groups, not text"),
    "host-list": ("web:\n  hosts:\n    - web1\n", "have no dash"),
    "vars-list": ("web:\n  vars:\n    - a\n", "without dashes"),
    "group-text": ("web: web1\n", "must be a mapping, not text"),
    "host-vars": ("web:\n  hosts:\n    web1: yes please\n", "variables of host 'web1'"),
    "number-host": ("web:\n  hosts:\n    1:\n", "must be text, not 1"),
    "number-group": ("1:\n  hosts:\n", "must be text, not 1"),
    "plugin": ("plugin: constructed\nstrict: false\n", "plugin 'constructed'"),
    "malformed": ("web: [\n", "malformed YAML"),
    "circle": ("a: {children: {b: {children: {a: }}}}\n", "a -> b -> a|b -> a -> b"),
    "range": ("web: {hosts: {'w[3:1]': }}\n", "ends before it begins"),
}


@pytest.mark.parametrize(("text", "words"), FAULTS.values(), ids=FAULTS)
def test_a_shape_that_is_no_inventory_is_refused(make: Make, text: str, words: str) -> None:
    with pytest.raises(InventoryError) as caught:
        make(yml=text)
    import re

    assert re.search(words, f"{caught.value.message} {caught.value.hint}")


def test_groups_within_groups_are_read_as_ansible_reads_them(make: Make) -> None:
    listed = as_list(make(yml=DAG))
    assert listed["east"] == {"children": ["deep"], "hosts": ["e1", "e2", "w2"]}
    assert listed["all"] == {"children": ["ungrouped", "west", "east", "prod", "lone"]}
    assert {name: values["who"] for name, values in listed["_meta"]["hostvars"].items()} == {
        "10.0.0.1": "all", "10.0.0.2": "all", "10.0.0.3": "all", "d1": "deep", "e1": "east", "e2": "deep",
        "fe80::1": "all", "l1": "all", "n01.ex.com": "all", "n02.ex.com": "all", "n03.ex.com": "all", "top1": "all",
        "w1": "west", "w2": "host",
    }


def test_the_graph_is_drawn_as_ansible_draws_it(make: Make) -> None:
    assert as_graph(make(yml=DAG), "prod").splitlines() == [
        "@prod:", "  |--@east:", "  |  |--@deep:", "  |  |  |--d1", "  |  |  |--e2", "  |  |--e1", "  |  |--e2",
        "  |  |--w2", "  |--@west:", "  |  |--w1", "  |  |--w2",
    ]


def test_an_unexpected_key_is_a_warning_with_the_nearest_name(make: Make) -> None:
    inventory = make(yml="web: {host: {w1: }}\n")
    assert "skipping unexpected key 'host'" in inventory.warnings[0]
    assert "did you mean 'hosts'" in inventory.warnings[0]


def test_the_controllers_loader_gives_lines_and_templates(tmp_path: Path) -> None:
    from orchestrator.content.loader import load_yaml
    from orchestrator.template.types import Template

    path = tmp_path / "hosts.yml"
    path.write_text("web:\n  hosts:\n    w1:\n      a: '{{ b }}'\n  vars:\n    c: 1\n    ansible_group_priority: 3\n")
    inventory = load([str(path)], parse_yaml=lambda text, file: load_yaml(text, file=file))
    host, group = inventory.hosts["w1"], inventory.groups["web"]
    assert isinstance(host.vars["a"], Template)
    assert host.origin is not None
    assert (host.origin.line, host.origin.column) == (3, 5)
    assert (host.layers[0].place_of("a").line, group.layers[0].place_of("c").line) == (4, 6)
    assert (group.priority, group.vars) == (3, {"c": 1})


def test_faults_of_the_controllers_loader_name_the_line_too(tmp_path: Path) -> None:
    from orchestrator.content.loader import load_yaml

    path = tmp_path / "hosts.yml"
    path.write_text("web:\n  hosts:\n    - w1\n")
    with pytest.raises(InventoryError) as caught:
        load([str(path)], parse_yaml=lambda text, file: load_yaml(text, file=file))
    assert (caught.value.line, caught.value.column) == (2, 3)


def test_text_that_is_nested_too_deeply_is_refused_and_ends_no_process() -> None:
    with pytest.raises(InventoryError, match="nested too deeply"):
        parse_yaml("[" * 100_000, "hosts.yml")
