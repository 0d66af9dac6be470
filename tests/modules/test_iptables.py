"""iptables in a network namespace of its own: rules come and go once, chains and policies are kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from agentlet.arguments import validate
from modules import iptables
from tests.modules.namespace import OwnNetwork, needs


@pytest.fixture(scope="module")
def network() -> Iterator[OwnNetwork]:
    needs("iptables", "ip6tables")
    started = OwnNetwork()
    yield started
    started.close()


RULES: dict[str, tuple[dict[str, Any], str]] = {
    "port": ({"protocol": "tcp", "destination_port": 22, "ctstate": "NEW", "syn": "match", "jump": "ACCEPT",
              "comment": "let ssh in"},
             "-p tcp --dport 22 --syn -m conntrack --ctstate NEW -j ACCEPT -m comment --comment let ssh in"),
    "ports": ({"protocol": "tcp", "destination_ports": ["80", "8081:8083"], "jump": "ACCEPT"},
              "-p tcp -m multiport --dports 80,8081:8083 -j ACCEPT"),
    "negated": ({"source": "!10.0.0.0/8", "in_interface": "! eth0", "jump": "DROP"},
                "! -s 10.0.0.0/8 ! -i eth0 -j DROP"),
    "ranges": ({"src_range": "192.168.1.1-192.168.1.9", "dst_range": "10.0.0.1-10.0.0.5", "jump": "ACCEPT"},
               "-m iprange --src-range 192.168.1.1-192.168.1.9 --dst-range 10.0.0.1-10.0.0.5 -j ACCEPT"),
    "log": ({"limit": "2/second", "limit_burst": 20, "log_prefix": "IN: ", "log_level": "info"},
            "-m limit --limit 2/second --limit-burst 20 -j LOG --log-prefix IN:  --log-level info"),
    "reject": ({"protocol": "tcp", "reject_with": "tcp-reset"}, "-p tcp -j REJECT --reject-with tcp-reset"),
    "flags": ({"protocol": "tcp", "tcp_flags": {"flags": ["ALL"], "flags_set": ["ACK", "SYN"]}, "jump": "DROP"},
              "-p tcp --tcp-flags ALL ACK,SYN -j DROP"),
    "icmp": ({"protocol": "icmp", "icmp_type": "echo-request", "jump": "ACCEPT"},
             "-p icmp --icmp-type echo-request -j ACCEPT"),
}


@pytest.mark.parametrize(("args", "rule"), RULES.values(), ids=RULES.keys())
def test_arguments_become_a_rule(args: dict[str, Any], rule: str) -> None:
    complete = validate({"chain": "INPUT", **args}, iptables.ARGS, iptables.RULES)
    assert " ".join(iptables.rule_words(complete)) == rule


@pytest.mark.parametrize("args", [args for args, _ in RULES.values()], ids=RULES.keys())
def test_a_rule_comes_once_and_goes(network: OwnNetwork, args: dict[str, Any]) -> None:
    look = "iptables -S INPUT"
    before = network.shell(look)
    network.converge("iptables", {"chain": "INPUT", **args}, look)
    network.converge("iptables", {"chain": "INPUT", "state": "absent", **args}, look)
    assert network.shell(look) == before


def test_both_protocols_are_kept(network: OwnNetwork) -> None:
    args = {"chain": "OUTPUT", "protocol": "udp", "jump": "ACCEPT", "ip_version": "both"}
    network.converge("iptables", args, "iptables -S OUTPUT; ip6tables -S OUTPUT")
    assert "-p udp -j ACCEPT" in network.shell("ip6tables -S OUTPUT")


def test_a_rule_is_inserted_where_asked(network: OwnNetwork) -> None:
    for port in (1, 2):
        network.run("iptables", {"chain": "FORWARD", "protocol": "tcp", "destination_port": port, "jump": "DROP"})
    network.converge("iptables", {"chain": "FORWARD", "protocol": "tcp", "destination_port": "3", "jump": "DROP",
                                  "action": "insert", "rule_num": "2"}, "iptables -S FORWARD")
    assert [line.split()[7] for line in network.shell("iptables -S FORWARD").splitlines()[1:]] == ["1", "3", "2"]
    network.converge("iptables", {"chain": "FORWARD", "flush": True}, "iptables -S FORWARD")


def test_chains_and_policies_are_kept(network: OwnNetwork) -> None:
    network.converge("iptables", {"chain": "MINE", "chain_management": True}, "iptables -S")
    network.converge("iptables", {"chain": "MINE", "chain_management": True, "state": "absent"}, "iptables -S")
    with_rule = {"chain": "NEW", "chain_management": True, "jump": "RETURN"}
    network.converge("iptables", with_rule, "iptables -S")
    network.converge("iptables", {"chain": "INPUT", "policy": "DROP"}, "iptables -S")
    assert "-P INPUT DROP" in network.shell("iptables -S INPUT")


@pytest.mark.parametrize(("args", "code"), [
    ({"jump": "ACCEPT"}, "bad_arguments"), ({"chain": "-F"}, "bad_arguments"),
    ({"chain": "INPUT", "jump": "NOSUCH", "protocol": "tcp"}, "iptables_failed"),
    ({"chain": "INPUT", "rule_num": "1"}, "bad_arguments"),
], ids=["no chain", "an option", "no such target", "place"])
def test_an_impossible_rule_is_refused(network: OwnNetwork, args: dict[str, Any], code: str) -> None:
    assert network.run("iptables", args)["error"]["code"] == code
