"""git against real repositories: clone, move, versions of every kind, local changes, submodules, hostile values."""

from __future__ import annotations

import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from modules.support.git_commands import ssh_command


class Upstream:
    """A repository with two commits, a branch ``dev`` and an annotated tag ``v1``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = f"file://{path}"
        path.mkdir()
        self("init", "-q", "-b", "main")
        self.first = self.commit("f", b"1\r\n\xff")
        self("tag", "-a", "v1", "-m", "one")
        self.second = self.commit("f", b"2")
        self("checkout", "-q", "-b", "dev")
        self.dev = self.commit("g", b"dev")
        self("checkout", "-q", "main")

    def __call__(self, *argv: str) -> str:
        who = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "protocol.file.allow=always"]
        done = subprocess.run(["git", *who, *argv], cwd=self.path, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self, name: str, data: bytes) -> str:
        (self.path / name).write_bytes(data)
        self("add", name)
        self("commit", "-q", "-m", name)
        return self("rev-parse", "HEAD")


@pytest.fixture
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Upstream:
    return Upstream(tmp_path_factory.mktemp("git") / "up")


def run(on_host: Any, upstream: Upstream, dest: Path, changes: bool = True, **args: Any) -> dict[str, Any]:
    """Like `converge`, without the byte-for-byte watch: git touches its own index when it is asked for a status."""
    asked = {"repo": upstream.url, "dest": str(dest), **args}
    predicted = on_host.run("git", asked, check=True)
    done = on_host.run("git", asked)
    assert done["status"] == ("changed" if changes else "ok"), done
    assert (predicted["status"], predicted["values"]["after"]) == (done["status"], done["values"]["after"])
    again = on_host.run("git", asked)
    assert (again["status"], again["values"]["after"]) == ("ok", done["values"]["after"]), again
    values: dict[str, Any] = done["values"]
    return values


def test_clone_then_follow(on_host: Any, upstream: Upstream, tmp_path: Path) -> None:
    dest = tmp_path / "deep" / "w"
    values = run(on_host, upstream, dest)
    assert (values["before"], values["after"]) == (None, upstream.second)
    third = upstream.commit("f", b"3")
    values = run(on_host, upstream, dest)
    assert (values["before"], values["after"]) == (upstream.second, third)
    assert (dest / "f").read_bytes() == b"3"


@pytest.mark.parametrize("depth", [None, 1])
@pytest.mark.parametrize("single", [False, True])
@pytest.mark.parametrize("name", ["main", "dev", "v1", "HEAD"])
def test_every_kind_of_version(on_host: Any, upstream: Upstream, tmp_path: Path, name: str, single: bool,
                               depth: int | None) -> None:
    commits = {"main": upstream.second, "dev": upstream.dev, "v1": upstream.first, "HEAD": upstream.second}
    values = run(on_host, upstream, tmp_path / "w", version=name, depth=depth, single_branch=single)
    assert values["after"] == commits[name]


def test_from_branch_to_tag_to_commit_and_back(on_host: Any, upstream: Upstream, tmp_path: Path) -> None:
    for version, commit in (("dev", upstream.dev), ("v1", upstream.first), (upstream.second, upstream.second),
                            ("main", upstream.second), ("dev", upstream.dev)):
        on_host.run("git", {"repo": upstream.url, "dest": str(tmp_path / "w"), "version": version})
        assert run(on_host, upstream, tmp_path / "w", changes=False, version=version)["after"] == commit


def test_local_changes_stop_it_and_force_throws_them_away(on_host: Any, upstream: Upstream, tmp_path: Path) -> None:
    run(on_host, upstream, tmp_path / "w")
    (tmp_path / "w/f").write_bytes(b"mine")
    (tmp_path / "w/untracked").write_bytes(b"mine")
    args = {"repo": upstream.url, "dest": str(tmp_path / "w")}
    on_host.fails("git", args, code="local_changes", says="Local modifications exist in the destination")
    run(on_host, upstream, tmp_path / "w", force=True)
    assert ((tmp_path / "w/f").read_bytes(), (tmp_path / "w/untracked").read_bytes()) == (b"2", b"mine")


def test_no_clone_and_no_update(on_host: Any, upstream: Upstream, tmp_path: Path) -> None:
    values = run(on_host, upstream, tmp_path / "w", changes=False, clone=False)
    assert values["after"] == upstream.second and not (tmp_path / "w").exists()
    run(on_host, upstream, tmp_path / "w")
    upstream.commit("f", b"3")
    assert run(on_host, upstream, tmp_path / "w", changes=False, update=False)["after"] == upstream.second


def test_a_repository_is_asked_without_a_working_tree(on_host: Any, upstream: Upstream) -> None:
    asked = {"repo": upstream.url, "clone": False, "update": False, "version": "v1"}
    assert on_host.run("git", asked)["values"]["after"] == upstream.first
    on_host.fails("git", {"repo": upstream.url}, code="bad_arguments", says="destination directory must be specified")


def test_a_moved_repository_and_another_remote_name(on_host: Any, upstream: Upstream, tmp_path: Path,
                                                    tmp_path_factory: Any) -> None:
    run(on_host, upstream, tmp_path / "w", remote="up")
    other = Upstream(tmp_path_factory.mktemp("git") / "other")
    assert run(on_host, other, tmp_path / "w", remote="up")["remote_url_changed"] is True


def test_a_bare_repository(on_host: Any, upstream: Upstream, tmp_path: Path) -> None:
    run(on_host, upstream, tmp_path / "b", bare=True)
    third = upstream.commit("f", b"3")
    assert run(on_host, upstream, tmp_path / "b", bare=True)["after"] == third


def test_submodules_come_along(on_host: Any, upstream: Upstream, tmp_path: Path, tmp_path_factory: Any,
                               monkeypatch: pytest.MonkeyPatch) -> None:
    inner = Upstream(tmp_path_factory.mktemp("git") / "inner")
    upstream("submodule", "--quiet", "add", inner.url, "sub")
    upstream("commit", "-q", "-m", "sub")
    for name, value in {"COUNT": "1", "KEY_0": "protocol.file.allow", "VALUE_0": "always"}.items():
        monkeypatch.setenv(f"GIT_CONFIG_{name}", value)
    run(on_host, upstream, tmp_path / "w")
    assert (tmp_path / "w/sub/f").read_bytes() == b"2"
    inner.commit("f", b"tip")
    run(on_host, upstream, tmp_path / "w", changes=False)
    run(on_host, upstream, tmp_path / "w", track_submodules=True)
    assert (tmp_path / "w/sub/f").read_bytes() == b"tip"


def test_a_refspec_reaches_what_is_no_branch(on_host: Any, upstream: Upstream, tmp_path: Path) -> None:
    upstream("update-ref", "refs/pull/7/head", upstream.dev)
    on_host.run("git", {"repo": upstream.url, "dest": str(tmp_path / "w"), "version": upstream.dev,
                        "refspec": "+refs/pull/*:refs/remotes/origin/pull/*"})
    assert (tmp_path / "w/g").read_bytes() == b"dev"


def _packed(path: Path) -> dict[str, bytes]:
    """The files in an archive, by name."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    with tarfile.open(path) as packed:
        return {one.name: opened.read() for one in packed if (opened := packed.extractfile(one))}


@pytest.mark.parametrize("suffix", ["zip", "tar", "tar.gz", "tgz"])
def test_the_version_is_kept_in_an_archive(on_host: Any, upstream: Upstream, tmp_path: Path, suffix: str) -> None:
    made = tmp_path / f"a.{suffix}"
    args = {"archive": str(made), "archive_prefix": "app/", "version": "v1"}
    run(on_host, upstream, tmp_path / "w", **args)
    assert _packed(made) == {"app/f": b"1\r\n\xff"}
    made.write_bytes(b"another")
    made.chmod(0o640)
    values = run(on_host, upstream, tmp_path / "w", **args)
    assert values["before"] == values["after"] == upstream.first and values["archive"] == str(made)
    assert _packed(made) == {"app/f": b"1\r\n\xff"} and made.stat().st_mode & 0o777 == 0o640
    run(on_host, upstream, tmp_path / "w", **{**args, "archive_prefix": None})
    assert list(_packed(made)) == ["f"]
    run(on_host, upstream, tmp_path / "w", **{**args, "version": "main"})
    assert _packed(made) == {"app/f": b"2"}


def test_check_mode_makes_no_archive(on_host: Any, upstream: Upstream, tmp_path: Path) -> None:
    run(on_host, upstream, tmp_path / "w")
    args = {"repo": upstream.url, "dest": str(tmp_path / "w"), "archive": str(tmp_path / "a.tar")}
    assert on_host.run("git", args, check=True)["status"] == "changed" and not (tmp_path / "a.tar").exists()


def test_without_update_the_archive_is_of_what_is_there(on_host: Any, upstream: Upstream, tmp_path: Path) -> None:
    run(on_host, upstream, tmp_path / "w")
    upstream.commit("f", b"3")
    run(on_host, upstream, tmp_path / "w", update=False, archive="in.tar")
    assert _packed(tmp_path / "w/in.tar") == {"f": b"2"}
    run(on_host, upstream, tmp_path / "w", update=False, archive=str(tmp_path / "b.tar"), version="v1")
    assert _packed(tmp_path / "b.tar") == {"f": b"1\r\n\xff"}


def test_a_large_archive_is_compared_whole(on_host: Any, upstream: Upstream, tmp_path: Path) -> None:
    upstream.commit("large", bytes(range(256)) * (5 << 12))
    run(on_host, upstream, tmp_path / "w", archive=str(tmp_path / "a.tar"))
    with (tmp_path / "a.tar").open("r+b") as file:
        file.seek(3 << 20)
        file.write(b"!")
    run(on_host, upstream, tmp_path / "w", archive=str(tmp_path / "a.tar"))


HOSTILE = [{"repo": "--upload-pack=touch pwned"}, {"repo": "ext::sh -c touch% pwned"}, {"version": "--orphan"},
           {"repo": "ssh://-oProxyCommand=touch pwned/x"}, {"repo": "-oProxyCommand=x:y"}, {"remote": "--exec=x"},
           {"refspec": "--upload-pack=x"}, {"reference": "-x"}]


@pytest.mark.parametrize("args", HOSTILE, ids=str)
def test_no_value_is_taken_for_an_option(on_host: Any, upstream: Upstream, tmp_path: Path,
                                         args: dict[str, Any]) -> None:
    on_host.fails("git", {"repo": upstream.url, "dest": str(tmp_path / "w"), **args}, code="bad_arguments")


@pytest.mark.parametrize(("args", "code", "says"), [
    ({"version": "nosuch"}, "no_version", "no such branch, tag or commit"),
    ({"repo": "file:///none"}, "git", "git ls-remote failed"),
    ({"executable": "/none/git"}, "command_not_found", ""),
    ({"archive": "/none/a.rar"}, "bad_arguments", "Unable to get file extension"),
    ({"archive_prefix": "a/"}, "bad_arguments", "archive"),
], ids=["version", "repository", "git", "archive", "prefix"])
def test_it_says_what_is_wrong(on_host: Any, upstream: Upstream, tmp_path: Path, args: dict[str, Any], code: str,
                               says: str) -> None:
    on_host.fails("git", {"repo": upstream.url, "dest": str(tmp_path / "w"), **args}, code=code, says=says)


SSH = {"key_file": None, "accept_hostkey": False, "accept_newhostkey": False, "ssh_opts": None}


@pytest.mark.parametrize(("args", "environment", "command"), [
    ({}, {}, "ssh -o BatchMode=yes"),
    ({}, {"GIT_SSH_COMMAND": "own"}, None),
    ({"key_file": "/a b;c"}, {}, "ssh -o BatchMode=yes -i '/a b;c' -o IdentitiesOnly=yes"),
    ({"accept_newhostkey": True}, {}, "ssh -o BatchMode=yes -o StrictHostKeyChecking=accept-new"),
    ({"ssh_opts": "-p 22; id"}, {}, "ssh -o BatchMode=yes -p '22;' id"),
], ids=["plain", "own", "key", "new-keys", "no-shell"])
def test_the_ssh_command_is_quoted(args: dict[str, Any], environment: dict[str, str], command: str | None) -> None:
    assert ssh_command({**SSH, **args}, environment) == command
