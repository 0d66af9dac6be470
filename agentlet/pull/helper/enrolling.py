"""Enrolling an agentlet that is not root: root does it, once, and keeps the job key; the rest is handed over."""

import os
import shutil

from agentlet.pull import accounts, enrol, identity, sealing
from agentlet.pull.door import SOCKET
from agentlet.pull.faults import AgentletError
from agentlet.pull.helper.custody import KEYS, Custody
from agentlet.pull.state import State

_HANDED_OVER = (identity.CLIENT, identity.CA, "config.json", "instance.json")


def enrol_for(user, state, url, token, pin=None, ca_file=None, token_only=False, force=False, keyring="auto",
              custody=None, socket=SOCKET):
    """Enrols this host for an agentlet of the account ``user``; the `Identity`. `AgentletError`.

    It is done in a folder of root's own: nothing of root's is read from, or written to, what the account may change.
    """
    account = accounts.ensure(user, state.directory)
    _give_folder(state, account)
    found = accounts.call_as(user, lambda: {"host": state.read_json(identity.IDENTITY).get("host"),
                                            "instance": state.read_json("instance.json")})
    if found["host"] is not None and not force:
        raise AgentletError("This host is enrolled already, as %s" % found["host"],
                            "--force enrols it anew; orch agents rotate renews its keys without that")
    custody = custody or Custody()
    custody.create(user, None, None)
    private = State(custody.state.path("enrolling-" + os.urandom(8).hex()))
    private.create()
    try:
        if found["instance"]:
            private.write_json("instance.json", found["instance"])
        known = enrol.enrol(private, url, token, pin, ca_file, token_only, keyring="file")
        custody.create(user, known.agent, known.host)
        custody.keep_keys(known.job_keys)
        sealing.seal(custody.state, (KEYS,), keyring)
        _hand_over(private, state, user, {"socket": socket, "directory": custody.state.directory})
        return known
    finally:
        shutil.rmtree(private.directory)


def _hand_over(private, state, user, helper):
    files = {name: (private.read(name) or b"").decode("ascii") for name in _HANDED_OVER if private.exists(name)}
    values = dict(private.read_json(identity.IDENTITY), helper=helper)
    secrets = {"token": private.read_json(identity.SECRETS).get("token")}

    def write():
        state.create()
        if identity.CLIENT not in files:
            state.remove(identity.CLIENT)
        for name, text in files.items():
            state.write(name, text.encode("ascii"))
        state.write_json(identity.SECRETS, secrets)
        state.write_json(identity.IDENTITY, values)

    accounts.call_as(user, write)


def _give_folder(state, account):
    """Makes the agentlet's folder the account's; what an agentlet as root had in it goes on as the account's."""
    os.makedirs(state.directory, mode=0o700, exist_ok=True)
    owner = os.lstat(state.directory).st_uid
    if owner == account.pw_uid:
        return
    if owner != 0:
        raise AgentletError("%s belongs to another user" % state.directory)
    if state.exists("jobs") and os.listdir(state.path("jobs")):
        raise AgentletError("The agentlet that is root has jobs, or results that the server does not have yet",
                            "Wait for them: agentlet.pyz status")
    for name in (identity.CLIENT, identity.SECRETS):
        state.remove(name)  # with keys that are root's alone from here on
    for folder, folders, files in os.walk(state.directory):
        for name in folders + files:
            os.lchown(os.path.join(folder, name), account.pw_uid, account.pw_gid)
    os.chown(state.directory, account.pw_uid, account.pw_gid)
