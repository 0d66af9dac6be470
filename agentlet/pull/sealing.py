"""Secrets of a state directory that the system's keyring seals: at rest they lie in ``NAME.sealed`` alone.

What is opened is kept in memory, in a folder of /run that is root's: TLS wants a file, and a keyring is slow. After a
boot it is opened anew.
"""

import json
import os
import sys

from agentlet.digests import sha256
from agentlet.pull import keyring
from agentlet.pull.faults import AgentletError

SUFFIX = ".sealed"
COPIES = "/run/orch-agentlet"


def seal(state, names, choice):
    """Seals these files as ``choice`` has it; the method, or None for plain files. With ``auto`` a keyring that does
    not work is none; one that was asked for is an `AgentletError`."""
    method = keyring.choose(choice)
    if method is None:
        if choice == "file":
            _unseal(state, names)
        return None
    try:
        for name in names:
            data = state.read(name)
            if data is not None and name in keyring.of(method).names:
                _write(state, name, data, method)
    except (OSError, ValueError) as error:
        if choice != "auto":
            raise AgentletError("This host's keyring does not take the agentlet's secrets: %s" % error,
                                "--keyring file keeps them in files of mode 0600")
        sys.stderr.write("agentlet: this host has no keyring that works (%s): secrets are files of mode 0600\n" % error)
        return None
    return method


def read(state, name):
    """The secret. `AgentletError` when the keyring does not open it any more."""
    copy, sealed = copy_path(state, name), state.plain_path(name) + SUFFIX
    try:
        if os.stat(copy).st_mtime_ns >= os.stat(sealed).st_mtime_ns:
            with open(copy, "rb") as opened:
                return opened.read()
    except FileNotFoundError:
        pass  # the first time since the machine started
    try:
        with open(sealed, "rb") as opened:
            values = json.loads(opened.read().decode())
        data = keyring.of(values["by"]).open(name, bytes.fromhex(values["sealed"]))
    except (OSError, ValueError, KeyError) as error:
        raise AgentletError("This host's keyring does not open what the agentlet has sealed with it (%s): it is another"
                            " machine, or its key was replaced" % error,
                            "On the controller: orch agents invite HOST; the line it prints enrols this host again")
    if values["by"] != "keychain":
        _write_copy(state, name, data)
    return data


def write(state, name, data):
    """In place of what is sealed. Should the keyring not take it, it is a file: better than no agentlet."""
    try:
        with open(state.plain_path(name) + SUFFIX, "rb") as opened:
            method = json.loads(opened.read().decode())["by"]
        _write(state, name, data, method)
    except (OSError, ValueError, KeyError) as error:
        sys.stderr.write("orch-agentlet: the keyring does not take %s (%s): it is a file now\n" % (name, error))
        state.write_plain(name, data)
        os.unlink(state.plain_path(name) + SUFFIX)
        _write_copy(state, name, data)  # whoever reads it there goes on


def forget(state, name):
    """Nothing of it stays but a plain file, if there is one."""
    for path in (state.plain_path(name) + SUFFIX, copy_path(state, name)):
        try:
            os.unlink(path)
        except FileNotFoundError:
            pass


def copy_path(state, name):
    return os.path.join(folder(state), name)


def folder(state):
    """Of what is opened, in memory; for root alone."""
    return os.path.join(COPIES, sha256(os.path.abspath(state.directory).encode()).hexdigest()[:16])


def _unseal(state, names):
    for name in names:
        if state.is_sealed(name):
            data = read(state, name)
            state.write_plain(name, data)
            forget(state, name)


def drop_copies(state):
    """What was opened is in no memory any more."""
    import shutil
    shutil.rmtree(folder(state), ignore_errors=True)
    try:
        os.rmdir(COPIES)
    except OSError:
        pass  # there is none, or another agentlet's are there


def _write(state, name, data, method):
    sealed = keyring.of(method).seal(name, data)
    if keyring.of(method).open(name, sealed) != data:
        raise ValueError("what it opens is not what it sealed")
    state.write_plain(name + SUFFIX, json.dumps({"by": method, "sealed": sealed.hex()}).encode())
    if method != "keychain":
        _write_copy(state, name, data)
    try:
        os.unlink(state.plain_path(name))
    except FileNotFoundError:
        pass


def _write_copy(state, name, data):
    from agentlet.pull.state import State
    State(COPIES).create()
    copies = State(folder(state))
    copies.create()
    copies.write_plain(name, data)
