"""What can be set: by the server (`config`), within bounds, and by the host's owner, who has the last word."""

from agentlet.pull import backoff

_MIB = 1024 * 1024
# name: (default, least, most that the server may set)
_NUMBERS = {
    "jobs": (2, 1, 16),
    "interval_s": (30.0, 5.0, 900.0),
    "first_s": (30.0, 0.0, 900.0),
    "hold_s": (45.0, 0.0, 45.0),
    "heartbeat_s": (60.0, 5.0, 300.0),
    "spool_bytes": (256 * _MIB, 16 * _MIB, 4096 * _MIB),
    "cache_bytes": (512 * _MIB, 16 * _MIB, 16384 * _MIB),
    "cancel_s": (30.0, 5.0, 600.0),
    "guard_rss_bytes": (200 * _MIB, 50 * _MIB, 4096 * _MIB),
    "guard_cpu": (0.10, 0.02, 1.0),
    "guard_s": (12.0, 4.0, 120.0),
    "update_s": (300.0, 60.0, 3600.0),
    "lease_s": (600.0, 60.0, 3600.0),
}
_SERVERS_NAMES = {"jobs": "max_jobs", "hold_s": "poll_wait_s"}
_TUPLES = {"retry_s": backoff.RETRY_S, "refused_s": backoff.REFUSED_S}


class Settings(object):
    """``server``: what the gateway sent; ``owner``: the file settings.json of the state directory."""

    def __init__(self, server=None, owner=None):
        self.version = 0
        """Of what the server sent."""
        for name, (default, _, _) in _NUMBERS.items():
            setattr(self, name, default)
        for name, default in _TUPLES.items():
            setattr(self, name, default)
        self._owner = dict(owner or {})
        self.take(server or {})

    def take(self, server):
        """A newer word of the server."""
        for name, (default, least, most) in _NUMBERS.items():
            value = server.get(_SERVERS_NAMES.get(name, name))
            if _is_number(value):
                setattr(self, name, type(default)(min(most, max(least, value))))
            if _is_number(self._owner.get(name)):
                setattr(self, name, type(default)(self._owner[name]))
        for name, default in _TUPLES.items():
            value = self._owner.get(name)
            if isinstance(value, list) and len(value) == len(default) and all(map(_is_number, value)):
                setattr(self, name, tuple(map(float, value)))
        if _is_number(server.get("version")):
            self.version = int(server["version"])


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == value
