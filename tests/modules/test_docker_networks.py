"""Networks, volumes, commands in containers and reports of a real engine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab.engine import docker
from tests.modules.docker import Corner, corner


@pytest.fixture
def own() -> Iterator[Corner]:
    with corner() as made:
        yield made


@pytest.fixture
def running(own: Corner) -> str:
    name = own.name("c")
    docker("run", "--detach", "--init", "--name", name, own.image, "sleep", "1000")
    return name


NETWORKS: dict[str, dict[str, Any]] = {
    "plain": {},
    "internal": {"internal": True, "labels": {"a": "b"}},
    "addresses": {"ipam_config": [{"subnet": "10.99.210.0/24", "gateway": "10.99.210.1", "iprange": "10.99.210.128/25",
                                   "aux_addresses": {"router": "10.99.210.2"}}]},
    "IPv6": {"enable_ipv6": True, "ipam_config": [{"subnet": "fd99:0:0:1::/64"}, {"subnet": "10.99.211.0/24"}]},
    "options": {"driver_options": {"com.docker.network.bridge.enable_icc": False}, "attachable": True},
}


@pytest.mark.parametrize("args", NETWORKS.values(), ids=NETWORKS.keys())
def test_a_network_comes_and_goes(own: Corner, args: dict[str, Any]) -> None:
    own.converge("docker_network", {"name": own.name("n"), **args})
    own.converge("docker_network", {"name": own.name("n"), "state": "absent"})


def test_a_network_that_differs_is_made_anew_with_its_containers(own: Corner, running: str) -> None:
    name = own.name("n")
    own.converge("docker_network", {"name": name, "connected": [running]})
    new = {"name": name, "connected": [running], "ipam_config": [{"subnet": "10.99.212.0/24"}]}
    done = own.converge("docker_network", new)
    assert [entry["Name"] for entry in done["values"]["network"]["Containers"].values()] == [running]
    assert "ipam_config" in done["diff"][0]["before"]
    own.unchanged("docker_network", {"name": name, "appends": True})
    own.converge("docker_network", {"name": name})
    found = own.run("docker_network_info", {"name": name})["values"]
    assert found["exists"] and found["network"]["Containers"] == {}


def test_a_container_that_does_not_run_stays_connected(own: Corner) -> None:
    docker("create", "--name", own.name("c"), own.image, "sleep", "1")
    own.converge("docker_network", {"name": own.name("n"), "connected": [own.name("c")]})


def test_a_volume_comes_and_goes(own: Corner) -> None:
    args = {"name": own.name("v"), "labels": {"a": "b"}}
    own.converge("docker_volume", args)
    own.unchanged("docker_volume", {**args, "labels": {"a": "c"}})
    own.converge("docker_volume", {**args, "labels": {"a": "c"}, "recreate": "options-changed"})
    assert own.run("docker_volume_info", {"name": own.name("v")})["values"]["volume"]["Labels"] == {"a": "c"}
    own.converge("docker_volume", {"name": own.name("v"), "state": "absent"})
    assert own.run("docker_volume_info", {"name": own.name("v")})["values"] == {"exists": False, "volume": None}


COMMANDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "words": ({"argv": ["sh", "-c", "echo out; echo err >&2; exit 3"]}, {"stdout": "out", "stderr": "err", "rc": 3}),
    "a text": ({"command": "echo 'two words'"}, {"stdout": "two words", "rc": 0}),
    "input": ({"argv": ["cat"], "stdin": "x" * 300_000}, {"stdout": "x" * 300_000, "rc": 0}),
    "input nobody reads": ({"argv": ["true"], "stdin": "x" * 300_000}, {"stdout": "", "rc": 0}),
    "surroundings": ({"command": "sh -c 'echo $A; id -un; pwd'", "env": {"A": "b"}, "user": "daemon", "chdir": "/usr"},
                     {"stdout_lines": ["b", "daemon", "/usr"]}),
    "a terminal": ({"command": "tty", "tty": True}, {"stdout": "/dev/pts/0", "stderr": ""}),
}


@pytest.mark.parametrize(("args", "expected"), COMMANDS.values(), ids=COMMANDS.keys())
def test_a_command_runs_in_a_container(
    own: Corner, running: str, args: dict[str, Any], expected: dict[str, Any]
) -> None:
    done = own.run("docker_container_exec", {"container": running, **args})
    assert done["status"] == "changed", done
    assert {name: done["values"][name] for name in expected} == expected


def test_a_command_in_no_container_fails(own: Corner) -> None:
    own.fails("docker_container_exec", {"container": own.name("c"), "command": "true"}, "docker_error", "No such")


def test_what_is_there_is_reported(own: Corner, running: str) -> None:
    found = own.run("docker_container_info", {"name": running})["values"]
    assert found["exists"] and found["container"]["State"]["Running"]
    assert own.run("docker_container_info", {"name": own.name("x")})["values"] == {"exists": False, "container": None}
    told = own.run("docker_host_info", {"containers": True, "containers_filters": {"name": running},
                                        "networks": True})["values"]
    assert [entry["Names"] for entry in told["containers"]] == [["/" + running]] and told["host_info"]["Driver"]
