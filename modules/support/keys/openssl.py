"""Private keys through the openssl program: what one is, and making one. Passphrases go in by stdin, never in argv."""

import hashlib
import os
import re

from modules.api import Failed

CURVES = {"secp256r1": "prime256v1", "secp192r1": "prime192v1"}
"""IANA's names where openssl has another one."""
TRADITIONAL = ("RSA", "DSA", "ECC")
"""Types that have a format of their own (PKCS #1 and kin); the others are PKCS #8 only."""


class Key(object):
    """What is known of a key file: ``type``, ``size`` (bits), ``curve`` or None, ``format`` pkcs1 or pkcs8."""

    def __init__(self, type, size, curve, format, encrypted):
        self.type = type
        self.size = size
        self.curve = curve
        self.format = format
        self.encrypted = encrypted


def read(path, passphrase, host):
    """The `Key` in a PEM file, or None when it cannot be read with this passphrase (None: without one)."""
    head = host.read_text(path)
    encrypted = "ENCRYPTED" in head
    if encrypted != (passphrase is not None):
        return None
    done = host.query(["openssl", "pkey", "-in", path, "-noout", "-text_pub"] + _in(passphrase),
                      input=_line(passphrase), env={"LC_ALL": "C"})
    if done.rc != 0:
        return None
    size = re.search(r"\((\d+) bit", done.stdout)
    curve = re.search(r"ASN1 OID: (\S+)", done.stdout)
    named = re.match(r"\s*(ED25519|ED448|X25519|X448)\b", done.stdout)
    kind = named.group(1).replace("ED", "Ed") if named else "ECC" if curve else "RSA" if "Modulus" in done.stdout \
        else "DSA"
    bits = {"Ed25519": 256, "X25519": 253, "Ed448": 456, "X448": 448}.get(kind)
    return Key(kind, bits or int(size.group(1)), _iana(curve.group(1)) if curve else None,
               "pkcs8" if re.search(r"BEGIN (ENCRYPTED )?PRIVATE KEY", head) else "pkcs1", encrypted)


def make(args, path, host):
    """Put a new key as asked for into the file ``path``, which is empty and ours alone."""
    plain = host.tempfile(dir=os.path.dirname(path))
    if args["type"] == "DSA":
        made = host.run(["openssl", "dsaparam", "-genkey", "-noout", "-out", plain, str(args["size"])])
    else:
        options = {"RSA": ["rsa_keygen_bits:{}".format(args["size"])],
                   "ECC": ["ec_paramgen_curve:" + CURVES.get(args["curve"], args["curve"] or ""),
                           "ec_param_enc:named_curve"]}.get(args["type"], [])
        algorithm = {"ECC": "EC"}.get(args["type"], args["type"])
        words = [word for option in options for word in ("-pkeyopt", option)]
        made = host.run(["openssl", "genpkey", "-algorithm", algorithm, "-out", plain] + words)
    _must(made)
    convert(plain, path, None, args["passphrase"], format_for(args), host)


def convert(path, new_path, has, gets, format, host):
    """Write the key in ``path``, whose passphrase is ``has``, to ``new_path`` under the passphrase ``gets``."""
    argv = ["openssl", "pkey", "-in", path, "-out", new_path] + _in(has)
    argv += ["-traditional"] if format == "pkcs1" else []
    argv += ["-aes256", "-passout", "stdin"] if gets is not None else []
    _must(host.run(argv, input=(_line(has) or "") + (_line(gets) or "")))


def format_for(args):
    """The format to write: pkcs1 where the type has it, unless pkcs8 is asked for."""
    if args["format"] == "pkcs8" or args["type"] not in TRADITIONAL:
        return "pkcs8"
    return "pkcs1"


def fingerprints(path, passphrase, host):
    """algorithm -> the public key's digest, as pairs of digits with colons."""
    done = host.query(["openssl", "pkey", "-in", path, "-pubout", "-outform", "DER"] + _in(passphrase),
                      input=_line(passphrase))
    _must(done)
    data = done.stdout.encode("utf-8", "surrogateescape")
    found = {}
    for name in sorted(hashlib.algorithms_guaranteed):
        if name.startswith("shake"):
            continue
        try:
            digest = hashlib.new(name, data).hexdigest()
        except ValueError:
            continue  # this host's policy (FIPS) forbids it
        found[name] = ":".join(digest[index:index + 2] for index in range(0, len(digest), 2))
    return found


def _iana(curve):
    return {openssl: iana for iana, openssl in CURVES.items()}.get(curve, curve)


def _in(passphrase):
    return [] if passphrase is None else ["-passin", "stdin"]


def _line(passphrase):
    return None if passphrase is None else passphrase + "\n"


def _must(done):
    if done.rc != 0:
        raise Failed("openssl_failed", "{} failed: {}".format(" ".join(done.argv[:2]), done.stderr.strip()), rc=done.rc)
