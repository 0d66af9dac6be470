"""The real gateway in a thread, on a real port with real TLS; and clients with real certificates."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import http.client
import json
import os
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import Struct

from api.agents.service import AgentService
from api.server import Listener, Stop, listen, serve
from api.serving import tls_files
from api.tls import ServerContext
from orchestrator.agents.desk import Desk
from orchestrator.agents.opening import open_desk
from orchestrator.agents.records import Timing
from orchestrator.security.ca import CertificateAuthority

NAMES = ("localhost", "127.0.0.1")
V1 = "/agent/v1/"


class Reply(Struct):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def code(self) -> str:
        return str(self.json.get("code"))


class Client:
    """One connection. ``certificate``: a PEM file with key and certificate; ``token`` signs requests instead."""

    def __init__(self, served: Served, certificate: Path | None = None, *, agent: str = "", token: str = "",
                 timeout_s: float = 60) -> None:
        self.agent, self.token = agent, token
        if served.is_behind_proxy:
            self._connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=timeout_s)
            return
        context = ssl.create_default_context(cadata=served.authority.bundle())
        if certificate is not None:
            context.load_cert_chain(certificate)
        self._connection = http.client.HTTPSConnection("127.0.0.1", served.port, context=context, timeout=timeout_s)

    def request(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, *,
                protocol: str | None = "1") -> Reply:
        """``body``: bytes as they are, anything else as JSON. ``path``: below /agent/v1/, or from / on."""
        target = path if path.startswith("/") else V1 + path
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        sent = {} if protocol is None else {"Orch-Protocol": protocol}
        if self.token:
            sent |= signature_headers(self.agent, self.token, method, target, data)
        self._connection.request(method, target, data or None, sent | (headers or {}))
        answer = self._connection.getresponse()
        return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())

    def get(self, path: str, **options: Any) -> Reply:
        return self.request("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> Reply:
        return self.request("POST", path, body, **options)

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class Member(Struct):
    """An enrolled agent, as the gateway's answer made it."""

    id: str
    host: str
    token: str
    job_key: bytes
    certificate: Path | None


class Served:
    """A running gateway. Everything but HTTP goes through connections of its own, as another process's would."""

    def __init__(self, state: Path, *, store_url: str | None = None, is_behind_proxy: bool = False,
                 timing: Timing | None = None, rollout: int = 100, url: str | None = None,
                 listen_on: str = "127.0.0.1", names: tuple[str, ...] = ()) -> None:
        self.state, self.store_url, self.timing = state, store_url, timing
        self.is_behind_proxy = is_behind_proxy
        self.authority = CertificateAuthority(state / "ca")
        self.authority.create()
        self.tls = None if is_behind_proxy else ServerContext(lambda: tls_files(self.authority, (*NAMES, *names)))
        self.service = AgentService(self._open_desk, is_behind_proxy=is_behind_proxy, url=url, rollout=rollout,
                                    pin=lambda: None if is_behind_proxy else self.authority.pin())
        self._desk: Desk | None = None
        self._started = threading.Event()
        self._socket = listen(listen_on, 0)
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _open_desk(self) -> Desk:
        return open_desk(self.state, self.store_url, timing=self.timing)

    @property
    def desk(self) -> Desk:
        """The operator's."""
        if self._desk is None:
            self._desk = self._open_desk()
        return self._desk

    def start(self) -> Served:
        self._thread.start()
        assert self._started.wait(60), "the gateway did not start"
        return self

    def stop(self, timeout_s: float = 60) -> None:
        """As SIGTERM does it."""
        if self._thread.is_alive():
            self.in_loop(self._stop.ask)
            self._thread.join(timeout_s)
        assert not self._thread.is_alive(), "the gateway did not stop"
        if self._desk is not None:
            self._desk.close()
            self._desk.database.close()
            self._desk = None

    def in_loop(self, act: Callable[[], object]) -> None:
        self._loop.call_soon_threadsafe(act)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), Stop()
        async with self.service.running(self.tls):
            await serve([Listener(self.service.app, self._socket, self.tls)], self._stop,
                        on_started=self._started.set, on_stopping=self.service.gateway.waiting.drain)

    # ---- agents

    def enrol(self, host: str = "web1", *, token_only: bool = False, instance: str | None = None) -> Member:
        """Invited and enrolled over HTTP."""
        invitation = self.desk.invite(host)
        key = ec.generate_private_key(ec.SECP256R1())
        client = Client(self)
        reply = client.post("enrol", claims(invitation.token, None if token_only else csr(key), instance))
        client.close()
        assert reply.status == 200, reply.body
        found, path = reply.json, None
        if found["certificate"]:
            path = self.write_pem(found["agent"], key, found["certificate"])
        return Member(found["agent"], host, found["token"], bytes.fromhex(found["job_key"]), path)

    def write_pem(self, name: str, key: ec.EllipticCurvePrivateKey, certificate: str) -> Path:
        path = self.state / f"{name}.pem"
        path.write_bytes(key_pem(key) + certificate.encode())
        return path

    def client(self, member: Member | None = None, **options: Any) -> Client:
        """With the member's identity, or without any."""
        if member is None:
            return Client(self, **options)
        if member.certificate is not None and not self.is_behind_proxy:
            return Client(self, member.certificate, **options)
        return Client(self, agent=member.id, token=member.token, **options)


def csr(key: ec.EllipticCurvePrivateKey) -> str:
    made = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM).decode()


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


def claims(token: str, request: str | None, instance: str | None = None) -> dict[str, Any]:
    return {"token": token, "csr": request, "token_only": request is None, "machine_id": os.urandom(8).hex(),
            "instance_id": instance or os.urandom(16).hex(), "python": [3, 11, 2], "platform": "linux",
            "facts": {"ansible_system": "Linux"}, "protocols": [1], "version": "0.1.0"}


def signature_headers(agent: str, token: str, method: str, target: str, body: bytes, *, at: float | None = None,
                      nonce: str | None = None) -> dict[str, str]:
    """The signed identity, made from its description in docs/pull.md."""
    when, once = str(int(time.time() if at is None else at)), nonce or os.urandom(16).hex()
    text = f"{method}\n{target}\n{hashlib.sha256(body).hexdigest()}\n{when}\n{once}"
    signed = hmac.new(bytes.fromhex(token), text.encode(), hashlib.sha256).hexdigest()
    return {"Orch-Agent": agent, "Orch-Time": when, "Orch-Nonce": once, "Orch-Signature": signed}
