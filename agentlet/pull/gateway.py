"""The gateway's verbs as functions, for one thread: JSON both ways, errors as exceptions, orders handed on."""

import json
import os
import zlib

from agentlet.pull import PROTOCOL, VERSION, backoff, signing
from agentlet.pull.faults import Answered, IdentityRefused, Unreachable
from agentlet.pull.http import Connection

ROOT = "/agent/v1/"
LARGEST_PIECE = 1 << 20
"""Of a blob: the gateway gives no more at a time."""
_GZIP_FROM_BYTES = 1024
_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


class Gateway(object):
    """``signer`` (an `Identity`) signs requests, where no certificate does. ``on_orders(orders)`` hears them."""

    def __init__(self, address, trust, clock, signer=None, on_orders=None):
        self._connection = Connection(address, trust)
        self._clock = clock
        self._signer = signer
        self._on_orders = on_orders

    def close(self):
        self._connection.close()

    def enrol(self, claims):
        return self._json("POST", "enrol", claims)

    def renew(self, csr):
        return self._json("POST", "renew", {"csr": csr})

    def poll(self, wait_s, running):
        target = "poll?wait=%d&running=%s" % (wait_s, ",".join(quoted(job) for job in running))
        return self._json("GET", target, timeout_s=wait_s + 20.0)

    def claim(self, job, attempt, key):
        """``key``: this process's own random text; asked again with the same one, the answer is the same."""
        return self._json("POST", _job(job, "claim"), {"attempt": attempt, "key": key}, limit=64 << 20)

    def start(self, job, attempt, key):
        return self._json("POST", _job(job, "start"), {"attempt": attempt, "key": key})

    def resume(self, job, attempt, key, next_key, count):
        """The attempt goes on in another place, with ``count`` events, and ``next_key`` in place of ``key``."""
        body = {"attempt": attempt, "key": key, "next_key": next_key, "count": count}
        return self._json("POST", _job(job, "resume"), body)

    def add_events(self, job, attempt, first_seq, heads, key):
        """The number that the server expects next. `Answered` 416 has it in ``problem`` when there was a gap."""
        body = {"attempt": attempt, "first_seq": first_seq, "heads": heads, "key": key}
        return self._json("POST", _job(job, "events"), body)["next_seq"]

    def finish(self, job, attempt, status, count, digest, evicted, key):
        """None when everything is stored, else the number of the first event that the server lacks."""
        body = {"attempt": attempt, "status": status, "count": count, "digest": digest, "evicted": evicted, "key": key}
        return self._json("POST", _job(job, "finish"), body, missing=True)

    def blob(self, digest, offset, size):
        """Up to ``size`` bytes of a blob."""
        return self._send("GET", "blobs/%s?offset=%d&size=%d" % (quoted(digest), offset, size), limit=size).body

    def put_upload(self, job, attempt, stream, offset, last, data, key, meta=None):
        """``meta``: what the host says of the file, with its first piece."""
        target = "uploads/%s?attempt=%d&offset=%d&last=%d&key=%s" % (
            quoted(stream), attempt, offset, last, quoted(key))
        if meta is not None and offset == 0:
            target += "&meta=" + quoted(json.dumps(meta))
        self._send("PUT", _job(job, target), data, (("Content-Type", "application/octet-stream"),))

    def heartbeat(self, running, stats):
        """``running``: [(job, attempt, key)] of what is held here."""
        return self._json("POST", "heartbeat", {"running": running, "stats": stats})

    def config(self):
        return self._json("GET", "config")

    def logs(self, lines):
        return self._json("POST", "logs", {"lines": lines})

    def update_manifest(self):
        return self._json("GET", "update")

    def update_file(self, version, size):
        return self._send("GET", "update/" + quoted(version), limit=size, timeout_s=120.0).body

    def _json(self, method, verb, body=None, timeout_s=30.0, limit=2 << 20, missing=False):
        data = b"" if body is None else json.dumps(body, separators=(",", ":")).encode("ascii")
        headers = (("Content-Type", "application/json"),) if data else ()
        reply = self._send(method, verb, data, headers, timeout_s, limit)
        value = _object(reply)
        if value is None:
            raise Unreachable("The gateway's answer is not JSON")
        self._clock.learn(value.get("time"))
        if self._on_orders is not None and isinstance(value.get("orders"), dict):
            self._on_orders(value["orders"])
        if missing:
            return int(value.get("next_seq") or 1) if reply.status == 202 else None
        return value

    def _send(self, method, verb, body=b"", headers=(), timeout_s=30.0, limit=2 << 20):
        headers = list(headers) + [("Orch-Protocol", str(PROTOCOL)), ("User-Agent", "orch-agentlet/" + VERSION)]
        if len(body) >= _GZIP_FROM_BYTES and headers[0][1] == "application/json":
            body, headers = _gzip(body), headers + [("Content-Encoding", "gzip")]
        target = ROOT + verb
        if self._signer is not None:
            headers += self._signature(method, target, body)
        reply = self._connection.request(method, target, body, headers, timeout_s, limit)
        if reply.status >= 300:
            raise self._error(reply)
        return reply

    def _signature(self, method, target, body):
        when, nonce = str(int(self._clock.now())), os.urandom(16).hex()
        signature = signing.request_signature(self._signer.token, method, target, body, when, nonce)
        return [("Orch-Agent", self._signer.agent), ("Orch-Time", when), ("Orch-Nonce", nonce),
                ("Orch-Signature", signature)]

    def _error(self, reply):
        problem = _object(reply) or {}
        self._clock.learn(problem.get("time"))
        code = str(problem.get("code") or "http_%d" % reply.status)[:80]
        message = str(problem.get("detail") or problem.get("title") or "The gateway answered %d" % reply.status)[:500]
        hint = problem.get("hint")
        kind = IdentityRefused if reply.status in (401, 403) else Answered
        return kind(reply.status, code, message, str(hint)[:500] if hint else None,
                    backoff.retry_after(reply.headers.get("retry-after")), problem)


def quoted(text):
    """Percent-encodes everything that is not unreserved (RFC 3986): a job's id is the server's word."""
    return "".join(chr(byte) if byte in _SAFE else "%%%02X" % byte for byte in text.encode("utf-8", "replace"))


def _job(job, verb):
    return "jobs/%s/%s" % (quoted(job), verb)


def _object(reply):
    try:
        value = json.loads(reply.body.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _gzip(data):
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    return packer.compress(data) + packer.flush()
