"""The parsers of facts: texts and bytes of several kinds of machines in, Ansible's facts out."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import struct
from typing import Any

import pytest

from modules.api import Failed
from modules.support.facts import (
    hardware,
    netlink,
    network,
    platform,
    reading,
    security,
    software,
    storage,
    subsets,
    virtualization,
)

X86 = """processor\t: {n}
vendor_id\t: GenuineIntel
model name\t: Xeon
physical id\t: {socket}
siblings\t: 4
core id\t\t: {core}
cpu cores\t: 2
flags\t\t: fpu vme

"""
ARM = "processor\t: {n}\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\n\n"


def test_sockets_cores_and_threads_are_counted() -> None:
    text = "".join(X86.format(n=n, socket=n // 4, core=n % 2) for n in range(8))
    found = hardware.parse_cpuinfo(text, "x86_64")
    assert (found["processor_count"], found["processor_cores"], found["processor_threads_per_core"],
            found["processor_vcpus"]) == (2, 2, 2, 8)
    assert found["processor"][:3] == ["0", "GenuineIntel", "Xeon"]
    assert found["flags"] == ["fpu", "vme"]


def test_processors_without_sockets_count_each_for_itself() -> None:
    found = hardware.parse_cpuinfo("".join(ARM.format(n=n) for n in range(4)), "aarch64")
    assert (found["processor_count"], found["processor_cores"], found["processor_vcpus"]) == (4, 1, 4)
    assert found["flags"] == ["fp", "asimd"]


def test_memory_is_in_mib_and_knows_what_caches_hold() -> None:
    found = hardware.parse_meminfo("MemTotal: 2048000 kB\nMemFree: 1024000 kB\nBuffers: 10240 kB\nCached: 102400 kB\n"
                                   "SwapCached: 0 kB\nSwapTotal: 1024 kB\nSwapFree: 1024 kB\nHugePages_Total: 0\n")
    assert found["memory_mb"]["real"] == {"total": 2000, "used": 1000, "free": 1000}
    assert found["memory_mb"]["nocache"] == {"free": 1110, "used": 890}
    assert (found["memtotal_mb"], found["swaptotal_mb"]) == (2000, 1)


RESOLV = {
    "all keywords": ("# made by hand\nnameserver 192.0.2.1\nnameserver 2001:db8::1\ndomain example.org\n"
                     "search a.example b.example\nsortlist 192.0.2.0/24\noptions ndots:2 rotate\n",
                     {"nameservers": ["192.0.2.1", "2001:db8::1"], "domain": "example.org",
                      "search": ["a.example", "b.example"], "sortlist": ["192.0.2.0/24"],
                      "options": {"ndots": "2", "rotate": True}}),
    "empty": ("", {}),
    "half lines": ("nameserver\n; nameserver 1.1.1.1\n\ndomain\n", {"nameservers": []}),
}


@pytest.mark.parametrize(("text", "wanted"), RESOLV.values(), ids=RESOLV.keys())
def test_the_resolver_configuration_is_read(text: str, wanted: dict[str, Any]) -> None:
    assert network.parse_resolv_conf(text) == wanted


CMDLINES = {
    "words and values": ("quiet root=/dev/sda1 console=tty0 console=ttyS0\n",
                         {"quiet": True, "root": "/dev/sda1", "console": "ttyS0"},
                         {"quiet": True, "root": "/dev/sda1", "console": ["tty0", "ttyS0"]}),
    "an open quote": ("a='b c", {"a": "'b", "c": True}, {"a": "'b", "c": True}),
}


@pytest.mark.parametrize(("text", "last", "every"), CMDLINES.values(), ids=CMDLINES.keys())
def test_the_kernel_command_line_is_split(text: str, last: dict[str, Any], every: dict[str, Any]) -> None:
    assert platform.parse_cmdline(text, False) == last
    assert platform.parse_cmdline(text, True) == every


def test_mounts_of_devices_and_remote_paths_are_kept() -> None:
    text = ("/dev/sda1 / ext4 rw,relatime 0 1\nproc /proc proc rw 0 0\nnas:/vol /mnt/a\\040b nfs4 rw 0 0\n"
            "tank/home /home zfs rw 0 0\ntmpfs /run tmpfs rw 0 0\nshort line\n")
    found = [(entry["device"], entry["mount"], entry["fstype"]) for entry in storage.parse_mounts(text)]
    assert found == [("/dev/sda1", "/", "ext4"), ("nas:/vol", "/mnt/a b", "nfs4"), ("tank/home", "/home", "zfs")]


def test_a_mount_of_part_of_a_file_system_is_a_bind_mount() -> None:
    text = ("22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n"
            "30 22 8:1 /srv/data /var/www rw,relatime - ext4 /dev/sda1 rw\n")
    assert storage.parse_bind_mounts(text) == {"/var/www"}


SIZES = {"nothing": (0, "0.00 Bytes"), "kib": (2048, "2.00 KB"), "gib": (256 * 1024 ** 3, "256.00 GB")}


@pytest.mark.parametrize(("size", "shown"), SIZES.values(), ids=SIZES.keys())
def test_sizes_are_shown_in_steps_of_1024(size: int, shown: str) -> None:
    assert storage.human(size) == shown


CAPABILITIES = {
    "all of them": ("CapEff:\t000001ffffffffff\n", 40, ([], "False")),
    "a container's": ("CapEff:\t0000000000000401\n", 40, (["cap_chown", "cap_net_bind_service"], "True")),
    "none": ("CapEff:\t0000000000000000\n", 40, ([], "True")),
    "nothing told": ("Name:\tx\n", 40, ([], "NA")),
}


@pytest.mark.parametrize(("text", "highest", "wanted"), CAPABILITIES.values(), ids=CAPABILITIES.keys())
def test_capabilities_are_named(text: str, highest: int, wanted: tuple[list[str], str]) -> None:
    found = security.parse_capabilities(text, highest)
    assert (found["system_capabilities"], found["system_capabilities_enforced"]) == wanted


def attribute(number: int, data: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(data), number) + data + b"\0" * (-len(data) % 4)


def test_a_netlink_address_message_is_an_address() -> None:
    payload = struct.pack("=BBBBi", socket.AF_INET, 24, 0x80, 0, 2)
    payload += attribute(1, socket.inet_aton("192.0.2.7")) + attribute(2, socket.inet_aton("192.0.2.7"))
    payload += attribute(4, socket.inet_aton("192.0.2.255")) + attribute(3, b"eth0\0")
    assert netlink.parse_address(payload) == {"family": 4, "index": 2, "prefix": 24, "address": "192.0.2.7",
                                              "scope": "global", "label": "eth0", "broadcast": "192.0.2.255"}


def test_netlink_messages_of_wrong_length_end_the_reading() -> None:
    good = struct.pack("=IHHII", 20, 20, 0, 1, 0) + b"abcd"
    assert list(netlink.split(good + struct.pack("=IHHII", 3, 20, 0, 1, 0))) == [(20, b"abcd")]
    assert list(netlink.split(b"\1\2")) == []
    assert netlink.attributes(struct.pack("=HH", 2, 1), 0) == {}


def test_second_addresses_and_labels_find_their_place() -> None:
    def entry(address: str, label: str) -> dict[str, Any]:
        return {"family": 4, "index": 2, "prefix": 24, "address": address, "scope": "global", "label": label,
                "broadcast": "192.0.2.255"}
    interfaces: dict[str, Any] = {"eth0": {"device": "eth0"}}
    network.place([entry("192.0.2.7", "eth0"), entry("192.0.2.8", "eth0:1")], {2: "eth0"}, interfaces)
    assert interfaces["eth0"]["ipv4"]["network"] == "192.0.2.0"
    assert [values["address"] for values in interfaces["eth0"]["ipv4_secondaries"]] == ["192.0.2.8"]
    assert interfaces["eth0:1"]["ipv4"]["address"] == "192.0.2.8"


@pytest.mark.parametrize("address, prefix", [
    ("192.0.2.7", 24), ("10.200.3.4", 9), ("10.0.0.1", 31), ("10.0.0.1", 32), ("203.0.113.9", 0), ("172.31.255.1", 17)])
def test_an_address_has_the_network_that_the_standard_library_gives_it(address: str, prefix: int) -> None:
    wanted = ipaddress.ip_network(f"{address}/{prefix}", strict=False)
    found = network.ipv4({"address": address, "prefix": prefix, "broadcast": ""})
    assert (found["network"], found["netmask"]) == (str(wanted.network_address), str(wanted.netmask))


@pytest.mark.parametrize("epoch", [0.0, 951782400.5, 1700000000.1234567, 1999999999.9999996, 4102444799.000001])
def test_a_moment_is_told_as_the_standard_library_tells_it(epoch: float) -> None:
    now, utc = datetime.datetime.fromtimestamp(epoch), datetime.datetime.fromtimestamp(epoch, datetime.UTC)
    found = platform.times_of(epoch)
    assert found["iso8601_micro"] == utc.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert found["iso8601_basic"] == now.strftime("%Y%m%dT%H%M%S%f")
    assert (found["iso8601"], found["date"], found["time"], found["weekday"], found["weeknumber"]) == (
        utc.strftime("%Y-%m-%dT%H:%M:%SZ"), *now.strftime("%Y-%m-%d %H:%M:%S %A %W").split())


@pytest.mark.parametrize("node", [socket.gethostname(), "localhost", "no-such-host.invalid", "müller.invalid"])
def test_the_full_name_is_the_one_that_the_standard_library_finds(node: str) -> None:
    wanted = socket.getfqdn(node if node.isascii() else "")
    assert platform.qualified(node) == wanted


@pytest.mark.parametrize("size", [0, 5, 16 * 1024, 16 * 1024 + 1, reading.LIMIT_BYTES + 7])
def test_a_file_is_read_to_its_end_or_the_limit(tmp_path: Any, size: int) -> None:
    (tmp_path / "file").write_bytes(b"x" * size)
    assert reading.text(str(tmp_path / "file")) == "x" * min(size, reading.LIMIT_BYTES)
    assert reading.text(str(tmp_path), "a folder") == "a folder"


def evidence(**more: Any) -> dict[str, Any]:
    names = ("cgroup", "environ", "container", "cpuinfo", "product", "vendor", "bios", "hypervisor", "modules", "xen",
             "status")
    return {**dict.fromkeys(names, ""), "exists": frozenset(), **more}


MACHINES = {
    "docker": (evidence(exists=frozenset(["/.dockerenv"])), ("docker", "guest", ["docker", "container"])),
    "podman": (evidence(environ="PATH=/bin\0container=podman\0"), ("podman", "guest", ["podman", "container"])),
    "lxc": (evidence(environ="container=lxc\0"), ("lxc", "guest", ["lxc", "container"])),
    "nspawn": (evidence(container="systemd-nspawn"), ("systemd-nspawn", "guest", ["systemd-nspawn", "container"])),
    "kvm": (evidence(vendor="QEMU", product="Standard PC (Q35 + ICH9, 2009)"), ("kvm", "guest", ["kvm"])),
    "vmware": (evidence(vendor="VMware, Inc.", product="VMware Virtual Platform"), ("VMware", "guest", ["VMware"])),
    "virtualbox": (evidence(vendor="innotek GmbH", product="VirtualBox"), ("virtualbox", "guest", ["virtualbox"])),
    "hyper-v": (evidence(vendor="Microsoft Corporation", product="Virtual Machine"),
                ("VirtualPC", "guest", ["VirtualPC"])),
    "xen": (evidence(hypervisor="xen"), ("xen", "guest", ["xen"])),
    "kvm host": (evidence(modules="kvm_intel 1 0 - Live 0x0\n"), ("kvm", "host", [])),
    "bare metal": (evidence(vendor="Dell Inc.", product="PowerEdge R640"), ("NA", "NA", [])),
}


@pytest.mark.parametrize(("given", "wanted"), MACHINES.values(), ids=MACHINES.keys())
def test_a_guest_is_told_by_its_evidence(given: dict[str, Any], wanted: tuple[str, str, list[str]]) -> None:
    found = virtualization.judge(given)
    assert (found["virtualization_type"], found["virtualization_role"], found["virtualization_tech_guest"]) == wanted


INITS = {
    "systemd": ("systemd", "", set(), "systemd"),
    "systemd called init": ("init", "", {"/run/systemd/system"}, "systemd"),
    "openrc": ("init", "", {"/sbin/openrc"}, "openrc"),
    "upstart": ("init", "", {"/etc/init", "/sbin/initctl"}, "upstart"),
    "sysvinit": ("init", "", {"/etc/init.d"}, "sysvinit"),
    "a container's own": ("tini", "", set(), "tini"),
    "a shell in a container": ("sh", "", {"/etc/init.d"}, "sysvinit"),
    "runit": ("runit-init", "", set(), "runit"),
}


@pytest.mark.parametrize(("first", "link", "paths", "wanted"), INITS.values(), ids=INITS.keys())
def test_the_service_manager_is_told(first: str, link: str, paths: set[str], wanted: str) -> None:
    assert software.service_manager(first, link, paths.__contains__) == wanted


PACKAGERS = {
    "debian": ("Debian", {"/usr/bin/apt-get"}, "apt"),
    "debian with dnf installed": ("Debian", {"/usr/bin/apt-get", "/usr/bin/dnf"}, "apt"),
    "red hat with apt installed": ("RedHat", {"/usr/bin/apt-get", "/usr/bin/dnf"}, "dnf"),
    "fedora 41": ("RedHat", {"/usr/bin/dnf5", "/usr/bin/dnf"}, "dnf5"),
    "centos 7": ("RedHat", {"/usr/bin/yum"}, "yum"),
    "suse": ("Suse", {"/usr/bin/zypper"}, "zypper"),
    "arch": ("Archlinux", {"/usr/bin/pacman"}, "pacman"),
    "alpine": ("Alpine", {"/sbin/apk"}, "apk"),
    "none": ("Linux", set(), "unknown"),
}


@pytest.mark.parametrize(("family", "paths", "wanted"), PACKAGERS.values(), ids=PACKAGERS.keys())
def test_the_package_manager_is_told(family: str, paths: set[str], wanted: str) -> None:
    assert software.manager(family, paths.__contains__) == wanted


MIN = list(subsets.MIN)
SUBSETS = {
    "all": (["all"], list(subsets.SUBJECTS)),
    "min": (["min"], MIN),
    "not all": (["!all"], MIN),
    "neither": (["!all", "!min"], []),
    "one more": (["network"], [*MIN, "network", "storage_network"]),
    "one only": (["!all", "!min", "virtual"], ["virtual"]),
    "a single fact": (["!all", "!min", "os_family"], ["distribution"]),
    "all but hardware": (["all", "!hardware"],
                         [name for name in subsets.SUBJECTS if name not in subsets.GROUPS["hardware"]]),
    "an exclusion adds nothing": (["!virtual"], MIN),
    "min but one": (["!env"], [name for name in MIN if name != "env"]),
    "another system's": (["facter"], MIN),
}


@pytest.mark.parametrize(("wanted", "subjects"), SUBSETS.values(), ids=SUBSETS.keys())
def test_a_subset_names_its_subjects(wanted: list[str], subjects: list[str]) -> None:
    assert subsets.resolve(wanted) == subjects


def test_excluding_what_is_unknown_excludes_nothing() -> None:
    assert subsets.resolve(["!nettwork", "!virtual"]) == subsets.resolve(["!virtual"])


def test_an_unknown_subset_lists_the_known_ones() -> None:
    with pytest.raises(Failed, match="Bad subset 'nettwork' given to Ansible.*network"):
        subsets.resolve(["nettwork"])
