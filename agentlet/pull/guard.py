"""Keeps the agentlet itself small: what it sheds, it says."""

import os

from agentlet.pull.memory import rss_bytes


class Guard(object):
    """Look with `look` every few seconds; a reason comes when it was too large, or too busy, for the whole window."""

    def __init__(self, settings, sample=None):
        self._settings = settings
        self._sample = sample or measure
        self._samples = []

    def look(self, now):
        """Why something must be shed now, or None. ``now``: seconds of a clock that does not jump."""
        settings = self._settings
        self._samples.append((now,) + self._sample())
        while len(self._samples) > 2 and now - self._samples[1][0] >= settings.guard_s:
            del self._samples[0]
        why = judge(self._samples, settings.guard_s, settings.guard_rss_bytes, settings.guard_cpu)
        if why:
            self._samples = []
        return why


def judge(samples, window_s, rss_limit_bytes, cpu_limit):
    """Pure. ``samples``: [(when, RSS in bytes, CPU seconds so far)], oldest first."""
    if not samples or samples[-1][0] - samples[0][0] < window_s:
        return None
    if min(rss for _, rss, _ in samples) > rss_limit_bytes:
        return "the agentlet took more than %d MiB for %g s" % (rss_limit_bytes >> 20, window_s)
    share = (samples[-1][2] - samples[0][2]) / (samples[-1][0] - samples[0][0])
    if share > cpu_limit:
        return "the agentlet took %d %% of a processor for %g s" % (round(share * 100), window_s)
    return None


def measure():
    """(RSS in bytes, CPU seconds so far) of this process, without its children."""
    times = os.times()
    return rss_bytes(), times[0] + times[1]
