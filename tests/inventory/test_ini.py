"""INI inventories: expected values were observed from ansible-inventory 2.19."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from inventory import InventoryError, Place, load
from inventory.listing import as_list
from tests.inventory.conftest import Make

ALL_KINDS = """\
# comment
; another
lone1 x=1 z=True w=true q='quoted str' l="['a', 'b']" n=None s="a=b" u=007 c=abc # comment here
lone2 a="x # y" b=x#y
[web]
web[01:02].example.com:2222 http_port=80
[fe80::1]:2200 port6=1
2001:db8::5
[web:vars]
; cc
a=1
c = two words # kept
d={"x": [1, 2]}
h=
[dbs]  # trailing
dbx ansible_user=me ansible_host=10.0.0.1
lone1 x=2
[prod:children]
web
dbs  # trailing
[prod:vars]
ansible_group_priority=10
[empty]
"""
WEB = {"a": 1, "c": "two words # kept", "d": {"x": [1, 2]}, "h": ""}
OBSERVED: dict[str, Any] = {
    "_meta": {"hostvars": {
        "2001:db8::5": WEB,
        "dbx": {"ansible_host": "10.0.0.1", "ansible_user": "me"},
        "fe80::1": {**WEB, "ansible_port": 2200, "port6": 1},
        "lone1": {"c": "abc", "l": ["a", "b"], "n": None, "q": "quoted str", "s": "a=b", "u": "007", "w": "true",
                  "x": 2, "z": True},
        "lone2": {"a": "x # y", "b": "x"},
        "web01.example.com": {**WEB, "ansible_port": 2222, "http_port": 80},
        "web02.example.com": {**WEB, "ansible_port": 2222, "http_port": 80},
    }},
    "all": {"children": ["ungrouped", "prod", "empty"]},
    "dbs": {"hosts": ["dbx", "lone1"]},
    "prod": {"children": ["web", "dbs"]},
    "ungrouped": {"hosts": ["lone2"]},
    "web": {"hosts": ["web01.example.com", "web02.example.com", "fe80::1", "2001:db8::5"]},
}
FAULTS = {
    "unknown-section": ("[web:hots]\n", 1, "unknown kind"),
    "broken-section": ("[web\nh1\n", 1, "no section"),
    "not-key-value": ("\nh1 a=1 oops\n", 2, "key=value"),
    "open-quote": ("h1 a='x\n", 1, "closing quotation"),
    "undefined-child": ("[p:children]\nghost\n", 2, "undefined group: ghost"),
    "undefined-vars": ("h1\n[ghost:vars]\na=1\n", 2, "undefined group: ghost"),
    "vars-line": ("[g]\n[g:vars]\njust words\n", 3, "key=value"),
    "two-children": ("[a]\n[b]\n[p:children]\na b\n", 4, "one group name"),
    "bad-range": ("[a]\nweb[9:1]\n", 2, "ends before it begins"),
    "circle": ("[a:children]\nb\n[b:children]\nc\n[c:children]\na\n", 6, "c -> a -> b -> c"),
    "own-child": ("[a:children]\na\n", 2, "a -> a"),
    "priority": ("[a]\n[a:vars]\nansible_group_priority=high\n", 3, "whole number"),
}


def test_every_form_is_read_as_ansible_reads_it(make: Make) -> None:
    assert as_list(make(ini=ALL_KINDS)) == OBSERVED


@pytest.mark.parametrize(("text", "line", "words"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_told_with_its_line(make: Make, text: str, line: int, words: str) -> None:
    with pytest.raises(InventoryError, match=words) as caught:
        make(ini=text)
    assert caught.value.line == line
    assert str(caught.value.file).endswith("0.ini")


def test_children_and_vars_may_come_before_their_group(make: Make) -> None:
    inventory = make(ini="[p:vars]\na=1\n[p:children]\nc\n[c]\nh\n")
    assert inventory.match("p") == ["h"]
    assert inventory.groups["p"].vars == {"a": 1}


def test_every_variable_knows_its_line(make: Make) -> None:
    inventory = make(ini="h1 a=1\n[g]\nh1 b=2\n[g:vars]\nx=1\ny=2\n")
    first, second = inventory.hosts["h1"].layers
    assert (first.place_of("a").line, second.place_of("b").line) == (1, 3)
    group = inventory.groups["g"].layers[0]
    assert (group.place_of("x").line, group.place_of("y").line) == (5, 6)


def test_only_strings_with_a_brace_are_offered_to_trust(tmp_path: Path) -> None:
    path = tmp_path / "hosts.ini"
    path.write_text("h a=plain b='{{ x }}' c=\"['{{ y }}', 1]\"\n[g]\n[g:vars]\nz={{ q }}\n")
    seen: list[tuple[str, int]] = []

    def trust(text: str, file: str, line: int, column: int) -> Any:
        seen.append((text, line))
        return ("template", text)

    inventory = load([str(path)], trust=trust)
    assert seen == [("{{ x }}", 1), ("{{ y }}", 1), ("{{ q }}", 4)]
    assert inventory.hosts["h"].vars == {"a": "plain", "b": ("template", "{{ x }}"),
                                         "c": [("template", "{{ y }}"), 1]}


def test_bytes_that_are_not_utf8_are_told_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "hosts.ini"
    path.write_bytes(b"h1\nh2 a=\xff\n")
    with pytest.raises(InventoryError, match="not UTF-8") as caught:
        load([str(path)])
    assert (caught.value.line, caught.value.column) == (2, 6)


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "hosts.ini"
    path.write_bytes(b"\xef\xbb\xbf[g]\r\nh1 a=1\r\n")
    inventory = load([str(path)])
    assert inventory.match("g") == ["h1"]
    assert inventory.hosts["h1"].vars == {"a": 1}
    assert inventory.hosts["h1"].origin == Place(str(path), 2)
