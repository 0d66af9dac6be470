"""The server's time: this host's clock and what it is off by, as the server's answers tell."""

import time


class Clock(object):
    """``offset_s`` is added to this host's clock; it starts with what was known last time."""

    def __init__(self, offset_s=0.0):
        self.offset_s = offset_s

    def now(self):
        return time.time() + self.offset_s

    def learn(self, server_time):
        """From an answer that has just come; what cannot be a time is not believed."""
        if isinstance(server_time, (int, float)) and not isinstance(server_time, bool) and server_time > 1e9:
            self.offset_s = server_time - time.time()
