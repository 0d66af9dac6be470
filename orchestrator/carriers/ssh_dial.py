"""Opening SSH connections: at most so many at a time, with retries, through jump hosts that all hosts share."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Any

from msgspec.structs import replace

from orchestrator.carriers.base import Settings
from orchestrator.carriers.host_trust import HostTrust
from orchestrator.carriers.settings_text import Password
from orchestrator.carriers.ssh_config import SshConfig
from orchestrator.carriers.ssh_errors import dropped, explain
from orchestrator.carriers.ssh_keys import key_ring
from orchestrator.carriers.ssh_line import TcpLine
from orchestrator.carriers.ssh_plan import SshPlan, plan_ssh, split_jump
from orchestrator.errors import ContentError, Unreachable
from orchestrator.security.ssh_library import asyncssh

# ssh-audit's hardened policy in the order of speed: measured, curve25519 and AES-GCM cost least here; chacha20 halves
# the throughput. The post-quantum exchange is there for servers that accept nothing else.
KEX = (
    "curve25519-sha256", "curve25519-sha256@libssh.org", "mlkem768x25519-sha256", "diffie-hellman-group16-sha512",
    "diffie-hellman-group18-sha512", "diffie-hellman-group-exchange-sha256",
)  # fmt: skip
CIPHERS = (
    "aes256-gcm@openssh.com",
    "aes128-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
    "aes256-ctr",
    "aes128-ctr",
)
MACS = ("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "umac-128-etm@openssh.com")
SIGNATURES = (
    "ssh-ed25519", "sk-ssh-ed25519@openssh.com", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
    "sk-ecdsa-sha2-nistp256@openssh.com", "rsa-sha2-512", "rsa-sha2-256",
)  # fmt: skip
FIRST_WAIT_S = 0.15
LONGEST_WAIT_S = 5.0
MAX_JUMPS = 8

OnLost = Callable[[Exception | None], None]


class Owner(asyncssh.SSHClient):
    """asyncssh's view of one connection: judges the host key, moves the deadline on, hears of the end."""

    def __init__(
        self, trust: HostTrust, password: str | None, login_begins: Callable[[], None], on_lost: OnLost
    ) -> None:
        self._trust: HostTrust | None = trust
        self._password = password
        self._login_begins: Callable[[], None] | None = login_begins
        self._accepted: asyncssh.SSHKey | None = None
        self.on_lost = on_lost

    def release(self) -> None:
        """Logged in and given away: forget the run that asked for the connection."""
        self._trust = self._login_begins = None
        self.on_lost = lambda exc: None

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        if self._trust is not None:
            self._trust.peer = conn

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        if self._trust is None:
            return key == self._accepted  # the keys are exchanged anew now and then
        accepted = self._trust.accepts(key)
        if accepted:
            self._accepted = key
        return accepted

    def begin_auth(self, username: str) -> None:
        if self._login_begins is not None:
            self._login_begins()

    def password_auth_requested(self) -> str | None:
        password, self._password = self._password, None
        return password

    def connection_lost(self, exc: Exception | None) -> None:
        self.on_lost(exc)


class Dialer:
    """What the connections of a run share: the limit, the jump hosts, the parsed configuration. One event loop."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._slots = asyncio.Semaphore(settings.connects_at_once)
        self._jumps: dict[tuple[str, ...], asyncio.Task[asyncssh.SSHClientConnection]] = {}
        self._configs: dict[str | None, SshConfig] = {}
        self._random = random.Random()

    def plan(self, address: str, options: tuple[tuple[str, str], ...]) -> SshPlan:
        """How to reach ``address``: its options, then the ssh configuration."""
        named = next((value for name, value in options if name == "configfile"), self.settings.ssh_config_file)
        if named not in self._configs:
            config = self._configs[named] = SshConfig.read(named)
            for warning in config.warnings:
                if self.settings.warn:
                    self.settings.warn(warning)
        return plan_ssh(address, options, self._configs[named])

    async def dial(
        self,
        name: str,
        plan: SshPlan,
        *,
        pins: tuple[str, ...] = (),
        password: Password | None = None,
        retries: int | None = None,
        deadline_s: float | None = None,
        on_lost: OnLost,
    ) -> asyncssh.SSHClientConnection:
        """An authenticated connection. Raises `Unreachable` or `HostKeyError`.

        ``deadline_s`` counts from the first attempt, not while waiting for a turn. A connection that the server drops
        before the login is tried again, with growing and random pauses, outside of the limit.
        """
        ring = key_ring(self.settings)
        loop = asyncio.get_running_loop()
        trust = HostTrust(name, plan, pins, self.settings)
        options = await self._options(plan, trust, password)
        attempts = self.settings.connect_attempts if retries is None else retries + 1
        end: float | None = None
        for attempt in range(1, attempts + 1):
            tunnel = await self._tunnel(plan.jumps)
            async with self._slots:
                if end is None and deadline_s is not None:
                    end = loop.time() + deadline_s
                try:
                    return await self._attempt_kinds(plan, trust, options, tunnel, end, on_lost)
                except (OSError, ValueError, asyncssh.Error) as exc:
                    out_of_time = end is not None and loop.time() >= end
                    again = dropped(exc) and not trust.peer_spoke and not plan.proxy_command
                    if attempt == attempts or out_of_time or not again:
                        no_kex = trust.peer_spoke and not trust.keys_agreed
                        raise explain(exc, name, plan, ring.notes, no_kex) from None
            await asyncio.sleep(self._pause(attempt))
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _attempt_kinds(
        self,
        plan: SshPlan,
        trust: HostTrust,
        options: dict[str, Any],
        tunnel: asyncssh.SSHClientConnection | None,
        end: float | None,
        on_lost: OnLost,
    ) -> asyncssh.SSHClientConnection:
        """One attempt; more than one only when a pinned fingerprint may belong to another kind of key."""
        while True:
            try:
                return await self._attempt(plan, trust, options, tunnel, end, on_lost)
            except asyncssh.HostKeyNotVerifiable as exc:
                if not trust.try_another_kind():
                    raise trust.error(exc.reason) from None
                options["server_host_key_algs"] = trust.algorithms()
            except (asyncssh.KeyExchangeFailed, asyncssh.ConnectionLost, ConnectionResetError):
                # sshd hangs up when it has no key of the kinds that are left.
                if trust.offered is None or not trust.pins:
                    raise
                raise trust.error("no other kind of key is there") from None

    async def _attempt(
        self,
        plan: SshPlan,
        trust: HostTrust,
        options: dict[str, Any],
        tunnel: asyncssh.SSHClientConnection | None,
        end: float | None,
        on_lost: OnLost,
    ) -> asyncssh.SSHClientConnection:
        loop = asyncio.get_running_loop()
        password = options.get("password")

        def until(seconds: float) -> float:
            when = loop.time() + seconds
            return when if end is None else min(when, end)

        async with asyncio.timeout_at(until(plan.connect_timeout_s or self.settings.connect_timeout_s)) as deadline:

            def login_begins() -> None:
                deadline.reschedule(until(self.settings.login_timeout_s))

            return await asyncssh.connect(
                plan.address,
                plan.port,
                tunnel=tunnel or (() if options.get("proxy_command") else TcpLine(plan.family)),
                client_factory=lambda: Owner(trust, password, login_begins, on_lost),
                config=None,
                **options,
            )

    async def _options(self, plan: SshPlan, trust: HostTrust, password: Password | None) -> dict[str, Any]:
        """Keyword arguments of asyncssh.connect, all resolved: it reads no file and asks no one."""
        settings = self.settings
        secret = password() if password else None
        alive_s = settings.keepalive_s if plan.alive_s is None else plan.alive_s
        options: dict[str, Any] = {
            "username": plan.user,
            "client_keys": await key_ring(settings).pairs_for(plan) or None,
            "agent_path": None,
            "password": secret,
            "preferred_auth": ["publickey", "keyboard-interactive", "password"] if secret else ["publickey"],
            "known_hosts": trust.known_hosts(),
            "host_key_alias": plan.host_key_alias,
            "server_host_key_algs": _chosen(plan.host_key_algorithms, trust.algorithms()),
            "kex_algs": _chosen(plan.kex, KEX),
            "encryption_algs": _chosen(plan.ciphers, CIPHERS),
            "mac_algs": _chosen(plan.macs, MACS),
            "signature_algs": SIGNATURES,
            "compression_algs": None,
            "gss_host": None,
            "x509_trusted_certs": None,
            "x509_trusted_cert_paths": (),
            "family": plan.family,
            "keepalive_interval": alive_s,
            "keepalive_count_max": plan.alive_count or settings.keepalive_count,
            "login_timeout": 0,
            "connect_timeout": None,
        }
        if plan.proxy_command:
            options["proxy_command"] = list(plan.proxy_command)
        if plan.bind_address:
            options["local_addr"] = (plan.bind_address, 0)
        return options

    async def _tunnel(self, jumps: tuple[str, ...]) -> asyncssh.SSHClientConnection | None:
        """The connection to the last of ``jumps``; one for all hosts behind it, opened again when it was lost."""
        if not jumps:
            return None
        if len(jumps) > MAX_JUMPS:
            raise Unreachable(f"more than {MAX_JUMPS} jump hosts in a row: {', '.join(jumps)}", code="proxy")
        task = self._jumps.get(jumps)
        if task is None or (task.done() and (task.cancelled() or task.exception() or task.result().is_closed())):
            task = self._jumps[jumps] = asyncio.create_task(self._open_jump(jumps))
        return await asyncio.shield(task)

    async def _open_jump(self, jumps: tuple[str, ...]) -> asyncssh.SSHClientConnection:
        host, options = split_jump(jumps[-1])
        try:
            # As with ssh -J: the jump host has its own entry in the configuration, and its own host key.
            plan = self.plan(host, options)
            if len(jumps) > 1:
                plan = replace(plan, jumps=jumps[:-1], proxy_command=None)
            elif plan.jumps == jumps:
                raise Unreachable(f"the jump host {host} is its own jump host", code="proxy")
            return await self.dial(host, plan, on_lost=lambda exc: None)
        except Unreachable as exc:
            code = exc.code if exc.code.startswith("host_key") else "proxy"
            raise type(exc)(f"by way of {host}: {exc.message}", code=code, hint=exc.hint) from None
        except ContentError as exc:
            raise Unreachable(f"by way of {host}: {exc.message}", code="proxy", hint=exc.hint) from None

    def _pause(self, attempt: int) -> float:
        longest: float = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**attempt)
        return self._random.uniform(longest / 3, longest)

    async def close(self) -> None:
        """Close the jump hosts, but for those that a kept line goes by way of."""
        jumps, self._jumps = self._jumps, {}
        kept = self.settings.kept
        for way, task in jumps.items():
            if not task.done():
                task.cancel()
            elif not task.cancelled() and not task.exception() and not (kept and kept.passes(way)):
                task.result().abort()


def dialer(settings: Settings) -> Dialer:
    """The run's dialer, made when it is first needed."""
    found = settings.shared.get("dialer")
    if not isinstance(found, Dialer):
        found = settings.shared["dialer"] = Dialer(settings)
        settings.shared.setdefault("closers", []).append(found.close)
    return found


def _chosen(wanted: str | None, default: Sequence[str]) -> Sequence[str]:
    """An algorithm list as ssh_config(5) writes it: ``a,b`` instead of the default, ``+a`` behind it, ``^a`` before."""
    if not wanted:
        return default
    names = [name.strip() for name in wanted.lstrip("+^-").split(",") if name.strip()]
    if wanted.startswith("-"):
        return [name for name in default if name not in names]
    if wanted.startswith("+"):
        return [*default, *(name for name in names if name not in default)]
    if wanted.startswith("^"):
        return [*names, *(name for name in default if name not in names)]
    return names
