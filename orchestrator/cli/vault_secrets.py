"""Which vault passwords a `orch vault` command has, and which one it encrypts with."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Any

from orchestrator.cli.passwords import vault_from
from orchestrator.content.vault import DEFAULT_ID, Vault, VaultSecret, encrypt
from orchestrator.errors import Origin, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence


class VaultKeys:
    """Opens with all of its secrets, and encrypts with one."""

    def __init__(self, secrets: Sequence[VaultSecret], chosen: str | None = None) -> None:
        self._secrets = tuple(secrets)
        self._chosen = chosen
        self._vault = Vault(secrets)

    def decrypt(self, text: str, place: str) -> bytes:
        """Raises `VaultError` that names the place."""
        return self._vault.decrypt_bytes(text, Origin(place))

    def encrypt(self, plain: bytes, label: str | None = None) -> str:
        """With the chosen secret, else the one of that label, else the only one. `UsageError` when that is unclear."""
        ids = list(dict.fromkeys(secret.id for secret in self._secrets))
        wanted = self._chosen or (label if label in ids else None)
        if wanted is None and len(ids) > 1:
            raise UsageError(f"there are several vault identities: {', '.join(ids)}",
                             hint="say which one encrypts: --encrypt-vault-id ID")
        matching = [secret for secret in self._secrets if wanted in (None, secret.id)]
        if not matching:
            raise UsageError(f"there is no vault identity {wanted!r}; there is: {', '.join(ids)}")
        return encrypt(plain, matching[0])


def vault_keys(given: dict[str, Any], *, is_new: bool) -> VaultKeys:
    """The secrets that the options and the environment name; one is asked for when they name none.

    ``is_new``: something will be encrypted with it for the first time, so it is asked for twice.
    """
    secrets = list(vault_from(given).secrets)
    if not secrets:
        secrets = [asked(DEFAULT_ID, "New vault password" if is_new else "Vault password", confirm=is_new)]
    return VaultKeys(secrets, given.get("encrypt_vault_id"))


def new_key(vault_id: str | None, password_file: str | None) -> VaultKeys:
    """What files are encrypted with anew."""
    if vault_id and password_file:
        raise UsageError("--new-vault-id and --new-vault-password-file are two answers to one question")
    if not vault_id and not password_file:
        return VaultKeys([asked(DEFAULT_ID, "New vault password", confirm=True)])
    given = {"vault_ids": [vault_id]} if vault_id else {"vault_files": [password_file]}
    return VaultKeys(vault_from(given, {}).secrets)


def asked(vault_id: str, prompt: str, *, confirm: bool) -> VaultSecret:
    """A password typed at the terminal; twice when ``confirm``. Raises `UsageError` when it is empty or differs."""
    typed = getpass.getpass(f"{prompt}: ")
    if confirm and getpass.getpass(f"Confirm {prompt.lower()}: ") != typed:
        raise UsageError("the passwords are not the same")
    if not typed.strip():
        raise UsageError("the vault password must not be empty")
    return VaultSecret(vault_id, typed.strip().encode())
