"""Plans: the seed decides all of a round."""

from __future__ import annotations

from tests.chaos.plan import ACTS, MODES, MOMENTS, SPECIALS, plan_of


def test_a_seed_is_always_the_same_round() -> None:
    assert [plan_of(seed) for seed in range(200)] == [plan_of(seed) for seed in range(200)]


def test_sixteen_rounds_in_a_row_have_every_special_in_every_mode() -> None:
    plans = [plan_of(seed) for seed in range(100, 116)]
    assert {(plan.special, plan.mode) for plan in plans} == {(s, m) for s in SPECIALS for m in MODES}


def test_two_hundred_rounds_have_every_act_at_every_moment() -> None:
    faults = [fault for seed in range(200) for fault in plan_of(seed).faults]
    assert {(fault.act, fault.moment) for fault in faults} == {(act, moment) for act in ACTS for moment in MOMENTS}


def test_requests_are_touched_only_where_they_can_be_read() -> None:
    for seed in range(200):
        plan = plan_of(seed)
        if plan.mode == "tls":
            assert (plan.network.double, plan.network.late, plan.network.swallow) == (0, 0, 0)
