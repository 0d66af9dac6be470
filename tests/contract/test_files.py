"""Files between controller and host: by hash, in chunks, under a window, in flat memory."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from tests.contract.driver import Runtime, blob_ref, rss_bytes, task
from tests.contract.programs import teach

LARGE_BYTES = 300 << 20
FLAT_BYTES = 60 << 20


def test_a_blob_arrives_whole_and_is_asked_for_once(runtime: Runtime, tmp_path: Path) -> None:
    teach(runtime, "put")
    data, path = os.urandom(2_500_000), tmp_path / "there"
    ref = blob_ref(data)
    args = {"src": ref, "path": str(path)}
    assert runtime.run(task("put", args), blobs={ref["blob"]: data}).result["status"] == "changed"
    assert path.read_bytes() == data
    assert runtime.run(task("put", args)).result["status"] == "ok", "nothing is asked for when the bytes are there"
    assert os.listdir(tmp_path) == ["there"]


@pytest.mark.parametrize(
    "data", [b"", b"x", b"y" * (256 << 10), b"z" * (1 << 20)], ids=["empty", "one", "chunk", "window"]
)
def test_sizes_at_the_edges_arrive(newest: str, tmp_path: Path, data: bytes) -> None:
    with Runtime(newest) as runtime:
        teach(runtime, "put", "get")
        ref, path = blob_ref(data), tmp_path / "there"
        runtime.run(task("put", {"src": ref, "path": str(path)}), blobs={ref["blob"]: data})
        assert path.read_bytes() == data
        outcome = runtime.run(task("get", {"path": str(path)}))
        assert bytes(*outcome.uploads.values()) == data
        assert outcome.result["values"]["sent"]["sha256"] == hashlib.sha256(data).hexdigest()


def test_a_blob_for_a_diff_is_fetched_once(newest: str) -> None:
    with Runtime(newest) as runtime:
        teach(runtime, "show")
        ref = blob_ref(b"text")
        outcome = runtime.run(task("show", {"src": ref}), blobs={ref["blob"]: b"text"})
        assert outcome.result["values"] == {"text": "text", "again": "text"}
        assert runtime.run(task("show", {"src": ref, "limit": 3})).code == "blob_too_large"


def _other_bytes(data: bytes) -> bytes:
    return b"!" + data[1:]


DAMAGE = {
    "vanished": (lambda data: None, "blob_unavailable"),
    "other bytes": (_other_bytes, "blob_damaged"),
    "cut": (lambda data: data[:-1], "blob_damaged"),
    "too long": (lambda data: data + b"more" * 500_000, "blob_damaged"),
}


@pytest.mark.parametrize(("change", "code"), DAMAGE.values(), ids=list(DAMAGE))
def test_a_blob_that_is_not_what_was_announced_changes_nothing(newest: str, tmp_path: Path, change, code: str) -> None:  # type: ignore[no-untyped-def]
    with Runtime(newest) as runtime:
        teach(runtime, "put", "tiny")
        data, path = os.urandom(600_000), tmp_path / "there"
        path.write_text("old")
        ref = blob_ref(data)
        sent = change(data)
        outcome = runtime.run(
            task("put", {"src": ref, "path": str(path)}), blobs={} if sent is None else {ref["blob"]: sent}
        )
        assert outcome.code == code
        assert path.read_text() == "old"
        assert os.listdir(tmp_path) == ["there"]
        assert runtime.run(task("put", {"src": ref, "path": str(path)}), blobs={ref["blob"]: data}).status == "ok"


def test_large_files_travel_both_ways_in_flat_memory(newest: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    with open(source, "wb") as opened:
        opened.truncate(LARGE_BYTES)
    digest = subprocess.run(["sha256sum", source], capture_output=True, text=True, check=True).stdout.split()[0]
    ref = {"blob": digest, "size": LARGE_BYTES}
    with Runtime(newest) as runtime:
        teach(runtime, "put", "get")
        outcome = runtime.run(task("put", {"src": ref, "path": str(tmp_path / "there")}), blobs={digest: source})
        assert outcome.status == "ok"
        assert outcome.result["values"]["peak_kb"] * 1024 < FLAT_BYTES
        assert (tmp_path / "there").stat().st_size == LARGE_BYTES
        outcome = runtime.run(task("get", {"path": str(tmp_path / "there")}), keep_uploads=False)
        assert outcome.uploaded_bytes == LARGE_BYTES
        assert outcome.result["values"]["sent"]["sha256"] == digest
        assert outcome.result["values"]["peak_kb"] * 1024 < FLAT_BYTES
        assert rss_bytes(runtime.process.pid) < FLAT_BYTES


def test_a_full_disk_says_so_and_leaves_the_old_file(newest: str, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk]).returncode:
        pytest.skip("no small file system can be mounted here")
    try:
        (disk / "there").write_text("old")
        with Runtime(newest) as runtime:
            teach(runtime, "put")
            data = os.urandom(3 << 20)
            ref = blob_ref(data)
            outcome = runtime.run(task("put", {"src": ref, "path": str(disk / "there")}), blobs={ref["blob"]: data})
            assert outcome.code == "no_space"
        assert os.listdir(disk) == ["there"] and (disk / "there").read_text() == "old"
    finally:
        subprocess.run(["umount", disk], check=True)


UNREADABLE = {"a directory": "/etc", "a device": "/dev/zero", "nothing": "/nowhere"}


@pytest.mark.parametrize("path", UNREADABLE.values(), ids=list(UNREADABLE))
def test_only_files_are_uploaded(newest: str, path: str) -> None:
    with Runtime(newest) as runtime:
        teach(runtime, "get")
        assert runtime.run(task("get", {"path": path})).code in ("not_a_file", "no_path")


def test_a_fifo_does_not_hang_the_upload(newest: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with Runtime(newest) as runtime:
        teach(runtime, "get")
        assert runtime.run(task("get", {"path": str(tmp_path / "fifo")})).code == "not_a_file"
