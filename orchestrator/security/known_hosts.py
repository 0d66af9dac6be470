"""known_hosts files, read once per process: which keys a host may show.

The format is OpenSSH's (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"): plain and hashed names, patterns, ``[host]:port``,
``@cert-authority`` and ``@revoked``. A line that cannot be read is passed over, as ssh does. Keys are decoded when a
host matches, since most of a large file is never looked at.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
from collections import defaultdict
from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import lru_cache

from msgspec import Struct, field

from orchestrator.security.ssh_library import asyncssh

DEFAULT_PORT = 22


class Trusted(Struct):
    """What is known of one host. ``other_port``: keys of the same name at port 22, good only as a match."""

    keys: list[asyncssh.SSHKey] = field(default_factory=list)
    authorities: list[asyncssh.SSHKey] = field(default_factory=list)
    revoked: list[asyncssh.SSHKey] = field(default_factory=list)
    other_port: list[asyncssh.SSHKey] = field(default_factory=list)


class KnownHosts:
    """The entries of several files together."""

    def __init__(self) -> None:
        self._exact: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self._patterns: list[tuple[list[str], str, str]] = []
        self._hashed: list[tuple[bytes, bytes, str, str]] = []

    @classmethod
    def read(cls, paths: Iterable[str]) -> KnownHosts:
        """Read the files that exist; a directory or a device (``/dev/null``) counts as empty."""
        known = cls()
        for path in paths:
            if os.path.isfile(path):
                with open(path, encoding="utf-8", errors="surrogateescape") as file:
                    known.load(file.read())
        return known

    def load(self, text: str) -> None:
        for line in text.splitlines():
            words = line.split(None, 4)
            if not words or words[0].startswith("#"):
                continue
            marker = words.pop(0) if words[0].startswith("@") else ""
            if marker in ("", "@cert-authority", "@revoked") and len(words) >= 3:
                self._add(words[0], marker, f"{words[1]} {words[2]}")

    def _add(self, names: str, marker: str, key: str) -> None:
        if names.startswith("|1|"):
            salt_and_hash = _hashed_name(names)
            if salt_and_hash:
                self._hashed.append((*salt_and_hash, marker, key))
        elif any(char in names for char in "*?!"):
            self._patterns.append((names.lower().split(","), marker, key))
        else:
            for name in names.lower().split(","):
                self._exact[name].append((marker, key))

    def lookup(self, host: str, port: int = DEFAULT_PORT) -> Trusted:
        """What is known of ``host`` (a name or an address, in lower or upper case) at ``port``."""
        trusted = Trusted()
        for marker, text in self._entries(host_pattern(host, port)):
            key = decode_key(text)
            if key is not None:
                _place(trusted, marker, key)
        if port != DEFAULT_PORT and not (trusted.keys or trusted.authorities):
            for marker, text in self._entries(host.lower()):
                key = decode_key(text)
                if key is not None:
                    _place(trusted, marker, key, other_port=True)
        return trusted

    def _entries(self, name: str) -> list[tuple[str, str]]:
        found = list(self._exact.get(name, ()))
        found += [(marker, key) for patterns, marker, key in self._patterns if _matches(patterns, name)]
        if self._hashed:
            data = name.encode("utf-8", "surrogateescape")
            found += [
                (marker, key) for salt, wanted, marker, key in self._hashed if hmac.digest(salt, data, "sha1") == wanted
            ]
        return found


def host_pattern(host: str, port: int) -> str:
    """The name under which a known_hosts file has ``host`` at ``port``."""
    host = host.lower()
    return host if port == DEFAULT_PORT else f"[{host}]:{port}"


@lru_cache(maxsize=20_000)
def decode_key(text: str) -> asyncssh.SSHKey | None:
    """``type base64`` as a public key, or None when asyncssh does not know the type or the line is damaged."""
    try:
        return asyncssh.import_public_key(text)
    except (asyncssh.KeyImportError, ValueError):
        return None


def fingerprint(key: asyncssh.SSHKey) -> str:
    """``SHA256:…`` as ssh-keygen prints it."""
    return key.get_fingerprint("sha256")


def key_type(key: asyncssh.SSHKey) -> str:
    """``ssh-ed25519`` and so on."""
    return key.algorithm.decode("ascii")


def _place(trusted: Trusted, marker: str, key: asyncssh.SSHKey, other_port: bool = False) -> None:
    if marker == "@revoked":
        trusted.revoked.append(key)
    elif marker == "@cert-authority":
        trusted.authorities.append(key)
    elif other_port:
        trusted.other_port.append(key)
    else:
        trusted.keys.append(key)


def _matches(patterns: list[str], name: str) -> bool:
    """OpenSSH's pattern list: a negated match refuses, whatever else matches."""
    found = False
    for pattern in patterns:
        negated = pattern.startswith("!")
        # fnmatch gives [...] a meaning which ssh's patterns do not have
        if fnmatchcase(name, pattern.lstrip("!").replace("[", "[[]")):
            if negated:
                return False
            found = True
    return found


def _hashed_name(names: str) -> tuple[bytes, bytes] | None:
    try:
        _, _, salt, digest = names.split("|")
        return base64.b64decode(salt, validate=True), base64.b64decode(digest, validate=True)
    except (ValueError, binascii.Error):
        return None
