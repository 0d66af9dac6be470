"""Host names as sources write them."""

from __future__ import annotations

import pytest

from inventory.errors import InventoryError
from inventory.names import expand, split_port

EXPANDED = {
    "plain": ("web1", ["web1"], None),
    "port": ("web1:2222", ["web1"], 2222),
    "dots": ("a.b-c.example.com:22", ["a.b-c.example.com"], 22),
    "ipv4-port": ("127.0.0.1:22", ["127.0.0.1"], 22),
    "ipv6": ("fe80::1", ["fe80::1"], None),
    "ipv6-full": ("2001:db8:0:0:0:0:0:5", ["2001:db8:0:0:0:0:0:5"], None),
    "ipv6-brackets": ("[fe80::1]", ["fe80::1"], None),
    "ipv6-port": ("[fe80::1]:2200", ["fe80::1"], 2200),
    "range": ("web[1:3]", ["web1", "web2", "web3"], None),
    "range-padded": ("web[08:10]", ["web08", "web09", "web10"], None),
    "range-step": ("web[1:9:4]", ["web1", "web5", "web9"], None),
    "range-from-start": ("web[:2]", ["web0", "web1", "web2"], None),
    "range-letters": ("db-[a:c]", ["db-a", "db-b", "db-c"], None),
    "range-port": ("web[1:2].x:23", ["web1.x", "web2.x"], 23),
    "two-ranges": ("r[1:2]n[a:b]", ["r1na", "r1nb", "r2na", "r2nb"], None),
    "range-first": ("[1:2]web", ["1web", "2web"], None),
    "address-range": ("10.0.0.[1:2]", ["10.0.0.1", "10.0.0.2"], None),
}
REFUSED = {
    "no-name": ":22", "word-port": "web:ssh", "port-too-high": "web:70000", "backwards": "web[5:1]",
    "unequal-padding": "web[01:100]", "mixed": "web[a:5]", "step-0": "web[1:5:0]", "step-word": "web[1:5:x]",
    "letters-backwards": "db[c:a]", "long": "x" * 254, "long-range": "x" * 253 + "[1:2]",
    "endless": "web[0:99999999999]", "endless-product": "w[1:9999]x[1:9999]",
}


@pytest.mark.parametrize(("text", "names", "port"), EXPANDED.values(), ids=EXPANDED)
def test_an_entry_means_these_hosts(text: str, names: list[str], port: int | None) -> None:
    assert expand(text) == (names, port)


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_an_entry_without_meaning_is_refused(text: str) -> None:
    with pytest.raises(InventoryError):
        expand(text)


def test_a_port_is_split_off_only_where_there_is_one() -> None:
    assert split_port("::1") == ("::1", None)
    assert split_port("web[1:3]:22") == ("web[1:3]", 22)
