"""Password hashes for /etc/shadow: by passlib where it is installed, else by the system's libcrypt."""

from __future__ import annotations

import ctypes
import ctypes.util
import functools
import secrets
import string
from typing import Any

from msgspec import Struct

from orchestrator.errors import TemplateError

_SALT = string.ascii_letters + string.digits + "./"


class _Scheme(Struct, frozen=True):
    name: str
    prefix: str
    salt_size: int
    rounds: int | None
    exact: bool = False


_SCHEMES = {
    scheme.name: scheme
    for scheme in (
        _Scheme("md5_crypt", "$1$", 8, None),
        _Scheme("bcrypt", "$2b$", 22, 12, exact=True),
        _Scheme("sha256_crypt", "$5$", 16, 535_000),
        _Scheme("sha512_crypt", "$6$", 16, 656_000),
    )
}
"""Rounds are passlib's defaults, which is what Ansible's users have in their shadow files."""

_ALIASES = {"md5": "md5_crypt", "blowfish": "bcrypt", "sha256": "sha256_crypt", "sha512": "sha512_crypt"}


def hash_password(
    password: str, scheme: str = "sha512", salt: str | None = None, rounds: int | None = None, ident: str | None = None
) -> str:
    """The hash; with the same salt and rounds always the same. Raises `TemplateError`, never naming the password."""
    chosen = _SCHEMES.get(_ALIASES.get(scheme, scheme))
    if chosen is None:
        raise TemplateError(
            f"{scheme} is not in the list of supported passlib algorithms",
            hint="there are: sha512, sha256, blowfish, md5",
        )
    salt = _salt(chosen, salt)
    rounds = rounds if rounds is not None else chosen.rounds
    if "\0" in password:
        raise TemplateError("a password cannot hold a NUL character")
    result = _crypt(password, _setting(chosen, salt, rounds, ident))
    if result is None or not result.startswith(chosen.prefix[:2]):
        raise TemplateError(
            f"this machine cannot make {chosen.name} hashes", hint="check salt, rounds and ident, or install passlib",
        )
    return result


def _salt(scheme: _Scheme, salt: str | None) -> str:
    if salt is None:
        made = "".join(secrets.choice(_SALT) for _ in range(scheme.salt_size))
        return made[:-1] + secrets.choice(".Oeu") if scheme.exact else made
    if scheme.exact and len(salt) != scheme.salt_size:
        raise TemplateError(f"a salt for {scheme.name} has {scheme.salt_size} characters, this one has {len(salt)}")
    if len(salt) > scheme.salt_size:
        raise TemplateError(f"a salt for {scheme.name} has {scheme.salt_size} characters at most")
    if not set(salt) <= set(_SALT):
        raise TemplateError("a salt holds letters, digits, . and / only")
    return salt


def _setting(scheme: _Scheme, salt: str, rounds: int | None, ident: str | None) -> str:
    if scheme.exact:
        kind = (ident or "2b").strip("$")
        if kind not in ("2", "2a", "2b", "2y"):
            raise TemplateError("ident of bcrypt is 2, 2a, 2b or 2y")
        return f"${kind}${int(rounds or 12):02d}${salt}"
    if scheme.rounds is None:
        return f"{scheme.prefix}{salt}"
    if rounds is not None and not 1000 <= int(rounds) <= 999_999_999:
        raise TemplateError("Could not hash the secret: rounds are 1000 to 999999999")
    # 5000 is the format's own default and is not written.
    return f"{scheme.prefix}{salt}" if rounds == 5000 else f"{scheme.prefix}rounds={rounds}${salt}"


@functools.lru_cache(maxsize=1)
def _library() -> Any:
    for name in (ctypes.util.find_library("crypt"), "libcrypt.so.1", "libcrypt.so.2"):
        try:
            library = ctypes.CDLL(name) if name else None
        except OSError:
            continue
        if library is not None:
            library.crypt.restype = ctypes.c_char_p
            library.crypt.argtypes = [ctypes.c_char_p, ctypes.c_char_p]
            return library
    return None


@functools.lru_cache(maxsize=256)
def _crypt(password: str, setting: str) -> str | None:
    library = _library()
    if library is None:
        return _by_passlib(password, setting)
    hashed = library.crypt(password.encode(), setting.encode())
    return hashed.decode() if hashed else None


def _by_passlib(password: str, setting: str) -> str | None:
    try:
        from passlib.context import CryptContext  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError:
        raise TemplateError(
            "password hashes need the system's libcrypt or the package libpass", hint="install libpass beside orch",
        ) from None
    name = next(scheme.name for scheme in _SCHEMES.values() if setting.startswith(scheme.prefix[:2]))
    handler = CryptContext(schemes=[name]).handler(name)
    parts = [part for part in setting.split("$") if part][1:]
    options: dict[str, Any] = {"salt": parts[-1]}
    if parts[0].startswith("rounds="):
        options["rounds"] = int(parts[0][7:])
    return str(handler.using(**options).hash(password))
