"""From a target and the ssh configuration to everything one SSH connection needs. No network, no key is read yet."""

from __future__ import annotations

import getpass
import os
import re
import shlex
import socket

from msgspec import Struct

from orchestrator.carriers.kept.persist import persist_s
from orchestrator.carriers.ssh_config import ADDING, SshConfig
from orchestrator.errors import ContentError, Unreachable

DEFAULT_KEYS = ("~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa", "~/.ssh/id_ed25519_sk", "~/.ssh/id_ecdsa_sk")
USER_KNOWN_HOSTS = ("~/.ssh/known_hosts", "~/.ssh/known_hosts2")
GLOBAL_KNOWN_HOSTS = ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")
STRICTNESS = {"yes": "yes", "ask": "yes", "true": "yes", "accept-new": "accept-new", "no": "no", "off": "no",
              "false": "no"}  # fmt: skip
SAFE_WORD = re.compile(r"[A-Za-z0-9_.:@%+=,/\[\]-]*")
SHELL_SYNTAX = re.compile(r"[|&;<>()$`*?~{}#!\\\n]")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class SshPlan(Struct, frozen=True):
    """All of it resolved; times in seconds, paths expanded."""

    address: str
    port: int
    user: str
    jumps: tuple[str, ...] = ()
    """``user@host:port`` words of ProxyJump, in order."""
    proxy_command: tuple[str, ...] | None = None
    identity_files: tuple[str, ...] = ()
    identities_explicit: bool = False
    identities_only: bool = False
    identity_agent: str | None = None
    """Path of the agent's socket; None: SSH_AUTH_SOCK; "none": no agent."""
    certificate_files: tuple[str, ...] = ()
    user_known_hosts: tuple[str, ...] = ()
    global_known_hosts: tuple[str, ...] = ()
    strict: str | None = None
    """yes, accept-new or no; None when nothing says."""
    host_key_alias: str | None = None
    connect_timeout_s: float | None = None
    alive_s: float | None = None
    alive_count: int | None = None
    family: int = socket.AF_UNSPEC
    bind_address: str | None = None
    kex: str | None = None
    ciphers: str | None = None
    macs: str | None = None
    host_key_algorithms: str | None = None
    persist_s: float | None = None
    """How long the line may outlive the run: 0 not at all, None when nothing says."""


def plan_ssh(address: str, options: tuple[tuple[str, str], ...], config: SshConfig) -> SshPlan:
    """Resolve ``address`` as ssh would: ``options`` first, then the configuration. `ContentError` for bad values."""
    own = dict(reversed(options))
    merged = [*options, *config.options_for(address, own.get("user"))]
    return _Planner(address, merged).plan()


class _Planner:
    def __init__(self, written: str, options: list[tuple[str, str]]) -> None:
        self.written = written
        self.first: dict[str, str] = {}
        self.all: dict[str, list[str]] = {name: [] for name in ADDING}
        for name, value in options:
            self.first.setdefault(name, value)
            if name in ADDING:
                self.all[name].append(value)
        self.local_user = getpass.getuser()
        self.port = self.whole("port", 22)
        self.user = self.first.get("user", self.local_user)
        self.address = written
        self.address = self.expand(self.first.get("hostname", "%h")).strip()

    def plan(self) -> SshPlan:
        self.refuse_options()
        identities = tuple(self.path(value) for value in self.all["identityfile"] if value.lower() != "none")
        return SshPlan(
            address=self.address,
            port=self.port,
            user=self.user,
            jumps=self.jumps(),
            proxy_command=self.proxy_command(),
            identity_files=identities or tuple(map(os.path.expanduser, DEFAULT_KEYS)),
            identities_explicit=bool(self.all["identityfile"]),
            identities_only=self.first.get("identitiesonly", "no").lower() in ("yes", "true"),
            identity_agent=self.agent(),
            certificate_files=tuple(map(self.path, self.all["certificatefile"])),
            user_known_hosts=self.files("userknownhostsfile", USER_KNOWN_HOSTS),
            global_known_hosts=self.files("globalknownhostsfile", GLOBAL_KNOWN_HOSTS),
            strict=self.strict(),
            host_key_alias=self.first.get("hostkeyalias"),
            connect_timeout_s=self.seconds("connecttimeout"),
            alive_s=self.seconds("serveraliveinterval"),
            alive_count=self.whole("serveralivecountmax", 0) or None,
            family=self.family(),
            bind_address=self.first.get("bindaddress"),
            kex=self.first.get("kexalgorithms"),
            ciphers=self.first.get("ciphers"),
            macs=self.first.get("macs"),
            host_key_algorithms=self.first.get("hostkeyalgorithms"),
            persist_s=self.persist_s(),
        )

    def refuse_options(self) -> None:
        for what, value in (("host name", self.address), ("user", self.user)):
            if not value or value.startswith("-") or any(ord(char) < 33 or ord(char) == 127 for char in value):
                raise ContentError(f"{self.written}: the {what} {value!r} is refused")

    def jumps(self) -> tuple[str, ...]:
        text = self.first.get("proxyjump", "none")
        if text.lower() == "none" or self._proxy_command_first():
            return ()
        return tuple(word.strip() for word in self.expand(text).split(",") if word.strip())

    def _proxy_command_first(self) -> bool:
        """Of ProxyJump and ProxyCommand the one given first wins (ssh_config(5))."""
        order = [name for name in self.first if name in ("proxyjump", "proxycommand")]
        return bool(order) and order[0] == "proxycommand"

    def proxy_command(self) -> tuple[str, ...] | None:
        text = self.first.get("proxycommand", "none")
        if text.lower() == "none" or self.jumps():
            return None
        for value in (self.address, self.user, self.written):
            if not SAFE_WORD.fullmatch(value):
                raise ContentError(f"{self.written}: {value!r} cannot be put into a ProxyCommand")
        command = self.expand(text)
        if SHELL_SYNTAX.search(command):
            return ("/bin/sh", "-c", f"exec {command}")
        try:
            return tuple(shlex.split(command))
        except ValueError as exc:
            raise ContentError(f"{self.written}: the ProxyCommand cannot be split into words: {exc}") from None

    def agent(self) -> str | None:
        value = self.first.get("identityagent")
        if value is None or value == "SSH_AUTH_SOCK":
            return None
        if value.lower() == "none":
            return "none"
        return os.environ.get(value[1:], "none") if value.startswith("$") else self.path(value)

    def files(self, option: str, default: tuple[str, ...]) -> tuple[str, ...]:
        text = self.first.get(option)
        if text is None:
            return tuple(map(os.path.expanduser, default))
        return tuple(self.path(word) for word in shlex.split(text) if word.lower() != "none")

    def strict(self) -> str | None:
        word = self.first.get("stricthostkeychecking")
        if word is None:
            return None
        if word.lower() not in STRICTNESS:
            raise ContentError(f"{self.written}: StrictHostKeyChecking is {word!r}", hint="use yes, accept-new or no")
        return STRICTNESS[word.lower()]

    def family(self) -> int:
        families = {"any": socket.AF_UNSPEC, "inet": socket.AF_INET, "inet6": socket.AF_INET6}
        word = self.first.get("addressfamily", "any").lower()
        if word not in families:
            raise ContentError(f"{self.written}: AddressFamily is {word!r}", hint="use any, inet or inet6")
        return families[word]

    def persist_s(self) -> float | None:
        try:
            return persist_s(self.first)
        except ValueError as exc:
            raise ContentError(f"{self.written}: ControlPersist: {exc}") from None

    def seconds(self, option: str) -> float | None:
        text = self.first.get(option, "none").strip().lower()
        if text in ("none", "0"):
            return None
        found = re.fullmatch(r"(\d+)([smhd]?)", text)
        if not found:
            raise ContentError(f"{self.written}: {option} is {text!r}, which is no time in seconds")
        return float(int(found[1]) * SECONDS[found[2] or "s"])

    def whole(self, option: str, default: int) -> int:
        text = self.first.get(option, str(default))
        if not text.strip().isdigit() or int(text) > 65535:
            raise ContentError(f"{self.written}: {option} is {text!r}, which is no number up to 65535")
        return int(text)

    def path(self, text: str) -> str:
        return os.path.expanduser(self.expand(os.path.expandvars(text)))

    def expand(self, text: str) -> str:
        """ssh's percent tokens; an unknown one is an error, as in ssh."""
        if "%" not in text:
            return text
        tokens = {
            "%": "%", "h": self.address, "n": self.written, "p": str(self.port), "r": self.user, "u": self.local_user,
            "d": os.path.expanduser("~"), "i": str(os.getuid()), "l": socket.gethostname(),
            "L": socket.gethostname().partition(".")[0],
        }  # fmt: skip

        def replace(match: re.Match[str]) -> str:
            if match[1] not in tokens:
                raise ContentError(f"{self.written}: {match[0]!r} in {text!r} has no meaning here")
            return tokens[match[1]]

        return re.sub(r"%(.)", replace, text)


def split_jump(word: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """``[user@]host[:port]`` or ``ssh://…`` of a ProxyJump -> (host, ssh options). `Unreachable` (proxy) when odd."""
    text = word.removeprefix("ssh://").rstrip("/")
    user, _, rest = text.rpartition("@")
    host, port = _split_port(rest)
    if not host or host.startswith("-") or (port and not port.isdigit()):
        raise Unreachable(f"the jump host {word!r} cannot be read", code="proxy", hint="write user@host:port")
    options = tuple((name, value) for name, value in (("user", user), ("port", port)) if value)
    return host, options


def _split_port(text: str) -> tuple[str, str]:
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        return host, rest.removeprefix(":")
    if text.count(":") == 1:
        host, _, port = text.partition(":")
        return host, port
    return text, ""
