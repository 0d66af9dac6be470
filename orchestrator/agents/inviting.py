"""The line that enrols a host."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from orchestrator.errors import UsageError

if TYPE_CHECKING:
    from orchestrator.agents.servers import Server
    from orchestrator.security.ca import CertificateAuthority

PORT = 8444
ACCOUNT = re.compile(r"[a-z_][a-z0-9_-]{0,30}")
URL = re.compile(r"https?://(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?")


def server_url(given: str | None, running: Sequence[Server], ca: CertificateAuthority) -> str:
    """``given``; else where a server of this store is reached, which runs now; else the name in the certificate.

    Raises `UsageError` when that is not known.
    """
    if given:
        if not URL.fullmatch(given):  # it becomes part of a line for a shell
            raise UsageError(f"{given!r} is not the address of a server", code="agents_url",
                             hint="https://NAME:PORT, as `orch serve` says at its start")
        return given.rstrip("/")
    from orchestrator.agents.servers import called_url

    for server in running:
        if server.url and URL.fullmatch(server.url):
            return server.url.rstrip("/")
    if any(server.behind_proxy for server in running):
        raise UsageError("it is not known how hosts reach the proxy before this server", code="agents_url",
                         hint="start it with `orch serve --proxy --url https://NAME`, or say it here: --url")
    found = called_url(ca.server_names(), PORT)
    if not found:
        raise UsageError("it is not known under which name hosts reach this server", code="agents_url",
                         hint=f"start `orch serve` once, or say it: --url https://NAME:{PORT}")
    return found


def server_pin(url: str, running: Sequence[Server], ca: CertificateAuthority) -> str | None:
    """The key that hosts meet at this address; None where it is a proxy's, whose certificate curl judges."""
    behind_proxy = any(server.behind_proxy and server.url.rstrip("/") == url for server in running)
    return None if behind_proxy else ca.pin()


def install_line(url: str, token: str, pin: str | None, account: str | None = None) -> str:
    """For a shell. Without a pin the certificate is for the host's own authorities to judge.

    ``account``: the agentlet runs as that user of the host, and not as root. Raises `UsageError`.
    """
    if account is not None and not ACCOUNT.fullmatch(account):  # it becomes part of a line for a shell
        raise UsageError(f"{account!r} is not the name of an account", code="agent_account",
                         hint="lower-case letters, digits, - and _, such as orch-agentlet")
    shell = "sh" if account is None else f"sh -s -- --user {account}"
    if pin is None or url.startswith("http://"):
        return f"curl -fsS {url}/install/{token} | {shell}"
    return f"curl -fsS --pinnedpubkey {pin} -k {url}/install/{token} | {shell}"
