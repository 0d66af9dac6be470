"""Keeps a private key of a kind and size in a file.

Example::

    - name: The web server has a key
      community.crypto.openssl_privatekey:
        path: /etc/ssl/private/www.example.org.pem
        type: ECC
        curve: secp256r1

Needs the openssl program and no library. Returns ``filename``, ``type``, ``size``, ``curve``, ``fingerprint``,
``backup_file``, and ``privatekey`` with ``return_content``.
Errors: ``no_openssl``, ``openssl_failed``, ``unreadable_key``, ``other_key``, ``no_directory``, ``bad_arguments``.
"""

import os

from modules.api import Arg, Change, Failed, Same, required_if
from modules.support.files.attributes import FILE_ARGS, plan, put, stat_values
from modules.support.files.placement import BACKUP_ARG, back_up, place_file
from modules.support.keys import openssl as keys

TYPES = ("DSA", "ECC", "Ed25519", "Ed448", "RSA", "X25519", "X448")
CURVE_NAMES = tuple("""secp224r1 secp256k1 secp256r1 secp384r1 secp521r1 secp192r1 brainpoolP256r1 brainpoolP384r1
    brainpoolP512r1 sect163k1 sect163r2 sect233k1 sect233r1 sect283k1 sect283r1 sect409k1 sect409r1 sect571k1
    sect571r1""".split())
ARGS = dict(FILE_ARGS, **{
    "path": Arg("path", "The file; its mode is 0600 unless another is given.", required=True),
    "state": Arg("str", "Whether it is there.", default="present", choices=("absent", "present")),
    "type": Arg("str", "The key's type.", default="RSA", choices=TYPES),
    "size": Arg("int", "Bits, for RSA and DSA.", default=4096),
    "curve": Arg("str", "The curve, for ECC.", choices=CURVE_NAMES),
    "passphrase": Arg("str", "Passphrase that protects the key.", no_log=True),
    "cipher": Arg("str", "The passphrase's cipher; only auto.", default="auto"),
    "format": Arg("str", "The file's format; auto: PKCS #1 where the type has it.", default="auto_ignore",
                  choices=("pkcs1", "pkcs8", "raw", "auto", "auto_ignore")),
    "format_mismatch": Arg("str", "What to do with a key in another format.", default="regenerate",
                           choices=("regenerate", "convert")),
    "regenerate": Arg("str", "When a key that is there may be replaced.", default="full_idempotence",
                      choices=("never", "fail", "partial_idempotence", "full_idempotence", "always")),
    "force": Arg("bool", "Make a new key in any case.", default=False),
    "backup": BACKUP_ARG,
    "return_content": Arg("bool", "Return the key itself; combine it with no_log.", default=False),
    "select_crypto_backend": Arg("str", "Accepted: there is one backend.", default="auto",
                                 choices=("auto", "cryptography")),
})
RULES = (required_if("type", "ECC", "curve"),)


def check(args, host):
    path = args["path"]
    if args["state"] == "absent":
        there = host.exists(path)
        return Change({"exists": True}, {"exists": False}, values={"filename": path}) if there else Same(filename=path)
    _require(args, host)
    act, now = decision(args, host)
    planned = plan(path, args, host, mode=args["mode"] or "0600")
    values = {"filename": path, "type": args["type"], "size": args["size"]}
    if args["type"] == "ECC":
        values["curve"] = args["curve"]
    if act is None and not planned.changed:
        return Same(**dict(values, **described(args, host)))
    after = {"type": args["type"], "format": keys.format_for(args), "key": act or "kept"}
    return Change(dict(planned.before, type=now and now.type, format=now and now.format, key="missing" if now is None
                       else "kept"), dict(planned.after, **after), values=values, data=(act, planned))


def apply(args, change, host):
    path = args["path"]
    if args["state"] == "absent":
        kept = {"backup_file": back_up(path)} if args["backup"] else {}
        os.unlink(path)
        return kept
    act, planned = change.data
    if act is None:
        put(path, planned, host)
        return described(args, host)
    temp = host.tempfile(dir=os.path.dirname(path) or ".")
    if act == "convert":
        keys.convert(path, temp, args["passphrase"], args["passphrase"], keys.format_for(args), host)
    else:
        keys.make(args, temp, host)
    kept = place_file(path, temp, planned, args, host)
    return dict(described(args, host), **kept)


def decision(args, host):
    """(what to do: generate, convert or None, the `Key` that is there or None)."""
    path, rule = args["path"], "always" if args["force"] else args["regenerate"]
    if not host.exists(path):
        return "generate", None
    now = keys.read(path, args["passphrase"], host)
    if rule == "always":
        return "generate", now
    if now is None:
        if rule != "full_idempotence":
            raise Failed("unreadable_key", "Unable to read the key. The key is protected with a another passphrase "
                         "/ no passphrase or broken. Will not proceed.",
                         "To force regeneration, set regenerate to full_idempotence or always, or force: true")
        return "generate", None
    if not _as_asked(now, args):
        if rule == "fail":
            raise Failed("other_key", "Key has wrong type and/or size. Will not proceed.",
                         "set regenerate to partial_idempotence, full_idempotence or always")
        return (None if rule == "never" else "generate"), now
    if args["format"] != "auto_ignore" and now.format != keys.format_for(args):
        if args["format_mismatch"] == "convert":
            return "convert", now
        if rule == "fail":
            raise Failed("other_key", "Key has wrong format. Will not proceed.", "set format_mismatch to convert")
        return (None if rule == "never" else "generate"), now
    return None, now


def described(args, host):
    """Fingerprints, the file's attributes, and the key itself when asked for."""
    values = dict(stat_values(args["path"]), fingerprint=keys.fingerprints(args["path"], args["passphrase"], host))
    values["size"] = keys.read(args["path"], args["passphrase"], host).size
    if args["return_content"]:
        values["privatekey"] = host.read_text(args["path"])
    return values


def _as_asked(now, args):
    if now.type != args["type"]:
        return False
    if now.type in ("RSA", "DSA"):
        return now.size == args["size"]
    return now.type != "ECC" or now.curve == args["curve"]


def _require(args, host):
    if not host.which("openssl"):
        raise Failed("no_openssl", "There is no openssl program on this host", "install the package openssl")
    if args["format"] == "raw" or (args["format"] == "pkcs1" and args["type"] not in keys.TRADITIONAL):
        raise Failed("bad_arguments", "a key of type {} cannot be written in the format {}".format(
            args["type"], args["format"]))
    if args["passphrase"] is not None and (not args["passphrase"] or "\n" in args["passphrase"]):
        raise Failed("bad_arguments", "the passphrase must be one line that is not empty")
    if args["cipher"] != "auto":
        raise Failed("bad_arguments", "cipher must be auto")
    if not os.path.isdir(os.path.dirname(args["path"]) or "."):
        raise Failed("no_directory", "The directory {} does not exist or the file is not a directory".format(
            os.path.dirname(args["path"])))
