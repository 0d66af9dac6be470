"""A stream encrypted with a passphrase: scrypt for the key, AES-256-GCM over numbered pieces, the last one marked.

So nothing can be changed, left out, put in another order or cut off without being noticed (the STREAM construction of
Hoang, Reyhanitabar, Rogaway and Vizár, 2015).
"""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Iterator
from typing import IO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from orchestrator.errors import StoreError

MAGIC = b"orch-sealed-1\n"
SALT_BYTES = 16
PIECE_BYTES = 1 << 20
TAG_BYTES = 16
COST = {"n": 1 << 16, "r": 8, "p": 1}
"""64 MiB and about a fifth of a second."""


def _cipher(passphrase: bytes, salt: bytes) -> AESGCM:
    return AESGCM(Scrypt(salt=salt, length=32, **COST).derive(passphrase))


def _nonce(number: int, last: bool) -> bytes:
    return struct.pack("!QI", number, 1 if last else 0)


class SealedWriter(io.RawIOBase):
    """Takes bytes, and writes them sealed to ``out``, which stays open. Without `close` at the end it does not open."""

    def __init__(self, out: IO[bytes], passphrase: bytes) -> None:
        salt = os.urandom(SALT_BYTES)
        self._out, self._cipher, self._number, self._held = out, _cipher(passphrase, salt), 0, bytearray()
        out.write(MAGIC + salt)

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(data)  # type: ignore[call-overload]
        self._held += piece
        while len(self._held) > PIECE_BYTES:
            self._put(bytes(self._held[:PIECE_BYTES]), last=False)
            del self._held[:PIECE_BYTES]
        return len(piece)

    def close(self) -> None:
        if not self.closed:
            self._put(bytes(self._held), last=True)
            super().close()

    def _put(self, piece: bytes, last: bool) -> None:
        self._out.write(self._cipher.encrypt(_nonce(self._number, last), piece, MAGIC))
        self._number += 1


def is_sealed(file: IO[bytes]) -> bool:
    """Whether the file begins as one that `SealedWriter` wrote; its position stays."""
    found = file.read(len(MAGIC))
    file.seek(-len(found), os.SEEK_CUR)
    return found == MAGIC


def unsealed(file: IO[bytes], passphrase: bytes) -> Iterator[bytes]:
    """The pieces that were written. Raises `StoreError` for another passphrase, or when anything was altered."""
    file.read(len(MAGIC))
    cipher, number = _cipher(passphrase, file.read(SALT_BYTES)), 0
    piece = file.read(PIECE_BYTES + TAG_BYTES)
    while True:
        after = file.read(PIECE_BYTES + TAG_BYTES)
        try:
            yield cipher.decrypt(_nonce(number, last=not after), piece, MAGIC)
        except (InvalidTag, ValueError):
            raise StoreError("this does not open: another passphrase, or the file was altered or cut off",
                             code="sealed_stream") from None
        if not after:
            return
        piece, number = after, number + 1
