"""ufw in a namespace with files of its own: rules come and go once, policies and the switch are kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from agentlet.arguments import validate
from modules import ufw
from tests.modules.namespace import OwnNetwork, needs

LOOK = "ufw show added; ufw status verbose; cat /etc/ufw/ufw.conf /etc/default/ufw /etc/ufw/user*.rules"
OWN_FILES = "".join(
    f"D=$(mktemp -d); cp -a {path}/. $D; mount --bind $D {path} || exit 1; " for path in ("/etc/ufw", "/etc/default"))


@pytest.fixture(scope="module")
def network() -> Iterator[OwnNetwork]:
    needs("ufw", "iptables")
    started = OwnNetwork()
    assert "No such" not in started.shell(OWN_FILES)
    yield started
    started.close()


RULES: dict[str, tuple[dict[str, Any], str]] = {
    "port": ({"rule": "allow", "port": "22", "proto": "tcp"}, "allow proto tcp from any to any port 22"),
    "limit": ({"rule": "limit", "port": "ssh", "proto": "tcp"}, "limit proto tcp from any to any port ssh"),
    "range": ({"rule": "allow", "to_port": "60000:61000", "proto": "udp"},
              "allow proto udp from any to any port 60000:61000"),
    "source": ({"rule": "deny", "src": "10.0.0.0/8", "log": True}, "deny log from 10.0.0.0/8 to any"),
    "six": ({"rule": "deny", "src": "2001:db8::/32", "port": "25", "proto": "tcp"},
            "deny proto tcp from 2001:db8::/32 to any port 25"),
    "interface": ({"rule": "allow", "direction": "in", "interface": "eth0", "src": "1.2.3.5", "from_port": "5469",
                   "dest": "1.2.3.4", "to_port": "5469", "proto": "udp"},
                  "allow in on eth0 proto udp from 1.2.3.5 port 5469 to 1.2.3.4 port 5469"),
    "route": ({"rule": "deny", "route": True, "if_in": "eth0", "if_out": "eth1", "src": "192.0.2.0/24"},
              "route deny in on eth0 out on eth1 from 192.0.2.0/24 to any"),
    "out": ({"rule": "reject", "direction": "outgoing", "port": "25"}, "reject out from any to any port 25"),
    "comment": ({"rule": "allow", "port": "514", "comment": "the logs"},
                "allow from any to any port 514 comment the logs"),
}


TRIED = ("limit", "six", "route", "comment")  # each asks ufw a dozen times, and ufw is slow


@pytest.mark.parametrize(("args", "words"), RULES.values(), ids=RULES.keys())
def test_arguments_become_ufws_words(args: dict[str, Any], words: str) -> None:
    assert " ".join(ufw.rule_words(validate(args, ufw.ARGS, ufw.RULES), [0, 0])) == words


@pytest.mark.parametrize(("relative", "insert", "place"), [
    ("zero", 3, 3), ("first-ipv4", 0, 1), ("last-ipv4", -1, 3), ("first-ipv6", 0, 5), ("last-ipv6", 0, 6),
    ("last-ipv6", 1, None),
])
def test_places_count_from_where_they_are_told(relative: str, insert: int, place: int | None) -> None:
    args = validate({"rule": "allow", "insert": insert, "insert_relative_to": relative}, ufw.ARGS)
    assert ufw.place_of(args, (4, 2)) == place


@pytest.mark.parametrize("args", [RULES[name][0] for name in TRIED], ids=TRIED)
def test_a_rule_comes_once_and_goes(network: OwnNetwork, args: dict[str, Any]) -> None:
    network.converge("ufw", args, LOOK)
    network.converge("ufw", {**args, "delete": True}, LOOK)


def test_policies_and_logging_are_kept(network: OwnNetwork) -> None:
    network.converge("ufw", {"policy": "reject"}, LOOK)
    network.converge("ufw", {"default": "deny", "direction": "outgoing", "logging": "medium"}, LOOK)
    network.converge("ufw", {"default": "allow", "direction": "routed", "logging": "off"}, LOOK)
    network.converge("ufw", {"logging": "on"}, LOOK)


def test_it_is_switched_on_with_its_rule_and_off(network: OwnNetwork) -> None:
    done = network.converge("ufw", {"state": "enabled", "rule": "allow", "port": "22"}, LOOK)
    assert done["values"]["commands"][-1] == "ufw --force enable" and "Status: active" in done["values"]["msg"]
    assert network.run("ufw", {"state": "reloaded"})["status"] == "changed"
    network.converge("ufw", {"state": "disabled"}, LOOK)
    assert network.run("ufw", {"state": "reset"})["status"] == "changed"
    assert "22" not in network.shell("ufw show added")


@pytest.mark.parametrize(("args", "code"), [
    ({"rule": "allow", "port": "nosuchport"}, "ufw_failed"), ({"rule": "allow", "src": "--help"}, "bad_arguments"),
    ({"rule": "allow", "interface": "eth0"}, "bad_arguments"), ({"rule": "allow", "name": "NoSuchApp"}, "ufw_failed"),
], ids=["port", "an option", "direction", "application"])
def test_an_impossible_rule_is_refused(network: OwnNetwork, args: dict[str, Any], code: str) -> None:
    result = network.run("ufw", args)
    assert result["error"]["code"] == code, result
    assert network.run("ufw", args, check=True)["error"]["code"] == code
