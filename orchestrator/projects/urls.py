"""Addresses of git repositories: which are taken at all. Pure.

https, ssh (``ssh://`` or ``user@host:path``) and, below allow-listed folders, ``file://``. Nothing that git, ssh or a
shell could take for an option, no password within the address, no other transport (``ext::`` starts programs).
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from msgspec import Struct

from orchestrator.refusals import Malformed

HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")
USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
PATH = re.compile(r"[A-Za-z0-9_~/.][A-Za-z0-9_~/.+@=%-]*")
SCP_LIKE = re.compile(r"(?P<user>[^@/:]+)@(?P<host>[^@/:]+):(?P<path>[^:].*)")
REF = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/+-]{0,199}")
COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
LONGEST_URL = 500


class GitUrl(Struct, frozen=True):
    """``text`` is what git is given: with a user, where one was named, and never with a password."""

    scheme: str
    host: str
    port: int | None
    user: str
    path: str

    @property
    def text(self) -> str:
        if self.scheme == "file":
            return f"file://{self.path}"
        user, port = f"{self.user}@" if self.user else "", f":{self.port}" if self.port else ""
        return f"{self.scheme}://{user}{self.host}{port}/{self.path.lstrip('/')}"


def parse_url(text: str) -> GitUrl:
    """Raises `Malformed` (field ``url``); what was given is not repeated, since people paste passwords."""
    if not text or len(text) > LONGEST_URL or not text.isascii() or not text.isprintable() or " " in text:
        raise _wrong(f"1 to {LONGEST_URL} printable ASCII characters without blanks")
    if text.startswith("-") or "::" in text.partition("//")[0]:
        raise _wrong("takes https://…, ssh://…, user@host:path or file:///…")
    found = SCP_LIKE.fullmatch(text) if "://" not in text else None
    if found:
        return _checked(GitUrl("ssh", found["host"], None, found["user"], found["path"]))
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise _wrong("cannot be read") from None
    if parts.password is not None:
        raise _wrong("holds a password: keep it as a credential of the kind git_token")
    if parts.query or parts.fragment:
        raise _wrong("has no '?' and no '#'")
    host = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else parts.hostname or ""
    return _checked(GitUrl(parts.scheme, host, port, parts.username or "", parts.path))


def _checked(url: GitUrl) -> GitUrl:
    if url.scheme not in ("https", "ssh", "file"):
        raise _wrong("takes https, ssh or file")
    if not PATH.fullmatch(url.path) or ".." in PurePosixPath(url.path).parts:
        raise _wrong("has a path of letters, digits and _ ~ / . + @ = % -, without '..'")
    if url.scheme == "file":
        if url.host or not url.path.startswith("/"):
            raise _wrong("is written file:///the/path")
        return url
    if not HOST.fullmatch(url.host):
        raise _wrong("names no host")
    if url.user and not USER.fullmatch(url.user):
        raise _wrong("has a user of letters, digits and _ . -")
    if url.path in ("", "/"):
        raise _wrong("names no repository")
    return url


def checked_ref(ref: str) -> str:
    """A branch, a tag or a commit; empty: what the server has as its own. Raises `Malformed` (field ``ref``)."""
    if ref and (not REF.fullmatch(ref) or ".." in ref or ref.endswith((".lock", "/", ".")) or "//" in ref):
        raise Malformed("this is no name of a branch, tag or commit",
                        fields=[("ref", "letters, digits and . _ / + -; not beginning with '-', without '..'")])
    return ref


def _wrong(message: str) -> Malformed:
    return Malformed("this is no address of a repository that can be fetched", code="project_url",
                     fields=[("url", message)])
