"""What is wrong with a schedule, as it is asked for. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from orchestrator.refusals import Malformed
from orchestrator.runs.requests import RunRequest
from orchestrator.scheduling import blackouts, timing
from orchestrator.scheduling.decisions import MISFIRE, OVERLAP
from orchestrator.scheduling.records import ScheduleDraft
from orchestrator.scheduling.wall_clock import zone

KINDS = ("run", "plan")
LONGEST_NAME, LONGEST_DESCRIPTION = 100, 2_000
DAY_S = 86_400
BOUNDS = {"jitter_s": (0, DAY_S), "grace_s": (10, 7 * DAY_S), "catch_up_age_s": (0, 400 * DAY_S),
          "max_running": (1, 50)}
NOT_ASKED = ("kind", "schedule_id", "plan_id")
"""Of a launch: the schedule itself says these."""


def check(draft: ScheduleDraft) -> None:
    """Raises `Malformed` with every field that is wrong."""
    faults = [(name, f"one of {', '.join(values)}") for name, values in
              (("kind", KINDS), ("misfire", MISFIRE), ("overlap", OVERLAP)) if getattr(draft, name) not in values]
    faults += [(name, f"a number from {least} to {most}") for name, (least, most) in BOUNDS.items()
               if not least <= getattr(draft, name) <= most]
    if 0 < draft.catch_up_age_s < timing.SHORTEST_S:
        faults.append(("catch_up_age_s", "a minute at least, or 0"))
    if not draft.name.strip() or len(draft.name) > LONGEST_NAME or not draft.name.isprintable():
        faults.append(("name", f"1 to {LONGEST_NAME} printable characters"))
    if len(draft.description) > LONGEST_DESCRIPTION:
        faults.append(("description", f"{LONGEST_DESCRIPTION} characters at most"))
    for path, act in (("timing", lambda: timing.parse(draft.timing, "UTC")),
                      ("timezone", lambda: zone(draft.timezone)),
                      ("blackouts", lambda: blackouts.parse_all(draft.blackouts, "UTC"))):
        try:
            act()
        except Malformed as error:
            faults.append((path, f"{error.message}{f' ({error.hint})' if error.hint else ''}"))
    if faults:
        raise malformed(*faults)


def given_vars(asked: dict[str, Any]) -> dict[str, Any] | None:
    """The extra vars of a request; None where there are none in it. Raises `Malformed`."""
    given = asked.get("extra_vars")
    if given is not None and not isinstance(given, dict):
        raise malformed(("request.extra_vars", "names and their values"))
    return None if given is None else dict(given)


def request_of(asked: dict[str, Any], kind: str, schedule_id: str, extra_vars: dict[str, Any]) -> RunRequest:
    """The launch of a schedule. Raises `Malformed` for fields that a launch does not have."""
    named = sorted(set(asked) & set(NOT_ASKED))
    if named:
        raise malformed((f"request.{named[0]}", "is the schedule's to say"))
    try:
        return msgspec.convert(
            {**asked, "extra_vars": extra_vars, "kind": kind, "schedule_id": schedule_id}, RunRequest)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$")
        raise malformed((f"request{path.strip('`') or ''}", message)) from error


def malformed(*faults: tuple[str, str]) -> Malformed:
    path, message = faults[0]
    return Malformed(f"{path}: {message}", code="request_invalid", fields=list(faults))
