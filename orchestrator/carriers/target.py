"""From variables to a target: which carrier a host takes, where it is, as whom, with which keys. Pure.

Names and precedence are Ansible's: a variable wins over a keyword (``remote_user``, ``connection``, ``port``), and
that over the command line and the configuration. Of two variables for one thing the more specific wins
(``ansible_ssh_user`` over ``ansible_user``), as documented for Ansible's ssh connection plugin.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from orchestrator.carriers.settings_text import Get, Password, tolerant, truth
from orchestrator.carriers.ssh_args import parse_ssh_args
from orchestrator.errors import InventoryFault, Origin
from orchestrator.security.secrets import Secret

CONNECTIONS = {
    "ssh": "ssh", "ansible.builtin.ssh": "ssh", "smart": "ssh", "paramiko": "ssh", "paramiko_ssh": "ssh",
    "ansible.builtin.paramiko_ssh": "ssh", "ansible.netcommon.libssh": "ssh", "mitogen_ssh": "ssh",
    "local": "local", "ansible.builtin.local": "local", "mitogen_local": "local",
}  # fmt: skip
CARRIERS = {"auto": "ssh", "ssh": "ssh", "agentlet": "mailbox", "mailbox": "mailbox", "local": "local"}
"""What ``orch_carrier`` may say."""
AUTO_PYTHON = frozenset({"auto", "auto_silent", "auto_legacy", "auto_legacy_silent"})


class TargetOptions(Struct, frozen=True):
    """What the command line and the configuration say for all hosts; variables and keywords win over it."""

    connection: str | None = None
    remote_user: str | None = None
    port: int | None = None
    private_key_file: str | None = None
    timeout_s: float | None = None
    ssh_args: str = ""
    ssh_common_args: str = ""
    ssh_extra_args: str = ""
    password: Password | None = None
    """Given when the person asked for a password (-k)."""
    python: str | None = None
    host_key_checking: bool | None = None
    environ: Mapping[str, str] = field(default_factory=dict)
    """The process's environment: the ANSIBLE_* names of these settings are honoured."""


class Target(Struct, frozen=True):
    """One host, resolved. Two targets with the same `key` can share one connection."""

    name: str
    carrier: str
    reason: str
    address: str
    python: str | None = None
    ssh_options: tuple[tuple[str, str], ...] = ()
    """ssh options (lower case) in order, the first of a name wins; ~/.ssh/config comes behind them."""
    password: Password | None = None
    host_fingerprints: tuple[str, ...] = ()
    """``SHA256:…`` of the keys that the inventory vouches for; when given, no other key is accepted."""
    retries: int | None = None
    fallback: bool = False
    """Whether the host's agentlet will do where SSH does not get in."""
    warnings: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[Any, ...]:
        """What tells two lines apart: same key, same host, same login."""
        secret = self.password() if isinstance(self.password, Secret) else self.password
        return (self.name, self.carrier, self.address, self.python, self.ssh_options, secret, self.host_fingerprints)

    def option(self, name: str) -> str | None:
        """The first value of an ssh option, or None: for messages and tests."""
        return next((value for option, value in self.ssh_options if option == name), None)


def target_of(
    name: str,
    get: Get,
    options: TargetOptions | None = None,
    *,
    keywords: Mapping[str, Any] | None = None,
    implicit: bool = False,
    origin: Origin | None = None,
) -> Target:
    """Resolve how to reach host ``name``. ``keywords``: connection, remote_user, port as the play or task has them.

    ``implicit``: the host is not in the inventory (the implicit localhost). Raises `InventoryFault` at ``origin``.
    """
    try:
        return _Resolver(name, get, options or TargetOptions(), keywords or {}).target(implicit)
    except InventoryFault as fault:
        fault.origin = fault.origin or origin
        raise


class _Resolver:
    """The steps of `target_of`, with what they share."""

    def __init__(self, name: str, get: Get, options: TargetOptions, keywords: Mapping[str, Any]) -> None:
        self.name = name
        self.get = tolerant(get)
        self.options = options
        self.keywords = keywords
        self.warnings: list[str] = []

    def target(self, implicit: bool) -> Target:
        carrier, reason = self.carrier(implicit)
        if carrier == "local":
            # The implicit localhost has the Python of this program, as Ansible sets it; nothing is looked for.
            python = self.python() or (sys.executable if implicit else None)
            return Target(self.name, "local", reason, "localhost", python, warnings=tuple(self.warnings))
        if carrier == "mailbox":
            return Target(self.name, carrier, reason, self.name, warnings=tuple(self.warnings))
        address = self.word("address", self.variable("ansible_host", "ansible_ssh_host"), self.name)
        return Target(
            name=self.name,
            carrier="ssh",
            reason=reason,
            address=address or self.name,
            python=self.python(),
            ssh_options=self.ssh_options(),
            password=self.password(),
            host_fingerprints=self.fingerprints(),
            retries=self.number("ansible_ssh_retries", self.variable("ansible_ssh_retries"), low=0),
            fallback=reason in ("the default", "orch_carrier is auto"),
            warnings=tuple(self.warnings),
        )

    def carrier(self, implicit: bool) -> tuple[str, str]:
        chosen = self.variable("orch_carrier")
        if chosen is not None:
            return self.own_carrier(str(chosen)), f"orch_carrier is {chosen}"
        written = self.variable("ansible_connection")
        if written is not None:
            return self.known_carrier("ansible_connection", str(written)), f"ansible_connection is {written}"
        if self.keywords.get("connection"):
            word = str(self.keywords["connection"])
            return self.known_carrier("connection", word), f"the play says connection: {word}"
        if implicit:
            return "local", "localhost is not in the inventory"
        if self.options.connection:
            return self.known_carrier(
                "--connection", self.options.connection
            ), f"--connection {self.options.connection}"
        return "ssh", "the default"

    def known_carrier(self, source: str, word: str) -> str:
        carrier = CONNECTIONS.get(word)
        if carrier is None:
            raise InventoryFault(
                f"{self.name}: {source} is {word!r}, which orch does not have",
                hint="supported: ssh (also written paramiko, smart) and local; the agentlet by orch_carrier: agentlet",
            )
        return carrier

    def own_carrier(self, word: str) -> str:
        if word in CARRIERS:
            return CARRIERS[word]
        raise InventoryFault(f"{self.name}: orch_carrier is {word!r}, which orch does not have",
                             hint="one of auto (ssh, then the host's agentlet), ssh, agentlet, local")

    def ssh_options(self) -> tuple[tuple[str, str], ...]:
        """In the order of the ssh command line that Ansible builds, since the first value of an option wins."""
        return (
            *self.args("ansible_ssh_args", self.options.ssh_args or self.environ("ANSIBLE_SSH_ARGS")),
            *self.host_key_checking(),
            *self.login(),
            *self.args(
                "ansible_ssh_common_args", self.options.ssh_common_args or self.environ("ANSIBLE_SSH_COMMON_ARGS")
            ),
            *self.args("ansible_ssh_extra_args", self.options.ssh_extra_args or self.environ("ANSIBLE_SSH_EXTRA_ARGS")),
        )

    def login(self) -> list[tuple[str, str]]:
        port = self.first(
            self.variable("ansible_port", "ansible_ssh_port"), self.keywords.get("port"), self.options.port
        )
        user = self.first(
            self.variable("ansible_user", "ansible_ssh_user"),
            self.keywords.get("remote_user"),
            self.options.remote_user,
            self.environ("ANSIBLE_REMOTE_USER"),
        )
        key = self.first(
            self.variable("ansible_private_key_file", "ansible_ssh_private_key_file"),
            self.options.private_key_file,
            self.environ("ANSIBLE_PRIVATE_KEY_FILE"),
        )
        timeout = self.first(
            self.variable("ansible_timeout", "ansible_ssh_timeout"),
            self.options.timeout_s,
            self.environ("ANSIBLE_TIMEOUT"),
        )
        port_number = self.number("ansible_port", port, low=1, high=65535)
        timeout_s = self.number("ansible_ssh_timeout", timeout, low=1)
        found = (
            ("port", str(port_number) if port_number is not None else None),
            ("user", self.word("user", user, None)),
            ("identityfile", self.word("private key file", key, None)),
            ("connecttimeout", str(timeout_s) if timeout_s is not None else None),
        )
        return [(option, value) for option, value in found if value]

    def host_key_checking(self) -> list[tuple[str, str]]:
        wanted = self.first(
            self.variable("ansible_host_key_checking", "ansible_ssh_host_key_checking"),
            self.options.host_key_checking,
            self.environ("ANSIBLE_SSH_HOST_KEY_CHECKING"),
            self.environ("ANSIBLE_HOST_KEY_CHECKING"),
        )
        if wanted is None or self.boolean("ansible_host_key_checking", wanted):
            return []
        return [("stricthostkeychecking", "no")]

    def args(self, variable: str, fallback: str | None) -> tuple[tuple[str, str], ...]:
        text = self.first(self.variable(variable), fallback)
        if not text:
            return ()
        parsed = parse_ssh_args(str(text), variable, self.name)
        self.warnings.extend(f"ssh option {option} in {variable} has no meaning here" for option in parsed.unknown)
        return parsed.options

    def python(self) -> str | None:
        found = self.first(self.variable("ansible_python_interpreter"), self.options.python)
        python = self.word("ansible_python_interpreter", found, None)
        return None if python in AUTO_PYTHON else python

    def password(self) -> Password | None:
        value = self.variable("ansible_password", "ansible_ssh_pass", "ansible_ssh_password")
        return Secret(str(value)) if value is not None else self.options.password

    def fingerprints(self) -> tuple[str, ...]:
        value = self.variable("ansible_host_key_fingerprint", "orch_host_fingerprint", "orch_host_key")
        if value is None:
            return ()
        words = [str(word).strip() for word in (value if isinstance(value, list | tuple) else [value])]
        wrong = [word for word in words if not word.startswith(("SHA256:", "ssh-", "ecdsa-", "sk-"))]
        if wrong:
            raise InventoryFault(
                f"{self.name}: orch_host_fingerprint {wrong[0]!r} is neither SHA256:… nor a public key",
                hint="take it from: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub",
            )
        return tuple(words)

    def variable(self, *names: str) -> Any:
        """The last of ``names`` that is set: the later, the more specific."""
        for name in reversed(names):
            value = self.get(name)
            if value is not None and value != "":
                return value
        return None

    @staticmethod
    def first(*values: Any) -> Any:
        return next((value for value in values if value is not None and value != ""), None)

    def environ(self, name: str) -> str | None:
        return self.options.environ.get(name)

    def word(self, what: str, value: Any, default: str | None) -> str | None:
        """A single word that no command line could take for an option and no protocol for two lines."""
        if value is None:
            value = default
        if value is None:
            return None
        text = str(value)
        if text.startswith("-") or any(ord(char) < 32 or ord(char) == 127 for char in text):
            raise InventoryFault(
                f"{self.name}: the {what} {text!r} is refused",
                hint="it must not begin with '-' nor hold control characters: it could be taken for an option",
            )
        return text

    def number(self, what: str, value: Any, low: int, high: int | None = None) -> int | None:
        if value is None:
            return None
        try:
            number = int(float(value)) if not isinstance(value, bool) else None
        except (TypeError, ValueError):
            number = None
        if number is None or number < low or (high is not None and number > high):
            bounds = f"{low} to {high}" if high is not None else f"{low} or more"
            raise InventoryFault(f"{self.name}: {what} is {value!r}, which is no number from {bounds}")
        return number

    def boolean(self, what: str, value: Any) -> bool:
        return truth(value, f"{self.name}: {what}")
