"""authorized_key, sysctl, modprobe, getent, package_facts, service_facts: what can be shown without a lab."""

from __future__ import annotations

import pwd
import shutil
from pathlib import Path
from typing import Any

import pytest

from modules import authorized_key, getent, package_facts, service_facts, sysctl, user
from modules.support.accounts import local
from tests.modules.conftest import OnHost

ED = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA"
RSA = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAB"

LINES = {
    "plain": (f"{ED} me@here", (None, *ED.split(), "me@here")),
    "no comment": (ED, (None, *ED.split(), "")),
    "options with spaces": (f'command="a b",no-pty {ED} c d', ('command="a b",no-pty', *ED.split(), "c d")),
    "hardware key": ("sk-ssh-ed25519@openssh.com AAAA x", (None, "sk-ssh-ed25519@openssh.com", "AAAA", "x")),
    "a comment": ("# ssh-rsa", None), "rubbish": ("hello world", None), "open quote": ('a="b', None),
}


@pytest.mark.parametrize(("line", "parts"), LINES.values(), ids=LINES.keys())
def test_a_line_of_authorized_keys_is_read(line: str, parts: tuple[Any, ...] | None) -> None:
    assert authorized_key.parse(line) == parts


KEYS: dict[str, tuple[str, dict[str, Any], str]] = {
    "the first key": ("", {"key": f"{ED} a"}, f"{ED} a\n"),
    "another key": (f"# hello\n{RSA} b\n", {"key": f"{ED} a"}, f"# hello\n{RSA} b\n{ED} a\n"),
    "two keys": ("", {"key": f"{ED} a\n\n{RSA} b\n"}, f"{ED} a\n{RSA} b\n"),
    "options change": (f"{RSA} b\n{ED} a\n", {"key": f"{ED} a", "key_options": "no-pty"},
                       f"{RSA} b\nno-pty {ED} a\n"),
    "the comment changes": (f"{ED} a\n", {"key": ED, "comment": "new"}, f"{ED} new\n"),
    "the only key": (f"{RSA} b\n# kept\n", {"key": f"{ED} a", "exclusive": True}, f"# kept\n{ED} a\n"),
    "a key goes": (f"{RSA} b\n{ED} a\n", {"key": ED, "state": "absent"}, f"{RSA} b\n"),
    "a double goes": (f"{ED} a\n{ED} a\n{RSA} b\n", {"key": f"{ED} a"}, f"{ED} a\n{RSA} b\n"),
    "bytes that are not utf-8 stay": (f"# \udcff\n{RSA} b\n", {"key": ED}, f"# \udcff\n{RSA} b\n{ED}\n"),
}


@pytest.mark.parametrize(("before", "args", "after"), KEYS.values(), ids=KEYS.keys())
def test_keys_are_kept(on_host: OnHost, tmp_path: Path, before: str, args: dict[str, Any], after: str) -> None:
    path = tmp_path / "ssh" / "authorized_keys"
    path.parent.mkdir(mode=0o700)
    path.write_bytes(before.encode("utf-8", "surrogateescape"))
    path.chmod(0o600)
    user = pwd.getpwuid(path.stat().st_uid).pw_name
    on_host.converge("authorized_key", {"user": user, "path": str(path), **args})
    assert path.read_bytes().decode("utf-8", "surrogateescape") == after


def test_a_comment_alone_is_no_change(on_host: OnHost, tmp_path: Path) -> None:
    path = tmp_path / "authorized_keys"
    path.write_text(f"no-pty {ED} theirs\n")
    user = pwd.getpwuid(path.stat().st_uid).pw_name
    on_host.converge("authorized_key", {"user": user, "path": str(path), "key": f"{ED} mine"}, changes=False)


def test_a_link_in_place_of_the_folder_is_refused(on_host: OnHost, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "ssh").symlink_to(tmp_path / "real")
    user = pwd.getpwuid(tmp_path.stat().st_uid).pw_name
    on_host.fails("authorized_key", {"user": user, "key": ED, "path": str(tmp_path / "ssh" / "keys")},
                  code="not_a_folder")
    on_host.fails("authorized_key", {"user": user, "key": "no key at all"}, code="bad_key")
    on_host.fails("authorized_key", {"user": "nosuchuser", "key": ED}, code="no_user")


SYSCTL: dict[str, tuple[str, str, str | None, str]] = {
    "into an empty file": ("", "a.b", "1", "a.b=1\n"),
    "behind a last line without end": ("x=1", "a.b", "1", "x=1\na.b=1\n"),
    "in its place": ("a.b = 0\n# c\nx=1\n", "a.b", "1", "a.b=1\n# c\nx=1\n"),
    "spaces are no difference": ("a.b =  4096   87380 \n", "a.b", "4096 87380", "a.b =  4096   87380 \n"),
    "doubles go": ("a.b=1\nx=1\na.b=2\n", "a.b", "3", "x=1\na.b=3\n"),
    "comments do not count": ("#a.b=1\n;a.b=1\n", "a.b", "1", "#a.b=1\n;a.b=1\na.b=1\n"),
    "removed": ("a.b=1\nx=1\n", "a.b", None, "x=1\n"),
    "a line that may fail": ("-a.b=0\n", "a.b", "1", "a.b=1\n"),
}


@pytest.mark.parametrize(("before", "name", "value", "after"), SYSCTL.values(), ids=SYSCTL.keys())
def test_sysctls_file_is_edited(before: str, name: str, value: str | None, after: str) -> None:
    assert sysctl.edit(before, name, value) == after


def test_a_kernel_parameter_is_kept_in_its_file(on_host: OnHost, tmp_path: Path) -> None:
    args = {"name": "net.ipv4.ip_forward", "value": "yes", "sysctl_file": str(tmp_path / "x.conf"), "reload": False}
    on_host.converge("sysctl", args)
    assert (tmp_path / "x.conf").read_text() == "net.ipv4.ip_forward=1\n"
    on_host.fails("sysctl", {**args, "name": "--system"}, code="bad_name")
    on_host.fails("sysctl", {**args, "value": " "}, code="no_value")


def test_entries_of_databases_are_facts(on_host: OnHost) -> None:
    facts = on_host.run("getent", {"database": "passwd", "key": "root"}, check=True)["values"]["ansible_facts"]
    assert facts["getent_passwd"]["root"][1:3] == ["0", "0"]
    on_host.fails("getent", {"database": "passwd", "key": "nosuchuser"}, code="not_found")
    assert on_host.run("getent", {"database": "passwd", "key": "no", "fail_key": False})["status"] == "ok"
    on_host.fails("getent", {"database": "nosuchdatabase"}, code="no_database")
    assert getent.parse("a 1 x\nb 2\na 3\n", None) == {"a": [["1", "x"], ["3"]], "b": ["2"]}


def test_modprobe_refuses_what_is_no_name(on_host: OnHost) -> None:
    on_host.fails("modprobe", {"name": "-r"}, code="bad_name")


def test_installed_packages_are_facts(on_host: OnHost) -> None:
    if not shutil.which("dpkg-query"):
        pytest.skip("there is no dpkg on this machine")
    packages = on_host.run("package_facts", {})["values"]["ansible_facts"]["packages"]
    assert packages["dpkg"][0]["source"] == "apt" and packages["dpkg"][0]["version"]


def test_units_and_unit_files_make_one_fact() -> None:
    units = ("cron.service loaded active running Regular background program\n"
             "● bad.service loaded failed failed Bad\ngone.service not-found inactive dead gone.service\n")
    files = "cron.service enabled enabled\ngetty@.service enabled enabled\nother.service disabled enabled\n"
    found = service_facts.merged(units, files)
    assert {name: (entry["state"], entry["status"]) for name, entry in found.items()} == {
        "cron.service": ("running", "enabled"), "bad.service": ("failed", "failed"),
        "gone.service": ("inactive", "not-found"), "getty@.service": ("unknown", "enabled"),
        "other.service": ("inactive", "disabled")}


@pytest.mark.parametrize(("managers", "names"), [
    (["auto"], ["apt", "rpm", "apk"]), (["yum", "rpm", "apt"], ["rpm", "apt"]), (["pkg", "apt"], ["pkg", "apt"]),
])
def test_package_managers_are_asked_in_the_given_order(managers: list[str], names: list[str]) -> None:
    assert package_facts.expanded(managers) == names


def test_package_says_that_it_does_not_know_a_manager(on_host: OnHost) -> None:
    on_host.fails("package", {"name": "x", "use": "lola"}, code="no_manager", says="Could not find a matching action")


def test_a_manager_that_is_not_here_is_a_warning_and_none_a_failure(on_host: OnHost) -> None:
    result = on_host.run("package_facts", {"manager": ["portage"]})
    assert result["error"]["code"] == "no_manager"
    assert "Requested package manager portage was not usable by this module" in result["warnings"][0]


@pytest.mark.parametrize(("password", "is_hash"), [
    ("$6$rounds=5000$salt$" + "a" * 86, True), ("$y$j9T$salt$" + "a" * 43, True), ("$2b$12$" + "a" * 53, True),
    ("!", True), ("*", True), ("*****", True), ("", True), ("!$6$s$abc", True), ("ab" + "c" * 11, True),
    ("plaintext", False), ("$6$salt$no+hash", False),
])
def test_what_is_no_hash_of_a_password_is_known(password: str, is_hash: bool) -> None:
    assert bool(user.HASH.match(password)) is is_hash


LOCAL = dict.fromkeys(("system", "move_home"), False) | {"name": "bob", "create_home": True, "skeleton": None}


@pytest.mark.parametrize(("after", "more", "lines"), [
    ({"name": "bob"}, {}, ["luseradd bob"]),
    ({"uid": 7, "group": "root"}, {"create_home": False}, ["luseradd -u 7 -g root -M bob"]),
    ({"groups": ["tape", "adm"]}, {}, ["luseradd bob", "lgroupmod -M bob adm", "lgroupmod -M bob tape"]),
    ({"expires": 86400 * 9}, {"system": True}, ["luseradd -r bob", "lchage -E 9 bob"]),
    ({"expires": -1}, {}, ["luseradd bob", "lchage -E -1 bob"]),
], ids=["plain", "options", "groups", "expiry", "no-expiry"])
def test_a_local_account_is_made_by_libuser(after: dict[str, Any], more: dict[str, Any], lines: list[str]) -> None:
    assert [" ".join(argv) for argv in local.commands({**LOCAL, **more}, None, after)] == lines


def test_memberships_of_a_local_account_come_and_go() -> None:
    assert local.memberships("bob", {"adm", "tape"}, ["adm", "cdrom"]) == [
        ["lgroupmod", "-M", "bob", "cdrom"], ["lgroupmod", "-m", "bob", "tape"]]


@pytest.mark.parametrize(("module", "args", "says"), [
    ("group", {"name": "x", "non_unique": True}, "non_unique is True but all of the following are missing: gid"),
    ("user", {"name": "x", "local": True, "umask": "077"}, "'umask' can not be used with 'local'"),
    ("user", {"name": "x", "local": True, "uid_min": 5}, "'uid_min' can not be used with 'local'"),
])
def test_arguments_that_do_not_go_together_are_refused(on_host: OnHost, module: str, args: dict[str, Any],
                                                       says: str) -> None:
    on_host.fails(module, args, code="bad_arguments", says=says)


def test_the_table_of_the_whole_system_is_left_alone(on_host: OnHost) -> None:
    on_host.fails("cron", {"name": "x", "job": "true", "user": "root", "cron_file": "/etc/crontab"},
                  code="bad_cron_file", says="Will not manage /etc/crontab via cron_file, see documentation.")


def test_a_cron_file_with_blanks_only_goes(on_host: OnHost, tmp_path: Path) -> None:
    path = tmp_path / "jobs"
    path.write_text("#Ansible: x\n* * * * * root true\n\n  \t\n")
    on_host.converge("cron", {"name": "x", "state": "absent", "cron_file": str(path)})
    assert not path.exists()
