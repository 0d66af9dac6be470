"""Enrolling host keys: fetch what a host shows, show it to a person, keep it in orch's own known_hosts.

``orch trust`` is built on these. Nothing here authenticates: `scan` runs the key exchange and hangs up.
"""

from __future__ import annotations

import asyncio
import os
import socket
import tempfile
from collections.abc import Iterable

from msgspec import Struct

from orchestrator.errors import Unreachable, UsageError
from orchestrator.security.known_hosts import DEFAULT_PORT, decode_key, fingerprint, host_pattern, key_type
from orchestrator.security.ssh_library import asyncssh

KEY_FAMILIES: tuple[tuple[str, ...], ...] = (
    ("ssh-ed25519",),
    ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"),
    ("rsa-sha2-512", "rsa-sha2-256"),
)
"""One connection each: a server shows only the key of the algorithm that was agreed on. Ed25519 first."""


class HostKey(Struct, frozen=True):
    """A key that a host has shown."""

    type: str
    fingerprint: str
    text: str
    """``type base64``, as a known_hosts line has it."""


def host_key(key: asyncssh.SSHKey) -> HostKey:
    text = " ".join(key.export_public_key("openssh").decode("ascii").split()[:2])
    return HostKey(key_type(key), fingerprint(key), text)


async def scan(
    host: str, port: int = DEFAULT_PORT, *, timeout_s: float = 10.0, tunnel: asyncssh.SSHClientConnection | None = None
) -> list[HostKey]:
    """Every key ``host`` shows, ed25519 first, without authenticating. ``tunnel``: an open jump connection.

    Raises `Unreachable` when the host cannot be reached at all. What comes back is only what an attacker in between
    could show as well: a person compares the fingerprints, or the first use is trusted knowingly.
    """
    if host.startswith("-"):
        raise UsageError(f"the host name {host!r} is refused: it begins with '-'")
    keys = []
    for family in KEY_FAMILIES:
        key = await _scan_family(host, port, family, timeout_s, tunnel)
        if key is not None:
            keys.append(host_key(key))
    if not keys:
        raise Unreachable(
            f"{host} port {port} shows no host key of a kind that orch accepts",
            code="protocol",
            hint="is it an SSH server? orch takes ed25519, ecdsa, and rsa keys with SHA-2 signatures",
        )
    return keys


async def _scan_family(
    host: str, port: int, family: tuple[str, ...], timeout_s: float, tunnel: asyncssh.SSHClientConnection | None
) -> asyncssh.SSHKey | None:
    try:
        async with asyncio.timeout(timeout_s):
            return await asyncssh.get_server_host_key(
                host, port, tunnel=tunnel or (), server_host_key_algs=list(family), config=None
            )
    except (asyncssh.KeyExchangeFailed, asyncssh.ConnectionLost, ConnectionResetError):
        return None  # sshd hangs up when it has no key of this family
    except TimeoutError:
        raise Unreachable(f"{host} did not answer within {timeout_s:g} s", code="timeout") from None
    except socket.gaierror as exc:
        raise Unreachable(f"the name {host} does not resolve: {exc.strerror}", code="dns") from None
    except (OSError, asyncssh.Error) as exc:
        code = "refused" if isinstance(exc, ConnectionRefusedError) else "unreachable"
        raise Unreachable(f"no host key from {host} port {port}: {exc}", code=code) from None


def enrolled(path: str, host: str, port: int = DEFAULT_PORT) -> list[HostKey]:
    """The keys that orch's own file has for the host."""
    name = host_pattern(host, port)
    keys = (decode_key(line.split(None, 1)[1]) for line in _lines(path) if _names(line) == {name})
    return [host_key(key) for key in keys if key is not None]


def enrol(path: str, host: str, port: int, keys: Iterable[HostKey], *, replace: bool = False) -> list[HostKey]:
    """Trust ``keys`` for the host from now on; those that are new are returned.

    ``replace`` forgets what was known before. The file is written whole beside itself and renamed, mode 0600.
    """
    name = host_pattern(_checked(host), port)
    kept = [line for line in _lines(path) if not (replace and _names(line) == {name})]
    have = {line.split(None, 1)[1] for line in kept if _names(line) == {name}}
    new = [key for key in keys if key.text not in have]
    _write(path, kept + [f"{name} {key.text}" for key in new])
    return new


def enrol_authority(path: str, patterns: str, key: HostKey) -> None:
    """Trust host certificates signed by ``key`` for hosts matching ``patterns`` (``*.example.com,10.0.*``)."""
    line = f"@cert-authority {_checked(patterns)} {key.text}"
    lines = _lines(path)
    if line not in lines:
        _write(path, [*lines, line])


def remove(path: str, host: str, port: int = DEFAULT_PORT) -> int:
    """Forget the host; how many keys that were."""
    name = host_pattern(host, port)
    lines = _lines(path)
    kept = [line for line in lines if _names(line) != {name}]
    if len(kept) != len(lines):
        _write(path, kept)
    return len(lines) - len(kept)


def _checked(names: str) -> str:
    if not names or names.startswith(("-", "@", "|", "#")) or any(char.isspace() or ord(char) < 32 for char in names):
        raise UsageError(f"{names!r} cannot stand in a known_hosts file")
    return names.lower()


def _names(line: str) -> set[str]:
    """The names of a plain line; empty for comments and marked lines."""
    return set() if line.startswith(("#", "@", "|")) else set(line.split(None, 1)[0].split(","))


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return [" ".join(line.split()) for line in file if len(line.split()) >= 3 or line.startswith("#")]
    except FileNotFoundError:
        return []


def _write(path: str, lines: list[str]) -> None:
    folder = os.path.dirname(path) or "."
    os.makedirs(folder, mode=0o700, exist_ok=True)
    handle, temp = tempfile.mkstemp(prefix=".known_hosts.", dir=folder)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write("".join(line + "\n" for line in lines))
            file.flush()
            os.fsync(file.fileno())
        os.replace(temp, path)
    except BaseException:
        os.unlink(temp)
        raise
