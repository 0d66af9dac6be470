"""The line that enrols a host."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from orchestrator.errors import UsageError

if TYPE_CHECKING:
    from orchestrator.security.ca import CertificateAuthority

PORT = 8444
URL = re.compile(r"https?://(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?")
LOCAL = ("localhost", "localhost.localdomain")


def server_url(given: str | None, ca: CertificateAuthority) -> str:
    """``given``, or the server's first name that other machines may know it by. Raises `UsageError`."""
    if given:
        if not URL.fullmatch(given):  # it becomes part of a line for a shell
            raise UsageError(f"{given!r} is not the address of a server", code="agents_url",
                             hint="https://NAME:PORT, as `orch serve` says at its start")
        return given.rstrip("/")
    name = first_name(ca.server_names())
    if name is None:
        raise UsageError("it is not known under which name hosts reach this server", code="agents_url",
                         hint="start `orch serve` once, or say it: --url https://NAME:8444")
    return f"https://{f'[{name}]' if ':' in name else name}:{PORT}"


def first_name(names: Sequence[str]) -> str | None:
    """The first of a certificate's names that is not this machine's for itself alone."""
    for name in names:
        if name not in LOCAL and not name.startswith("127.") and name != "::1":
            return name
    return None


def install_line(url: str, token: str, pin: str) -> str:
    """For a shell. Behind a proxy with a certificate of its own curl checks that one, and no pin is known."""
    if url.startswith("http://"):
        return f"curl -fsS {url}/install/{token} | sh"
    return f"curl -fsS --pinnedpubkey {pin} -k {url}/install/{token} | sh"
