"""Digests, encodings and secrets."""

from __future__ import annotations

import base64
import hashlib
import uuid
from typing import Any

from orchestrator.errors import TemplateError

_NAMESPACE = uuid.UUID("361E6D51-FAEC-444A-9079-341386DA8E2E")
"""Ansible's namespace for ``to_uuid``."""


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogateescape")


def digest(value: Any, hashtype: str = "sha1") -> str:
    """The hex digest of a text."""
    try:
        return hashlib.new(hashtype, _bytes(value)).hexdigest()
    except (ValueError, TypeError):
        raise TemplateError(
            f"unsupported hash type {hashtype!r}", hint="there are: md5, sha1, sha224, sha256, sha384, sha512",
        ) from None


def checksum(value: Any) -> str:
    return digest(value, "sha1")


def md5(value: Any) -> str:
    return digest(value, "md5")


def sha1(value: Any) -> str:
    return digest(value, "sha1")


def to_uuid(value: Any, namespace: Any = _NAMESPACE) -> str:
    """A UUID (version 5) made of the text."""
    try:
        space = namespace if isinstance(namespace, uuid.UUID) else uuid.UUID(str(namespace))
    except ValueError:
        raise TemplateError(f"Invalid value {namespace!r} for 'namespace': it is no UUID") from None
    return str(uuid.uuid5(space, str(value)))


def b64encode(value: Any, encoding: str = "utf-8", urlsafe: bool = False) -> str:
    data = value if isinstance(value, bytes) else str(value).encode(encoding, "surrogateescape")
    return (base64.urlsafe_b64encode if urlsafe else base64.b64encode)(data).decode()


def b64decode(value: Any, encoding: str = "utf-8", urlsafe: bool = False) -> str:
    data = (base64.urlsafe_b64decode if urlsafe else base64.b64decode)(_bytes(value))
    return data.decode(encoding, "surrogateescape")


def password_hash(
    value: Any, hashtype: str = "sha512", salt: Any = None, salt_size: int | None = None, rounds: int | None = None,
    ident: str | None = None,
) -> str:
    """A password as /etc/shadow keeps it. Without a salt, a new one each time: then every run changes it."""
    from orchestrator.template.crypt import hash_password

    if not isinstance(value, (str, bytes)):
        str(value)  # an undefined one fails in its own words
        raise TemplateError(f"password_hash: the secret must be text, not {type(value).__name__}")
    if salt_size is not None and (isinstance(salt_size, bool) or not str(salt_size).isdigit()):
        raise TemplateError("password_hash: salt_size must be an integer")
    if salt_size is not None and salt is None:
        import secrets
        import string

        salt = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(int(salt_size)))
    return hash_password(_bytes(value).decode(), hashtype, None if salt is None else str(salt), rounds, ident)


def vault(
    data: Any, secret: Any, salt: Any = None, vault_id: str = "filter_default", wrap_object: bool = False,
    vaultid: str | None = None,
) -> Any:
    """``data`` as a vault text under ``secret``; with ``wrap_object`` a value that is opened when it is used."""
    from orchestrator.template.types import Sealed
    from orchestrator.template.vault_format import encrypt

    given = None if salt is None else _bytes(salt)
    text = encrypt(_text(data, "vault"), _text(secret, "vault"), vaultid or vault_id, given)
    return Sealed(text) if wrap_object else text


def unvault(value: Any, secret: Any, vault_id: str = "filter_default", vaultid: str | None = None) -> str:
    """The text of a vault text; what is none is passed on."""
    from orchestrator.template.types import Sealed
    from orchestrator.template.vault_format import HEADER, decrypt

    text = value.ciphertext if isinstance(value, Sealed) else _text(value, "unvault").decode("utf-8", "surrogateescape")
    if not text.lstrip().startswith(HEADER):
        return text
    return decrypt(text, _text(secret, "unvault")).decode("utf-8", "surrogateescape")


def _text(value: Any, name: str) -> bytes:
    if not isinstance(value, (str, bytes)):
        str(value)  # an undefined one fails in its own words
        raise TemplateError(f"{name} needs text, this is of type {type(value).__name__}")
    return _bytes(value)
