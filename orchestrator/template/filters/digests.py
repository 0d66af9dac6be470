"""Digests, encodings and secrets."""

from __future__ import annotations

import base64
import hashlib
import random
import uuid
from typing import Any

from jinja2 import pass_environment

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
            f"there is no hash {hashtype!r}", hint="there are: md5, sha1, sha224, sha256, sha384, sha512",
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
        raise TemplateError(f"to_uuid: {namespace!r} is no UUID") from None
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

    if salt_size is not None and salt is None:
        import secrets
        import string

        salt = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(salt_size))
    return hash_password(str(value), hashtype, None if salt is None else str(salt), rounds, ident)


def random_mac(prefix: Any, seed: Any = None) -> str:
    """A MAC address that begins as ``prefix`` does."""
    parts = str(prefix).lower().strip(":").split(":")
    if not all(len(part) == 2 and set(part) <= set("0123456789abcdef") for part in parts) or len(parts) > 5:
        raise TemplateError(f"random_mac: {prefix!r} is no beginning of a MAC address")
    source = random.Random(seed) if seed is not None else random.SystemRandom()
    return ":".join(parts + [f"{source.randrange(256):02x}" for _ in range(6 - len(parts))])


@pass_environment
def vault(
    environment: Any, data: Any, secret: Any, salt: Any = None, vaultid: str = "filter_default",
    wrap_object: bool = False, vault_id: str | None = None,
) -> str:
    """``data`` as a vault text under ``secret``."""
    from orchestrator.template.vault_format import encrypt

    given = None if salt is None else _bytes(salt)
    return encrypt(_bytes(data), _bytes(secret), vault_id or vaultid, given)


def unvault(value: Any, secret: Any, vaultid: str = "filter_default", vault_id: str | None = None) -> str:
    """The text of a vault text; what is none is passed on."""
    from orchestrator.template.vault_format import HEADER, decrypt

    text = str(value)
    if not text.startswith(HEADER):
        return text
    return decrypt(text, _bytes(secret)).decode("utf-8", "surrogateescape")
