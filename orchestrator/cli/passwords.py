"""Passwords: asked for at the terminal or read from files; never taken from the command line."""

from __future__ import annotations

import getpass
import os
from typing import TYPE_CHECKING, Any

from orchestrator.errors import UsageError

if TYPE_CHECKING:
    from orchestrator.engine.setup import Secrets


def ask_secrets(given: dict[str, Any]) -> Secrets:
    """Login, become and vault passwords as the options say."""
    from orchestrator.engine.setup import Secrets
    from orchestrator.security.secrets import Secret

    login = _one(given.get("ask_pass"), given.get("connection_password_file"), "SSH password: ")
    become = _one(given.get("ask_become_pass"), given.get("become_password_file"),
                  "BECOME password[defaults to SSH password]: " if login else "BECOME password: ") or (
                      login if given.get("ask_become_pass") else None)
    return Secrets(Secret(login) if login else None, Secret(become) if become else None, _vault(given))


def _one(ask: Any, file: Any, prompt: str) -> str | None:
    if ask:
        return getpass.getpass(prompt)
    return _read(str(file)) if file else None


def _read(path: str) -> str:
    try:
        with open(os.path.expanduser(path), encoding="utf-8") as stream:
            return stream.read().rstrip("\r\n")
    except OSError as error:
        raise UsageError(f"cannot read the password file {path}: {error.strerror}") from error


def _vault(given: dict[str, Any]) -> Any:
    from orchestrator.content.vault import Vault, VaultSecret, read_password_file

    secrets = []
    sources = [("default", f) for f in given.get("vault_files") or ()]
    environment = os.environ.get("ANSIBLE_VAULT_PASSWORD_FILE")
    if not sources and environment:
        sources.append(("default", environment))
    for text in given.get("vault_ids") or ():
        label, at, source = text.rpartition("@")
        sources.append((label if at else "default", source))
    for label, source in sources:
        if source == "prompt":
            secrets.append(VaultSecret(label, getpass.getpass(f"Vault password ({label}): ").encode()))
        else:
            secrets.append(VaultSecret(label, read_password_file(os.path.expanduser(source), label)))
    if given.get("ask_vault"):
        secrets.append(VaultSecret("default", getpass.getpass("Vault password: ").encode()))
    return Vault(secrets)
