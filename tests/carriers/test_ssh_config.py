"""The ssh configuration: which options hold for which host."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestrator.carriers.ssh_config import SshConfig
from orchestrator.carriers.ssh_plan import plan_ssh, split_jump
from orchestrator.errors import ContentError, Unreachable

CONFIG = """
# before any Host: for all
ServerAliveInterval 15
Host web* !web9
    User deploy
    Port = 2201
    IdentityFile ~/.ssh/%h
Host bastion
    HostName 10.0.0.1
    ProxyJump none
Match host *.internal user admin
    IdentityFile /keys/admin
Match originalhost db,cache
    HostName %h.internal
Host *
    User everyone
    ProxyJump bastion
    IdentityFile /keys/common
    ConnectTimeout 1m
"""


@pytest.fixture
def config(tmp_path: Path) -> SshConfig:
    path = tmp_path / "config"
    path.write_text(CONFIG)
    return SshConfig.read(str(path))


ROWS: list[tuple[str, str, tuple[tuple[str, str], ...], dict[str, Any]]] = [
    ("the first value wins", "web1", (), {"user": "deploy", "port": 2201, "jumps": ("bastion",), "alive_s": 15.0}),
    ("a negated pattern", "web9", (), {"user": "everyone", "port": 22}),
    ("the command line wins over all", "web1", (("user", "me"), ("port", "9")), {"user": "me", "port": 9}),
    ("none ends the search", "bastion", (), {"address": "10.0.0.1", "jumps": ()}),
    ("HostName with a token", "db", (), {"address": "db.internal"}),
    ("Match on host and user", "x.internal", (("user", "admin"),), {"identity_files": ("/keys/admin", "/keys/common")}),
    ("Match refused by its user", "x.internal", (("user", "u"),), {"identity_files": ("/keys/common",)}),
    ("units of time", "web1", (), {"connect_timeout_s": 60.0}),
]


@pytest.mark.parametrize(("host", "options", "expected"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_options(host: str, options: tuple[tuple[str, str], ...], expected: dict[str, Any], config: SshConfig) -> None:
    plan = plan_ssh(host, options, config)
    assert {name: getattr(plan, name) for name in expected} == expected


def test_includes_stand_where_they_are_written(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("User included\nHost other\n  Port 1\n")
    (tmp_path / "config").write_text(f"Host web\n  Include {tmp_path}/o*\n  User late\n  Port 2\n")
    config = SshConfig.read(str(tmp_path / "config"))
    assert (plan_ssh("web", (), config).user, plan_ssh("web", (), config).port) == ("included", 2)
    assert plan_ssh("other", (), config).port == 22


def test_an_include_of_itself_ends(tmp_path: Path) -> None:
    (tmp_path / "config").write_text(f"Include {tmp_path}/config\n")
    with pytest.raises(ContentError, match="nested"):
        SshConfig.read(str(tmp_path / "config"))


def test_match_exec_is_told_and_passed_over(tmp_path: Path) -> None:
    (tmp_path / "config").write_text('Match exec "touch /tmp/never"\n  User x\n')
    config = SshConfig.read(str(tmp_path / "config"))
    assert "config:1" in config.warnings[0] and plan_ssh("h", (), config).user != "x"


PROXIES: list[tuple[str, tuple[tuple[str, str], ...], Any]] = [
    ("an argument list", (("proxycommand", "nc -X 5 %h %p"),), ("nc", "-X", "5", "web", "22")),
    ("with shell syntax", (("proxycommand", "nc %h %p 2>/dev/null"),), ("/bin/sh", "-c", "exec nc web 22 2>/dev/null")),
    ("a jump given before", (("proxyjump", "b"), ("proxycommand", "nc %h")), None),
    ("none", (("proxycommand", "none"),), None),
]


@pytest.mark.parametrize(("options", "expected"), [row[1:] for row in PROXIES], ids=[row[0] for row in PROXIES])
def test_proxy_commands(options: tuple[tuple[str, str], ...], expected: Any) -> None:
    assert plan_ssh("web", options, SshConfig()).proxy_command == expected


@pytest.mark.parametrize(
    ("host", "options"),
    [
        ("web;touch$IFS/tmp/x", (("proxycommand", "nc %h %p"),)),
        ("web", (("user", "$(id)"), ("proxycommand", "ssh -l %r %h"))),
        ("-oProxyCommand=x", ()),
        ("web", (("user", "-x"),)),
        ("web", (("hostname", "-x"),)),
        ("web", (("stricthostkeychecking", "perhaps"),)),
        ("web", (("connecttimeout", "soon"),)),
        ("web", (("identityfile", "%Z"),)),
    ],
    ids=[
        "shell in host",
        "shell in user",
        "option as host",
        "option as user",
        "option as HostName",
        "strictness",
        "time",
        "token",
    ],
)
def test_what_could_be_misread_is_refused(host: str, options: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(ContentError):
        plan_ssh(host, options, SshConfig())


@pytest.mark.parametrize(
    ("word", "host", "options"),
    [
        ("b", "b", ()),
        ("u@b:2222", "b", (("user", "u"), ("port", "2222"))),
        ("ssh://u@b:22/", "b", (("user", "u"), ("port", "22"))),
        ("[::1]:22", "::1", (("port", "22"),)),
        ("fe80::1", "fe80::1", ()),
    ],
)
def test_jump_words(word: str, host: str, options: tuple[tuple[str, str], ...]) -> None:
    assert split_jump(word) == (host, options)


@pytest.mark.parametrize("word", ["", "u@", "-x", "b:ssh"])
def test_odd_jump_words_are_refused(word: str) -> None:
    with pytest.raises(Unreachable):
        split_jump(word)
