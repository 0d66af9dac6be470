"""docker_container against a real engine: made, kept, changed as it lives, made anew, ended."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modules.api import Failed
from modules.support.docker import values
from tests.lab.engine import docker
from tests.modules.docker import Corner, corner

MODULE = "docker_container"


@pytest.fixture
def own() -> Iterator[Corner]:
    with corner() as made:
        yield made


def sleeper(own: Corner, **more: Any) -> dict[str, Any]:
    return {"name": own.name("c"), "image": own.image, "command": "sleep 1000", "force_kill": True, **more}


def test_a_container_comes_stops_starts_and_goes(own: Corner) -> None:
    made = own.converge(MODULE, sleeper(own))["values"]["container"]
    assert made["State"]["Running"] and made["Config"]["Cmd"] == ["sleep", "1000"]
    own.converge(MODULE, {"name": own.name("c"), "state": "stopped", "force_kill": True})
    again = own.converge(MODULE, {"name": own.name("c")})["values"]["container"]
    assert again["Id"] == made["Id"]
    assert own.run(MODULE, {"name": own.name("c"), "restart": True, "stop_timeout": 0})["status"] == "changed"
    own.converge(MODULE, {"name": own.name("c"), "paused": True})
    own.converge(MODULE, {"name": own.name("c"), "paused": False})
    own.converge(MODULE, {"name": own.name("c"), "state": "absent", "force_kill": True})


def test_present_makes_and_does_not_start(own: Corner) -> None:
    made = own.converge(MODULE, sleeper(own, state="present"))["values"]["container"]
    assert made["State"]["Status"] == "created"


EVERYTHING: dict[str, dict[str, Any]] = {
    "env": {"env": {"A": "1", "N": 5, "E": ""}},
    "labels": {"labels": {"a": "b", "n": 3}},
    "ports": {"published_ports": ["127.0.0.1:61181:80", "61182:81/udp", "82"], "exposed_ports": ["9000-9002"]},
    "mounts": {"mounts": [{"target": "/t", "type": "tmpfs", "tmpfs_size": "4m", "tmpfs_mode": "1777"},
                          {"target": "/h", "type": "bind", "source": "/etc", "read_only": True}]},
    "volumes": {"volumes": ["/etc:/h:ro", "/usr:/u", "/anonymous"]},
    "limits": {"memory": "64m", "memory_swap": "unlimited", "cpus": 0.5, "cpu_shares": 512, "pids_limit": 100,
               "shm_size": "32m", "ulimits": ["nofile:1024:2048"], "oom_score_adj": 100},
    "rights": {"capabilities": ["NET_ADMIN"], "cap_drop": ["CAP_MKNOD"], "read_only": True, "user": "1000:1000",
               "security_opts": ["no-new-privileges:true"], "groups": ["adm"], "devices": ["/dev/null:/dev/zilch"]},
    "privileged": {"privileged": True, "pid_mode": "host", "ipc_mode": "host", "uts": "host"},
    "names": {"hostname": "web", "domainname": "example.org", "dns_servers": ["192.0.2.1"], "dns_opts": ["ndots:1"],
              "dns_search_domains": ["example.org"], "etc_hosts": {"db": "192.0.2.2"}},
    "output": {"log_driver": "json-file", "log_options": {"max-size": "1m", "max-file": 2}},
    "restarts": {"restart_policy": "on-failure", "restart_retries": 3, "stop_signal": "SIGINT", "stop_timeout": 3},
    "terminal": {"tty": True, "interactive": True, "init": True, "working_dir": "/tmp", "entrypoint": ["sleep"],
                 "command": ["1000"]},
    "healthcheck": {"healthcheck": {"test": "true", "interval": "1m30s", "timeout": "5s", "retries": 2}},
    "no healthcheck": {"healthcheck": {"test": ["NONE"]}},
    "tmpfs and sysctls": {"tmpfs": ["/run:rw,size=1m"], "sysctls": {"net.ipv4.ip_forward": 1}},
    "no network": {"network_mode": "none"},
    "the host's network": {"network_mode": "host"},
    "empty things": {"command": "", "entrypoint": ["sleep", "1000"], "volumes": [""], "ports": [""], "networks": [],
                     "env": {}, "labels": {}},
    "old defaults": {"container_default_behavior": "compatibility"},
}


@pytest.mark.parametrize("more", EVERYTHING.values(), ids=EVERYTHING.keys())
def test_options_are_set_and_then_nothing_differs(own: Corner, more: dict[str, Any]) -> None:
    own.converge(MODULE, sleeper(own, state="present", **more))


ANEW: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "env": ({"env": {"A": "1"}}, {"env": {"A": "2"}}, "env"),
    "command": ({}, {"command": "sleep 2000"}, "command"),
    "volumes": ({}, {"volumes": ["/etc:/h:ro"]}, "volumes"),
    "ports": ({"ports": ["39183:80"]}, {"ports": ["39184:80"]}, "published_ports"),
    "labels, strictly": ({"labels": {"a": "1", "b": "2"}}, {"labels": {"a": "1"}, "comparisons": {"labels": "strict"}},
                         "labels"),
    "mounts": ({"mounts": [{"target": "/t", "type": "tmpfs"}]},
               {"mounts": [{"target": "/t", "type": "tmpfs", "tmpfs_size": 4096}]}, "mounts"),
}


@pytest.mark.parametrize(("first", "second", "says"), ANEW.values(), ids=ANEW.keys())
def test_a_container_that_differs_is_made_anew(
    own: Corner, first: dict[str, Any], second: dict[str, Any], says: str
) -> None:
    old = own.run(MODULE, sleeper(own, **first))["values"]["container"]["Id"]
    done = own.converge(MODULE, sleeper(own, **second))
    assert done["values"]["container"]["Id"] != old and done["values"]["container"]["State"]["Running"]
    assert says in done["diff"][0]["before"]


KEPT: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "fewer variables": ({"env": {"A": "1", "B": "2"}}, {"env": {"A": "1"}}),
    "an option not given": ({"hostname": "web"}, {}),
    "ignored": ({"env": {"A": "1"}}, {"env": {"A": "2"}, "comparisons": {"env": "ignore"}}),
    "all ignored": ({"env": {"A": "1"}}, {"env": {"A": "2"}, "command": "true", "comparisons": {"*": "ignore"}}),
    "a capability's long name": ({"cap_drop": ["MKNOD"]}, {"cap_drop": ["cap_mknod"]}),
}


@pytest.mark.parametrize(("first", "second"), KEPT.values(), ids=KEPT.keys())
def test_a_container_that_has_what_is_asked_is_kept(
    own: Corner, first: dict[str, Any], second: dict[str, Any]
) -> None:
    own.run(MODULE, sleeper(own, **first))
    own.unchanged(MODULE, sleeper(own, **second))


def test_limits_change_as_it_lives(own: Corner) -> None:
    old = own.run(MODULE, sleeper(own, memory="64m", memory_swap="64m"))["values"]["container"]
    args = sleeper(own, memory="128m", memory_swap="128m", restart_policy="always", restart_retries=0)
    new = own.converge(MODULE, args)["values"]["container"]
    assert new["Id"] == old["Id"] and new["HostConfig"]["Memory"] == 128 << 20
    assert new["HostConfig"]["RestartPolicy"]["Name"] == "always"


def test_networks_are_joined_and_left_without_a_new_container(own: Corner) -> None:
    for number in (1, 2):
        docker("network", "create", "--subnet", f"10.99.{200 + number}.0/24", own.name(f"n{number}"))
    first = {"name": own.name("n1"), "aliases": ["www"], "ipv4_address": "10.99.201.9"}
    old = own.converge(MODULE, sleeper(own, networks=[first]))["values"]["container"]
    assert list(old["NetworkSettings"]["Networks"]) == [own.name("n1")]
    both = own.converge(MODULE, sleeper(own, networks=[first, {"name": own.name("n2")}]))["values"]["container"]
    assert len(both["NetworkSettings"]["Networks"]) == 2 and both["Id"] == old["Id"]
    moved = [{**first, "ipv4_address": "10.99.201.10"}]
    own.converge(MODULE, sleeper(own, networks=moved))
    own.unchanged(MODULE, sleeper(own, networks=moved))
    last = own.converge(MODULE, sleeper(own, networks=moved, comparisons={"networks": "strict"}))["values"]["container"]
    [(name, there)] = last["NetworkSettings"]["Networks"].items()
    assert (name, there["IPAddress"], last["Id"]) == (own.name("n1"), "10.99.201.10", old["Id"])


def test_a_container_that_ends_gives_its_output_and_status(own: Corner) -> None:
    args = {"name": own.name("c"), "image": own.image, "detach": False, "cleanup": True}
    done = own.run(MODULE, {**args, "command": ["sh", "-c", "echo out; echo err >&2"]})
    assert done["values"]["status"] == 0 and sorted(done["values"]["container"]["Output"].split()) == ["err", "out"]
    fault = own.fails(MODULE, {**args, "command": ["sh", "-c", "echo broken; exit 7"]}, "container_failed", "broken")
    assert fault["values"]["status"] == 7
    assert own.seen()[0] == ""


def test_health_is_waited_for(own: Corner) -> None:
    check = {"interval": "200ms", "retries": 1, "timeout": "10s"}
    args = sleeper(own, state="healthy", healthcheck={**check, "test": "true"})
    assert own.run(MODULE, args)["values"]["container"]["State"]["Health"]["Status"] == "healthy"
    own.unchanged(MODULE, args)
    own.fails(MODULE, sleeper(own, state="healthy", healthcheck={**check, "test": "false"}), "unhealthy")


def test_variables_come_from_a_file_and_env_wins(own: Corner, tmp_path: Path) -> None:
    (tmp_path / "env").write_text("# comment\nA=1\nB = two words\n")
    done = own.converge(MODULE, sleeper(own, env_file=str(tmp_path / "env"), env={"A": "2"}))
    assert {"A=2", "B=two words"} <= set(done["values"]["container"]["Config"]["Env"])


def test_a_new_image_means_a_new_container(own: Corner) -> None:
    tag = own.name("image") + ":1"
    docker("build", "--tag", tag, "-", input=f"FROM {own.image}\nLABEL a=1".encode())
    old = own.run(MODULE, sleeper(own, image=tag))["values"]["container"]
    docker("build", "--tag", tag, "-", input=f"FROM {own.image}\nLABEL a=2".encode())
    own.unchanged(MODULE, sleeper(own, image=tag, comparisons={"image": "ignore"}))
    new = own.converge(MODULE, sleeper(own, image=tag, pull="never"))["values"]["container"]
    assert new["Image"] != old["Image"]
    docker("rmi", "--force", old["Image"])


FAULTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "a boolean variable": ({"env": {"A": True}}, "bad_arguments", "Non-string value found for env option"),
    "no such image": ({"image": "orch-test-nosuch:1", "pull": "never"}, "no_image", "Cannot find image"),
    "no such option to compare": ({"comparisons": {"nope": "strict"}}, "bad_arguments", "Unknown module option"),
    "no such comparison": ({"comparisons": {"env": "maybe"}}, "bad_arguments", "Unknown comparison mode"),
    "a size": ({"memory": "lots"}, "bad_arguments", "is not a size"),
    "an image's name": ({"image": "../containers"}, "bad_name", "not the name of an image"),
    "no engine": ({"docker_host": "unix:///nowhere/docker.sock"}, "no_service", "no Docker engine"),
    "no address": ({"docker_host": "ssh://host"}, "bad_arguments", "no address of a Docker engine"),
}


@pytest.mark.parametrize(("more", "code", "says"), FAULTS.values(), ids=FAULTS.keys())
def test_what_cannot_be_is_said(own: Corner, more: dict[str, Any], code: str, says: str) -> None:
    own.fails(MODULE, sleeper(own, **more), code, says)
    assert own.seen()[0] == ""


PORTS: dict[str, tuple[str, dict[str, Any]]] = {
    "container only": ("80", {"80/tcp": [("", "")]}),
    "both": ("8080:80", {"80/tcp": [("", "8080")]}),
    "address": ("127.0.0.1:8080:80/udp", {"80/udp": [("127.0.0.1", "8080")]}),
    "address, any port": ("127.0.0.1::80", {"80/tcp": [("127.0.0.1", "")]}),
    "IPv6": ("[::1]:8080:80", {"80/tcp": [("::1", "8080")]}),
    "ranges": ("8000-8001:80-81", {"80/tcp": [("", "8000")], "81/tcp": [("", "8001")]}),
    "one of a range": ("8000-8005:80", {"80/tcp": [("", "8000-8005")]}),
}


@pytest.mark.parametrize(("text", "expected"), PORTS.values(), ids=PORTS.keys())
def test_ports_are_read(text: str, expected: dict[str, Any]) -> None:
    found = values.port_bindings([text], "")
    assert {port: [(place["HostIp"], place["HostPort"]) for place in places]
            for port, places in found.items()} == expected


@pytest.mark.parametrize("text", ["", "x", "80:", "1:2:3:4", "90000", "5-3"])
def test_what_is_no_port_is_refused(text: str) -> None:
    with pytest.raises(Failed):
        values.port_bindings([text], "")


@pytest.mark.parametrize(("text", "expected"), [
    ("512m", 512 << 20), ("1.5g", 3 << 29), ("1GiB", 1 << 30), ("2kb", 2048), (77, 77), ("-1", -1), ("0", 0),
])
def test_sizes_are_read(text: Any, expected: int) -> None:
    assert values.size_bytes(text) == expected


@pytest.mark.parametrize(("text", "expected"), [("1m30s", 90 * 10**9), ("500ms", 5 * 10**8), ("1h", 3600 * 10**9)])
def test_durations_are_read(text: str, expected: int) -> None:
    assert values.nanoseconds(text) == expected
