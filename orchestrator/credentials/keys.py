"""SSH keys as people hand them in: whether one can be read, and what may be shown of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrator.refusals import Malformed


def described(values: Mapping[str, Any]) -> dict[str, str]:
    """The public half and the fingerprint of ``private_key``. Raises `Malformed` when it cannot be opened."""
    from orchestrator.security.ssh_library import asyncssh

    passphrase = values.get("passphrase")
    try:
        key = asyncssh.import_private_key(normal(values["private_key"]), passphrase)
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, ValueError) as error:
        about_passphrase = isinstance(error, asyncssh.KeyEncryptionError) or "passphrase" in str(error).lower()
        field = "passphrase" if about_passphrase else "private_key"
        says = ("the key is encrypted, and this does not open it" if about_passphrase
                else "is no private key that can be read")
        raise Malformed("the SSH key cannot be used", code="credential_invalid",
                        fields=[(f"values.{field}", says)]) from None
    _check_certificate(values.get("certificate"), key)
    public = key.export_public_key().decode().split()
    return {"public_key": " ".join(public[:2]), "fingerprint": key.get_fingerprint("sha256")}


def normal(text: str) -> str:
    """Browsers send CRLF, and people forget the last line's end: OpenSSH's format minds both."""
    return text.replace("\r\n", "\n").strip() + "\n"


def _check_certificate(text: str | None, key: Any) -> None:
    if not text:
        return
    from orchestrator.security.ssh_library import asyncssh

    try:
        fits = asyncssh.import_certificate(text).key.public_data == key.public_data
        says = None if fits else "is for another key"
    except (asyncssh.KeyImportError, ValueError):
        says = "is no SSH certificate that can be read"
    if says:
        raise Malformed("the SSH certificate cannot be used", code="credential_invalid",
                        fields=[("values.certificate", says)])
