"""What went wrong on the way to a host, as one error with a stable code and something to do about it.

Codes: dns, refused, no_route, timeout, auth, host_key_unknown, host_key_changed, no_python, python_too_old, protocol,
lost, proxy.
"""

from __future__ import annotations

import errno
import socket

from orchestrator.carriers.ssh_plan import SshPlan
from orchestrator.errors import ProtocolError, Unreachable
from orchestrator.security.ssh_library import asyncssh

NO_ROUTE = frozenset({errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.ENETDOWN, errno.EHOSTDOWN})


def dropped(exc: BaseException) -> bool:
    """Whether the server hung up before the login, as sshd does above MaxStartups: worth another try."""
    return isinstance(exc, asyncssh.ConnectionLost | ConnectionResetError | BrokenPipeError)


def explain(exc: BaseException, name: str, plan: SshPlan, notes: dict[str, str], no_kex: bool = False) -> Unreachable:
    """The `Unreachable` for whatever connecting raised.

    ``notes``: why key files were left out. ``no_kex``: an SSH server was there, and hung up in the key exchange.
    """
    if isinstance(exc, Unreachable):
        return exc
    where = plan.address if plan.port == 22 else f"{plan.address} port {plan.port}"
    if isinstance(exc, asyncssh.PermissionDenied):
        return _login_refused(name, plan, notes)
    if isinstance(exc, asyncssh.ChannelOpenError):
        return Unreachable(
            f"{name}: the jump host cannot reach {where}: {exc.reason}",
            code="proxy",
            hint=f"try from there: ssh {''.join(plan.jumps[-1:])} nc -vz {plan.address} {plan.port}",
        )
    hung_up = dropped(exc) and no_kex
    if isinstance(exc, asyncssh.KeyExchangeFailed | asyncssh.ProtocolNotSupported) or hung_up:
        return Unreachable(
            f"{name}: {where} and orch agree on no algorithms: {exc}",
            code="protocol",
            hint="the server is old or bound to other algorithms: allow one with -o KexAlgorithms=+NAME, "
            "HostKeyAlgorithms=+NAME or Ciphers=+NAME in ansible_ssh_common_args",
        )
    if isinstance(exc, asyncssh.DisconnectError) and not isinstance(exc, asyncssh.ConnectionLost):
        return _disconnected(exc, name, where)
    return _network(exc, name, where, plan)


def _login_refused(name: str, plan: SshPlan, notes: dict[str, str]) -> Unreachable:
    left_out = "; ".join(f"{path}: {why}" for path, why in sorted(notes.items()))
    return Unreachable(
        f"{name}: the login as {plan.user} was refused" + (f" ({left_out})" if left_out else ""),
        code="auth",
        hint=f"ansible_user and ansible_ssh_private_key_file say who and with what; try: ssh -v -p {plan.port} "
        f"{plan.user}@{plan.address}",
    )


def _disconnected(exc: asyncssh.DisconnectError, name: str, where: str) -> Unreachable:
    if exc.code == asyncssh.DISC_NO_MORE_AUTH_METHODS_AVAILABLE or "authentication failures" in exc.reason:
        return Unreachable(
            f"{name}: {where} ended the login: {exc.reason}",
            code="auth",
            hint="too many keys were offered: name the right one with ansible_ssh_private_key_file and IdentitiesOnly",
        )
    return Unreachable(f"{name}: {where} hung up: {exc.reason}", code="protocol")


def _network(exc: BaseException, name: str, where: str, plan: SshPlan) -> Unreachable:
    if plan.proxy_command and not isinstance(exc, TimeoutError):
        return Unreachable(
            f"{name}: the proxy command gave no connection to {where}: {exc}",
            code="proxy",
            hint=f"try it by hand: {' '.join(plan.proxy_command)}",
        )
    if isinstance(exc, socket.gaierror):
        return Unreachable(
            f"{name}: the name {plan.address} does not resolve: {exc.strerror}",
            code="dns",
            hint="set ansible_host to an address, or correct the name",
        )
    if isinstance(exc, ConnectionRefusedError):
        return Unreachable(
            f"{name}: {where} refuses connections", code="refused", hint="is sshd running there, and on this port?"
        )
    if isinstance(exc, TimeoutError) or getattr(exc, "errno", None) == errno.ETIMEDOUT:
        return Unreachable(
            f"{name}: {where} did not answer in time",
            code="timeout",
            hint="the host is down, a firewall drops the packets, or it is too busy: see --timeout",
        )
    if isinstance(exc, OSError) and exc.errno in NO_ROUTE:
        return Unreachable(f"{name}: there is no way to {where}: {exc.strerror}", code="no_route")
    if dropped(exc):
        return Unreachable(
            f"{name}: {where} dropped the connection before the login",
            code="lost",
            hint="sshd drops above MaxStartups, and bans addresses that failed before (PerSourcePenalties, fail2ban)",
        )
    if isinstance(exc, asyncssh.Error | ValueError):
        return ProtocolError(f"{name}: {where} does not speak SSH as it should: {exc}")
    return Unreachable(f"{name}: {where} cannot be reached: {exc}")
