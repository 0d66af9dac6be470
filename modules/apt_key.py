"""Keeps a key among those that apt trusts, or away from them; neither apt-key nor gpg is needed on the host.

Example::

    - name: The vendor's key
      ansible.builtin.apt_key:
        url: https://packages.example.com/key.asc
        id: 36A1D7869245C8950F966E92D8576A8BA88D21E9
        keyring: /etc/apt/trusted.gpg.d/vendor.gpg

Without ``keyring`` a new key gets a file of its own in trusted.gpg.d, named by its fingerprint, and all of apt's rings
are looked through. With ``id``, a key that is there is not fetched, and one that is fetched must be that one.
Returns ``before`` and ``after`` (ids of all keys), ``id``, ``key_id``, ``short_id``, ``fp``.
Errors: ``bad_id``, ``bad_key``, ``wrong_key``, ``no_file``, ``keyserver``, ``keybox``, ``bad_arguments``.
"""

import os
import re

from modules.api import Arg, Change, Failed, Same, exclusive
from modules.support.apt import keyrings
from modules.support.keys import openpgp

ARGS = {
    "id": Arg("str", "The key's fingerprint, or the last 8 or 16 digits of it."),
    "state": Arg("str", "Whether it is trusted.", default="present", choices=("absent", "present")),
    "data": Arg("str", "The key itself, armored."),
    "file": Arg("path", "A file on the host that has it."),
    "url": Arg("str", "A URL that has it."),
    "keyserver": Arg("str", "A keyserver that has it; needs id."),
    "keyring": Arg("path", "The ring to keep it in."),
    "validate_certs": Arg("bool", "Check the certificate of the URL's server.", default=True),
}
RULES = (exclusive("data", "file", "keyserver", "url"),)


def check(args, host):
    name = wanted_name(args["id"])
    rings = [keyrings.ring(args["keyring"], host)] if args["keyring"] else keyrings.default_rings(host)
    values = {"before": ids(rings)}
    if args["state"] == "absent":
        return check_absent(args, name, rings, values)
    if name and keyrings.holding(name, rings):
        return Same(**dict(values, **called(args, name)))
    found = openpgp.keys(source(args, name, host))
    if name and not any(key.is_called(name) for key in found):
        raise Failed("wrong_key", "the key that was given is {}, and not {}".format(
            ", ".join(key.fingerprint for key in found), args["id"]), **values)
    values.update(called(args, name or found[0].key_id))
    missing = [key for key in found if not keyrings.holding(key.fingerprint, rings)]
    if not missing:
        return Same(**values)
    values["after"] = values["before"] + [key.key_id for key in missing]
    return Change(values["before"], values["after"], values=values, data=(rings, missing))


def apply(args, change, host):
    rings, keys = change.data
    if args["state"] == "absent":
        for ring in rings:
            keyrings.remove(ring, wanted_name(args["id"]), host)
    elif args["keyring"]:
        keyrings.add(rings[0], keys, host)
    else:
        for key in keys:
            keyrings.add(keyrings.new_ring(key), [key], host)


def check_absent(args, name, rings, values):
    if name is None:
        raise Failed("bad_id", "Invalid key_id", "state: absent needs an id")
    values.update(called(args, name))
    holding = keyrings.holding(name, rings)
    if not holding:
        return Same(**values)
    values["after"] = [key.key_id for ring in rings for key in ring.keys if not key.is_called(name)]
    return Change(values["before"], values["after"], values=values, data=(holding, None))


def wanted_name(text):
    """The id in upper case, without 0x; None when there is none. `Failed` with ``bad_id``."""
    if text is None:
        return None
    name = re.sub(r"^0[xX]", "", re.sub(r"\s+", "", text)).upper()
    if not re.match(r"[0-9A-F]+$", name) or len(name) < 8:
        raise Failed("bad_id", "Invalid key_id", "8, 16 or 40 hexadecimal digits", id=text)
    return name


def called(args, name):
    """What the result calls the key."""
    return {"id": args["id"] or name, "key_id": name, "fp": openpgp.key_id(name), "short_id": name[-8:]}


def ids(rings):
    return [key.key_id for ring in rings for key in ring.keys]


def source(args, name, host):
    """The bytes of the key, from wherever the task says."""
    if args["data"]:
        return args["data"].encode("utf-8", "surrogateescape")
    if args["file"]:
        if not os.path.isfile(args["file"]):
            raise Failed("no_file", "Unable to extract key from '{}'".format(args["file"]), "there is no such file")
        return host.read(args["file"])
    if not args["url"] and not (args["keyserver"] and name):
        raise Failed("bad_arguments", "one of data, file, url, or keyserver with id, must say where the key is")
    from modules.support.keys import key_source  # it needs urllib, which is slow to import
    if args["url"]:
        try:
            return key_source.fetch(args["url"], args["validate_certs"], host)
        except Failed as fault:
            raise Failed(fault.code, "Failed to download key at {}: {}".format(args["url"], fault.message))
    return key_source.from_keyserver(args["keyserver"], name, args["validate_certs"], host)
