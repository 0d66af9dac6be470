"""What a module may do with a host: read, run, and put files in place in one act."""

from __future__ import annotations

import hashlib
import os
import stat
import time
from pathlib import Path

import pytest

from agentlet import files
from agentlet.host import Act, local_host
from agentlet.output import HeadTail
from modules.api import Failed


@pytest.fixture
def host() -> Act:
    return local_host()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_command_gets_its_words_and_no_shell(host: Act) -> None:
    done = host.query(["printf", "%s|", "a b", "$HOME", "*"])
    assert (done.rc, done.stdout, done.stderr) == (0, "a b|$HOME|*|", "")


def test_a_line_for_a_shell_must_be_asked_for(host: Act) -> None:
    assert host.run("echo $((1+1)); exit 3", shell=True).rc == 3
    assert host.run("echo ${BASH_VERSION:+bash}", shell=True, executable="/bin/bash").stdout == "bash\n"


def test_input_environment_directory_and_umask_reach_it(tmp_path: Path) -> None:
    host = local_host(environment={"A": "task", "B": "task"})
    line = "cat; printf '%s %s ' $A $B; pwd; umask"
    done = host.run(line, shell=True, input="in ", env={"B": "call"}, cwd=str(tmp_path), umask=0o027)
    assert done.stdout == f"in task call {tmp_path}\n0027\n"


def test_large_input_and_output_at_once_do_not_block(host: Act) -> None:
    data = "x" * 3_000_000
    assert host.query(["cat"], input=data).stdout == data
    assert host.query(["true"], input=data).rc == 0


def test_stdin_is_empty_unless_given(host: Act) -> None:
    assert host.query(["cat"]).stdout == ""


@pytest.mark.parametrize(
    ("argv", "options", "code"),
    [
        (["/nowhere/x"], {}, "command_not_found"),
        (["/etc"], {}, "permission_denied"),
        (["true"], {"cwd": "/nowhere"}, "no_directory"),
    ],
    ids=["missing", "not executable", "no directory"],
)
def test_what_cannot_be_started_says_why(host: Act, argv: list[str], options: dict[str, str], code: str) -> None:
    with pytest.raises(Failed) as caught:
        host.query(argv, **options)
    assert caught.value.code == code


def test_a_timeout_ends_the_command_and_its_children(host: Act) -> None:
    done = host.run("echo before; sleep 51 & sleep 52", shell=True, timeout_s=0.3)
    assert done.timed_out and done.rc != 0 and done.stdout == "before\n"


def test_a_background_process_is_not_waited_for(host: Act) -> None:
    begun = time.monotonic()
    assert host.run("sleep 20 & echo started", shell=True).stdout == "started\n"
    assert time.monotonic() - begun < 15


def test_which_looks_in_the_tasks_path_and_in_sbin(tmp_path: Path) -> None:
    (tmp_path / "tool").write_text("#!/bin/sh\n")
    assert local_host(environment={"PATH": str(tmp_path)}).which("tool") is None
    (tmp_path / "tool").chmod(0o755)
    host = local_host(environment={"PATH": str(tmp_path)})
    assert host.which("tool") == str(tmp_path / "tool")
    assert host.which("nologin") == "/usr/sbin/nologin"
    assert host.which("no-such-command") is None and host.which("/bin/sh") == "/bin/sh"


def test_a_new_file_has_the_mode_of_the_umask(host: Act, tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        host.write(str(tmp_path / "new"), "ü\udcff")
    finally:
        os.umask(old)
    assert mode(tmp_path / "new") == 0o640 and (tmp_path / "new").read_bytes() == "ü".encode() + b"\xff"


def test_mode_and_owner_are_kept_unless_given(host: Act, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o604)
    if os.geteuid() == 0:
        os.chown(path, 12, 34)
    host.write(str(path), b"new")
    assert mode(path) == 0o604 and path.read_text() == "new"
    assert os.geteuid() or (path.stat().st_uid, path.stat().st_gid) == (12, 34)
    host.write(str(path), b"newer", mode=0o600, owner=str(os.geteuid()), group=os.getegid())
    assert mode(path) == 0o600 and path.stat().st_uid == os.geteuid()
    assert os.listdir(tmp_path) == ["file"]


def test_a_link_is_replaced_and_its_target_left(host: Act, tmp_path: Path) -> None:
    (tmp_path / "target").write_text("old")
    (tmp_path / "link").symlink_to("target")
    host.write(str(tmp_path / "link"), "new")
    assert not (tmp_path / "link").is_symlink() and (tmp_path / "target").read_text() == "old"


@pytest.mark.parametrize(
    ("path", "options", "code"),
    [
        ("nowhere/file", {}, "no_path"),
        ("file", {"owner": "nobody-here"}, "no_user"),
        ("file", {"group": "no-group"}, "no_group"),
        ("directory", {}, "os_error"),
    ],
)
def test_a_write_that_fails_leaves_nothing_behind(
    host: Act, tmp_path: Path, path: str, options: dict[str, str], code: str
) -> None:
    (tmp_path / "directory").mkdir()
    with pytest.raises(Failed) as caught:
        host.write(str(tmp_path / path), "x", **options)
    assert caught.value.code == code
    assert os.listdir(tmp_path) == ["directory"]


def test_a_full_disk_is_no_space() -> None:
    fd = os.open("/dev/full", os.O_WRONLY)
    with pytest.raises(OSError) as caught:
        files.write_all(fd, b"x")
    os.close(fd)
    assert files.failed(caught.value, "/x", "write").code == "no_space"


def test_temp_files_are_private_and_beside(host: Act, tmp_path: Path) -> None:
    path = Path(host.tempfile(dir=str(tmp_path), suffix=".conf"))
    assert path.parent == tmp_path and path.suffix == ".conf" and mode(path) == 0o600
    host.close()
    assert not path.exists()


def test_blobs_come_from_what_the_test_gives(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"data")
    digest = hashlib.sha256(b"data").hexdigest()
    ref = {"blob": digest, "size": 4}
    host = local_host(blobs={digest: tmp_path / "source"})
    assert host.blob_bytes(ref, 10) == b"data"
    assert Path(host.blob_file(ref, str(tmp_path))).read_bytes() == b"data"
    with pytest.raises(Failed):
        host.blob_bytes({"blob": "0" * 64, "size": 4}, 10)
    for bad in ({"blob": "../../etc/passwd", "size": 1}, {"blob": digest}, "text", {"blob": digest, "size": -1}):
        with pytest.raises(Failed, match="reference"):
            host.blob_file(bad, str(tmp_path))


def test_uploads_go_where_the_test_says(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"data")
    sent = local_host(uploads_dir=tmp_path).send(str(tmp_path / "source"))
    assert (tmp_path / sent["stream"]).read_bytes() == b"data"
    assert sent["sha256"] == hashlib.sha256(b"data").hexdigest() and sent["size"] == 4


def test_digests_are_those_of_the_file(host: Act, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"x")
    assert host.digest(str(tmp_path / "f"), "sha1") == hashlib.sha1(b"x").hexdigest()
    with pytest.raises(Failed):
        host.digest(str(tmp_path / "f"), "no-such")


@pytest.mark.parametrize("sizes", [[3], [4, 4], [10], [1] * 30, [100, 1], [9, 0, 9]], ids=str)
def test_head_and_tail_are_kept_and_the_whole_is_summed(sizes: list[int]) -> None:
    kept, whole = HeadTail(limit=8), b""
    for number, size in enumerate(sizes):
        data = bytes([97 + number % 26]) * size
        kept.add(data)
        whole += data
    if len(whole) <= 8:
        assert kept.data() == whole and not kept.truncated
    else:
        assert kept.truncated
        assert kept.data().startswith(whole[:4]) and kept.data().endswith(whole[-4:])
        assert hashlib.sha256(whole).hexdigest().encode() in kept.data()
        assert f"{len(whole) - 8} of {len(whole)} bytes left out".encode() in kept.data()
