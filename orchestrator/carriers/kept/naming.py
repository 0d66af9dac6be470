"""The name of a kept line: a digest of everything that decides who talks to whom, and on whose word."""

from __future__ import annotations

import os
from hashlib import blake2b

from msgspec.structs import replace

from orchestrator.carriers.base import Settings
from orchestrator.carriers.host_trust import HostTrust
from orchestrator.carriers.ssh_plan import SshPlan
from orchestrator.security.ssh_library import asyncssh

PROTOCOL = 1
"""Counts up with what `frames` and `keeper` change: another orch's lines are not touched."""


def line_name(plan: SshPlan, trust: HostTrust, settings: Settings) -> str:
    """The same for the same address, port, login, keys, way and algorithms, as long as the world is as it was.

    The keys that are trusted for the host count as they stand in the known_hosts files now, and key files by their
    stamp: a host key that was revoked or exchanged, or an identity that was taken away, leads to another name. No
    password is in it: who finds a name must not be able to try passwords against it.
    """
    agent = plan.identity_agent or os.environ.get("SSH_AUTH_SOCK") if settings.use_agent else None
    trusted = trust.trusted
    facts = (
        PROTOCOL,
        replace(plan, persist_s=None),
        (trust.strict, sorted(trust.pins), settings.state_dir),
        [_data(keys) for keys in (trusted.keys, trusted.authorities, trusted.revoked, trusted.other_port)],
        agent,
        [(path, _stamp(path)) for path in (*plan.identity_files, *plan.certificate_files)],
    )
    return blake2b(repr(facts).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def _data(keys: list[asyncssh.SSHKey]) -> list[bytes]:
    return sorted(key.public_data for key in keys)


def _stamp(path: str) -> tuple[int, ...] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return (found.st_ino, found.st_size, found.st_mtime_ns)
