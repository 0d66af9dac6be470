"""Whether a host's key is accepted: the decision of one connection attempt, and the error that explains a refusal."""

from __future__ import annotations

import os
from collections.abc import Sequence

from orchestrator.carriers.base import Settings
from orchestrator.carriers.ssh_plan import SshPlan
from orchestrator.errors import HostKeyError, Unreachable
from orchestrator.security.host_keys import HostKey, enrol, host_key
from orchestrator.security.known_hosts import KnownHosts, Trusted, decode_key, fingerprint, host_pattern, key_type
from orchestrator.security.ssh_library import asyncssh

PLAIN_ALGORITHMS = (
    "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "rsa-sha2-512", "rsa-sha2-256",
    "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com",
)  # fmt: skip
CERTIFICATE_ALGORITHMS = (
    "ssh-ed25519-cert-v01@openssh.com", "ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "ecdsa-sha2-nistp384-cert-v01@openssh.com", "ecdsa-sha2-nistp521-cert-v01@openssh.com",
    "rsa-sha2-512-cert-v01@openssh.com", "rsa-sha2-256-cert-v01@openssh.com",
)  # fmt: skip
OWN_FILE = "known_hosts"


def own_known_hosts(settings: Settings) -> str | None:
    """Path of orch's own file, or None when the run has no state directory."""
    return os.path.join(settings.state_dir, OWN_FILE) if settings.state_dir else None


def known_hosts_for(plan: SshPlan, settings: Settings) -> KnownHosts:
    """The parsed files that hold for this host; parsed once for all hosts with the same files."""
    own = own_known_hosts(settings)
    paths = (*((own,) if own else ()), *plan.user_known_hosts, *plan.global_known_hosts)
    cache: dict[tuple[str, ...], KnownHosts] = settings.shared.setdefault("known_hosts", {})
    if paths not in cache:
        try:
            cache[paths] = KnownHosts.read(paths)
        except OSError as exc:
            raise Unreachable(f"a known_hosts file cannot be read: {exc}", code="host_key_unknown") from None
    return cache[paths]


class HostTrust:
    """For one host: which keys it may show, what it did show, and what to say if that was refused."""

    __slots__ = ("_plan", "_refused", "_settings", "host", "name", "offered", "peer", "pins", "strict", "trusted")

    def __init__(self, name: str, plan: SshPlan, pins: Sequence[str], settings: Settings) -> None:
        self.name = name
        self.host = plan.host_key_alias or plan.address
        self.strict = plan.strict or _strictness(settings.host_key_checking)
        self.offered: asyncssh.SSHKey | None = None
        self.peer: asyncssh.SSHClientConnection | None = None
        """The connection of the latest attempt, whatever became of it."""
        self.pins = frozenset(pin for pin in pins if pin.startswith("SHA256:"))
        self._plan = plan
        self._settings = settings
        self._refused: set[str] = set()
        if pins:
            keys = [key for key in map(decode_key, (pin for pin in pins if pin not in self.pins)) if key is not None]
            self.trusted = Trusted(keys=keys)
        elif self.strict == "no":
            self.trusted = Trusted()
        else:
            self.trusted = known_hosts_for(plan, settings).lookup(self.host, plan.port)

    @property
    def checked(self) -> bool:
        return self.strict != "no" or bool(self.pins or self.trusted.keys)

    @property
    def peer_spoke(self) -> bool:
        """Whether an SSH server has said its version: above MaxStartups it hangs up before that."""
        return self.peer is not None and bool(self.peer.get_extra_info("server_version"))

    @property
    def keys_agreed(self) -> bool:
        """Whether the key exchange of the latest attempt had ended well."""
        return self.peer is not None and self.peer.get_server_host_key() is not None

    def known_hosts(self) -> tuple[list[asyncssh.SSHKey], ...] | None:
        """For asyncssh: parsed keys, or None when nothing is checked."""
        if not self.checked:
            return None
        trusted = self.trusted
        return (trusted.keys, trusted.authorities, trusted.revoked)

    def algorithms(self) -> list[str]:
        """Key types to ask for: those known of this host first, so that it shows a key that can be compared."""
        known = {key_type(key) for key in (*self.trusted.keys, *self.trusted.other_port)}
        left = [name for name in PLAIN_ALGORITHMS if not _of_type(name, self._refused)]
        ordered = sorted(left, key=lambda name: not _of_type(name, known))
        return [*(CERTIFICATE_ALGORITHMS if self.trusted.authorities else ()), *ordered]

    def accepts(self, key: asyncssh.SSHKey) -> bool:
        """Asked for a key that is not among the trusted ones (and not revoked)."""
        self.offered = key
        if self.pins:
            return fingerprint(key) in self.pins
        if key in self.trusted.other_port:
            return True
        if self.strict == "accept-new" and not self.trusted.keys:
            self._remember(key)
            return True
        return False

    def try_another_kind(self) -> bool:
        """Whether a host with a pinned fingerprint should be asked for a key of another type: which one the
        fingerprint belongs to cannot be told from it."""
        if not self.pins or self.offered is None or key_type(self.offered) in self._refused:
            return False
        self._refused.add(key_type(self.offered))
        return bool(self.algorithms())

    def _remember(self, key: asyncssh.SSHKey) -> None:
        """accept-new: into orch's own file, or the user's when there is none; the parsed copies learn it as well."""
        path = own_known_hosts(self._settings)
        if path is None:
            files = [file for file in self._plan.user_known_hosts if file != os.devnull]
            path = files[0] if files else None
        if path is not None:
            try:
                enrol(path, self.host, self._plan.port, [host_key(key)])
            except OSError as error:  # it holds for this run alone
                if self._settings.warn is not None:
                    self._settings.warn(f"{self.name}: its host key cannot be kept: {error.strerror}: {path}")
        known_hosts_for(self._plan, self._settings).load(
            f"{host_pattern(self.host, self._plan.port)} {host_key(key).text}"
        )

    def error(self, reason: str) -> HostKeyError:
        """Why the connection was refused, with the fingerprints and what to do."""
        shown = host_key(self.offered) if self.offered is not None else None
        if shown is None:
            return HostKeyError(
                f"{self.name}: its host key was refused: {reason}",
                code="host_key_changed" if "revoked" in reason else "host_key_unknown",
                hint="a revoked key, or a certificate that no @cert-authority line or principal covers",
            )
        if self.pins or any(key_type(key) == shown.type for key in self.trusted.keys):
            return self._changed(shown)
        return HostKeyError(
            f"{self.name}: the host key is unknown: {shown.type} {shown.fingerprint}",
            code="host_key_unknown",
            hint=f"compare the fingerprint with the host's own, then: orch trust {self.name}",
        )

    def _changed(self, shown: HostKey) -> HostKeyError:
        known = sorted(self.pins) or [fingerprint(key) for key in self.trusted.keys if key_type(key) == shown.type]
        return HostKeyError(
            f"{self.name}: the host key has changed: it was {' or '.join(known)}, it now is {shown.type} "
            f"{shown.fingerprint}",
            code="host_key_changed",
            hint="the host was reinstalled, or someone stands in between: find out which; "
            + (
                "then correct orch_host_fingerprint in the inventory"
                if self.pins
                else f"then: orch trust --replace {self.name}"
            ),
        )


def _strictness(checking: bool | str) -> str:
    if isinstance(checking, str):
        return checking if checking in ("accept-new", "no") else "yes"
    return "yes" if checking else "no"


def _of_type(algorithm: str, known: set[str]) -> bool:
    return algorithm in known or (algorithm.startswith("rsa-sha2") and "ssh-rsa" in known)
