"""Groups of groups, memberships that nobody wrote, and what tasks add at run time."""

from __future__ import annotations

import pytest

from inventory import Inventory, InventoryError
from tests.inventory.conftest import Make
from tests.inventory.sources import DAG

GROUPS_OF = {
    "w1": ["all", "prod", "west"], "w2": ["all", "prod", "west", "east"], "e2": ["all", "prod", "east", "deep"],
    "top1": ["all", "ungrouped"], "l1": ["all", "lone"],
}


@pytest.mark.parametrize("host", GROUPS_OF)
def test_groups_come_by_depth_then_priority_then_name(make: Make, host: str) -> None:
    assert [group.name for group in make(yml=DAG).groups_of(host)] == GROUPS_OF[host]


def test_depth_is_the_longest_way_down(make: Make) -> None:
    groups = make(yml=DAG).groups
    assert {name: group.depth for name, group in groups.items()} == {
        "all": 0, "ungrouped": 1, "west": 2, "east": 2, "deep": 3, "prod": 1, "lone": 1}


def test_a_host_that_gets_a_group_later_leaves_ungrouped(make: Make) -> None:
    inventory = make(ini="h1\nh2\n", yml="g: {hosts: {h1: }}\n")
    assert inventory.match("ungrouped") == ["h2"]
    assert inventory.match("all") == ["h2", "h1"]


def test_a_host_only_in_all_is_ungrouped_too(make: Make) -> None:
    assert make(yml="all: {hosts: {h1: }}\n").match("ungrouped") == ["h1"]


def test_a_circle_names_every_group_of_it(make: Make) -> None:
    inventory = make(ini="[a:children]\nb\n[b:children]\nc\n[c]\n")
    with pytest.raises(InventoryError, match="c -> a -> b -> c"):
        inventory.put_child("c", "a")
    with pytest.raises(InventoryError, match="all"):
        inventory.put_child("c", "all")


def test_later_sources_win_and_every_layer_stays(make: Make) -> None:
    inventory = make(ini="[g]\nh1 a=1 b=1\n[g:vars]\nx=1\n", yml="g: {hosts: {h1: {a: 2}}, vars: {x: 2}}\n")
    host = inventory.hosts["h1"]
    assert host.vars == {"a": 2, "b": 1}
    assert [dict(layer.values) for layer in host.layers] == [{"a": 1, "b": 1}, {"a": 2}]
    assert [layer.place_of("a").file.rsplit(".")[-1] for layer in host.layers] == ["ini", "yml"]
    assert inventory.groups["g"].vars == {"x": 2}


def test_add_host_makes_groups_and_keeps_its_variables_as_data() -> None:
    inventory = Inventory()
    inventory.settle()
    inventory.add_host("new1", groups=["fresh", "web"], vars={"t": "{{ not rendered }}"})
    assert inventory.match("fresh:&web") == ["new1"]
    assert inventory.match("all") == ["new1"]
    layer = inventory.hosts["new1"].layers[0]
    assert not layer.trusted
    inventory.add_host("new1", vars={"u": 1})
    assert inventory.hosts["new1"].vars == {"t": "{{ not rendered }}", "u": 1}


def test_add_host_of_localhost_makes_it_a_listed_one() -> None:
    inventory = Inventory()
    assert inventory.match("localhost") == ["localhost"]
    inventory.add_host("localhost", groups=["g"])
    assert inventory.match("g") == ["localhost"]
    assert inventory.hosts["localhost"].vars == {}


def test_add_group_puts_the_host_and_the_parents(make: Make) -> None:
    inventory = make(ini="h1\nh2\n")
    inventory.add_group("os_debian", host="h1", parents=["os"])
    assert inventory.match("os") == ["h1"]
    assert [group.name for group in inventory.groups_of("h1")] == ["all", "os", "os_debian"]
    assert inventory.match("ungrouped") == ["h2"]


def test_names_shared_by_host_and_group_are_a_warning(make: Make) -> None:
    assert make(ini="[web]\nweb\n").warnings == ["Found both group and host with same name: web"]


def test_odd_group_names_are_a_warning_with_their_place(make: Make) -> None:
    (warning,) = make(ini="[we-ird]\nh\n").warnings
    assert "0.ini:1: the group name 'we-ird'" in warning
