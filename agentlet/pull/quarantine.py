"""Tasks that ended the agentlet, or its runtime, twice: they are not run again for a day, and the result says so.

Only of what left no result: a task whose receipt knows its end has that one, and who came to a good end is forgiven.
"""

import json
import threading
import time

from agentlet.digests import sha256

HOLD_S = 24 * 3600.0
DEATHS = 2


class Quarantine(object):
    """Counts by module and arguments; what was counted a day ago does not count any more."""

    def __init__(self, state, clock=time.time):
        self._state = state
        self._clock = clock
        self._lock = threading.Lock()
        self._counts = state.read_json("quarantine.json")

    def blame(self, task):
        """This task ran when the agentlet or the runtime was killed."""
        with self._lock:
            key, now = key_of(task), self._clock()
            known = self._counts.get(key) or {}
            count = known.get("count", 0) if now - known.get("last", 0) < HOLD_S else 0
            self._counts[key] = {"module": task["module"], "count": count + 1, "last": now}
            self._counts = {name: entry for name, entry in self._counts.items() if now - entry["last"] < HOLD_S}
            self._write()

    def forgive(self, task):
        """This task ran to a good end: whatever it was blamed for."""
        if not self._counts or task is None:
            return
        with self._lock:
            if self._counts.pop(key_of(task), None) is not None:
                self._write()

    def holds(self, task):
        """Whether the task must not run now."""
        known = self._counts.get(key_of(task))
        return bool(known) and known["count"] >= DEATHS and self._clock() - known["last"] < HOLD_S

    def _write(self):
        try:
            self._state.write_json("quarantine.json", self._counts)
        except OSError:
            pass  # a full disk: it is counted in memory as long as we live


def key_of(task):
    """The same module with the same arguments has the same key, in whatever job."""
    text = json.dumps([task["module"], task.get("args") or {}], sort_keys=True, default=str)
    return sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:40]
