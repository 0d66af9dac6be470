"""Variables to targets: names, precedence and refusals as Ansible's users know them."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.carriers.privileges import become_of
from orchestrator.carriers.ssh_args import parse_ssh_args
from orchestrator.carriers.target import TargetOptions, target_of
from orchestrator.errors import InventoryFault, Origin

OPTIONS: list[tuple[str, dict[str, Any], dict[str, Any], TargetOptions, dict[str, str | None]]] = [
    ("nothing set", {}, {}, TargetOptions(), {"user": None, "port": None}),
    ("ansible_user", {"ansible_user": "a"}, {}, TargetOptions(), {"user": "a"}),
    (
        "ansible_ssh_user over ansible_user",
        {"ansible_user": "a", "ansible_ssh_user": "b"},
        {},
        TargetOptions(),
        {"user": "b"},
    ),
    (
        "a variable over the keyword",
        {"ansible_user": "a"},
        {"remote_user": "k"},
        TargetOptions(remote_user="o"),
        {"user": "a"},
    ),
    ("the keyword over the command line", {}, {"remote_user": "k"}, TargetOptions(remote_user="o"), {"user": "k"}),
    ("the command line", {}, {}, TargetOptions(remote_user="o"), {"user": "o"}),
    ("the port as text", {"ansible_port": "2222"}, {}, TargetOptions(), {"port": "2222"}),
    ("ansible_ssh_port", {"ansible_ssh_port": 23}, {"port": 24}, TargetOptions(), {"port": "23"}),
    (
        "a key file",
        {"ansible_ssh_private_key_file": "~/k"},
        {},
        TargetOptions(private_key_file="o"),
        {"identityfile": "~/k"},
    ),
    (
        "ssh_args before variables",
        {"ansible_ssh_args": "-o Port=1 -l x", "ansible_port": 2},
        {},
        TargetOptions(),
        {"port": "1", "user": "x"},
    ),
    (
        "variables before common_args",
        {"ansible_ssh_common_args": "-o Port=1", "ansible_port": 2},
        {},
        TargetOptions(),
        {"port": "2"},
    ),
    (
        "common before extra",
        {"ansible_ssh_common_args": "-J a", "ansible_ssh_extra_args": "-J b"},
        {},
        TargetOptions(),
        {"proxyjump": "a"},
    ),
    (
        "checking off by environment",
        {},
        {},
        TargetOptions(environ={"ANSIBLE_HOST_KEY_CHECKING": "False"}),
        {"stricthostkeychecking": "no"},
    ),
    (
        "checking on again by variable",
        {"ansible_host_key_checking": True},
        {},
        TargetOptions(environ={"ANSIBLE_HOST_KEY_CHECKING": "0"}),
        {"stricthostkeychecking": None},
    ),
    ("ansible_ssh_timeout", {"ansible_ssh_timeout": 7}, {}, TargetOptions(timeout_s=3), {"connecttimeout": "7"}),
]


@pytest.mark.parametrize(
    ("variables", "keywords", "options", "expected"), [row[1:] for row in OPTIONS], ids=[row[0] for row in OPTIONS]
)
def test_ssh_options(
    variables: dict[str, Any], keywords: dict[str, Any], options: TargetOptions, expected: dict[str, str | None]
) -> None:
    target = target_of("web1", variables.get, options, keywords=keywords)
    assert {name: target.option(name) for name in expected} == expected


CARRIERS: list[tuple[str, dict[str, Any], dict[str, Any], TargetOptions, bool, str]] = [
    ("the default", {}, {}, TargetOptions(), False, "ssh"),
    ("smart", {"ansible_connection": "smart"}, {}, TargetOptions(), False, "ssh"),
    ("paramiko", {"ansible_connection": "paramiko"}, {}, TargetOptions(), False, "ssh"),
    ("fully named", {"ansible_connection": "ansible.builtin.local"}, {}, TargetOptions(), False, "local"),
    ("keyword", {}, {"connection": "local"}, TargetOptions(), False, "local"),
    ("variable over keyword", {"ansible_connection": "ssh"}, {"connection": "local"}, TargetOptions(), False, "ssh"),
    ("command line", {}, {}, TargetOptions(connection="local"), False, "local"),
    ("implicit localhost", {}, {}, TargetOptions(connection="ssh"), True, "local"),
    (
        "orch_carrier over all",
        {"orch_carrier": "local", "ansible_connection": "ssh"},
        {},
        TargetOptions(),
        False,
        "local",
    ),
]


@pytest.mark.parametrize(
    ("variables", "keywords", "options", "implicit", "carrier"),
    [row[1:] for row in CARRIERS],
    ids=[row[0] for row in CARRIERS],
)
def test_carrier(
    variables: dict[str, Any], keywords: dict[str, Any], options: TargetOptions, implicit: bool, carrier: str
) -> None:
    target = target_of("localhost", variables.get, options, keywords=keywords, implicit=implicit)
    assert target.carrier == carrier and target.reason


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("a host that is an option", {"ansible_host": "-oProxyCommand=touch /tmp/x"}, "refused"),
    ("a user that is an option", {"ansible_user": "-lroot"}, "refused"),
    ("a user of two lines", {"ansible_user": "root\nProxyCommand x"}, "refused"),
    ("a key that is an option", {"ansible_private_key_file": "-F/tmp/x"}, "refused"),
    ("a python that is an option", {"ansible_python_interpreter": "-c"}, "refused"),
    ("a port that is none", {"ansible_port": "ssh"}, "no number from 1 to 65535"),
    ("a port too high", {"ansible_port": 65536}, "no number from 1 to 65535"),
    ("a boolean port", {"ansible_port": True}, "no number"),
    ("another connection", {"ansible_connection": "winrm"}, "which orch does not have"),
    ("broken quotes", {"ansible_ssh_common_args": '-o "Port=1'}, "cannot be split"),
    ("a bare word", {"ansible_ssh_extra_args": "web2"}, "no ssh option"),
    ("an option without value", {"ansible_ssh_extra_args": "-o"}, "needs a value"),
    ("a doubtful boolean", {"ansible_host_key_checking": "maybe"}, "neither true nor false"),
    ("a fingerprint that is none", {"orch_host_fingerprint": "aa:bb"}, "neither SHA256"),
]


@pytest.mark.parametrize(("variables", "says"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_bad_values_are_refused_with_host_and_place(variables: dict[str, Any], says: str) -> None:
    with pytest.raises(InventoryFault, match=says) as caught:
        target_of("web1", variables.get, origin=Origin("hosts.ini", 3))
    assert caught.value.message.startswith("web1") and str(caught.value.origin) == "hosts.ini:3"


def test_a_password_shows_nowhere_but_tells_targets_apart() -> None:
    one, two = (target_of("w", {"ansible_password": secret}.get) for secret in ("swordfish", "catfish"))
    assert "swordfish" not in repr(one) and one.password is not None and one.password() == "swordfish"
    assert one.key != two.key and hash(one.key)


@pytest.mark.parametrize("word", ["auto", "auto_silent", "auto_legacy"])
def test_auto_means_look_for_a_python(word: str) -> None:
    assert target_of("w", {"ansible_python_interpreter": word}.get).python is None


def test_a_variable_that_raises_key_error_is_not_set() -> None:
    assert target_of("w", {}.__getitem__).address == "w"


ARGS = [
    ("joined and separate", "-p22 -p 23", (("port", "22"), ("port", "23")), ()),
    ("o with a space", '-o "ProxyCommand ssh -W %h:%p b"', (("proxycommand", "ssh -W %h:%p b"),), ()),
    ("o with equals", "-oUser=x", (("user", "x"),), ()),
    ("bundled flags", "-4qo Port=1", (("addressfamily", "inet"), ("port", "1")), ()),
    ("shared connections", "-C -o ControlMaster=auto -o ControlPersist=60s -S none",
     (("controlmaster", "auto"), ("controlpersist", "60s"), ("controlpath", "none")), ()),
    ("unknown is told", "-o Wonder=1 -L 1:b:2", (), ("Wonder", "-L")),
]


@pytest.mark.parametrize(("text", "options", "unknown"), [row[1:] for row in ARGS], ids=[row[0] for row in ARGS])
def test_ssh_arguments(text: str, options: tuple[Any, ...], unknown: tuple[str, ...]) -> None:
    parsed = parse_ssh_args(text, "ansible_ssh_args", "w")
    assert (parsed.options, parsed.unknown) == (options, unknown)


BECOME: list[tuple[str, dict[str, Any], dict[str, Any], tuple[str, str, str | None] | None]] = [
    ("not at all", {}, {}, None),
    ("a user alone is no become", {"ansible_become_user": "x"}, {"user": "y"}, None),
    ("the keyword", {}, {"become": True}, ("sudo", "root", None)),
    ("the variable over the keyword", {"ansible_become": "no"}, {"become": True}, None),
    ("user by variable", {"ansible_become_user": "v"}, {"become": True, "user": "k"}, ("sudo", "v", None)),
    (
        "the method's own over the general",
        {"ansible_sudo_user": "s", "ansible_become_user": "v"},
        {"become": True},
        ("sudo", "s", None),
    ),
    ("another method's does not count", {"ansible_su_user": "s"}, {"become": True}, ("sudo", "root", None)),
    (
        "su with password",
        {"ansible_become_method": "ansible.builtin.su", "ansible_su_pass": "p"},
        {"become": "yes"},
        ("su", "root", "p"),
    ),
    ("ansible_become_pass", {"ansible_become_pass": "q"}, {"become": True}, ("sudo", "root", "q")),
]


@pytest.mark.parametrize(
    ("variables", "keywords", "expected"), [row[1:] for row in BECOME], ids=[row[0] for row in BECOME]
)
def test_become(
    variables: dict[str, Any], keywords: dict[str, Any], expected: tuple[str, str, str | None] | None
) -> None:
    spec = become_of(variables.get, **keywords)
    found = spec and (spec.method, spec.user, spec.password() if spec.password else None)
    assert found == expected


@pytest.mark.parametrize(("method", "given", "prompts"), [
    ("su", ["Пароль", "Jelszó:"], ("Пароль", "Jelszó")),
    ("su", "Пароль, Mot de passe", ("Пароль", "Mot de passe")),
    ("su", None, ()),
    ("sudo", ["Пароль"], ()),
], ids=["a list", "a text", "nothing", "another method"])
def test_the_operators_words_for_a_password(method: str, given: Any, prompts: tuple[str, ...]) -> None:
    spec = become_of({"ansible_su_prompt_l10n": given}.get, become=True, method=method)
    assert spec is not None and spec.prompts == prompts


def test_an_unknown_become_method_is_refused() -> None:
    with pytest.raises(InventoryFault, match="supported|unknown"):
        become_of({}.get, become=True, method="runas")
