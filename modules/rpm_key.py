"""Keeps a key in rpm's database, or away from it.

Example::

    - name: EPEL's key
      ansible.builtin.rpm_key:
        key: https://download.example.com/RPM-GPG-KEY-EPEL
        fingerprint: 7D8D 15CB FC4E 6268 8591 FB26 33D9 8517 E37E D158

The key is a URL, a file on the host, or (to remove it) its id. With ``fingerprint`` the key must have each of those.
Returns ``msg`` on failure. Errors: ``no_rpm``, ``bad_key``, ``wrong_key``, ``no_file``, ``rpm_failed``.
"""

import os
import re

from modules.api import Arg, Change, Failed, Same
from modules.support.keys import openpgp

ARGS = {
    "key": Arg("str", "A URL, a file on the host, or the id of a key that is there.", required=True),
    "state": Arg("str", "Whether rpm has it.", default="present", choices=("absent", "present")),
    "fingerprint": Arg("list", "Fingerprints that the key, or a subkey of it, must have.", elements="str"),
    "validate_certs": Arg("bool", "Check the certificate of the URL's server.", default=True),
}
URL = re.compile(r"(?:https?|ftp|file)://", re.IGNORECASE)


def check(args, host):
    if not host.which("rpm"):
        raise Failed("no_rpm", "there is no rpm on this host", "it is for Red Hat's family")
    data, names = wanted(args, host)
    there = [name for name in known(host) if any(is_same(name, each) for each in names)]
    if args["state"] == "present":
        return Same() if there else Change("", ", ".join(names), data=(data, None))
    return Change(", ".join(there), "", data=(None, there)) if there else Same()


def apply(args, change, host):
    data, names = change.data
    if names is None:
        path = host.tempfile()
        with open(path, "wb") as file:
            file.write(data)
        must(host, ["rpm", "--import", path])
    for name in names or ():
        if len(name) > 8:  # since rpm 4.20 a key is named by its fingerprint, and has a tool of its own
            must(host, ["rpmkeys", "--delete", name])
        else:
            must(host, ["rpm", "--erase", "--allmatches", "gpg-pubkey-" + name])


def wanted(args, host):
    """(the key's bytes, or None for one that is only named; its fingerprints)."""
    key = args["key"].strip()
    if not URL.match(key) and not os.path.exists(key):
        name = re.sub(r"^0x", "", key.replace(" ", ""), flags=re.IGNORECASE).upper()
        if not re.match(r"(?:[0-9A-F]{8}|[0-9A-F]{16}|[0-9A-F]{40}|[0-9A-F]{64})$", name):
            raise Failed("no_file", "Not a valid key {}".format(key), "it is no URL, no file on this host, and no id")
        if args["state"] == "present":
            raise Failed("bad_key", "When importing a key, a valid file must be given")
        return None, [name]
    data = fetched(key, args, host) if URL.match(key) else host.read(key)
    keys = openpgp.keys(data)
    check_fingerprints(args["fingerprint"] or (), keys, key)
    return data, [each.fingerprint for each in keys]


def fetched(key, args, host):
    from modules.support.keys import key_source  # it needs urllib, which is slow to import
    try:
        return key_source.fetch(key, args["validate_certs"], host)
    except Failed as fault:
        raise Failed(fault.code, "failed to fetch key at {} , error was: {}".format(key, fault.message))


def check_fingerprints(fingerprints, keys, shown):
    """`Failed` with ``wrong_key`` unless each is that of one of the keys or their subkeys."""
    have = [name for key in keys for name in [key.fingerprint] + key.subkeys]
    for text in fingerprints:
        name = re.sub(r"\s+", "", text).upper()
        if name not in have:
            message = "The specified fingerprint, '{}', does not match any key fingerprints in {}".format(name, shown)
            raise Failed("wrong_key", message, "the key has {}".format(", ".join(have)))


def known(host):
    """rpm's names for its keys: the last 8 digits of the fingerprint, or all of it."""
    done = host.query(["rpm", "-q", "--qf", "%{version}\n", "gpg-pubkey"], env={"LC_ALL": "C"})
    return parse_known(done.stdout)


def parse_known(output):
    return [line.strip() for line in output.splitlines() if re.match(r"[0-9a-fA-F]{8,}$", line.strip())]


def is_same(known_name, name):
    """Whether two names, each a fingerprint or the end of one, mean the same key."""
    shorter, longer = sorted((known_name.upper(), name.upper()), key=len)
    return longer.endswith(shorter)


def must(host, argv):
    done = host.run(argv, env={"LC_ALL": "C"})
    if done.rc != 0:
        raise Failed("rpm_failed", "{} failed: {}".format(" ".join(argv[:2]), done.stderr.strip()), rc=done.rc)
