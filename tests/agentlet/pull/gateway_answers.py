"""What the double of the gateway answers: a handler for each connection, a function for each verb of the protocol."""

from __future__ import annotations

import gzip
import hashlib
import hmac
import http.server
import json
import ssl
import time
import urllib.parse
from typing import TYPE_CHECKING, Any

from cryptography import x509

if TYPE_CHECKING:
    from tests.agentlet.pull.gateway_double import Fault, GatewayDouble, Job

KEYED = ("start", "events", "finish", "uploads")
"""What an agentlet says of a job with the key that it claimed it with."""


class Problem(Exception):
    def __init__(self, status: int, code: str, **extra: Any) -> None:
        super().__init__(code)
        self.status = status
        self.body = {"status": status, "code": code, "title": code, "detail": f"the double says {code}", **extra}


class Handler(http.server.BaseHTTPRequestHandler):
    gateway: GatewayDouble
    protocol_version = "HTTP/1.1"
    timeout = 120

    def setup(self) -> None:
        self.request.settimeout(20)
        self.request = self.gateway.context.wrap_socket(self.request, server_side=True)
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
        if gateway.is_away:
            self.close_connection = True
            return
        asked = gateway.note(self.command, verb)
        fault = next((found for judge in gateway.faults if (found := judge(asked))), None)
        if fault and not fault.after:
            return self._fault(fault, {})
        try:
            body = gzip.decompress(raw) if self.headers.get("Content-Encoding") == "gzip" else raw
            status, value = self._act(verb, query, body, raw)
        except Problem as problem:
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
            raise Problem(426, "protocol", protocols=[1])
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
                raise Problem(401, "revoked")
            return
        when, nonce = self.headers.get("Orch-Time", ""), self.headers.get("Orch-Nonce", "")
        text = f"{self.command}\n{self.path}\n{hashlib.sha256(raw).hexdigest()}\n{when}\n{nonce}"
        right = hmac.new(gateway.token, text.encode(), hashlib.sha256).hexdigest()
        if self.headers.get("Orch-Agent") != gateway.agent or self.headers.get("Orch-Signature") != right:
            raise Problem(401, "signature")
        if abs(time.time() + gateway.time_offset_s - float(when)) > 300:
            raise Problem(401, "time")

    def _enrol(self, value: dict[str, Any]) -> dict[str, Any]:
        gateway = self.gateway
        host = gateway.tokens.pop(value["token"], None)
        if host is None:
            raise Problem(403, "token_used", hint="orch agents invite gives another one")
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

        def is_over() -> bool:
            return bool(offers()) or json.dumps(gateway.orders) != said or gateway.is_away or time.monotonic() >= end

        with gateway.changed:
            while not is_over():
                gateway.changed.wait(0.1)
            return {"offers": [{"job": job.id + gateway.suffix, "attempt": job.attempt, "priority": job.priority}
                               for job in offers()]}

    def _job(self, name: str, words: list[str], query: dict[str, str], value: dict[str, Any],
             body: bytes) -> tuple[int, Any]:
        gateway = self.gateway
        job = gateway.jobs.get(name.replace(gateway.suffix, ""))
        if job is None:
            raise Problem(404, "not_found")
        with gateway.changed:
            gateway.changed.notify_all()
            said = query if words[0] == "uploads" else value
            if int(said["attempt"]) != job.attempt:
                raise Problem(409, "fenced")
            if words[0] in KEYED and job.key and said["key"] != job.key:
                raise Problem(409, "job_claimed_by_twin")
            if words[0] == "uploads":
                return 200, self._upload(job, words[1], query, body)
            return getattr(self, "_" + words[0])(job, value)

    def _claim(self, job: Job, value: dict[str, Any]) -> tuple[int, Any]:
        if job.state != "queued" and (job.state, job.key) != ("claimed", value["key"]):
            raise Problem(409, "claimed")
        job.key = value["key"]
        job.state = "claimed"
        return 200, {"envelope": job.text, "signature": job.signature, "lease_s": 600}

    def _start(self, job: Job, value: dict[str, Any]) -> tuple[int, Any]:
        if job.state not in ("claimed", "started"):
            raise Problem(409, "job_" + job.state)
        job.state = "started"
        job.starts += 1
        return 200, {}

    def _resume(self, job: Job, value: dict[str, Any]) -> tuple[int, Any]:
        if job.key not in (value["key"], value["next_key"]):
            raise Problem(409, "job_claimed_by_twin")
        job.key = value["next_key"]
        return 200, {}

    def _events(self, job: Job, value: dict[str, Any]) -> tuple[int, Any]:
        if job.state == "finished":
            raise Problem(409, "job_finished")
        first = value["first_seq"]
        if first > len(job.heads) + 1:
            raise Problem(416, "rewind", next_seq=len(job.heads) + 1)
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
            raise Problem(416, "rewind", next_seq=len(held))
        held[offset:offset + len(body)] = body
        return {}

    def _blobs(self, words: list[str], query: dict[str, str], value: Any) -> bytes:
        data = self.gateway.blobs.get(words[0])
        if data is None:
            raise Problem(404, "not_found")
        offset, size = int(query["offset"]), int(query["size"])
        return data[offset:offset + size]

    def _heartbeat(self, words: list[str], query: Any, value: dict[str, Any]) -> dict[str, Any]:
        self.gateway.beats.append(value)
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
