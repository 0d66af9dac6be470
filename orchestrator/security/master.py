"""The master key: what seals data in the database and derives every agentlet's keys. It is never in the database.

So a database that was stolen tells no task and no result, and one that was edited commands no host.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import stat
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import StoreError, UsageError
from orchestrator.security.private_files import write_private

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SIZE_BYTES = 32
FILE = "master.key"
VARIABLE = "ORCH_MASTER_KEY_FILE"
_NONCE_BYTES = 12


class MasterKey:
    """32 bytes, and what is made from them. ``repr`` shows nothing."""

    __slots__ = ("_key", "_sealer")

    def __init__(self, key: bytes) -> None:
        if len(key) != SIZE_BYTES:
            raise ValueError(f"a master key has {SIZE_BYTES} bytes, not {len(key)}")
        self._key = key
        self._sealer: AESGCM | None = None

    @classmethod
    def load_or_create(cls, state_dir: str | os.PathLike[str], environ: Mapping[str, str] = os.environ) -> MasterKey:
        """The key in ``<state>/master.key``, made (0600) where there is none yet; two processes get the same one.

        ``ORCH_MASTER_KEY_FILE`` names another file, which must be there. Raises `UsageError` when it cannot be used.
        """
        named = environ.get(VARIABLE)
        if named:
            return cls(_read(Path(named).expanduser()))
        path = Path(state_dir) / FILE
        if not path.exists():
            write_private(path, os.urandom(SIZE_BYTES).hex().encode() + b"\n", keep=True)
        return cls(_read(path))

    @classmethod
    def load(cls, state_dir: str | os.PathLike[str], environ: Mapping[str, str] = os.environ) -> MasterKey:
        """The key that is there. Raises `UsageError` when there is none: a new one would open nothing."""
        named = environ.get(VARIABLE)
        return cls(_read(Path(named).expanduser() if named else Path(state_dir) / FILE))

    @classmethod
    def of_text(cls, text: str) -> MasterKey:
        """The key that `text` gave."""
        return cls(bytes.fromhex(text))

    def text(self) -> str:
        """For a process of the same server that has to seal in its name; it goes by a pipe."""
        return self._key.hex()

    def derive(self, purpose: str, *parts: str) -> bytes:
        """32 bytes for one purpose and these parts: HMAC-SHA256 over them, each with its length before it."""
        mac = hmac.new(self._key, digestmod=hashlib.sha256)
        for part in (purpose, *parts):
            data = part.encode("utf-8", "surrogatepass")
            mac.update(struct.pack("!I", len(data)) + data)
        return mac.digest()

    def seal(self, plain: bytes, purpose: str) -> bytes:
        """``plain`` encrypted and authenticated (AES-256-GCM); it opens for the same purpose only."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher().encrypt(nonce, plain, purpose.encode())

    def open(self, sealed: bytes, purpose: str) -> bytes:
        """What `seal` was given. Raises `StoreError` when it was altered, or sealed with another key or purpose."""
        from cryptography.exceptions import InvalidTag

        try:
            return self._cipher().decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], purpose.encode())
        except (InvalidTag, ValueError):
            raise StoreError(
                f"what is stored as {purpose.partition(':')[0]} cannot be opened: it was altered, or another master key"
                " sealed it", code="store_sealed",
                hint=f"restore the {FILE} that belongs to this store, or name it with {VARIABLE}") from None

    def _cipher(self) -> AESGCM:
        if self._sealer is None:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM

            self._sealer = AESGCM(self.derive("seal"))
        return self._sealer


def _read(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode
        text = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise UsageError(f"the master key cannot be read: {reason}: {path}", code="master_key",
                         hint=f"it is made by the first `orch serve` or `orch agents invite`; {VARIABLE} names another"
                         ) from None
    if stat.S_IMODE(mode) & 0o077:
        raise UsageError(f"others may read the master key: {path}", code="master_key", hint=f"chmod 600 {path}")
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != SIZE_BYTES:
        raise UsageError(f"this is no master key: {path}", code="master_key",
                         hint=f"it holds {2 * SIZE_BYTES} hex digits; restore it from your backup")
    return key
