"""How long to wait, as the protocol says it."""

from __future__ import annotations

import pytest

from agentlet.pull import backoff, retrying
from agentlet.pull.faults import Answered, IdentityRefused, Unreachable, Untrusted
from agentlet.pull.settings import Settings

LOW, HIGH = (lambda: 0.0), (lambda: 1.0)


@pytest.mark.parametrize(
    ("count", "low", "high"),
    [(1, 15, 30), (5, 15, 30), (6, 30, 60), (7, 60, 120), (8, 120, 240), (10, 480, 900), (11, 900, 900),
     (10**6, 900, 900)],
)
def test_errors_wait_15_to_30_s_five_times_then_twice_as_long_up_to_15_min(count: int, low: float, high: float) -> None:
    assert (backoff.after_errors(count, LOW), backoff.after_errors(count, HIGH)) == (low, high)


@pytest.mark.parametrize(("count", "low", "high"), [(1, 270, 330), (2, 540, 660), (4, 2160, 2640), (9, 3240, 3960)])
def test_a_refused_identity_waits_5_min_up_to_an_hour_for_ever(count: int, low: float, high: float) -> None:
    assert backoff.after_refusals(count, LOW) == pytest.approx(low)
    assert backoff.after_refusals(count, HIGH) == pytest.approx(high)


def test_a_first_poll_comes_anywhere_in_the_interval() -> None:
    assert (backoff.first_delay(30, LOW), backoff.first_delay(30, HIGH)) == (0, 30)


@pytest.mark.parametrize(("held_s", "pause_s"), [(0.0, 27.0), (4.9, 27.0), (5.0, 0.0), (45.0, 0.0)])
def test_a_poll_that_was_held_is_followed_at_once(held_s: float, pause_s: float) -> None:
    assert backoff.between_polls(30, held_s, LOW) == pytest.approx(pause_s)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("7", 7.0), ("0", 0.0), ("-3", 0.0), ("999999", 3600.0), ("Wed, 21 Oct 2026 07:28:00 GMT", None), (None, None),
     ("", None)],
)
def test_retry_after_is_read_in_seconds_alone(text: str | None, seconds: float | None) -> None:
    assert backoff.retry_after(text) == seconds


@pytest.mark.parametrize(
    ("error", "passes", "low"),
    [
        (Unreachable("x"), True, 15),
        (Untrusted("x"), True, 270),
        (IdentityRefused(401, "c", "m"), True, 270),
        (Answered(503, "c", "m", retry_after_s=9.0), True, 9),
        (Answered(429, "c", "m"), True, 15),
        (Answered(500, "c", "m"), True, 15),
        (Answered(409, "c", "m"), False, 15),
        (Answered(404, "c", "m"), False, 15),
        (Answered(426, "c", "m"), False, 15),
    ],
    ids=lambda value: str(value),
)
def test_what_may_pass_by_itself_is_tried_again(error: Exception, passes: bool, low: float) -> None:
    assert retrying.is_passing(error) is passes
    assert retrying.pause_s(error, 1, Settings(), LOW) == pytest.approx(low)


def test_the_server_sets_within_bounds_and_the_owner_without() -> None:
    settings = Settings({"max_jobs": 99, "interval_s": 0.1, "poll_wait_s": 4000, "version": 3, "heartbeat_s": True},
                        {"interval_s": 0.2, "retry_s": [1, 2, 3], "refused_s": [1]})
    assert (settings.jobs, settings.interval_s, settings.hold_s, settings.version) == (16, 0.2, 45.0, 3)
    assert (settings.retry_s, settings.refused_s, settings.heartbeat_s) == ((1, 2, 3), (300, 3600), 60)
