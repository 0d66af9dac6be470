"""apt's sources: lines and files, and a repository, a key and a deb822 source on a lab host."""

from __future__ import annotations

from typing import Any

import pytest

from modules import deb822_repository
from modules.api import Failed
from modules.support.apt import sources_list
from modules.support.keys import key_source
from tests.lab.fixtures import LabHosts
from tests.modules.pgp_keys import B_SUB, KEY_A, KEY_B, A, B
from tests.modules.remote import Remote


@pytest.fixture
def remote(lab_hosts: LabHosts) -> Remote:
    return Remote(lab_hosts(1)[0])


LINES: dict[str, tuple[str, tuple[str, bool] | None]] = {
    "plain": ("deb http://a/x stable main\n", ("deb http://a/x stable main", True)),
    "spaces": ("  deb\thttp://a/x   stable main  ", ("deb http://a/x stable main", True)),
    "options": ("deb [ arch=amd64  trusted=yes ] http://a/ ./", ("deb [arch=amd64 trusted=yes] http://a/ ./", True)),
    "a comment behind": ("deb-src http://a/x s m # why", ("deb-src http://a/x s m", True)),
    "off": ("#deb http://a/x s m", ("deb http://a/x s m", False)),
    "off twice": ("# # deb [arch=i386] http://a/x s m", ("deb [arch=i386] http://a/x s m", False)),
    "a sentence": ("# deb packages live here", None), "a remark": ("## a comment", None), "empty": ("\n", None),
    "another type": ("rpm http://a/x", None), "only a type": ("deb", None),
}


@pytest.mark.parametrize(("line", "parts"), LINES.values(), ids=LINES.keys())
def test_a_line_of_sources_is_read(line: str, parts: tuple[str, bool] | None) -> None:
    assert sources_list.sources_of(line) == parts


NAMES = {
    "https://user:pw@artifacts.elastic.co:8443/packages/6.x/apt": "artifacts_elastic_co_8443_packages_6_x_apt",
    "http://dl.example/linux+x/~a": "dl_example_linux_x_a", "file:/srv/repo": "file_srv_repo",
    "http://archive.canonical.com/ubuntu": "archive_canonical_com_ubuntu", "http://z.example/z/": "z_example_z",
}


@pytest.mark.parametrize(("uri", "name"), NAMES.items(), ids=NAMES.values())
def test_a_file_is_named_as_ansible_names_it(uri: str, name: str) -> None:
    assert sources_list.file_name(f"deb [arch=amd64 signed-by=/k/x] {uri} stable main") == name


NEW = "/etc/apt/sources.list.d/new.list"
MINE = "/etc/apt/sources.list.d/mine.list"
SOURCE = "deb http://a/x s m"
EDITS: dict[str, tuple[dict[str, str], dict[str, str | None], dict[str, str | None]]] = {
    "nowhere": ({}, {NEW: SOURCE + "\n"}, {}),
    "there": ({MINE: "deb  http://a/x s  m\n"}, {}, {MINE: None}),
    "off": ({MINE: "## hi\n# deb http://a/x s m\n"}, {MINE: "## hi\ndeb http://a/x s m\n"}, {}),
    "among others": ({MINE: f"# c\n{SOURCE} # why\n\nbroken\n"}, {}, {MINE: "# c\n\nbroken\n"}),
    "behind a file without end": ({NEW: "# c"}, {NEW: f"# c\n{SOURCE}\n"}, {}),
    "the main file stays": ({sources_list.MAIN: SOURCE + "\n"}, {}, {sources_list.MAIN: ""}),
    "other components": ({MINE: SOURCE + " c\n"}, {NEW: SOURCE + "\n"}, {}),
    "in two files": ({MINE: SOURCE + "\n", NEW: SOURCE + "\nx\n"}, {}, {MINE: None, NEW: "x\n"}),
    "bytes that are not utf-8": ({NEW: "# \udcff\r\n"}, {NEW: f"# \udcff\r\n{SOURCE}\n"}, {}),
}


@pytest.mark.parametrize(("files", "present", "absent"), EDITS.values(), ids=EDITS.keys())
def test_sources_are_edited(files: dict[str, str], present: Any, absent: Any) -> None:
    assert sources_list.added(files, SOURCE, NEW) == present
    assert sources_list.removed(files, SOURCE) == absent


@pytest.mark.parametrize("repo", ["rubbish", "deb", "http://z s m", "deb http://a s m\ndeb http://b s m", "ppb:x"])
def test_what_is_no_source_is_refused(repo: str) -> None:
    with pytest.raises(Failed) as fault:
        sources_list.valid(repo)
    assert str(fault.value) == f"Invalid repository string: {repo}"


def test_a_repository_comes_and_goes(remote: Remote) -> None:
    look = "cd /etc/apt; ls -l sources.list.d; tail -n +1 sources.list sources.list.d/*"
    args = {"repo": "deb [trusted=yes] file:/srv/none ./", "filename": "none", "mode": "0600", "update_cache": False}
    done = remote.converge("apt_repository", args, look)["values"]
    path = "/etc/apt/sources.list.d/none.list"
    assert (done["sources_added"], done["state"], done["repo"]) == ([path], "present", args["repo"])
    assert remote.shell(f"stat -c %a {path}; cat {path}") == "600\n" + str(args["repo"])
    gone = remote.converge("apt_repository", {**args, "state": "absent"}, look)
    assert gone["values"]["sources_removed"] == [path] and gone["diff"][0]["after_header"] == "/dev/null"
    remote.fails("apt_repository", {"repo": ""}, "no_repo", "Please set argument 'repo' to a non-empty value")


def test_a_repository_that_apt_cannot_fetch_is_taken_back(remote: Remote) -> None:
    look = "cd /etc/apt; ls sources.list.d; md5sum sources.list"
    before = remote.shell(look)
    args = {"repo": "deb [trusted=yes] http://127.0.0.1:1/x stable main", "update_cache_retries": 1}
    remote.fails("apt_repository", args, "cache", "Failed to update apt cache after 1 retries")
    assert remote.shell(look) == before


def test_a_ppa_that_launchpad_does_not_tell_of_is_not_added(remote: Remote) -> None:
    look = "ls /etc/apt/sources.list.d /etc/apt/trusted.gpg.d"
    before = remote.shell(look)
    args = {"repo": "ppa:no-such-owner-at-all/x", "codename": "jammy"}
    predicted = remote.run("apt_repository", args, check=True)
    path = "/etc/apt/sources.list.d/ppa_no_such_owner_at_all_x_jammy.list"
    assert predicted["values"]["sources_added"] == [path]
    remote.fails("apt_repository", args, "no_ppa", "failed to fetch PPA information, error was:")
    assert remote.shell(look) == before


PACKAGE = """
mkdir -p /srv/pool /tmp/pkg/DEBIAN; cd /tmp/pkg
printf 'Package: orch-hello\\nVersion: 1.0\\nArchitecture: all\\nMaintainer: t <t@example.com>\\nDescription: x\\n' \
  > DEBIAN/control
dpkg-deb -b . /srv/pool/orch-hello.deb >/dev/null
cd /srv/pool; printf 'Package: orch-hello\\nVersion: 1.0\\nArchitecture: all\\nFilename: ./orch-hello.deb\\n' > Packages
printf 'Size: %s\\nSHA256: %s\\n' $(stat -c %s orch-hello.deb) $(sha256sum orch-hello.deb | cut -d' ' -f1) >> Packages
"""


@pytest.mark.parametrize("module", ["apt_repository", "deb822_repository"])
def test_a_package_of_a_new_repository_can_be_installed(remote: Remote, module: str) -> None:
    remote.shell(PACKAGE)
    args: dict[str, Any] = {"repo": "deb [trusted=yes] file:/srv/pool ./", "filename": "pool"}
    if module == "deb822_repository":
        args = {"name": "the pool", "uris": "file:/srv/pool", "suites": "./", "trusted": True}
    assert remote.run(module, args)["status"] == "changed"
    remote.shell("apt-get update -q -o Dir::Etc::sourcelist=/dev/null")
    assert remote.run("apt", {"name": "orch-hello"})["status"] == "changed"
    remote.run("apt", {"name": "orch-hello", "state": "absent"})
    assert remote.run(module, {**args, "state": "absent"})["status"] == "changed"
    assert remote.shell("ls /etc/apt/sources.list.d; apt-get update >/dev/null") == ""


KEY_LOOK = "cd /etc/apt; ls -l trusted.gpg* keyrings; md5sum trusted.gpg* trusted.gpg.d/* keyrings/*"


def test_a_key_is_trusted_and_no_longer(remote: Remote) -> None:
    done = remote.converge("apt_key", {"data": KEY_A}, KEY_LOOK)["values"]
    assert done["key_id"] == A[-16:] and done["after"] == done["before"] + [A[-16:]]
    path = f"/etc/apt/trusted.gpg.d/{A}.gpg"
    assert remote.shell(f"stat -c %a {path}") == "644"
    remote.unchanged("apt_key", {"id": A, "url": "http://127.0.0.1:1/never-fetched"})
    remote.converge("apt_key", {"id": "0x" + A[-8:].lower(), "state": "absent"}, KEY_LOOK)
    assert remote.shell(f"ls {path}") == ""


@pytest.mark.parametrize("ring", ["/etc/apt/trusted.gpg.d/mine.gpg", "/etc/apt/keyrings/mine.asc"])
def test_a_ring_holds_several_keys(remote: Remote, ring: str) -> None:
    args = {"keyring": ring}
    remote.shell(f"cat > /root/b.asc <<'END'\n{KEY_B}END")
    remote.converge("apt_key", {**args, "data": KEY_A}, KEY_LOOK)
    remote.converge("apt_key", {**args, "url": "file:///root/b.asc", "id": B_SUB}, KEY_LOOK)
    assert remote.run("apt_key", {**args, "id": A, "data": KEY_A})["values"]["before"] == [A[-16:], B[-16:]]
    remote.converge("apt_key", {**args, "id": A, "state": "absent"}, KEY_LOOK)
    remote.converge("apt_key", {**args, "id": B, "state": "absent"}, KEY_LOOK)
    assert remote.shell(f"ls {ring}") == ""


KEY_FAULTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "another key": ({"data": KEY_A, "id": B}, "wrong_key", "the key that was given is"),
    "no id": ({"state": "absent"}, "bad_id", "Invalid key_id"),
    "no hexadecimal digits": ({"id": "nothex", "data": KEY_A}, "bad_id", "Invalid key_id"),
    "a short id": ({"id": "ABC", "data": KEY_A}, "bad_id", "Invalid key_id"),
    "rubbish": ({"data": "rubbish"}, "bad_key", "no valid OpenPGP data"),
    "no file": ({"file": "/root/nosuch"}, "no_file", "Unable to extract key from '/root/nosuch'"),
    "no answer": ({"url": "http://127.0.0.1:1/x"}, "request", "Failed to download key at http://127.0.0.1:1/x"),
    "no keyserver": ({"keyserver": "http://127.0.0.1:1", "id": B}, "keyserver", "Error fetching key"),
    "two sources": ({"data": KEY_A, "url": "http://a"}, "bad_arguments", "data"),
    "no source": ({"id": B}, "bad_arguments", "must say where the key is"),
}


@pytest.mark.parametrize(("args", "code", "says"), KEY_FAULTS.values(), ids=KEY_FAULTS.keys())
def test_a_key_that_cannot_be_had_is_a_failure(remote: Remote, args: dict[str, Any], code: str, says: str) -> None:
    before = remote.shell(KEY_LOOK)
    remote.fails("apt_key", args, code, says)
    assert remote.shell(KEY_LOOK) == before


SERVERS = {
    "keyserver.ubuntu.com": "https://keyserver.ubuntu.com", "hkp://k.example:80": "http://k.example:80",
    "hkps://k.example": "https://k.example", "http://k.example:8080/": "http://k.example:8080",
    "k.example:11371": "http://k.example:11371",
}


@pytest.mark.parametrize(("server", "base"), SERVERS.items(), ids=SERVERS.keys())
def test_keyservers_are_asked_over_http(server: str, base: str) -> None:
    assert key_source.lookup_url(server, A) == f"{base}/pks/lookup?op=get&options=mr&search=0x{A}"


TITLES = {"ansible-test focal archive": "ansible-test-focal-archive", "My Repo! A_b.c/d": "my-repo-a-bcd", "x": "x"}


@pytest.mark.parametrize(("name", "short"), TITLES.items(), ids=TITLES.values())
def test_a_deb822_file_is_named_as_ansible_names_it(name: str, short: str) -> None:
    assert deb822_repository.short_name(name) == short


def test_a_deb822_source_comes_changes_and_goes(remote: Remote) -> None:
    look = "cd /etc/apt; ls -l sources.list.d keyrings; tail -n +1 sources.list.d/* keyrings/*"
    args = {"name": "My Repo", "uris": ["http://a.example/x", "http://b.example"], "suites": "stable",
            "components": ["main", "contrib"], "enabled": False, "date_max_future": 10, "signed_by": KEY_A}
    done = remote.converge("deb822_repository", args, look)["values"]
    lines = done["repo"].splitlines()
    assert lines[:6] == ["Components: main contrib", "Date-Max-Future: 10", "Enabled: no", "X-Repolib-Name: My Repo",
                         "Signed-By:", "    -----BEGIN PGP PUBLIC KEY BLOCK-----"]
    assert lines[6] == "    ." and lines[-3:] == ["Suites: stable", "Types: deb",
                                                  "URIs: http://a.example/x http://b.example"]
    assert done["dest"] == "/etc/apt/sources.list.d/my-repo.sources" and done["key_filename"] is None
    remote.shell(f"cat > /root/b.asc <<'END'\n{KEY_B}END")
    keyed = remote.converge("deb822_repository", {**args, "signed_by": "file:///root/b.asc"}, look)["values"]
    assert keyed["key_filename"] == "/etc/apt/keyrings/my-repo.asc"
    assert "Signed-By: /etc/apt/keyrings/my-repo.asc\n" in keyed["repo"]
    assert remote.converge("deb822_repository", {**args, "mode": "0600"}, look)["values"]["mode"] == "0600"
    remote.converge("deb822_repository", {"name": "My Repo", "state": "absent"}, look)
    assert remote.shell("ls /etc/apt/sources.list.d /etc/apt/keyrings").split() == [
        "/etc/apt/keyrings:", "/etc/apt/sources.list.d:"]
    remote.fails("deb822_repository", {**args, "signed_by": "http://127.0.0.1:1/k"}, "key",
                 "Could not fetch signed_by key")
