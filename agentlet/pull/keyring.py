"""The keyrings of systems: each takes a secret and gives back what to keep in a file, and the secret for that again.

A secret is in no argument list. `OSError` says that a keyring does not work; what was sealed elsewhere does not open.
"""

import os
import sys

from agentlet.pull.programs import call

CHOICES = ("auto", "host", "host+tpm2", "keychain", "file")


class SystemdCreds(object):
    """systemd-creds(1): sealed with a key of this host, and with its TPM where one asks for that.

    Not with the state of the machine's firmware (PCRs): an update of it would lock the host out.
    """

    names = ("client.pem", "secrets.json", "keys.json")

    def __init__(self, key):
        self._key = key

    def seal(self, name, data):
        return _said(["systemd-creds", "encrypt", "--with-key=" + self._key, "--tpm2-pcrs=", _label(name), "-", "-"],
                     data)

    def open(self, name, sealed):
        return _said(["systemd-creds", "decrypt", _label(name), "-", "-"], sealed)


class Keychain(object):
    """macOS's system keychain, security(1), which reads its commands from standard input."""

    names = ("secrets.json",)
    _PLACE = "/Library/Keychains/System.keychain"

    def seal(self, name, data):
        _said(["security", "-i"], ("add-generic-password -U -s orch-agentlet -a %s -w %s %s\n"
                                   % (name, data.hex(), self._PLACE)).encode("ascii"))
        return b"in the system's keychain\n"

    def open(self, name, sealed):
        said = _said(["security", "find-generic-password", "-s", "orch-agentlet", "-a", name, "-w", self._PLACE])
        return bytes.fromhex(said.decode("ascii", "replace").strip())


def choose(choice):
    """The name of the method for a choice of the host's owner; None for plain files."""
    if choice != "auto":
        return None if choice == "file" else choice
    if os.geteuid() != 0:
        return None
    if sys.platform == "darwin":
        return "keychain"
    # Not the TPM by itself: it may be cleared, or exchanged with the board, and the host were locked out.
    from shutil import which
    return "host" if os.path.isdir("/run/systemd/system") and which("systemd-creds") else None


def of(method):
    """The keyring of that name."""
    return Keychain() if method == "keychain" else SystemdCreds(method)


def _label(name):
    return "--name=orch-agentlet-" + name


def _said(argv, data=b""):
    code, said = call(argv, data)
    if code != 0:
        raise OSError(5, "%s ended with exit code %d" % (argv[0], code))
    return said
