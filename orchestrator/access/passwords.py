"""Passwords: what may be one, and how it is kept (argon2id, RFC 9106's low-memory parameters)."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from orchestrator.refusals import wrong

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST, LONGEST = 12, 1_024
COMMON = frozenset("""
    123456789012 1234567890123 12345678901234 123456789012345 1234567890123456 0123456789012 012345678901
    123123123123 111111111111 000000000000 aaaaaaaaaaaa qwertyuiop12 qwertyuiop123 qwertyuiop[] qwertyuiopas
    qwertyuiopasdf qwerty123456 qwerty1234567 1qaz2wsx3edc 1qaz2wsx3edc4rfv zaq12wsxcde3 zxcvbnmasdfg asdfghjkl123
    asdfghjkl;' abcdefghijkl abcdefghijklmnop abcd12345678 abc123456789 password1234 password12345 password123456
    passwordpassword password123! p@ssw0rd1234 p@ssword1234 passw0rd1234 administrator administrator1 admin1234567
    adminadminadmin adminadmin12 letmeinletmein letmein12345 welcome12345 welcome123456 changeme1234
    changemechangeme changemenow1 iloveyou1234 iloveyouiloveyou sunshine1234 football1234 baseball1234 superman1234
    trustno1trustno1 monkeymonkey dragondragon testtesttest test12345678 rootrootroot root12345678 ansibleansible
    orchorchorch orchestrator correcthorsebatterystaple unknownunknown secretsecret secret123456 computer1234
    internet1234 whateverwhatever michael12345 princess1234
""".split())
"""The most common of those that are long enough, from published lists of leaked passwords."""


def refuse_weak(password: str, name: str = "", email: str = "") -> None:
    """Raises `Malformed` for what is too short, the user's own name, or among the most common."""
    if len(password) < SHORTEST:
        raise wrong("password", f"a password has {SHORTEST} characters at least", code="password_short",
                        hint="several words are easy to remember")
    if len(password) > LONGEST:
        raise wrong("password", f"a password has {LONGEST} characters at most", code="password_long")
    plain = password.casefold()
    own = [part for part in (name.casefold(), email.casefold(), email.casefold().partition("@")[0]) if part]
    if any(_is_made_of(plain, part) for part in own):
        raise wrong("password", "a password is not the name", code="password_name")
    if plain in COMMON or len(set(plain)) < 4:
        raise wrong("password", "that password is among the first that are tried", code="password_common",
                        hint="several words are easy to remember")


def hash_password(password: str) -> str:
    return _hasher().hash(password)


def is_right(stored: str | None, password: str) -> bool:
    """Whether it is the one that was hashed. Takes as long where there is none to compare with."""
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return _hasher().verify(stored or _nobody(), password[:LONGEST]) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def _is_made_of(password: str, name: str) -> bool:
    """``name``, repeated or with a few digits and marks around it."""
    return password.replace(name, "").strip("0123456789!?.-_@#$ ") == "" and name in password


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher()


@cache
def _nobody() -> str:
    return hash_password("the password of nobody at all")
