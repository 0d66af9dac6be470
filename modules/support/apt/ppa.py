"""The signing key of a PPA: Launchpad says which it is, a keyserver has it."""

import json

from modules.api import Failed
from modules.support.apt import keyrings
from modules.support.keys import key_source, openpgp

KEYSERVER = "keyserver.ubuntu.com"


def install_key(repo, validate_certs, host):
    """Puts the key of ``ppa:OWNER/NAME`` among apt's, unless it is there. `Failed`: ``no_ppa``, ``keyserver``."""
    owner, _, name = repo.strip()[len("ppa:"):].partition("/")
    fingerprint = announced(owner, name or "ppa", validate_certs, host)
    if keyrings.holding(fingerprint, keyrings.default_rings(host)):
        return
    data = key_source.from_keyserver(KEYSERVER, fingerprint, validate_certs, host)
    found = [key for key in openpgp.keys(data) if key.fingerprint == fingerprint]
    if not found:
        raise Failed("wrong_key", "the keyserver gave another key than {}".format(fingerprint))
    keyrings.add(keyrings.new_ring(found[0]), found, host)


def announced(owner, name, validate_certs, host):
    """The fingerprint that Launchpad publishes for a PPA."""
    url = "https://api.launchpad.net/1.0/~{}/+archive/{}".format(owner, name)
    try:
        fingerprint = json.loads(key_source.fetch(url, validate_certs, host).decode("utf-8"))["signing_key_fingerprint"]
    except Failed as fault:
        raise Failed("no_ppa", "failed to fetch PPA information, error was: {}".format(fault.message), **fault.values)
    except (ValueError, KeyError, TypeError):
        raise Failed("no_ppa", "failed to fetch PPA information, error was: the answer has no fingerprint")
    if not isinstance(fingerprint, str):
        raise Failed("no_ppa", "failed to fetch PPA information, error was: the PPA has no signing key")
    return fingerprint.strip().upper()
