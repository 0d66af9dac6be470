"""The ansible-vault format, pure: text and secret in, bytes out, and back.

``$ANSIBLE_VAULT;1.1;AES256``, or ``1.2`` with an id, above hex lines of 80. Inside: hex of salt, HMAC and ciphertext.
PBKDF2-SHA256 with 10,000 rounds gives an AES key, an HMAC key and the counter; AES-256-CTR, HMAC-SHA256 over the
ciphertext, checked before anything is decrypted. No secret is in any error.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import os

from msgspec import Struct

from orchestrator.errors import Origin, VaultError

HEADER = "$ANSIBLE_VAULT"
_ROUNDS = 10_000
_WIDTH = 80


class Envelope(Struct, frozen=True):
    label: str | None
    salt: bytes
    mac: bytes
    ciphertext: bytes


def encrypt(data: bytes, secret: bytes, label: str | None = None, salt: bytes | None = None) -> str:
    """A vault text: format 1.2 when there is a label, else 1.1. A ``salt`` makes the result repeatable."""
    salt = salt or os.urandom(32)
    key, mac_key, counter = _keys(secret, salt)
    padding = 16 - len(data) % 16
    ciphertext = _aes_ctr(key, counter, data + bytes([padding]) * padding)
    mac = hmac.digest(mac_key, ciphertext, "sha256")
    inner = b"\n".join(binascii.hexlify(part) for part in (salt, mac, ciphertext))
    body = binascii.hexlify(inner).decode()
    header = f"{HEADER};1.2;AES256;{label}" if label else f"{HEADER};1.1;AES256"
    lines = [header, *(body[i:i + _WIDTH] for i in range(0, len(body), _WIDTH))]
    return "\n".join(lines) + "\n"


def decrypt(text: str, secret: bytes, origin: Origin | None = None) -> bytes:
    """The content. Raises `VaultError` when the text is damaged or the secret is another."""
    data = open_envelope(parse(text, origin), secret, origin)
    if data is None:
        raise VaultError(
            "the vault password does not open this", origin=origin,
            hint="the password is wrong, or the text is damaged",
        )
    return data


def open_envelope(envelope: Envelope, secret: bytes, origin: Origin | None = None) -> bytes | None:
    """The content, or None when the secret is another (or the text was changed)."""
    key, mac_key, counter = _keys(secret, envelope.salt)
    if not hmac.compare_digest(hmac.digest(mac_key, envelope.ciphertext, "sha256"), envelope.mac):
        return None
    return _unpad(_aes_ctr(key, counter, envelope.ciphertext), origin)


def parse(text: str, origin: Origin | None = None) -> Envelope:
    """The parts of a vault text. Raises `VaultError` when it is none, or damaged."""
    lines = text.strip().splitlines()
    if not lines or not lines[0].startswith(HEADER + ";"):
        raise VaultError("this is no vault text", origin=origin, hint=f"it must begin with {HEADER};1.1;AES256")
    header = [part.strip() for part in lines[0].split(";")]
    if len(header) < 3 or header[1] not in ("1.1", "1.2"):
        raise VaultError("this vault format is unknown", origin=origin, hint="known are 1.1 and 1.2")
    if header[2] != "AES256":
        raise VaultError("this vault cipher is unknown", origin=origin, hint="known is AES256")
    try:
        inner = binascii.unhexlify("".join(line.strip() for line in lines[1:]))
        salt, mac, ciphertext = (binascii.unhexlify(part) for part in inner.split(b"\n", 2))
    except (binascii.Error, ValueError) as error:
        raise VaultError("the vault text is damaged", origin=origin, hint="a line is missing or changed") from error
    return Envelope(header[3] if len(header) > 3 else None, salt, mac, ciphertext)


def _keys(secret: bytes, salt: bytes) -> tuple[bytes, bytes, bytes]:
    derived = hashlib.pbkdf2_hmac("sha256", secret, salt, _ROUNDS, 80)
    return derived[:32], derived[32:64], derived[64:]


def _aes_ctr(key: bytes, counter: bytes, data: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    cipher = Cipher(algorithms.AES(key), modes.CTR(counter)).encryptor()
    return cipher.update(data) + cipher.finalize()


def _unpad(data: bytes, origin: Origin | None) -> bytes:
    count = data[-1] if data else 0
    if not 1 <= count <= 16 or data[-count:] != bytes([count]) * count:
        raise VaultError("the vault text is damaged", origin=origin)
    return data[:-count]
