"""TOML inventories."""

from __future__ import annotations

import datetime

import pytest

from inventory import InventoryError, load
from tests.inventory.conftest import Make

TEXT = """
[all.vars]
where = "here"
[web]
children = ["apache", "nginx"]
vars = { http_port = 8080 }
[web.hosts]
"w[1:2]" = {}
w3 = { day = 2020-01-01, ratio = 0.5, "list" = [1, "x"] }
[nginx.hosts.n1]
port_of = 22
[apache.hosts]
"""


def test_groups_hosts_and_variables_are_read_with_their_types(make: Make) -> None:
    inventory = make(toml=TEXT)
    assert inventory.match("web") == ["w1", "w2", "w3", "n1"]
    values = {name: value for layer in inventory.hosts["w3"].layers for name, value in layer.values.items()}
    assert values == {"day": datetime.date(2020, 1, 1), "ratio": 0.5, "list": [1, "x"]}


def test_strings_may_be_templates(tmp_path) -> None:
    (tmp_path / "a.toml").write_text("[web.vars]\nplain = 'x'\ndeep = [{ t = '{{ a }}' }]\n")
    inventory = load([str(tmp_path / "a.toml")], trust=lambda text, *place: ("template", text))
    [layer] = inventory.groups["web"].layers
    assert dict(layer.values) == {"plain": "x", "deep": [{"t": ("template", "{{ a }}")}]}


def test_malformed_toml_is_told_with_its_place(make: Make) -> None:
    with pytest.raises(InventoryError, match="malformed TOML") as caught:
        make(toml="[web\n")
    assert caught.value.line == 1
