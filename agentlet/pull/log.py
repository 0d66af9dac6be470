"""What the agentlet has to say of itself: a line to stderr, and kept until the gateway has it. Never a secret."""

import sys
import threading
import time
from collections import deque

KEPT_LINES = 500


class Log(object):
    """Lines beyond the newest 500 that were not delivered are dropped, and counted in the next one."""

    def __init__(self, stream=None):
        self.on_line = None
        """Called when a line waits for the operator."""
        self._stream = stream or sys.stderr
        self._lines = deque(maxlen=KEPT_LINES)
        self._lock = threading.Lock()

    def say(self, text):
        """For the host's own journal alone."""
        try:
            self._stream.write("orch-agentlet: %s\n" % text)
            self._stream.flush()
        except (OSError, ValueError):
            pass  # nobody reads; the work goes on

    def tell(self, text):
        """For the host's journal and for the operator."""
        self.say(text)
        with self._lock:
            self._lines.append("%s %s" % (time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), text[:4000]))
        if self.on_line is not None:
            self.on_line()

    def pending(self):
        return bool(self._lines)

    def take(self):
        """All lines that wait; give those back that could not be delivered."""
        with self._lock:
            lines = list(self._lines)
            self._lines.clear()
        return lines

    def give_back(self, lines):
        with self._lock:
            for line in reversed(lines):
                if len(self._lines) < KEPT_LINES:
                    self._lines.appendleft(line)
