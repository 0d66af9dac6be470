"""The setup module on this machine."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.modules.conftest import OnHost

# What roles ask for to choose a branch; each has to be there on any Linux.
EVERYWHERE = """all_ipv4_addresses all_ipv6_addresses apparmor architecture cmdline date_time default_ipv4 default_ipv6
devices distribution distribution_major_version distribution_release distribution_version dns domain effective_user_id
env fips fqdn hostname interfaces is_chroot kernel kernel_version lo loadavg local lsb lvm machine memfree_mb memory_mb
memtotal_mb mounts nodename os_family pkg_mgr proc_cmdline processor processor_cores processor_count processor_nproc
processor_threads_per_core processor_vcpus product_name python python_version real_user_id selinux service_mgr
swapfree_mb swaptotal_mb system system_capabilities system_vendor uptime_seconds user_dir user_gecos user_gid user_id
user_shell user_uid userspace_architecture userspace_bits virtualization_role virtualization_tech_guest
virtualization_tech_host virtualization_type""".split()


def facts(on_host: OnHost, **args: Any) -> dict[str, Any]:
    result = on_host.run("setup", args)
    assert result["status"] == "ok", result
    assert result["warnings"] == []
    found: dict[str, Any] = result["values"]["ansible_facts"]
    return found


def test_every_fact_that_roles_rely_on_is_there(on_host: OnHost) -> None:
    found = facts(on_host)
    assert [name for name in EVERYWHERE if "ansible_" + name not in found] == []
    json.dumps(found)


def test_facts_tell_what_the_system_tells(on_host: OnHost) -> None:
    found = facts(on_host)
    assert found["ansible_nodename"] == socket.gethostname()
    assert found["ansible_kernel"] == os.uname().release
    assert found["ansible_lo"]["ipv4"]["address"] == "127.0.0.1"
    assert found["ansible_processor_nproc"] == len(os.sched_getaffinity(0))


def test_addresses_are_those_that_ip_prints(on_host: OnHost) -> None:
    if not shutil.which("ip"):
        pytest.skip("there is no ip command to compare with")
    shown = json.loads(subprocess.run(["ip", "-json", "addr"], check=True, capture_output=True).stdout)
    addresses = [info["local"] for link in shown for info in link["addr_info"] if info["family"] == "inet"]
    assert facts(on_host)["ansible_all_ipv4_addresses"] == [one for one in addresses if not one.startswith("127.")]


def test_no_process_is_started_for_the_default_subset(on_host: OnHost, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*args: Any, **kwargs: Any) -> None:
        raise AssertionError(f"a process was started: {args}")
    monkeypatch.setattr("agentlet.commands.run", forbidden)
    assert "ansible_default_ipv4" in facts(on_host, fact_path="/nonexistent")


FILTERS = {
    "with the prefix": (["ansible_kernel*"], {"ansible_kernel", "ansible_kernel_version"}),
    "without the prefix": (["os_family", "pkg_mgr"], {"ansible_os_family", "ansible_pkg_mgr"}),
    "nothing of that name": (["no_such_fact"], set()),
}


@pytest.mark.parametrize(("patterns", "names"), FILTERS.values(), ids=FILTERS.keys())
def test_a_filter_chooses_facts(on_host: OnHost, patterns: list[str], names: set[str]) -> None:
    assert set(facts(on_host, filter=patterns)) == names


def test_local_facts_come_from_json_ini_and_programs(on_host: OnHost, tmp_path: Path) -> None:
    (tmp_path / "a.fact").write_text('{"color": "blue"}')
    (tmp_path / "b.fact").write_text("[main]\nSize = 3\nhalf = 50%%\n")
    (tmp_path / "c.fact").write_text("#!/bin/sh\necho '[1, 2]'\n")
    (tmp_path / "c.fact").chmod(0o755)
    found = facts(on_host, gather_subset=["!all", "!min", "local"], fact_path=str(tmp_path))
    assert found["ansible_local"] == {"a": {"color": "blue"}, "b": {"main": {"size": "3", "half": "50%"}}, "c": [1, 2]}


BROKEN = {
    "neither json nor ini": (b"{oops", 0o644),
    "ini with a lone percent sign, as Ansible has it": (b"[main]\nhalf = 50%\n", 0o644),
    "not utf-8": (b"\xff\xfe", 0o644),
    "a program that fails": (b"#!/bin/sh\necho sorry >&2\nexit 3\n", 0o755),
    "a program without interpreter": (b"#!/no/such/thing\n", 0o755),
}


@pytest.mark.parametrize(("content", "mode"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_local_fact_warns_and_spares_the_others(
    on_host: OnHost, tmp_path: Path, content: bytes, mode: int
) -> None:
    (tmp_path / "bad.fact").write_bytes(content)
    (tmp_path / "bad.fact").chmod(mode)
    (tmp_path / "good.fact").write_text('{"a": 1}')
    result = on_host.run("setup", {"gather_subset": ["local"], "fact_path": str(tmp_path)})
    assert result["values"]["ansible_facts"]["ansible_local"]["good"] == {"a": 1}
    assert any(str(tmp_path / "bad.fact") in warning for warning in result["warnings"])


def test_a_wrong_subset_is_refused(on_host: OnHost) -> None:
    on_host.fails("setup", {"gather_subset": ["min", "hardwear"]}, code="bad_subset", says="hardwear")
