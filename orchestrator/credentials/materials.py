"""What a run's process is given of credentials: one bounded JSON on its standard input, and nowhere else.

It is never in arguments, environments, files, logs or events. `orchestrator.engine.materials` makes of it what the
engine and the carriers take: secrets and key objects in memory.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct, field

from orchestrator.errors import UsageError

MOST_BYTES = 1 << 20
MOST_CREDENTIALS = 20


class KeyMaterial(Struct, frozen=True):
    """``name`` is the credential's, for messages."""

    name: str
    private_key: str
    passphrase: str | None = None
    certificate: str | None = None

    def __repr__(self) -> str:
        return f"KeyMaterial({self.name!r})"


class VaultMaterial(Struct, frozen=True):
    id: str
    password: str

    def __repr__(self) -> str:
        return f"VaultMaterial({self.id!r})"


class Materials(Struct):
    """``repr`` shows no secret. ``others``: by the credential's name, what playbooks read as ``orch_credentials``."""

    username: str | None = None
    login_password: str | None = None
    become_password: str | None = None
    vaults: list[VaultMaterial] = field(default_factory=list)
    keys: list[KeyMaterial] = field(default_factory=list)
    others: dict[str, dict[str, Any]] = field(default_factory=dict)
    other_secrets: dict[str, list[str]] = field(default_factory=dict)
    """Which fields of ``others`` are secret."""

    def __repr__(self) -> str:
        return f"Materials(keys={len(self.keys)}, vaults={len(self.vaults)}, others={sorted(self.others)})"


def to_json(materials: Materials) -> bytes:
    """Raises `UsageError` when it is more than a process is given."""
    data = msgspec.json.encode(materials)
    if len(data) > MOST_BYTES:
        raise UsageError(f"the credentials of a run have {MOST_BYTES >> 10} KiB at most", code="credential_size")
    return data


def from_json(data: bytes) -> Materials:
    """Raises `UsageError`, without a word of the content."""
    try:
        if len(data) > MOST_BYTES:
            raise ValueError
        return msgspec.json.decode(data, type=Materials)
    except (ValueError, msgspec.MsgspecError):
        raise UsageError("what came as credentials is none", code="credential_format") from None


def texts(materials: Materials) -> list[str]:
    """Every secret text of it: what must never be seen anywhere."""
    found = [materials.login_password, materials.become_password, *(one.password for one in materials.vaults)]
    for key in materials.keys:
        found += [key.private_key, key.passphrase]
    for name, fields in materials.other_secrets.items():
        found += [str(materials.others[name].get(one, "")) for one in fields]
    return [text for text in found if text]
