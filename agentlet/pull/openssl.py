"""The key of this host and the request for its certificate, by the host's own openssl program."""

import os
import subprocess

from agentlet.pull.faults import AgentletError

_CONFIG = b"[req]\ndistinguished_name = name\n[name]\n"
"""All that `req` of OpenSSL 1.1 wants of a configuration; 3.0 does without."""


def new_key():
    """A fresh P-256 key as PEM. It is made on this host and never leaves it."""
    return _openssl(["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"])


def signing_request(key_path):
    """A PEM request for a certificate of the key in a file. Its names mean nothing: the server gives the name."""
    return _openssl(["req", "-new", "-sha256", "-key", key_path, "-subj", "/CN=orch-agentlet", "-config", "/dev/stdin"],
                    _CONFIG)


def _openssl(arguments, given=b""):
    # The host's own configuration may name a section that `req` lacks, or an engine that asks for a PIN.
    environment = dict(os.environ, OPENSSL_CONF=os.devnull, RANDFILE=os.devnull)
    try:
        done = subprocess.run(["openssl"] + arguments, input=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=60, env=environment)
    except FileNotFoundError:
        raise AgentletError("This host has no openssl to make a key with",
                            "Install it (apt install openssl), or enrol with --token-only, for an identity by token")
    except subprocess.TimeoutExpired:
        raise AgentletError("openssl took longer than a minute")
    if done.returncode:
        raise AgentletError("openssl %s failed: %s" % (arguments[0], done.stderr.decode("utf-8", "replace").strip()))
    return done.stdout.decode("ascii")
