"""Repeating what the network spoiled, until it works or nobody wants it any more."""

import os

from agentlet.pull import backoff
from agentlet.pull.faults import Answered, IdentityRefused, Unreachable, Untrusted

PASSING = (408, 425, 429)
"""Answers that a later try may change, beside those of a server in trouble (5xx)."""


class GaveUp(Exception):
    """Nobody wants it any more, or its time is over."""


def draw():
    """A number from 0 to 1, evenly."""
    return int.from_bytes(os.urandom(4), "big") / 4294967296.0


def is_passing(error):
    """Whether trying again later may help."""
    if isinstance(error, Answered):
        return error.status in PASSING or error.status >= 500 or isinstance(error, IdentityRefused)
    return isinstance(error, (Unreachable, Untrusted))


def pause_s(error, count, settings, draw=draw):
    """How long to wait after the ``count``-th error in a row."""
    if isinstance(error, Answered) and error.retry_after_s is not None:
        return backoff.told_to(error.retry_after_s, draw)
    if isinstance(error, (IdentityRefused, Untrusted)):
        return backoff.after_refusals(count, draw, settings.refused_s)
    return backoff.after_errors(count, draw, settings.retry_s)


def until_done(act, settings, wait):
    """``act()``'s value. ``wait(seconds)`` returns False when nobody wants it any more: `GaveUp`."""
    count = 0
    while True:
        try:
            return act()
        except (Answered, Unreachable, Untrusted) as error:
            if not is_passing(error):
                raise
            count += 1
            if not wait(pause_s(error, count, settings)):
                raise GaveUp(str(error))
