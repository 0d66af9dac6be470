"""Which version of the agentlet runs: the installed file, or one of two slots beside it; and whether it is on trial.

The installed file is never touched by an update. It starts the slot that is current, and a new version first on trial:
one that does not reach the gateway in time, or ends, is left for the one before. Where the agentlet is not root, the
slots are root's: it reads them, and the helper writes.
"""

import json
import os
import time

from agentlet.digests import sha256
from agentlet.pull.state import State, write_durably

FOLDER = "versions"
SLOTS = ("A", "B")
REFUSED_S = 24 * 3600.0


class Slots(object):
    """The slots of a state directory. ``current``: A, B, or None for the installed file; ``trial``: None, or a dict."""

    modes = 0o700, 0o600
    """Of folders and files."""

    def __init__(self, state):
        self._folder = state.path(FOLDER)
        self.load()

    def load(self):
        values = {}
        try:
            with open(os.path.join(self._folder, "slots.json"), "rb") as opened:
                values = json.loads(opened.read().decode())
        except (OSError, ValueError):
            pass  # no update yet, or a damaged file: the installed version it is
        self.current = values.get("current") if values.get("current") in SLOTS else None
        self.digests = values.get("digests") or {}
        self.trial = values.get("trial")
        self.refused = values.get("refused") or {}
        self.created = values.get("created") or 0

    def path(self, slot):
        return os.path.join(self._folder, slot, "agentlet.pyz")

    def usable(self, slot):
        """Whether the slot holds what was put there."""
        try:
            with open(self.path(slot), "rb") as opened:
                return sha256(opened.read()).hexdigest() == self.digests.get(slot)
        except OSError:
            return False

    def is_refused(self, version):
        """A version that did not prove itself within the last day."""
        return time.time() < self.refused.get(version, 0)

    def put(self, version, data, created, limit_s, proof=None):
        """Places a new version in the slot that is not current, on trial from its first start; the slot.

        ``proof``: its manifest and signature, for who judges them where the slots are not ours.
        """
        slot = "B" if self.current == "A" else "A"
        self._make_folder(self._folder)
        self._make_folder(os.path.dirname(self.path(slot)))
        write_durably(self.path(slot), data, self.modes[1])
        self.digests[slot] = sha256(data).hexdigest()
        self.created = created
        self.trial = {"slot": slot, "version": version, "limit_s": limit_s}
        self._save()
        return slot

    def confirm(self):
        """The version on trial has reached the gateway: it is the current one."""
        self.load()
        if self.trial is not None:
            self.current, self.trial = self.trial["slot"], None
            self._save()

    def roll_back(self):
        """The version on trial is no good: the one before stays."""
        self.load()
        if self.trial is not None:
            self.refused[self.trial["version"]] = time.time() + REFUSED_S
            self.trial = None
            self._save()

    def drop_current(self):
        """The current slot is damaged: the installed file it is."""
        self.current = None
        self._save()

    def _save(self):
        self._make_folder(self._folder)
        self.refused = {version: until for version, until in self.refused.items() if until > time.time()}
        values = {"current": self.current, "digests": self.digests, "trial": self.trial, "refused": self.refused,
                  "created": self.created}
        write_durably(os.path.join(self._folder, "slots.json"), json.dumps(values).encode(), self.modes[1])

    def _make_folder(self, path):
        os.makedirs(path, exist_ok=True)
        os.chmod(path, self.modes[0])


class RootsSlots(Slots):
    """Those of an agentlet that is not root: ``door`` leads to who writes."""

    def __init__(self, state, door):
        super().__init__(state)
        self._door = door

    def put(self, version, data, created, limit_s, proof=None):
        slot = self._door.install(proof[0], proof[1], data, limit_s)
        self.load()
        return slot

    def confirm(self):
        self._settle("confirm")

    def roll_back(self):
        self._settle("roll_back")

    def drop_current(self):
        self._settle("drop_current")

    def _settle(self, what):
        self._door.settle(what)
        self.load()


def of(state):
    """The slots from which the agentlet of this state directory is started."""
    helper = state.read_json("identity.json").get("helper")
    if not helper:
        return Slots(state)
    from agentlet.pull.door import Door
    return RootsSlots(State(helper["directory"]), Door(helper["socket"]))
