"""mount_facts: the forms of its sources, and this machine's own mounts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modules.mount_facts import parse_listing, parse_table

FSTAB = r"""# a comment
UUID=abc / ext4 defaults 0 1
/dev/sdb1 /mnt/a\040b xfs ro
broken line
/dev/sdb2 /mnt/a\040b ext4 rw 0 2 # an end
server:/x /net nfs4 _netdev
"""


def mounts(on_host: Any, **args: Any) -> dict[str, Any]:
    facts: dict[str, Any] = on_host.run("mount_facts", args)["values"]["ansible_facts"]
    return facts


def test_a_table_is_read_line_by_line() -> None:
    entries = parse_table(FSTAB, "/etc/fstab")
    assert [(e["device"], e["mount"], e["fstype"], e["options"]) for e in entries] == [
        ("UUID=abc", "/", "ext4", "defaults"), ("/dev/sdb1", "/mnt/a b", "xfs", "ro"),
        ("/dev/sdb2", "/mnt/a b", "ext4", "rw"), ("server:/x", "/net", "nfs4", "_netdev")]
    assert (entries[0]["dump"], entries[0]["passno"]) == (0, 1) and "dump" not in entries[1]
    assert entries[0]["ansible_context"] == {"source": "/etc/fstab", "source_data": "UUID=abc / ext4 defaults 0 1"}


def test_what_mount_prints_is_read() -> None:
    [entry] = parse_listing("nothing\n/dev/x on /a b type ext4 (rw,relatime)\n", "mount")
    assert (entry["device"], entry["mount"], entry["options"]) == ("/dev/x", "/a b", "rw,relatime")


def test_the_first_source_counts_and_repeats_are_told(on_host: Any, tmp_path: Path) -> None:
    table = tmp_path / "fstab"
    table.write_text(FSTAB)
    result = on_host.run("mount_facts", {"sources": [str(table)]})
    points = result["values"]["ansible_facts"]["mount_points"]
    assert set(points) == {"/", "/mnt/a b", "/net"} and points["/mnt/a b"]["fstype"] == "xfs"
    assert points["/"]["uuid"] == "abc" and points["/"]["size_total"] > 0 and points["/net"]["uuid"] is None
    assert "ignoring repeat mounts" in result["warnings"][0]
    facts = mounts(on_host, sources=[str(table)], include_aggregate_mounts=True)
    assert [e["fstype"] for e in facts["aggregate_mounts"]] == ["ext4", "xfs", "ext4", "nfs4"]


@pytest.mark.parametrize(("wanted", "points"), [
    ({"fstypes": ["ext*"]}, {"/", "/mnt/a b"}), ({"devices": ["[!/]*:*"]}, {"/net"}),
    ({"devices": ["/dev/*"], "fstypes": ["xfs"]}, {"/mnt/a b"}), ({"fstypes": ["zfs"]}, set()),
], ids=["types", "devices", "both", "none"])
def test_patterns_choose(on_host: Any, tmp_path: Path, wanted: dict[str, Any], points: set[str]) -> None:
    table = tmp_path / "fstab"
    table.write_text(FSTAB)
    found = mounts(on_host, sources=[str(table)], include_aggregate_mounts=False, **wanted)["mount_points"]
    assert set(found) == points


def test_this_machines_mounts_are_the_same_from_the_kernel_and_from_mount(on_host: Any) -> None:
    def points(*sources: str) -> dict[str, Any]:
        found: dict[str, Any] = mounts(on_host, sources=sources, include_aggregate_mounts=True)["mount_points"]
        return found

    def kernels() -> dict[str, Any]:
        return points("/proc/mounts", "/proc/self/mounts")

    kernel, program, later = kernels(), points("mount"), kernels()
    while kernel.keys() != later.keys():  # others mount and unmount here
        kernel, program, later = later, points("mount"), kernels()
    assert kernel["/proc"]["fstype"] == program["/proc"]["fstype"] == "proc"
    assert kernel.keys() >= program.keys()
    assert mounts(on_host, sources=["dynamic"], include_aggregate_mounts=False)["mount_points"].keys() >= {"/proc"}


def test_without_a_file_the_program_is_asked(on_host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modules.mount_facts.DYNAMIC", ("/nonexistent/mounts",))
    assert mounts(on_host, include_aggregate_mounts=False)["mount_points"]["/proc"]["ansible_context"]["source"] == \
        "mount"
    on_host.fails("mount_facts", {"sources": ["dynamic"], "mount_binary": "/no/mount"}, code="no_mount")


@pytest.mark.parametrize(("args", "says"), [({"timeout": -1}, "positive"), ({"sources": [""]}, "empty string")])
def test_senseless_arguments_are_refused(on_host: Any, args: dict[str, Any], says: str) -> None:
    on_host.fails("mount_facts", args, code="bad_arguments", says=says)
