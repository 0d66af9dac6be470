"""unarchive: every format, only what differs, and nothing that leads out of the destination."""

from __future__ import annotations

import io
import os
import shutil
import stat
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.modules.web import serving

DATA = b"caf\xe9\r\n\0" * 999
NAMES = ["a/", "a/b/", "a/b/f", "a/g", "a/l"]


def source(root: Path) -> Path:
    (root / "s/a/b").mkdir(parents=True)
    (root / "s/a/b/f").write_bytes(DATA)
    (root / "s/a/b/f").chmod(0o750)
    (root / "s/a/g").write_bytes(b"g")
    (root / "s/a/l").symlink_to("b/f")
    return root / "s"


def packed(root: Path, how: str) -> bytes:
    folder, out = source(root), root / "archive"
    if how == "random":
        (folder / "a/g").write_bytes(os.urandom(50000))
        how = "gz"
    if how == "zip":
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in NAMES:
                path = folder / name
                info = zipfile.ZipInfo.from_file(path, name) if not path.is_symlink() else zipfile.ZipInfo(name)
                if path.is_symlink():
                    info.external_attr = (stat.S_IFLNK | 0o777) << 16
                    archive.writestr(info, os.readlink(path))
                else:
                    archive.writestr(info, b"" if path.is_dir() else path.read_bytes())
    else:
        with tarfile.open(out, "w" if how in ("tar", "zst") else f"w:{how}") as archive:
            archive.add(folder / "a", "a")
        if how == "zst":
            subprocess.run(["zstd", "-q", "--rm", str(out), "-o", f"{out}.zst"], check=True)
            out = Path(f"{out}.zst")
    return out.read_bytes()


def tar_of(*members: tuple[str, dict[str, Any]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, how in members:
            info = tarfile.TarInfo(name)
            for key, value in how.items():
                setattr(info, key, value)
            archive.addfile(info, io.BytesIO(b"x" * info.size))
    return buffer.getvalue()


@pytest.fixture
def dest(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


HANDLERS = {"zip": "ZipArchive", "tar": "TarArchive", "gz": "TgzArchive", "bz2": "TarBzipArchive", "xz": "TarXzArchive",
            "zst": "TarZstdArchive"}


@pytest.mark.parametrize("how", list(HANDLERS))
def test_the_members_are_there(on_host: Any, tmp_path_factory: Any, dest: Path, how: str) -> None:
    if how == "zst" and not shutil.which("zstd"):
        pytest.skip("no zstd on this machine")
    data = packed(tmp_path_factory.mktemp("source"), how)
    args = {"src": on_host.blob(data), "dest": str(dest), "list_files": True, "_original_basename": "x"}
    done = on_host.converge("unarchive", args)
    assert (dest / "a/b/f").read_bytes() == DATA
    assert (dest / "a/b/f").stat().st_mode & 0o777 == 0o750
    assert os.readlink(dest / "a/l") == "b/f"
    assert sorted(done["values"]["files"]) == NAMES
    assert done["values"]["handler"] == HANDLERS[how]
    (dest / "a/b/f").write_bytes(b"y" * len(DATA))
    again = on_host.converge("unarchive", args)
    assert (dest / "a/b/f").read_bytes() == DATA
    assert again["diff"][0]["after"] == "contents a/b/f\n"


OPTIONS: list[tuple[str, dict[str, Any], list[str]]] = [
    ("include", {"include": ["a/b"]}, ["a", "a/b", "a/b/f"]),
    ("exclude", {"exclude": ["a/b"]}, ["a", "a/g", "a/l"]),
    ("exclude-pattern", {"exclude": ["*/[gl]"]}, ["a", "a/b", "a/b/f"]),
    ("strip", {"extra_opts": ["--strip-components=1"], "exclude": ["l"]}, ["b", "b/f", "g"]),
    ("strip-in-two-words", {"extra_opts": ["--strip-components", "1"], "exclude": ["l"]}, ["b", "b/f", "g"]),
    ("junk-paths", {"extra_opts": ["-j"], "exclude": ["l"]}, ["f", "g"]),
]


@pytest.mark.parametrize(("args", "names"), [row[1:] for row in OPTIONS], ids=[row[0] for row in OPTIONS])
def test_only_some_members(on_host: Any, tmp_path_factory: Any, dest: Path, args: dict[str, Any],
                           names: list[str]) -> None:
    src = on_host.blob(packed(tmp_path_factory.mktemp("source"), "gz"))
    on_host.converge("unarchive", {"src": src, "dest": str(dest), **args})
    assert sorted(os.path.relpath(each, dest) for each in dest.rglob("*")) == names


def test_mode_and_owner_are_as_asked(on_host: Any, tmp_path_factory: Any, dest: Path) -> None:
    src = on_host.blob(packed(tmp_path_factory.mktemp("source"), "gz"))
    owner = {"owner": "4242", "group": "4243"} if os.geteuid() == 0 else {}
    on_host.converge("unarchive", {"src": src, "dest": str(dest), "mode": "u=rwX,go=", **owner})
    assert (dest / "a/b").stat().st_mode & 0o777 == 0o700
    assert (dest / "a/g").stat().st_mode & 0o777 == 0o600
    assert not owner or (dest / "a/l").lstat().st_uid == 4242


def test_a_newer_file_is_kept(on_host: Any, dest: Path) -> None:
    src = on_host.blob(tar_of(("f", {"size": 3, "mtime": 1000})))
    (dest / "f").write_bytes(b"newer")
    on_host.converge("unarchive", {"src": src, "dest": str(dest), "keep_newer": True}, changes=False)


def test_creates_and_paths_of_the_host_and_urls(on_host: Any, tmp_path_factory: Any, dest: Path) -> None:
    folder = tmp_path_factory.mktemp("source")
    data = packed(folder, "gz")
    (folder / "x.tgz").write_bytes(data)
    skipped = on_host.run("unarchive", {"src": "/none", "remote_src": True, "dest": str(dest), "creates": str(dest)})
    assert (skipped["status"], skipped["values"]["msg"]) == ("skipped", f"skipped, since {dest} exists")
    on_host.converge("unarchive", {"src": str(folder / "x.tgz"), "remote_src": True, "dest": str(dest)})
    shutil.rmtree(dest / "a")
    with serving() as web:
        web.files["/x.tgz"] = data
        on_host.converge("unarchive", {"src": f"{web.url}/x.tgz", "remote_src": True, "dest": str(dest)})


LNK, HARD, CHR, FIFO = tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE
HOSTILE: list[tuple[str, tuple[tuple[str, dict[str, Any]], ...]]] = [
    ("parent", (("ok", {"size": 1}), ("../evil", {"size": 1}))),
    ("parent-inside", (("ok", {"size": 1}), ("a/../../evil", {"size": 1}))),
    ("absolute", (("ok", {"size": 1}), ("/tmp/evil", {"size": 1}))),
    ("link-absolute", (("ok", {"size": 1}), ("l", {"type": LNK, "linkname": "/etc"}))),
    ("link-out", (("ok", {"size": 1}), ("a/l", {"type": LNK, "linkname": "../../etc"}))),
    ("link-then-through-it", (("l", {"type": LNK, "linkname": ".."}), ("l/evil", {"size": 1}))),
    ("hard-link-out", (("ok", {"size": 1}), ("h", {"type": HARD, "linkname": "../../etc/passwd"}))),
    ("hard-link-absolute", (("ok", {"size": 1}), ("h", {"type": HARD, "linkname": "/etc/passwd"}))),
    ("device", (("ok", {"size": 1}), ("c", {"type": CHR}))),
    ("pipe", (("ok", {"size": 1}), ("p", {"type": FIFO}))),
]


@pytest.mark.parametrize("members", [row[1] for row in HOSTILE], ids=[row[0] for row in HOSTILE])
def test_nothing_is_written_when_one_member_leads_out(on_host: Any, tmp_path: Path, dest: Path, members: Any) -> None:
    on_host.fails("unarchive", {"src": on_host.blob(tar_of(*members)), "dest": str(dest)}, code="path_denied",
                  says="refusing")


def test_an_absolute_link_may_lead_into_the_destination(on_host: Any, dest: Path) -> None:
    inside = on_host.blob(tar_of(("l", {"type": LNK, "linkname": f"{dest}/f"})))
    on_host.converge("unarchive", {"src": inside, "dest": str(dest)})
    assert os.readlink(dest / "l") == f"{dest}/f"
    beside = on_host.blob(tar_of(("l", {"type": LNK, "linkname": f"{dest}-evil/f"})))
    on_host.fails("unarchive", {"src": beside, "dest": str(dest)}, code="path_denied", says="refusing")


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "a/../../evil"])
def test_a_zip_cannot_lead_out(on_host: Any, dest: Path, name: str) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("ok", b"x")
        archive.writestr(name, b"x")
    on_host.fails("unarchive", {"src": on_host.blob(buffer.getvalue()), "dest": str(dest)}, code="path_denied")


def test_a_link_planted_in_the_destination_is_no_way_out(on_host: Any, tmp_path: Path, dest: Path) -> None:
    (tmp_path / "outside").mkdir()
    (dest / "a").symlink_to("../outside")
    src = on_host.blob(tar_of(("a/evil", {"size": 1})))
    on_host.fails("unarchive", {"src": src, "dest": str(dest)}, code="path_denied", says="a link on the way")


def broken(data: bytes) -> bytes:
    return data[:len(data) // 2]


def whole(data: bytes) -> bytes:
    return data


@pytest.mark.parametrize(("how", "cut", "args", "code"), [
    ("random", broken, {}, "damaged"), ("tar", lambda data: b"no archive" * 99, {}, "no_handler"),
    ("gz", whole, {"dest": "/none"}, "no_path"), ("gz", whole, {"src": "/none", "remote_src": True}, "no_source"),
    ("gz", whole, {"extra_opts": ["--to-command=sh"]}, "bad_arguments"),
    ("gz", whole, {"extra_opts": ["--strip-components=x"]}, "bad_arguments"),
    ("gz", whole, {"include": ["a"], "exclude": ["b"]}, "bad_arguments"),
], ids=["cut-off", "no-archive", "no-dest", "no-source", "dangerous-option", "bad-number", "include-and-exclude"])
def test_it_says_what_is_wrong(on_host: Any, tmp_path_factory: Any, dest: Path, how: str,
                               cut: Callable[[bytes], bytes], args: dict[str, Any], code: str) -> None:
    src = on_host.blob(cut(packed(tmp_path_factory.mktemp("source"), how)))
    on_host.fails("unarchive", {"src": src, "dest": str(dest), **args}, code=code)
