"""A desk and a post on one store, with a clock that tests move, on SQLite and on PostgreSQL."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from orchestrator.agents.desk import Desk
from orchestrator.agents.envelope import Envelope
from orchestrator.agents.identity import Caller
from orchestrator.agents.post import Post
from orchestrator.agents.records import Enrolled
from orchestrator.security.ca import CertificateAuthority
from orchestrator.security.master import MasterKey
from orchestrator.store.columns import TABLES
from orchestrator.store.database import Database, database_for
from tests.lab import postgresql


class Clock:
    """The server's clock, as tests set it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def tick(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Place:
    """One installation: state directory, store, keys, desk and post."""

    def __init__(self, state: Path, url: str, clock: Clock) -> None:
        self.state, self.url, self.clock = state, url, clock
        self.master = MasterKey.load_or_create(state)
        self.ca = CertificateAuthority(state / "ca", clock)
        self.ca.create()
        self.databases: list[Database] = []
        self.desk = self.new_desk()
        self.post = Post(self.connect(), self.master, clock)

    def connect(self) -> Database:
        database = database_for(self.url)
        database.open()
        self.databases.append(database)
        return database

    def new_desk(self) -> Desk:
        return Desk(self.connect(), self.master, self.ca, self.clock)

    # ---- shorthands

    def enrol(self, host: str = "web1", **claims: Any) -> Enrolled:
        csr = None if claims.get("token_only") else make_csr()
        token = self.desk.invite(host, by="ann").token
        return self.desk.enrol(token, csr, claims_of(host, **claims), address="192.0.2.1")

    def caller(self, enrolled: Enrolled) -> Caller:
        assert enrolled.certificate is not None
        return self.desk.identify_certificate(der_of(enrolled.certificate))

    def agent(self, host: str = "web1") -> Caller:
        """An agentlet that is enrolled and has called."""
        enrolled = self.enrol(host)
        self.desk.seen(self.caller(enrolled))
        return self.caller(enrolled)

    def audited(self, action: str | None = None) -> list[tuple[str, str, str]]:
        return [(e.action, e.outcome, str(e.detail.get("code", ""))) for e in self.desk.office.audit.entries(
            action=action, limit=1000)]


def claims_of(host: str, **changes: Any) -> dict[str, Any]:
    return {"machine_id": f"machine-{host}", "instance_id": f"random-instance-of-{host}", "python": [3, 11, 2],
            "platform": "linux", "facts": {"hostname": host}, "protocols": [1], "version": "0.1.0", **changes}


def make_csr(name: str = "whatever", key: Any = None) -> str:
    key = key or ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()


def der_of(pem: str) -> bytes:
    return base64.b64decode("".join(line for line in pem.splitlines() if not line.startswith("-----")))


def envelope(job: str = "j1", host: str = "web1", **changes: Any) -> Envelope:
    values: dict[str, Any] = {"host": host, "run": "run-1", "job": job,
                              "tasks": [{"id": "t1", "module": "command", "args": {"_raw_params": "true"}}]}
    return Envelope(**{**values, **changes})


def heads(job: str = "j1", first: int = 1, count: int = 1, attempt: int = 1, **more: Any) -> list[str]:
    return [json.dumps({"t": "event", "job": job, "attempt": attempt, "seq": seq, "kind": "log", **more},
                       separators=(",", ":")) for seq in range(first, first + count)]


def digest_of(lines: list[str]) -> str:
    return sha256("".join(lines).encode()).hexdigest()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def migrated_postgres_url(postgres_cluster: postgresql.Cluster) -> str:
    """One database for all tests of this folder: its schema takes a second to make."""
    url = postgres_cluster.create_database("agents")
    database = database_for(url)
    database.open()
    database.close()
    return url


def emptied(url: str) -> str:
    database = database_for(url)
    database.open()
    database.execute(f"TRUNCATE {', '.join(TABLES)} RESTART IDENTITY CASCADE")
    database.close()
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Place]:
    url = str(tmp_path / "state" / "orch.db") if request.param == "sqlite" else emptied(
        request.getfixturevalue("migrated_postgres_url"))
    (tmp_path / "state").mkdir(mode=0o700)
    place = Place(tmp_path / "state", url, clock)
    yield place
    for database in place.databases:
        database.close()


@pytest.fixture
def openssl_csr(tmp_path: Path) -> str:
    """As an agentlet makes one: by the host's openssl."""
    key, csr = tmp_path / "k.pem", tmp_path / "r.pem"
    subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(key)], check=True)
    subprocess.run(["openssl", "req", "-new", "-sha256", "-key", str(key), "-subj", "/CN=any", "-out", str(csr)],
                   check=True)
    return csr.read_text()
