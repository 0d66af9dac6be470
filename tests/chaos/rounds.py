"""One round from its seed to its verdict."""

from __future__ import annotations

import traceback
from pathlib import Path

from msgspec import Struct

from tests.chaos import invariants
from tests.chaos.plan import Plan, plan_of
from tests.chaos.playing import play


class Verdict(Struct):
    """``faults``: what did not hold; none of them, and the round is good. ``remarks``: what could not be looked at."""

    plan: Plan
    faults: list[str]
    remarks: list[str]
    ends: list[str]
    """How each job ended: its state, or what the run was told."""


def run(seed: int, folder: Path) -> Verdict:
    """Play the round in an empty ``folder``, and judge it."""
    plan = plan_of(seed)
    verdict = Verdict(plan, [], [], [])
    try:
        played, evidence = play(plan, folder)
    except Exception as error:  # whatever it was: the seed has to be told with it
        frames = traceback.extract_tb(error.__traceback__)
        where = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames))
        verdict.faults.append(f"the round did not come to its end: {type(error).__name__}: {error} ({where})")
        return verdict
    try:
        verdict.ends = [told.error or str(told.end and told.end.status) for told in evidence.told]
        verdict.remarks += evidence.notes
        for holds in invariants.ALL:
            try:
                remark = holds(evidence)
                if remark:
                    verdict.remarks.append(f"{holds.__name__}: {remark}")
            except Exception as error:  # the other invariants are looked at all the same
                verdict.faults.append(f"{holds.__name__}: {type(error).__name__}: {error}")
    finally:
        played.close()
    return verdict
