"""The keys a login is tried with: files, certificates, the agent; each read once per process.

Order: the keys that the run was given; the key files that were named, then the agent's keys (unless IdentitiesOnly),
then the default files. A key file that is encrypted is taken from the agent when that has it; else its passphrase is
asked for once. Where keys were given, the agent and the default files are left out.
"""

from __future__ import annotations

import asyncio
import copy
import os
from collections.abc import Sequence

from orchestrator.carriers.base import Settings
from orchestrator.carriers.ssh_plan import SshPlan
from orchestrator.security.ssh_library import asyncssh

MAX_KEY_BYTES = 1 << 20


class KeyRing:
    """All private keys of a run. Belongs to one event loop, as the agent's connection does."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._given: list[asyncssh.SSHKeyPair] | None = None
        self._files: dict[str, list[asyncssh.SSHKeyPair]] = {}
        self._agents: dict[str, list[asyncssh.SSHKeyPair]] = {}
        self._clients: list[asyncssh.SSHAgentClient] = []
        self._lists: dict[object, list[asyncssh.SSHKeyPair]] = {}
        self._lock = asyncio.Lock()
        self.notes: dict[str, str] = {}
        """Key file -> why it is not used; shown when a login fails."""

    async def pairs_for(self, plan: SshPlan) -> list[asyncssh.SSHKeyPair]:
        """Key pairs in the order to try them: copies, since a pair keeps state of the one login it is used for."""
        wanted = (plan.identity_files, plan.certificate_files, plan.identities_only, plan.identity_agent)
        if wanted not in self._lists:
            async with self._lock:
                if wanted not in self._lists:
                    self._lists[wanted] = await self._collect(plan)
        return [copy.copy(pair) for pair in self._lists[wanted]]

    async def _collect(self, plan: SshPlan) -> list[asyncssh.SSHKeyPair]:
        given = self._given_pairs()
        alone = bool(self._settings.keys)  # those that cannot be read too: no other key steps in for them
        agent = [] if alone else await self._agent_pairs(plan)
        from_files: list[asyncssh.SSHKeyPair] = []
        for path in plan.identity_files if plan.identities_explicit or not alone else ():
            from_files += await self._file_pairs(path, plan, agent)
        rest = [] if plan.identities_only else agent
        ordered = [*from_files, *rest] if plan.identities_explicit else [*rest, *from_files]
        unique: dict[bytes, asyncssh.SSHKeyPair] = {}
        for pair in [*given, *ordered]:
            unique.setdefault(pair.public_data, pair)
        return list(unique.values())

    def _given_pairs(self) -> list[asyncssh.SSHKeyPair]:
        """Pairs of `Settings.keys`, each with its certificate before the bare key; made in memory, once per run."""
        if self._given is None:
            self._given = []
            for one in self._settings.keys:
                try:
                    key = asyncssh.import_private_key(one.private_key, one.passphrase)
                    certificates = [asyncssh.import_certificate(one.certificate)] if one.certificate else []
                except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, ValueError):
                    self.notes[f"credential {one.name}"] = "its key cannot be read"
                    continue
                self._given += _certified(list(asyncssh.load_keypairs([key])), certificates)
        return self._given

    async def _agent_pairs(self, plan: SshPlan) -> list[asyncssh.SSHKeyPair]:
        path = plan.identity_agent or os.environ.get("SSH_AUTH_SOCK") or "none"
        if path == "none" or not self._settings.use_agent:
            return []
        if path not in self._agents:
            client = asyncssh.SSHAgentClient(path)
            try:
                self._agents[path] = list(await client.get_keys())
                self._clients.append(client)
            except (OSError, ValueError) as exc:
                self._agents[path] = []
                self.notes[path] = f"the ssh agent does not answer: {exc}"
        return self._agents[path]

    async def _file_pairs(
        self, path: str, plan: SshPlan, agent: Sequence[asyncssh.SSHKeyPair]
    ) -> list[asyncssh.SSHKeyPair]:
        if path not in self._files:
            self._files[path] = await self._load(path, plan, agent)
        return self._files[path]

    async def _load(self, path: str, plan: SshPlan, agent: Sequence[asyncssh.SSHKeyPair]) -> list[asyncssh.SSHKeyPair]:
        try:
            data = _read(path)
        except OSError as exc:
            if plan.identities_explicit:
                self.notes[path] = exc.strerror or str(exc)
            return []
        public = _public_key(path, data)
        held = [pair for pair in agent if public is not None and pair.key_public_data == public.public_data]
        if held:
            return _with_certificates(held, path, plan)
        key = await self._private_key(path, data)
        if key is None:
            return []
        pairs = list(asyncssh.load_keypairs([key]))
        return _with_certificates(pairs, path, plan)

    async def _private_key(self, path: str, data: bytes) -> asyncssh.SSHKey | None:
        try:
            return asyncssh.import_private_key(data)
        except asyncssh.KeyImportError as exc:
            if "passphrase" not in str(exc).lower():
                self.notes[path] = f"it is no private key that can be read: {exc}"
                return None
        except asyncssh.KeyEncryptionError:
            pass
        return await self._encrypted_key(path, data)

    async def _encrypted_key(self, path: str, data: bytes) -> asyncssh.SSHKey | None:
        ask = self._settings.ask_passphrase
        passphrase = await asyncio.get_running_loop().run_in_executor(None, ask, path) if ask else None
        if passphrase is None:
            self.notes[path] = "it has a passphrase: load it into the ssh agent (ssh-add), or run where orch can ask"
            return None
        try:
            return asyncssh.import_private_key(data, passphrase)
        except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as exc:
            missing = "bcrypt" in str(exc)
            self.notes[path] = "reading it needs the Python package bcrypt" if missing else "the passphrase is wrong"
            return None

    async def close(self) -> None:
        for client in self._clients:
            client.close()
            await client.wait_closed()


def key_ring(settings: Settings) -> KeyRing:
    """The run's key ring, made when it is first needed."""
    ring = settings.shared.get("key_ring")
    if not isinstance(ring, KeyRing):
        ring = settings.shared["key_ring"] = KeyRing(settings)
        settings.shared.setdefault("closers", []).append(ring.close)
    return ring


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(MAX_KEY_BYTES)


def _public_key(path: str, data: bytes) -> asyncssh.SSHKey | None:
    """The public half without any passphrase: from ``path.pub``, or ``path`` itself when it is a public key."""
    for source in (path + ".pub", path):
        try:
            return asyncssh.import_public_key(data if source == path else _read(source))
        except (OSError, asyncssh.KeyImportError):
            continue
    return None


def _with_certificates(pairs: list[asyncssh.SSHKeyPair], path: str, plan: SshPlan) -> list[asyncssh.SSHKeyPair]:
    """Each pair preceded by itself with every certificate that belongs to it."""
    certificates = []
    for file in (*plan.certificate_files, path.removesuffix(".pub") + "-cert.pub"):
        try:
            certificates.append(asyncssh.import_certificate(_read(file)))
        except (OSError, asyncssh.KeyImportError):
            continue
    return _certified(pairs, certificates)


def _certified(pairs: list[asyncssh.SSHKeyPair],
               certificates: Sequence[asyncssh.SSHCertificate]) -> list[asyncssh.SSHKeyPair]:
    found = []
    for pair in pairs:
        for certificate in certificates:
            if certificate.key.public_data == pair.key_public_data:
                certified = copy.copy(pair)
                certified.set_certificate(certificate)
                found.append(certified)
        found.append(pair)
    return found
