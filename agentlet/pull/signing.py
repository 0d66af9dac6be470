"""Signatures with shared keys: requests that this agentlet signs, and envelopes that it checks. Pure."""

import json

from agentlet.digests import sha256
from agentlet.pull.faults import AgentletError, EnvelopeRefused
from agentlet.pull.mac import hmac_sha256, same

VERSION = 1
SEALED = "sealed:"
_FIELDS = {"agent": str, "host": str, "job": str, "attempt": int, "tasks": list, "sources": list, "blobs": list,
           "secrets": dict}


def request_signature(token, method, target, body, when, nonce):
    """Hex HMAC-SHA256 with the token's bytes, over what a request asks for and when."""
    text = "%s\n%s\n%s\n%s\n%s" % (method, target, sha256(body).hexdigest(), when, nonce)
    return hmac_sha256(bytes.fromhex(token), text.encode("latin-1"))


def envelope_signature(key, text):
    """Hex HMAC-SHA256 with the job key over the envelope's bytes."""
    return hmac_sha256(bytes.fromhex(key), text.encode("utf-8"))


def is_signed(keys, text, signature):
    """Whether the server, which shares these job keys, wrote this text. ``keys``: a list, or the `Door` to who has it.
    """
    if not isinstance(text, str) or not isinstance(signature, str):
        return False
    if not isinstance(keys, list):
        return keys.is_signed(text, signature)
    given = signature.encode("ascii", "replace")
    return any(same(envelope_signature(key, text).encode(), given) for key in keys)


def check_keys(keys):
    """`Unreachable` while who has the job keys does not answer: a job that cannot be judged must not be claimed."""
    if not isinstance(keys, list):
        keys.check()


def unseal_key(text, keys):
    """The next job key, in hex, which the server has sealed with one of ``keys``; `AgentletError` when it has not."""
    try:
        data = bytes.fromhex(text[len(SEALED):]) if text.startswith(SEALED) else b""
    except ValueError:
        data = b""
    if len(data) != 80:
        raise AgentletError("The new job key is not sealed as it should be")
    nonce, box, tag = data[:16], data[16:48], data[48:]
    for key in map(bytes.fromhex, keys):
        if same(hmac_sha256(key, b"orch-job-key-tag\0" + nonce + box).encode(), tag.hex().encode()):
            pad = bytes.fromhex(hmac_sha256(key, b"orch-job-key-pad\0" + nonce))
            return bytes(one ^ other for one, other in zip(box, pad)).hex()
    raise AgentletError("The new job key is not sealed with the present one",
                        "Enrol this host anew: orch agents invite HOST, with --force on the host")


def open_envelope(text, signature, keys, agent, host, now, last_attempt=0, job=None, attempt=None):
    """The envelope as a dict, or `EnvelopeRefused`: nothing of an unsigned one is looked at.

    ``host``: None for any. ``now``: the server's time. ``last_attempt``: the highest of this job that was seen here.
    ``job`` and ``attempt``: those that were asked for.
    """
    if not is_signed(keys, text, signature):
        raise EnvelopeRefused("bad_signature", "The job is not signed with this agentlet's key",
                              "orch agents rotate gives it a new one; if this goes on, somebody alters jobs")
    envelope = _parse(text)
    if envelope["agent"] != agent or host not in (None, envelope["host"]):
        raise EnvelopeRefused("foreign", "The job is for agent %s on %s" % (envelope["agent"], envelope["host"]))
    if job is not None and (envelope["job"], envelope["attempt"]) != (job, attempt):
        raise EnvelopeRefused("foreign", "The job is %s, attempt %d: not the one that was claimed"
                              % (envelope["job"], envelope["attempt"]))
    if envelope["expires"] <= now:
        raise EnvelopeRefused("expired", "The job expired %d s ago" % (now - envelope["expires"]))
    if envelope["attempt"] <= last_attempt:
        raise EnvelopeRefused("older_attempt", "Attempt %d of this job was here already" % last_attempt)
    return envelope


def _parse(text):
    try:
        envelope = json.loads(text)
        if envelope["v"] != VERSION:
            raise EnvelopeRefused("bad_version", "The job is written in version %s; this agentlet reads %d"
                                  % (envelope["v"], VERSION), "The server and the agentlet are of different times")
        for name, kind in _FIELDS.items():
            if not isinstance(envelope[name], kind) or isinstance(envelope[name], bool):
                raise ValueError(name)
        envelope["expires"] = float(envelope["expires"])
        return envelope
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise EnvelopeRefused("bad_envelope", "The job cannot be read: %s" % error)
