"""A double of the gateway, in this process: it speaks the protocol of docs/pull.md over real TLS, all in memory.

It is no judge of what the real one does (test_real_gateway asks that one); it can do what that never would: answer
twice, cut an answer short, go away, claim another time of day. The authority and the envelopes are orch's own. What it
answers to each request is in gateway_answers.
"""

from __future__ import annotations

import hashlib
import http.server
import json
import secrets
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modules import registry
from orchestrator.agents import envelope as envelopes
from orchestrator.security.ca import CertificateAuthority
from tests.agentlet.pull.gateway_answers import Handler

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
        self.beats: list[dict[str, Any]] = []
        """What heartbeats said."""
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
        self.context: ssl.SSLContext
        self._http: http.server.ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def is_away(self) -> bool:
        """It was stopped: what is under way gets no answer."""
        return self._http is None

    def start(self) -> None:
        """Also again, on the same port, after `stop`."""
        handler = type("HandlerOfThis", (Handler,), {"gateway": self})
        http.server.ThreadingHTTPServer.allow_reuse_address = True
        server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), handler)
        server.daemon_threads = True
        self.port = server.server_address[1]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(self.server.chain_path, self.server.key_path)
        context.load_verify_locations(cadata=self.ca.bundle())
        context.verify_mode = ssl.CERT_OPTIONAL
        self.context = context
        self._http = server
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        if self._http is not None:
            http_server, self._http = self._http, None
            http_server.shutdown()
            http_server.server_close()

    def note(self, method: str, verb: str) -> Asked:
        """A request has come."""
        verb = verb.replace(self.suffix, "")
        with self.changed:
            asked = Asked(method, verb, self.count(verb) + 1)
            self.asked.append(asked)
            self.changed.notify_all()
            return asked

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

    def await_true(self, test: Callable[[], Any], timeout_s: float = 60.0) -> Any:
        """Wait for what handlers bring about."""
        end = time.monotonic() + timeout_s
        with self.changed:
            while not (found := test()):
                assert time.monotonic() < end, f"nothing came; asked: {[a.verb for a in self.asked][-20:]}"
                self.changed.wait(0.05)
            return found

    def await_finished(self, job: str = "job-1", timeout_s: float = 60.0) -> Job:
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
