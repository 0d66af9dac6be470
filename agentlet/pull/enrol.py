"""Enrolling: a one-time token against an identity. What is kept is written before anybody is told of success."""

import json
import os
import sys

from agentlet.pull import PROTOCOL, VERSION, about_host, identity, signing, tls
from agentlet.pull.clock import Clock
from agentlet.pull.faults import AgentletError, Answered, Unreachable, Untrusted
from agentlet.pull.gateway import Gateway
from agentlet.pull.http import Address, BundleTrust, PinTrust

KEY = "key.new.pem"
NEW_CLIENT = "client.new.pem"
_HOW_KNOWN = "Give its key: --pin sha256//BASE64, as the line of orch agents invite has it; or --ca FILE"


def enrol(state, url, token, pin=None, ca_file=None, token_only=False, force=False, keyring="auto"):
    """Enrols with the gateway at ``url``; the `Identity`. `AgentletError` says what is in the way.

    The gateway is known by ``pin``, by ``ca_file``, or by the system's authorities. ``keyring``: which one seals the
    secrets (`keyring.CHOICES`).
    """
    state.create()
    if state.exists(identity.IDENTITY) and not force:
        raise AgentletError("This host is enrolled already, as %s" % identity.Identity(state).host,
                            "--force enrols it anew; orch agents rotate renews its keys without that")
    clock = Clock()
    csr = None if token_only else request(state)
    trust = PinTrust(pin) if pin else BundleTrust(clock, ca_file)
    gateway = Gateway(Address(url), trust, clock)
    try:
        answer = gateway.enrol(_claims(state, token, csr))
    except Answered as error:
        raise AgentletError("The gateway refused: %s" % error.message, error.hint or
                            "A token is good for one host, once, for an hour: take a new one from orch agents invite")
    except Untrusted as error:
        raise AgentletError(error.message, error.hint if pin else _HOW_KNOWN)
    finally:
        gateway.close()
    mode = "token" if answer.get("certificate") is None else "tls"
    if mode == "token" and not answer.get("token"):
        raise AgentletError("The gateway gave neither a certificate nor a token")
    values = {"agent": answer["agent"], "host": answer["host"], "url": url.rstrip("/"), "mode": mode, "pin": pin,
              "trust": "bundle", "offset_s": clock.offset_s, "version": VERSION}
    if mode == "token":
        state.remove(identity.CLIENT)
    keep(state, answer, values)
    values["trust"] = _choose_trust(state, values, pin, ca_file)
    state.write_json(identity.IDENTITY, values)
    from agentlet.pull import sealing
    sealing.seal(state, (identity.CLIENT, identity.SECRETS), keyring)
    return identity.Identity(state)


def keep(state, answer, values):
    """Writes what the gateway handed over: authorities, certificate with its key, secrets, configuration, identity."""
    state.write(identity.CA, answer["ca"].encode())
    keep_keys(state, answer, [])
    state.write_json("config.json", answer.get("config") or {})
    state.write_json(identity.IDENTITY, values)


def keep_keys(state, answer, older):
    """The part that a renewal replaces. ``older``: job keys that are still good, or the `Door` to who has them. A
    certificate that does not belong to our key is an `AgentletError`, and nothing is replaced."""
    secrets = {"token": answer.get("token")}
    if isinstance(older, list):
        new = answer["job_key"]
        if new.startswith(signing.SEALED):
            new = signing.unseal_key(new, older)
        secrets["job_keys"] = [new] + [key for key in older if key != new][:2]
    else:
        older.take_key(answer["job_key"])
    if answer.get("certificate") is not None:
        scratch = state.scratch()
        pair = (scratch.read(KEY) or b"") + answer["certificate"].encode()
        scratch.write(NEW_CLIENT, pair)
        try:
            tls.verified_context(None, scratch.path(NEW_CLIENT))
        except OSError as error:
            raise AgentletError("The gateway's certificate is not for our key: %s" % error)
        finally:
            scratch.remove(NEW_CLIENT)
        state.write(identity.CLIENT, pair)
        scratch.remove(KEY)
    state.write(identity.SECRETS, json.dumps(secrets).encode())


def request(state):
    """A request for a certificate of a new key, which waits in the state directory, or in memory."""
    from agentlet.pull import openssl  # with `subprocess`, which an idle agentlet does without
    scratch = state.scratch()
    scratch.write(KEY, openssl.new_key().encode())
    return openssl.signing_request(scratch.path(KEY))


def trust_of(state, known, clock):
    """How an enrolled agentlet knows its gateway."""
    if known.trust == "pin":
        return PinTrust(known.pin)
    client = state.file_of(identity.CLIENT) if known.mode == "tls" else None
    return BundleTrust(clock, None if known.trust == "system" else state.path(identity.CA), client)


def _claims(state, token, csr):
    return {"token": token, "csr": csr, "token_only": csr is None, "machine_id": about_host.machine_id(),
            "instance_id": _instance(state), "python": list(sys.version_info[:3]), "platform": sys.platform,
            "facts": about_host.facts(), "protocols": [PROTOCOL], "version": VERSION}


def _instance(state):
    """Random, made once per state directory: a clone of this machine has it too, and is found by that."""
    known = state.read_json("instance.json").get("instance_id")
    if known is None:
        known = os.urandom(16).hex()
        state.write_json("instance.json", {"instance_id": known})
    return known


def _choose_trust(state, values, pin, ca_file):
    """``bundle`` if our own authorities vouch for whoever answers; behind a proxy with a certificate of its own, as
    it was known while enrolling."""
    if values["mode"] == "tls":
        return "bundle"
    clock = Clock(values["offset_s"])
    gateway = Gateway(Address(values["url"]), BundleTrust(clock, state.path(identity.CA)), clock,
                      identity.Identity(state))
    try:
        gateway.config()
    except Untrusted:
        if ca_file is not None:
            with open(ca_file, "rb") as opened:
                state.write(identity.CA, opened.read())
            return "bundle"
        return "pin" if pin else "system"
    except (Unreachable, Answered):
        pass  # it answered with our certificate, or will
    finally:
        gateway.close()
    return "bundle"
