"""Passwords: asked for at the terminal or read from files; never taken from the command line."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from orchestrator.errors import UsageError

if TYPE_CHECKING:
    from orchestrator.content.vault import Vault, VaultSecret
    from orchestrator.engine.setup import Secrets

MAX_BYTES = 64 * 1024


def ask_secrets(given: dict[str, Any]) -> Secrets:
    """Login, become and vault passwords as the options say, in Ansible's order.

    Where -k and -K are both given, an empty become password means the login password.
    """
    from orchestrator.engine.ansible_cfg import with_config
    from orchestrator.engine.setup import Secrets
    from orchestrator.security.secrets import Secret

    environ = with_config(os.environ)
    login = _one(given.get("ask_pass"), "SSH password: ",
                 given.get("connection_password_file") or environ.get("ANSIBLE_CONNECTION_PASSWORD_FILE"))
    prompt = "BECOME password[defaults to SSH password]: " if login else "BECOME password: "
    become = _one(given.get("ask_become_pass"), prompt,
                  given.get("become_password_file") or environ.get("ANSIBLE_BECOME_PASSWORD_FILE"))
    if given.get("ask_become_pass"):
        become = become or login
    return Secrets(Secret(login) if login else None, Secret(become) if become else None, vault_from(given, environ))


def _one(ask: Any, prompt: str, file: Any) -> str | None:
    if ask:
        return _ask(prompt)
    return _read(str(file)) if file else None


def _read(path: str) -> str:
    try:
        with open(os.path.expanduser(path), encoding="utf-8") as stream:
            return stream.read(MAX_BYTES).rstrip("\r\n")
    except OSError as error:
        raise UsageError(f"cannot read the password file {path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise UsageError(f"the password file {path} is not UTF-8 text") from None


def vault_from(given: Mapping[str, Any], environ: Mapping[str, str] = os.environ) -> Vault:
    """The vault passwords that options and environment name; asks for those that are to be asked for."""
    from orchestrator.content.passwords import parse_vault_id
    from orchestrator.content.vault import DEFAULT_ID, Vault, VaultSecret

    sources = [parse_vault_id(text) for text in given.get("vault_ids") or ()]
    sources += [(DEFAULT_ID, file) for file in given.get("vault_files") or ()]
    if not sources:
        listed = environ.get("ANSIBLE_VAULT_IDENTITY_LIST", "").split(",")
        sources = [parse_vault_id(text.strip()) for text in listed if text.strip()]
    environment = environ.get("ANSIBLE_VAULT_PASSWORD_FILE")
    if environment and not given.get("vault_files"):
        sources.append((DEFAULT_ID, environment))
    secrets = [_vault_secret(label, source) for label, source in sources]
    if given.get("ask_vault"):
        secrets.append(VaultSecret(DEFAULT_ID, _ask("Vault password: ").encode()))
    return Vault(secrets)


def _vault_secret(label: str, source: str) -> VaultSecret:
    from orchestrator.content.passwords import read_secret
    from orchestrator.content.vault import VaultSecret

    if source in ("prompt", "prompt_ask_vault_pass"):
        return VaultSecret(label, _ask(f"Vault password ({label}): ").encode())
    return read_secret(source, label)


def _ask(prompt: str) -> str:
    import getpass  # seldom needed, and on the way of every run

    return getpass.getpass(prompt)
