"""A double of the gateway, in this process: it speaks the protocol of docs/pull.md over real TLS, all in memory.

It is no judge of what the real one does (test_real_gateway asks that one); it can do what that never would: answer
twice, cut an answer short, go away, claim another time of day. The authority and the envelopes are orch's own.
"""

from __future__ import annotations

import gzip
import hashlib
import hmac
import http.server
import json
import secrets
import ssl
import threading
import time
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509

from modules import registry
from orchestrator.agents import envelope as envelopes
from orchestrator.security.ca import CertificateAuthority

JOB_KEY = b"k" * 32
TOKEN = b"t" * 32


@dataclass
class Job:
    """One attempt as the double sees it."""

    id: str
    text: str
    signature: str
    attempt: int = 1
    priority: int = 0
    state: str = "queued"
    heads: list[str] = field(default_factory=list)
    finish: dict[str, Any] | None = None
    uploads: dict[str, bytearray] = field(default_factory=dict)
    starts: int = 0
    key: str = ""

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(head) for head in self.heads]

    @property
    def results(self) -> list[dict[str, Any]]:
        return [event for event in self.events if event["kind"] == "result"]

    @property
    def digest(self) -> str:
        return hashlib.sha256("".join(self.heads).encode()).hexdigest()


@dataclass
class Asked:
    """A request, as a fault is shown it."""

    method: str
    verb: str
    """The path behind ``/agent/v1/``, without the query."""
    number: int
    """Of this verb's requests, from 1."""


@dataclass
class Fault:
    """What happens in place of the right answer. ``after``: the request has its effect first."""

    status: int = 0
    problem: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    cut_at: int | None = None
    after: bool = False


class GatewayDouble:
    """Start it with `start`. ``faults`` are asked about every request, in order; the first `Fault` wins."""

    def __init__(self, folder: Path) -> None:
        self.ca = CertificateAuthority(folder / "ca")
        self.ca.create()
        self.server = self.ca.issue_server(["127.0.0.1", "localhost"])
        self.jobs: dict[str, Job] = {}
        """By the name that a test uses. On the wire it has ``suffix``: hosts share the place of receipts here."""
        self.suffix = "-" + secrets.token_hex(4)
        self.blobs: dict[str, bytes] = {}
        self.tokens = {"good-token": "web1"}
        self.agent = "a1"
        self.host = "web1"
        self.certificates: set[str] = set()
        self.orders: dict[str, Any] = {"cancel": [], "gone": [], "config": 0, "update": None, "renew": False}
        self.config: dict[str, Any] = {"version": 0}
        self.updates: dict[str, bytes] = {}
        self.manifest: dict[str, str] | None = None
        self.logs: list[str] = []
        self.asked: list[Asked] = []
        self.claims: dict[str, Any] = {}
        self.faults: list[Callable[[Asked], Fault | None]] = []
        self.time_offset_s = 0.0
        self.job_key = JOB_KEY
        self.renewed_key: str | None = None
        """What a renewal gives in place of the job key: sealed, as the real one does it."""
        self.token = TOKEN
        self.changed = threading.Condition()
        self.port = 0
        self._http: http.server.ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Also again, on the same port, after `stop`."""
        handler = type("Handler", (_Handler,), {"gateway": self})
        http.server.ThreadingHTTPServer.allow_reuse_address = True
        server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), handler)
        server.daemon_threads = True
        self.port = server.server_address[1]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(self.server.chain_path, self.server.key_path)
        context.load_verify_locations(cadata=self.ca.bundle())
        context.verify_mode = ssl.CERT_OPTIONAL
        self._context = context
        self._http = server
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        if self._http is not None:
            http_server, self._http = self._http, None
            http_server.shutdown()
            http_server.server_close()

    # What tests do

    def offer(self, tasks: list[dict[str, Any]], job: str = "job-1", *, attempt: int = 1, priority: int = 0,
              blobs: list[bytes] | None = None, key: bytes | None = None, **fields: Any) -> Job:
        """Queue a job with its modules' sources; ``fields`` change the envelope before it is signed."""
        sources = {}
        for task in tasks:
            for name, text in registry.sources(task["module"]):
                sources[name] = text.encode()
        for data in [*sources.values(), *(blobs or [])]:
            self.blobs[hashlib.sha256(data).hexdigest()] = data
        now = int(time.time() + self.time_offset_s)
        made = envelopes.Envelope(
            host=self.host, run="run-1", job=job + self.suffix, tasks=tasks, attempt=attempt, agent=self.agent,
            priority=priority, created=now, expires=now + 3600, deadline_s=600.0,
            sources=[(name, hashlib.sha256(data).hexdigest(), len(data)) for name, data in sources.items()],
            blobs=[(hashlib.sha256(data).hexdigest(), len(data)) for data in blobs or []])
        for name, value in fields.items():
            setattr(made, name, value)
        text = envelopes.to_text(made)
        return self.queue(Job(job, text, envelopes.sign(text, key or self.job_key), attempt, priority))

    def queue(self, job: Job) -> Job:
        with self.changed:
            self.jobs[job.id] = job
            self.changed.notify_all()
        return job

    def order(self, **orders: Any) -> None:
        with self.changed:
            self.orders.update(orders)
            self.changed.notify_all()

    def await_true(self, test: Callable[[], Any], timeout_s: float = 20.0) -> Any:
        """Wait for what handlers bring about."""
        end = time.monotonic() + timeout_s
        with self.changed:
            while not (found := test()):
                assert time.monotonic() < end, f"nothing came; asked: {[a.verb for a in self.asked][-20:]}"
                self.changed.wait(0.05)
            return found

    def await_finished(self, job: str = "job-1", timeout_s: float = 30.0) -> Job:
        """The job, once the agentlet has delivered all of it; its count and digest are right."""
        found = self.jobs[job]
        self.await_true(lambda: found.state == "finished", timeout_s)
        assert found.finish is not None
        assert [event["seq"] for event in found.events] == list(range(1, len(found.heads) + 1))
        return found

    def count(self, verb: str) -> int:
        return sum(asked.verb == verb for asked in list(self.asked))


def on(verb: str, fault: Fault, numbers: tuple[int, ...] = (1,)) -> Callable[[Asked], Fault | None]:
    """A fault for the first, or these, of a verb's requests. A verb that ends with ``*`` is a beginning."""
    def judge(asked: Asked) -> Fault | None:
        same = asked.verb.startswith(verb[:-1]) if verb.endswith("*") else asked.verb == verb
        return fault if same and (not numbers or asked.number in numbers) else None

    return judge


class _Problem(Exception):
    def __init__(self, status: int, code: str, **extra: Any) -> None:
        super().__init__(code)
        self.status = status
        self.body = {"status": status, "code": code, "title": code, "detail": f"the double says {code}", **extra}


class _Handler(http.server.BaseHTTPRequestHandler):
    gateway: GatewayDouble
    protocol_version = "HTTP/1.1"
    timeout = 120

    def setup(self) -> None:
        self.request.settimeout(20)
        self.request = self.gateway._context.wrap_socket(self.request, server_side=True)
        super().setup()

    def handle(self) -> None:
        try:
            super().handle()
        except (OSError, ssl.SSLError):
            pass  # the agentlet was killed, or did not believe us

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_PUT = do_GET

    def _answer(self) -> None:
        gateway = self.gateway
        url = urllib.parse.urlsplit(self.path)
        verb = urllib.parse.unquote(url.path.removeprefix("/agent/v1/"))
        query = dict(urllib.parse.parse_qsl(url.query))
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if gateway._http is None:
            self.close_connection = True
            return
        with gateway.changed:
            plain = verb.replace(gateway.suffix, "")
            asked = Asked(self.command, plain, gateway.count(plain) + 1)
            gateway.asked.append(asked)
            gateway.changed.notify_all()
        fault = next((found for judge in gateway.faults if (found := judge(asked))), None)
        if fault and not fault.after:
            return self._fault(fault, {})
        try:
            body = gzip.decompress(raw) if self.headers.get("Content-Encoding") == "gzip" else raw
            status, value = self._act(verb, query, body, raw)
        except _Problem as problem:
            status, value = problem.status, problem.body
        if fault:
            return self._fault(fault, value)
        self._send(status, value)

    def _fault(self, fault: Fault, value: Any) -> None:
        if fault.cut_at is None and fault.status:
            return self._send(fault.status, {"status": fault.status, "code": "fault", **fault.problem}, fault.headers)
        if fault.cut_at:
            self._send(200, value, cut_at=fault.cut_at)
        self.close_connection = True

    def _send(self, status: int, value: Any, headers: dict[str, str] | None = None, cut_at: int | None = None) -> None:
        gateway = self.gateway
        if isinstance(value, dict):
            value = {**value, "time": time.time() + gateway.time_offset_s}
            if status < 400:
                value["orders"] = gateway.orders
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        for name, text in (headers or {}).items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(data[:cut_at])
        self.wfile.flush()

    def _act(self, verb: str, query: dict[str, str], body: bytes, raw: bytes) -> tuple[int, Any]:
        if self.headers.get("Orch-Protocol") != "1":
            raise _Problem(426, "protocol", protocols=[1])
        value = json.loads(body) if body and self.command == "POST" else {}
        if verb == "enrol":
            return 200, self._enrol(value)
        self._identify(raw)
        words = verb.split("/")
        if words[0] == "jobs":
            return self._job(words[1], words[2:], query, value, body)
        return 200, getattr(self, "_" + words[0])(words[1:], query, value)

    def _identify(self, raw: bytes) -> None:
        gateway = self.gateway
        der = self.request.getpeercert(True)
        if der is not None:
            if format(x509.load_der_x509_certificate(der).serial_number, "x") not in gateway.certificates:
                raise _Problem(401, "revoked")
            return
        when, nonce = self.headers.get("Orch-Time", ""), self.headers.get("Orch-Nonce", "")
        text = f"{self.command}\n{self.path}\n{hashlib.sha256(raw).hexdigest()}\n{when}\n{nonce}"
        right = hmac.new(gateway.token, text.encode(), hashlib.sha256).hexdigest()
        if self.headers.get("Orch-Agent") != gateway.agent or self.headers.get("Orch-Signature") != right:
            raise _Problem(401, "signature")
        if abs(time.time() + gateway.time_offset_s - float(when)) > 300:
            raise _Problem(401, "time")

    def _enrol(self, value: dict[str, Any]) -> dict[str, Any]:
        gateway = self.gateway
        host = gateway.tokens.pop(value["token"], None)
        if host is None:
            raise _Problem(403, "token_used", hint="orch agents invite gives another one")
        gateway.claims = value
        return self._identity(value["csr"])

    def _renew(self, words: list[str], query: Any, value: dict[str, Any]) -> dict[str, Any]:
        self.gateway.orders["renew"] = False
        given = self._identity(value["csr"])
        return {**given, "job_key": self.gateway.renewed_key or given["job_key"]}

    def _identity(self, csr: str | None) -> dict[str, Any]:
        gateway = self.gateway
        certificate = None
        if csr is not None:
            certificate = gateway.ca.sign_agent(csr, gateway.agent).pem
            serial = x509.load_pem_x509_certificate(certificate.encode()).serial_number
            gateway.certificates.add(format(serial, "x"))
        return {"agent": gateway.agent, "host": gateway.host, "certificate": certificate, "ca": gateway.ca.bundle(),
                "token": gateway.token.hex(), "job_key": gateway.job_key.hex(), "config": gateway.config}

    def _poll(self, words: list[str], query: dict[str, str], value: Any) -> dict[str, Any]:
        gateway, end = self.gateway, time.monotonic() + min(45.0, float(query["wait"]))
        said = json.dumps(gateway.orders)

        def offers() -> list[Job]:
            return [job for job in gateway.jobs.values() if job.state == "queued"]

        with gateway.changed:
            while not offers() and json.dumps(gateway.orders) == said and gateway._http and time.monotonic() < end:
                gateway.changed.wait(0.1)
            return {"offers": [{"job": job.id + gateway.suffix, "attempt": job.attempt, "priority": job.priority}
                               for job in offers()]}

    def _job(self, name: str, words: list[str], query: dict[str, str], value: dict[str, Any],
             body: bytes) -> tuple[int, Any]:
        gateway = self.gateway
        job = gateway.jobs.get(name.replace(gateway.suffix, ""))
        if job is None:
            raise _Problem(404, "not_found")
        with gateway.changed:
            gateway.changed.notify_all()
            attempt = int(query["attempt"]) if words[0] == "uploads" else value["attempt"]
            if attempt != job.attempt:
                raise _Problem(409, "fenced")
            if words[0] == "uploads":
                return 200, self._upload(job, words[1], query, body)
            return getattr(self, "_" + words[0])(job, value)

    def _claim(self, job: Job, value: dict[str, Any]) -> tuple[int, Any]:
        if job.state != "queued" and (job.state, job.key) != ("claimed", value["key"]):
            raise _Problem(409, "claimed")
        job.key = value["key"]
        job.state = "claimed"
        return 200, {"envelope": job.text, "signature": job.signature, "lease_s": 600}

    def _start(self, job: Job, value: dict[str, Any]) -> tuple[int, Any]:
        if job.state not in ("claimed", "started"):
            raise _Problem(409, "job_" + job.state)
        job.state = "started"
        job.starts += 1
        return 200, {}

    def _resume(self, job: Job, value: dict[str, Any]) -> tuple[int, Any]:
        if job.key not in (value["key"], value["next_key"]):
            raise _Problem(409, "job_claimed_by_twin")
        job.key = value["next_key"]
        return 200, {}

    def _events(self, job: Job, value: dict[str, Any]) -> tuple[int, Any]:
        if job.state == "finished":
            raise _Problem(409, "job_finished")
        first = value["first_seq"]
        if first > len(job.heads) + 1:
            raise _Problem(416, "rewind", next_seq=len(job.heads) + 1)
        for number, head in enumerate(value["heads"], first):
            if number > len(job.heads):
                job.heads.append(head)
            else:
                assert job.heads[number - 1] == head, "an event that was stored came again, and differs"
        return 200, {"next_seq": len(job.heads) + 1}

    def _finish(self, job: Job, value: dict[str, Any]) -> tuple[int, Any]:
        if value["count"] > len(job.heads):
            return 202, {"next_seq": len(job.heads) + 1}
        if job.finish is None:
            assert (value["count"], value["digest"]) == (len(job.heads), job.digest)
            job.finish, job.state = value, "finished"
        return 200, {}

    def _upload(self, job: Job, stream: str, query: dict[str, str], body: bytes) -> dict[str, Any]:
        held = job.uploads.setdefault(stream, bytearray())
        offset = int(query["offset"])
        if offset > len(held):
            raise _Problem(416, "rewind", next_offset=len(held))
        held[offset:offset + len(body)] = body
        return {}

    def _blobs(self, words: list[str], query: dict[str, str], value: Any) -> bytes:
        data = self.gateway.blobs.get(words[0])
        if data is None:
            raise _Problem(404, "not_found")
        offset, size = int(query["offset"]), int(query["size"])
        return data[offset:offset + size]

    def _heartbeat(self, words: list[str], query: Any, value: dict[str, Any]) -> dict[str, Any]:
        return {}

    def _logs(self, words: list[str], query: Any, value: dict[str, Any]) -> dict[str, Any]:
        self.gateway.logs += value["lines"]
        return {}

    def _config(self, words: list[str], query: Any, value: Any) -> dict[str, Any]:
        return {"config": self.gateway.config}

    def _update(self, words: list[str], query: Any, value: Any) -> Any:
        if words:
            return self.gateway.updates[words[0]]
        return self.gateway.manifest or {}
