"""Our certificate authority: what the gateway shows to agentlets, and what agentlets show to it.

A folder (0700) with a key and a certificate for each authority, the server's key and certificate, and an index that
says which authority signs (the last) and until when the others are trusted. Files are replaced by one rename, so a
running server and `orch ca` may both look at them; changes are made under a lock.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from msgspec import Struct

from orchestrator.errors import UsageError
from orchestrator.security import authorities
from orchestrator.security import certificates as certs
from orchestrator.security.authorities import INDEX, Authority
from orchestrator.security.private_files import private_folder, write_private

AGENT_DAYS = 7
SERVER_LIFE = timedelta(days=90)
SERVER_KEY, SERVER_CHAIN = "server.key", "server.pem"


class Issued(Struct, frozen=True):
    """A certificate for an agentlet."""

    pem: str
    serial: str
    digest: str
    """SHA-256 hex of its DER."""
    not_before: datetime
    not_after: datetime
    authority: str
    """The name of the one that signed it."""


class ServerCertificate(Struct, frozen=True):
    """What the gateway needs for TLS. The chain brings those along who know only an older authority."""

    chain_path: str
    key_path: str
    pin: str
    names: tuple[str, ...]
    not_after: datetime


class CertificateAuthority:
    """The authority in a folder. Nothing is kept in memory: what another process changed is seen by the next call."""

    def __init__(self, folder: str | os.PathLike[str], clock: Callable[[], datetime] = lambda: datetime.now(UTC)):
        self.folder = Path(folder)
        self._clock = clock

    def exists(self) -> bool:
        return (self.folder / INDEX).exists()

    def create(self) -> None:
        """Make the first authority; nothing happens where there is one."""
        with self._changing():
            if not self.exists():
                self._save([self._new_authority([])])

    def authorities(self) -> list[Authority]:
        """Those that are trusted now, the oldest first; the last one signs. Raises `UsageError` where there is none."""
        return authorities.trusted(self.folder, self._clock())

    def version(self) -> tuple[int, int, int]:
        """Changes whenever `bundle` or the server's certificate may have: a server that runs loads them anew then."""
        def stamp(name: str) -> int:
            try:
                return (self.folder / name).stat().st_mtime_ns
            except FileNotFoundError:
                return 0

        return stamp(INDEX), stamp(SERVER_CHAIN), len(self.authorities())

    def bundle(self) -> str:
        """All trusted authorities, as PEM: what both sides of TLS check against."""
        return "".join(certs.cert_pem(self._certificate(one)).decode() for one in self.authorities())

    def sign_agent(self, csr: str, agent_id: str, days: float = AGENT_DAYS) -> Issued:
        """A client certificate for the key of ``csr``; of the request nothing else is taken.

        Raises `UsageError` (code ``csr``) for a request that is malformed, weak or not signed by its own key.
        """
        key = certs.requested_key(csr)
        signer = self.authorities()[-1]
        made = certs.make_leaf(
            agent_id, [x509.UniformResourceIdentifier(f"urn:orch:agent:{agent_id}")], key, server=False,
            issuer=self._certificate(signer), issuer_key=self._key(signer), now=self._clock(),
            life=timedelta(days=days))
        return Issued(certs.cert_pem(made).decode(), certs.serial_hex(made), certs.cert_digest(made),
                      made.not_valid_before_utc, made.not_valid_after_utc, signer.name)

    def issue_server(self, names: Sequence[str]) -> ServerCertificate:
        """The server's certificate for these names; made anew when they changed, a third of its life is left, or
        another authority signs now. Its key, and so its pin, stays."""
        if not names:
            raise UsageError("a server needs a name", code="server_name", hint="orch serve --name NAME")
        with self._changing():
            key = self._server_key()
            signer = self.authorities()[-1]
            there = self._server_certificate()
            if there is None or not self._still_good(there, names, signer):
                there = certs.make_leaf(
                    names[0], certs.server_names(names), key.public_key(), server=True,
                    issuer=self._certificate(signer), issuer_key=self._key(signer), now=self._clock(),
                    life=SERVER_LIFE)
                write_private(self.folder / SERVER_CHAIN, certs.cert_pem(there) + self._crosses())
            return ServerCertificate(
                str(self.folder / SERVER_CHAIN), str(self.folder / SERVER_KEY), certs.pin(key),
                tuple(dict.fromkeys(names)), there.not_valid_after_utc)

    def server_names(self) -> tuple[str, ...]:
        """The names in the server's certificate; empty where there is none yet."""
        there = self._server_certificate()
        if there is None:
            return ()
        names = there.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return tuple(str(name.value) for name in names)

    def pin(self) -> str:
        """What agentlets pin before they know the authority; the server's key is made where there is none."""
        with self._changing():
            return certs.pin(self._server_key())

    def rotate(self, days: float = AGENT_DAYS) -> Authority:
        """A new authority signs from now on; the older are trusted until the last they signed is over."""
        with self._changing():
            known = self.authorities()
            made = self._new_authority(known)
            until = (self._clock() + timedelta(days=days)).timestamp()
            for one in known:
                one.trusted_until = until if one.trusted_until is None else min(one.trusted_until, until)
            self._save([*known, made])
            self._renew_server()
            return made

    def retire(self) -> list[str]:
        """Trust the older authorities no longer; returns their names. What they signed is refused from now on."""
        with self._changing():
            *old, signer = self.authorities()
            self._save([signer])
            for one in old:
                for suffix in (".key", ".pem"):
                    (self.folder / f"{one.name}{suffix}").unlink(missing_ok=True)
            return [one.name for one in old]

    def certificate_of(self, authority: Authority) -> x509.Certificate:
        return self._certificate(authority)

    # ---- files

    def _new_authority(self, known: Sequence[Authority]) -> Authority:
        """Key and certificate, and for each older one a certificate by which it vouches for the new."""
        now = self._clock()
        name = f"ca-{now:%Y%m%dT%H%M%S}-{os.urandom(3).hex()}"
        key = certs.new_key()
        root = certs.make_root(f"orch {name}", key, now)
        write_private(self.folder / f"{name}.key", certs.key_pem(key))
        write_private(self.folder / f"{name}.pem", certs.cert_pem(root))
        for older in known[-1:]:
            cross = certs.cross_sign(root, self._certificate(older), self._key(older), now)
            write_private(self.folder / f"{name}.cross.pem", certs.cert_pem(cross))
        return Authority(name, now.timestamp())

    def _crosses(self) -> bytes:
        """From the newest to the oldest: each is signed by the one before it."""
        return b"".join(path.read_bytes() for path in sorted(self.folder.glob("ca-*.cross.pem"), reverse=True))

    def _renew_server(self) -> None:
        names = self.server_names()
        if names:
            signer = self.authorities()[-1]
            made = certs.make_leaf(
                names[0], certs.server_names(names), self._server_key().public_key(), server=True,
                issuer=self._certificate(signer), issuer_key=self._key(signer), now=self._clock(), life=SERVER_LIFE)
            write_private(self.folder / SERVER_CHAIN, certs.cert_pem(made) + self._crosses())

    def _still_good(self, there: x509.Certificate, names: Sequence[str], signer: Authority) -> bool:
        san = there.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return (list(san) == certs.server_names(names) and there.issuer == self._certificate(signer).subject
                and there.not_valid_after_utc - self._clock() > SERVER_LIFE / 3)

    def _server_key(self) -> certs.Key:
        path = self.folder / SERVER_KEY
        if not path.exists():
            write_private(path, certs.key_pem(certs.new_key()), keep=True)
        return certs.load_key(path.read_bytes())

    def _server_certificate(self) -> x509.Certificate | None:
        try:
            return x509.load_pem_x509_certificate((self.folder / SERVER_CHAIN).read_bytes())
        except FileNotFoundError:
            return None

    def _certificate(self, authority: Authority) -> x509.Certificate:
        return x509.load_pem_x509_certificate((self.folder / f"{authority.name}.pem").read_bytes())

    def _key(self, authority: Authority) -> certs.Key:
        return certs.load_key((self.folder / f"{authority.name}.key").read_bytes())

    def _save(self, authorities: Sequence[Authority]) -> None:
        rows = [{"name": a.name, "created": a.created, "trusted_until": a.trusted_until} for a in authorities]
        write_private(self.folder / INDEX, json.dumps(rows, indent=1).encode() + b"\n")

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """One process at a time."""
        private_folder(self.folder)
        descriptor = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
