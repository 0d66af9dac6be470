"""Root's own folder beside an agentlet that is not root: the job keys, who may call, and which version runs."""

import os
import pwd

from agentlet.pull import signing
from agentlet.pull.faults import AgentletError
from agentlet.pull.slots import Slots
from agentlet.pull.state import State

DIRECTORY = "/var/lib/orch-agentlet-helper"
SETUP = "helper.json"
KEYS = "keys.json"
_KEPT_KEYS = 3


class Custody(object):
    """``directory``: readable by all, since the agentlet starts its versions from there; what is secret in it is 0600.
    """

    def __init__(self, directory=DIRECTORY):
        self.state = State(directory)

    def create(self, user, agent, host):
        """Makes the folder root's, for the agentlet of this account; `OSError`."""
        os.makedirs(self.state.directory, mode=0o755, exist_ok=True)
        if os.lstat(self.state.directory).st_uid != os.geteuid():
            raise AgentletError("%s belongs to another user" % self.state.directory)
        os.chmod(self.state.directory, 0o755)
        self.state.write_json(SETUP, {"user": user, "agent": agent, "host": host})

    def setup(self):
        """``(account, agent)``: whom this helper serves."""
        values = self.state.read_json(SETUP)
        try:
            return pwd.getpwnam(values["user"]), values["agent"]
        except KeyError:
            raise AgentletError("There is no agentlet without root here, or its account is gone",
                                "Enrol it: agentlet.pyz enroll --user NAME")

    def keys(self):
        """The job keys, the newest first."""
        found = self.state.read_json(KEYS).get("job_keys")
        return found if isinstance(found, list) else []

    def keep_keys(self, keys):
        self.state.write_json(KEYS, {"job_keys": keys[:_KEPT_KEYS]})

    def take_key(self, sealed):
        """Keeps the key that is sealed with one of ours; `AgentletError` when it is not."""
        keys = self.keys()
        new = signing.unseal_key(sealed, keys)
        self.keep_keys([new] + [key for key in keys if key != new])

    def slots(self):
        """The versions that were installed by update."""
        return PublicSlots(self.state)

    def attempts(self):
        """Where it is written what was done: for root alone."""
        path = self.state.path("attempts")
        os.makedirs(path, mode=0o700, exist_ok=True)
        return path


class PublicSlots(Slots):
    """Versions that root installs and another user starts."""

    modes = 0o755, 0o644


