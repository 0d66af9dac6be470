"""`Vault` opens vault texts with the secrets of this run, and makes new ones. No secret is in an error or ``repr``."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from orchestrator.errors import Origin, VaultError
from orchestrator.template import vault_format
from orchestrator.template.vault_format import HEADER

DEFAULT_ID = "default"


class VaultSecret(Struct, frozen=True):
    """One vault password and the id it goes by. ``repr`` shows the id alone."""

    id: str
    secret: bytes

    def __repr__(self) -> str:
        return f"VaultSecret({self.id!r})"


def is_vault(text: str | bytes) -> bool:
    """Whether ``text`` begins as a vault does."""
    return text.startswith(HEADER) if isinstance(text, str) else text.startswith(HEADER.encode())


class Vault:
    """Opens vault texts with any of its secrets; the one whose id the text names is tried first."""

    def __init__(self, secrets: Iterable[VaultSecret] = ()) -> None:
        self.secrets = tuple(secrets)

    def decrypt(self, text: str, origin: Origin | None = None) -> str:
        """The plain text. Raises `VaultError` that says which ids were tried."""
        try:
            return self.decrypt_bytes(text, origin).decode("utf-8")
        except UnicodeDecodeError:
            raise VaultError("the vault holds no UTF-8 text", origin=origin) from None

    def decrypt_bytes(self, text: str, origin: Origin | None = None) -> bytes:
        """The same for content that need not be text."""
        envelope = vault_format.parse(text, origin)
        if not self.secrets:
            raise VaultError(
                "this is encrypted, and no vault password was given", origin=origin,
                hint="give --vault-password-file or --ask-vault-pass",
            )
        ordered = sorted(self.secrets, key=lambda secret: secret.id != envelope.label)
        for secret in ordered:
            data = vault_format.open_envelope(envelope, secret.secret, origin)
            if data is not None:
                return data
        tried = ", ".join(dict.fromkeys(secret.id for secret in ordered))
        named = f"; it was made with the id {envelope.label!r}" if envelope.label else ""
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


def encrypt(plain: str | bytes, secret: VaultSecret) -> str:
    """A vault text: format 1.2 when the secret has an id of its own, else 1.1."""
    data = plain.encode() if isinstance(plain, str) else plain
    return vault_format.encrypt(data, secret.secret, None if secret.id == DEFAULT_ID else secret.id)


def read_password_file(path: str, vault_id: str = DEFAULT_ID) -> bytes:
    """The secret in a vault password file, or what the program at ``path`` prints. See `read_secret`."""
    from orchestrator.content.passwords import read_secret

    return read_secret(path, vault_id).secret
