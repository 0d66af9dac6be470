"""Host patterns. The expected hosts were observed from ansible-core 2.19's own inventory manager."""

from __future__ import annotations

from pathlib import Path

import pytest

from inventory import InventoryError, patterns
from tests.inventory.conftest import Make
from tests.inventory.sources import DAG, FARM

WEB = [f"web{n}" for n in range(1, 13)]
DB = ["dba", "dbb", "dbc"]
FARM_MATCHES = {
    "web": WEB, "web:db": WEB + DB, "web,db": WEB + DB, "web:&prod:!db3": WEB, "!web": ["x1", *DB], "&web": WEB,
    "web[0]": ["web1"], "web[-1]": ["web12"], "web[0:3]": WEB[:4], "web[1:]": WEB[1:], "web[10:99]": WEB[10:],
    "web[99]": [], "web[0-2]": WEB[:3],
    "web[2:1]": [], "web[0],db[0]": ["web1", "dba"], "w*": WEB,
    "~w(eb)?1": ["web1", "web10", "web11", "web12"], "~^(web1|dba)$": ["web1", "dba"], "prod[0]": ["web1"],
    "prod[-1]": ["dbc"], "db?": DB, "db[a:c]": ["dba", "dbc"], "dba,dbb": ["dba", "dbb"],
    "webx": [], "web1:web2": WEB[:2],
    "web10": ["web10"], "prod:&~.*1": ["web1", "web10", "web11", "web12"],
    "!all": [], "all:!all": [], "web,!web1": WEB[1:],
    "web1 , web2": WEB[:2], "extra:web": ["web1", "x1", *WEB[1:]], "~db.:&web": [],
    "web:!~web1.*": [n for n in WEB if not n.startswith("web1")], "x1": ["x1"], " web ": WEB,
    "all[1:2]": ["x1", "web2"], "dbc,dba": ["dbc", "dba"],
}
DAG_MATCHES = {
    "all": ["top1", "n01.ex.com", "n02.ex.com", "n03.ex.com", "w1", "w2", "e1", "e2", "l1", "fe80::1", "10.0.0.1",
            "10.0.0.2", "10.0.0.3", "d1"],
    "prod": ["e1", "e2", "w2", "w1", "d1"], "prod[0]": ["e1"], "prod[-1]": ["d1"],
    "west:east": ["w1", "w2", "e1", "e2", "d1"],
    "all:!east": ["top1", "n01.ex.com", "n02.ex.com", "n03.ex.com", "w1", "l1", "fe80::1", "10.0.0.1", "10.0.0.2",
                  "10.0.0.3"],
    "east:!deep": ["e1", "w2"], "west:&east": ["w2"], "e2,d1,e1": ["e2", "d1", "e1"], "fe80::1": ["fe80::1"],
    "10.0.0.*": ["10.0.0.1", "10.0.0.2", "10.0.0.3"], "10.0.0.1:10.0.0.2": ["10.0.0.1", "10.0.0.2"],
    "*.ex.com": ["n01.ex.com", "n02.ex.com", "n03.ex.com"], "n0[12].ex.com": ["n01.ex.com", "n02.ex.com"],
    "localhost": ["localhost"], "lone[0:1]": ["l1", "fe80::1"], "ungrouped": ["top1", "n01.ex.com", "n02.ex.com",
                                                                              "n03.ex.com"],
}
SPLIT = {
    "colons": ("web:&prod:!db3", ["web", "&prod", "!db3"]), "commas": ("web, db", ["web", "db"]),
    "subscript": ("web[0:5]:db", ["web[0:5]", "db"]), "ipv6": ("fe80::1", ["fe80::1"]),
    "ipv6-port": ("[fe80::1]:22", ["[fe80::1]:22"]), "not-ipv6": ("!2001:db8::5", ["!2001:db8::5"]),
    "ipv6-comma": ("fe80::1,web", ["fe80::1", "web"]), "port": ("web:22", ["web:22"]), "regex": ("~a:b", ["~a:b"]),
    "empty": ("", []), "list": (["web:db", "x"], ["web", "db", "x"]), "stray-comma": ("web,", ["web"]),
}
ORDERED = {
    "none": (None, ["c", "a", "b"]), "inventory": ("inventory", ["c", "a", "b"]),
    "reverse_inventory": ("reverse_inventory", ["b", "a", "c"]), "sorted": ("sorted", ["a", "b", "c"]),
    "reverse_sorted": ("reverse_sorted", ["c", "b", "a"]),
}


@pytest.mark.parametrize("pattern", FARM_MATCHES)
def test_pattern_on_a_flat_inventory(make: Make, pattern: str) -> None:
    assert make(ini=FARM).match(pattern) == FARM_MATCHES[pattern]


@pytest.mark.parametrize("pattern", DAG_MATCHES)
def test_pattern_on_nested_groups(make: Make, pattern: str) -> None:
    assert make(yml=DAG).match(pattern) == DAG_MATCHES[pattern]


@pytest.mark.parametrize(("pattern", "terms"), SPLIT.values(), ids=SPLIT)
def test_a_pattern_splits_into_terms(pattern: str, terms: list[str]) -> None:
    assert patterns.split(pattern) == terms


@pytest.mark.parametrize(("order", "names"), ORDERED.values(), ids=ORDERED)
def test_hosts_come_in_the_order_asked_for(order: str | None, names: list[str]) -> None:
    assert patterns.in_order(["c", "a", "b"], order) == names


def test_shuffling_keeps_every_host() -> None:
    names = [str(n) for n in range(100)]
    shuffled = patterns.in_order(names, "shuffle")
    assert shuffled != names
    assert sorted(shuffled) == sorted(names)


def test_an_unknown_order_names_the_nearest() -> None:
    with pytest.raises(InventoryError, match="did you mean 'sorted'"):
        patterns.in_order([], "sort")


@pytest.mark.parametrize(("pattern", "words"), [("wbe", "did you mean 'web'"), ("nothing*", "ignoring: nothing*"),
                                                ("web:!gone", "ignoring: gone"), ("web[99]", "web has 12")])
def test_a_term_that_matches_nothing_is_a_warning(make: Make, pattern: str, words: str) -> None:
    warnings = make(ini=FARM).select(pattern).warnings
    assert len(warnings) == 1
    assert words in warnings[0]


@pytest.mark.parametrize("pattern", ["~we(b", "web[0:1:db"])
def test_a_malformed_pattern_is_refused_with_a_hint(make: Make, pattern: str) -> None:
    with pytest.raises(InventoryError) as caught:
        make(ini=FARM).match(pattern)
    assert caught.value.hint


def test_limit_keeps_the_order_of_the_pattern(make: Make) -> None:
    assert make(ini=FARM).match("web:db", limit="dbb,web2,web1") == ["web1", "web2", "dbb"]
    assert make(ini=FARM).match("web", limit="!web[0:9]") == ["web11", "web12"]


def test_limit_reads_patterns_from_a_file(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "site.retry"
    path.write_text("# those that failed\nweb2\n\ndb[0]\n")
    assert make(ini=FARM).match("all", limit=f"@{path}") == ["web2", "dba"]
    with pytest.raises(InventoryError, match="cannot read the limit file"):
        make(ini=FARM).match("all", limit="@/nonexistent/file")


def test_localhost_is_there_without_being_listed_and_is_in_no_group(make: Make) -> None:
    inventory = make(ini=FARM)
    assert inventory.match("localhost,web1") == ["localhost", "web1"]
    assert inventory.hosts["localhost"].implicit
    assert inventory.hosts["localhost"].vars == {"ansible_connection": "local"}
    assert "localhost" not in inventory.match("all")


def test_a_listed_localhost_is_a_host_like_others(make: Make) -> None:
    inventory = make(ini="localhost ansible_connection=ssh\n")
    assert not inventory.hosts["localhost"].implicit
    assert inventory.match("all") == ["localhost"]
