"""Where vault passwords come from: a file, or a program that prints one."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Callable

from orchestrator.content.vault import DEFAULT_ID, VaultSecret
from orchestrator.errors import Origin, VaultError

MAX_BYTES = 64 * 1024
TIMEOUT_S = 60.0


def read_secret(path: str, vault_id: str = DEFAULT_ID, warn: Callable[[str], None] | None = None) -> VaultSecret:
    """The secret in a file, without the space around it; of an executable file, what it prints.

    A program whose name ends in ``-client`` (before its extension) is told the id with ``--vault-id``. ``warn`` is
    told when others may read the file. Raises `VaultError`, which never holds the program's output.
    """
    full = os.path.abspath(os.path.expanduser(path))
    try:
        mode = os.stat(full).st_mode
        if stat.S_ISDIR(mode):
            raise VaultError(f"the vault password file {path} is a directory", origin=Origin(full))
        if mode & 0o111:
            data = _from_program(full, vault_id)
        else:
            if mode & 0o077 and warn is not None:
                warn(f"others can read the vault password file {path}: chmod 600 {path}")
            data = _from_file(full)
    except OSError as error:
        raise VaultError(
            f"cannot read the vault password file {path}: {error.strerror}", origin=Origin(full),
            hint="a file that is executable is run, and must begin with #!" if error.errno == 8 else None,
        ) from error
    secret = data.strip()
    if not secret:
        raise VaultError(f"the vault password file {path} is empty", origin=Origin(full))
    return VaultSecret(vault_id, secret)


def parse_vault_id(text: str) -> tuple[str, str]:
    """``id@source`` as (id, source); a bare source has the id ``default``."""
    label, at, source = text.partition("@")
    return (label or DEFAULT_ID, source) if at else (DEFAULT_ID, text)


def _from_file(path: str) -> bytes:
    with open(path, "rb") as file:
        data = file.read(MAX_BYTES + 1)
    return _checked(data, path)


def _from_program(path: str, vault_id: str) -> bytes:
    argv = [path]
    if os.path.splitext(os.path.basename(path))[0].endswith("-client"):
        argv += ["--vault-id", vault_id]
    try:
        ended = subprocess.run(argv, stdout=subprocess.PIPE, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise VaultError(f"the vault password program {path} took longer than {TIMEOUT_S:.0f} s") from None
    if ended.returncode:
        raise VaultError(f"the vault password program {path} ended with {ended.returncode}", origin=Origin(path))
    return _checked(ended.stdout, path)


def _checked(data: bytes, path: str) -> bytes:
    if len(data) > MAX_BYTES:
        raise VaultError(f"the vault password from {path} is larger than {MAX_BYTES} bytes")
    if data.startswith(b"$ANSIBLE_VAULT"):
        raise VaultError(f"the vault password file {path} is a vault itself", origin=Origin(path))
    return data
