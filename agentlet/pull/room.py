"""How much the spools of a host may hold together, and what goes when that is too little."""

import threading

STUB_BYTES = 256
"""What is left of an event that went, at most."""


class Room(object):
    """How much all spools of a host may hold."""

    def __init__(self, limit_bytes):
        self.limit_bytes = limit_bytes
        self.lock = threading.RLock()
        """One for all spools: each may make another one evict."""
        self._spools = []

    def add(self, spool):
        with self.lock:
            self._spools.append(spool)

    def remove(self, spool):
        with self.lock:
            if spool in self._spools:
                self._spools.remove(spool)

    def used(self):
        return sum(spool.size() for spool in list(self._spools))

    def make(self, needed, for_spool):
        """Whether there is room for so many bytes, after evicting what may go, of the oldest job first."""
        excess = self.used() + needed - self.limit_bytes
        if excess <= 0:
            return True
        for spool, numbers in chosen(excess, [(spool, spool.evictable()) for spool in list(self._spools)]):
            excess -= spool.evict(numbers)
        return excess <= 0


def chosen(excess, candidates):
    """Which events go to free ``excess`` bytes: pure. ``candidates``: [(spool, [(rank, number, size)])], oldest first.

    All logs go before any progress; within a kind the oldest first. What is little is left: a stub takes room too.
    """
    wanted, order = {}, []
    ranked = sorted((rank, place, number, size) for place, (_, events) in enumerate(candidates)
                    for rank, number, size in events if size > STUB_BYTES)
    for _, place, number, size in ranked:
        if excess <= 0:
            break
        wanted.setdefault(place, []).append(number)
        excess -= size - STUB_BYTES
    for place in sorted(wanted):
        order.append((candidates[place][0], wanted[place]))
    return order
