"""How long to wait: pure. ``draw()`` gives a number from 0 to 1, so that a test knows what comes out."""

RETRY_S = (15.0, 30.0, 900.0)
"""After an error: uniform between the first two, five times; then doubled up to the last."""
FIRST_ERRORS = 5
REFUSED_S = (300.0, 3600.0)
"""After a refused identity: doubled from the first up to the last, for ever."""
INTERVAL_S = (5.0, 900.0)
"""What the server may ask for as the pause between two polls."""


def after_errors(count, draw, retry_s=RETRY_S):
    """Seconds to wait after ``count`` errors in a row (1: the first)."""
    low, high, most = retry_s
    doubled = 2 ** min(max(0, count - FIRST_ERRORS), 30)
    return min(most, low * doubled + draw() * (high - low) * doubled)


def after_refusals(count, draw, refused_s=REFUSED_S):
    """Seconds to wait after an identity was refused ``count`` times in a row, with 10 % of splay."""
    first, most = refused_s
    return min(most, first * 2 ** min(max(0, count - 1), 30)) * (0.9 + 0.2 * draw())


def told_to(retry_after_s, draw):
    """Seconds to wait for a ``Retry-After``: never less, and spread, since others were told the same."""
    return max(0.0, retry_after_s) * (1.0 + 0.2 * draw())


def first_delay(interval_s, draw):
    """The first poll: anywhere in the interval, so that a thousand hosts that boot together do not call together."""
    return draw() * interval_s


def between_polls(interval_s, held_s, draw):
    """The pause after an empty answer: none when the server held the poll, the interval with 10 % of splay if not."""
    return 0.0 if held_s >= min(5.0, interval_s) else interval_s * (0.9 + 0.2 * draw())


def retry_after(text):
    """The seconds of a ``Retry-After`` header; None for none, or a date, which a wrong clock would misread."""
    try:
        return min(3600.0, max(0.0, float(text)))
    except (TypeError, ValueError):
        return None
