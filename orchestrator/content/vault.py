"""ansible-vault texts, read and written.

``$ANSIBLE_VAULT;1.1;AES256``, or ``1.2`` with an id, above hex lines of 80. Inside: hex of salt, HMAC and ciphertext.
PBKDF2-SHA256 with 10,000 rounds gives an AES key, an HMAC key and the counter; AES-256-CTR, HMAC-SHA256 over the
ciphertext, checked before anything is decrypted. No secret is in any error, ``repr`` or log.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import os
from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.errors import Origin, VaultError

HEADER = "$ANSIBLE_VAULT"
_ROUNDS = 10_000
_WIDTH = 80
DEFAULT_ID = "default"


@dataclass(frozen=True, slots=True)
class VaultSecret:
    """One vault password and the id it goes by. ``repr`` shows the id alone."""

    id: str
    secret: bytes

    def __repr__(self) -> str:
        return f"VaultSecret({self.id!r})"


def is_vault(text: str | bytes) -> bool:
    """Whether ``text`` begins as a vault does."""
    return text.startswith(HEADER if isinstance(text, str) else HEADER.encode())


class Vault:
    """Opens vault texts with any of its secrets; the one whose id the text names is tried first."""

    def __init__(self, secrets: Iterable[VaultSecret] = ()) -> None:
        self.secrets = tuple(secrets)

    def decrypt(self, text: str, origin: Origin | None = None) -> str:
        """The plain text. Raises `VaultError` that says which ids were tried."""
        data = self.decrypt_bytes(text, origin)
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise VaultError("the vault holds no UTF-8 text", origin=origin) from error

    def decrypt_bytes(self, text: str, origin: Origin | None = None) -> bytes:
        """The same for content that need not be text."""
        label, salt, mac, ciphertext = _parse(text, origin)
        if not self.secrets:
            raise VaultError(
                "this is encrypted, and no vault password was given", origin=origin,
                hint="give --vault-password-file or --ask-vault-pass",
            )
        ordered = sorted(self.secrets, key=lambda secret: secret.id != label)
        for secret in ordered:
            key, mac_key, counter = _keys(secret.secret, salt)
            if hmac.compare_digest(hmac.digest(mac_key, ciphertext, "sha256"), mac):
                return _unpad(_aes_ctr(key, counter, ciphertext), origin)
        tried = ", ".join(dict.fromkeys(secret.id for secret in ordered))
        named = f"; it was made with the id {label!r}" if label else ""
        raise VaultError(
            f"no vault password opens this; tried: {tried}{named}", origin=origin,
            hint="the password is wrong, or the text is damaged",
        )

    def encrypt(self, plain: str | bytes, vault_id: str | None = None) -> str:
        """``plain`` as a vault text, with the secret of that id (the first one when None)."""
        if not self.secrets:
            raise VaultError("no vault password was given", hint="give --vault-password-file or --ask-vault-pass")
        chosen = [s for s in self.secrets if vault_id is None or s.id == vault_id]
        if not chosen:
            known = ", ".join(secret.id for secret in self.secrets)
            raise VaultError(f"there is no vault password with the id {vault_id!r}; there is: {known}")
        return encrypt(plain, chosen[0])

    def rekey(self, text: str, new: VaultSecret, origin: Origin | None = None) -> str:
        """The same content under another secret."""
        return encrypt(self.decrypt_bytes(text, origin), new)


def encrypt(plain: str | bytes, secret: VaultSecret, salt: bytes | None = None) -> str:
    """A vault text: format 1.2 when the secret has an id of its own, else 1.1. ``salt`` is for tests alone."""
    data = plain.encode() if isinstance(plain, str) else plain
    salt = salt or os.urandom(32)
    key, mac_key, counter = _keys(secret.secret, salt)
    padding = 16 - len(data) % 16
    ciphertext = _aes_ctr(key, counter, data + bytes([padding]) * padding)
    mac = hmac.digest(mac_key, ciphertext, "sha256")
    inner = b"\n".join(binascii.hexlify(part) for part in (salt, mac, ciphertext))
    body = binascii.hexlify(inner).decode()
    header = f"{HEADER};1.1;AES256" if secret.id == DEFAULT_ID else f"{HEADER};1.2;AES256;{secret.id}"
    lines = [header, *(body[i:i + _WIDTH] for i in range(0, len(body), _WIDTH))]
    return "\n".join(lines) + "\n"


def _parse(text: str, origin: Origin | None) -> tuple[str | None, bytes, bytes, bytes]:
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
    return (header[3] if len(header) > 3 else None), salt, mac, ciphertext


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
