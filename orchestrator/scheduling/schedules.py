"""Schedules: made, changed, paused, run now; their next times, and what became of those before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from msgspec import structs

from orchestrator.access.rights import VIEW, Identity, Target, may, may_somewhere, refuse_unless
from orchestrator.projects.masking import open_vars
from orchestrator.refusals import Conflict, NotFound
from orchestrator.runs.requests import RunRequest
from orchestrator.scheduling.blackouts import parse_all
from orchestrator.scheduling.checks import check, given_vars, request_of
from orchestrator.scheduling.clockwork import next_due
from orchestrator.scheduling.decisions import ASKED, LAUNCHING, SKIPPED, WAITING
from orchestrator.scheduling.firing import PURPOSE, Firing, missed_key, stopped_key
from orchestrator.scheduling.previews import MOST_ENTRIES, Calendar, Preview, calendar, check_range, previewed
from orchestrator.scheduling.records import ACTIVE, FIRES, PAUSED, SCHEDULES, STOPPED, Fire, Schedule, ScheduleDraft
from orchestrator.scheduling.timing import parse
from orchestrator.store.books import Books, found, new_id, refuse_stale
from orchestrator.store.paging import Page, PageRequest, page_of, seen_page

CHANGE = "schedule.change"
SORTS = {"name": ("name", "id"), "created": ("created", "id")}
FIRE_SORTS = {"due": ("due",)}
MOST_SCHEDULES = 2_000
CheckLaunch = Callable[[Identity, RunRequest], object]
"""Raises what launching this would raise by the rights of an identity."""
Previews: TypeAlias = list[Preview]
AllSchedules: TypeAlias = list[Schedule]
Names: TypeAlias = list[str]
Closing = Callable[[str], object]
"""A key -> the alert under it is over; within a transaction."""


class Schedules:
    """``withdrawn``: told, within the transaction, of one that looks for drift no more. ``woken``: called after a
    change, so that this process's clockwork looks at once."""

    def __init__(self, books: Books, firing: Firing, check_launch: CheckLaunch, close_alert: Closing,
                 withdrawn: Callable[[str], None], woken: Callable[[], None] = lambda: None) -> None:
        self._books = books
        self._firing = firing
        self._check_launch = check_launch
        self._close_alert = close_alert
        self._withdrawn = withdrawn
        self._woken = woken
        self._schedules = books.table(SCHEDULES, Schedule)
        self._fires = books.table(FIRES, Fire)

    # ---- asking

    def list(self, identity: Identity, page: PageRequest, *, state: str | None = None, kind: str | None = None,
             project_id: str | None = None) -> Page[Schedule]:
        """Those that may be seen."""
        wanted, values = ["1 = 1"], []
        for column, value in (("state", state), ("kind", kind)):
            if value is not None:
                wanted.append(f'"{column}" = ?')
                values.append(value)
        return seen_page(self._schedules, page, SORTS, lambda rows: [
            one for one in rows if self._is_seen(identity, one)
            and project_id in (None, one.request.get("project_id"))], " AND ".join(wanted), *values)

    def show(self, identity: Identity, schedule_id: str) -> Schedule:
        schedule = self._found(schedule_id)
        if not self._is_seen(identity, schedule):
            raise NotFound(f"there is no schedule {schedule_id!r}")
        return schedule

    def by_name(self, identity: Identity, name: str) -> Schedule:
        """By its name or id, as a person says it."""
        row = self._schedules.find('"name" = ? OR "id" = ? ORDER BY "id"', name, name)
        return self.show(identity, found(row, "schedule", name).id)

    def visible(self, identity: Identity) -> AllSchedules:
        """All that may be seen, by name."""
        return [one for one in self._schedules.all(f'1 = 1 ORDER BY "name" LIMIT {MOST_SCHEDULES}')
                if self._is_seen(identity, one)]

    def fires(self, identity: Identity, schedule_id: str, page: PageRequest, *,
              outcome: str | None = None) -> Page[Fire]:
        """What became of its times, the latest first."""
        schedule = self.show(identity, schedule_id)
        where, values = ('"schedule_id" = ?', [schedule.id])
        if outcome is not None:
            where, values = where + ' AND "outcome" = ?', [*values, outcome]
        return page_of(self._fires, page, FIRE_SORTS, where, *values, default="-due")

    def next_times(self, identity: Identity, schedule_id: str, count: int = 10) -> Previews:
        schedule = self.show(identity, schedule_id)
        return previewed(schedule.parsed(), schedule.timezone, schedule.rules().blackouts, schedule.jitter_s,
                         schedule.id, self._books.clock(), count)

    def preview(self, draft: ScheduleDraft, count: int = 10) -> Previews:
        """Of one that is not made yet: what its form shows while it is filled in. Raises `Malformed`."""
        timing = parse(draft.timing, draft.timezone)
        return previewed(timing, draft.timezone, parse_all(draft.blackouts, draft.timezone), 0, "",
                         self._books.clock(), count)

    def calendar(self, identity: Identity, since: datetime, until: datetime) -> Calendar:
        """What was and what will be between two moments, 62 days at most."""
        check_range(since, until, self._books.clock())
        fires = self._fires.all('"due" >= ? AND "due" < ? ORDER BY "due" DESC LIMIT ?', since, until, MOST_ENTRIES)
        return calendar(self.visible(identity), fires, since, until, self._books.clock())

    def extra_var_names(self, schedule: Schedule) -> Names:
        """Which variables are set; what they are is told to runs only."""
        return sorted(self._firing.extra_vars(schedule.id))

    def own_extra_vars(self, identity: Identity, schedule: Schedule) -> tuple[dict[str, Any], Names]:
        """For its owner, who gave them: those that are no secrets, and the names of the others. For others nothing."""
        is_own = schedule.created_by == identity.user_id
        return open_vars(self._firing.extra_vars(schedule.id) if is_own else {})

    # ---- changing

    def create(self, identity: Identity, draft: ScheduleDraft) -> Schedule:
        """It runs as whoever makes it, whose rights count at each of its times."""
        check(draft)
        schedule_id, now = new_id(), self._books.clock()
        extra_vars = given_vars(draft.request) or {}
        self._refuse_unless_launchable(identity, draft, schedule_id, extra_vars)
        made = Schedule(id=schedule_id, created=now, version=1, created_by=identity.user_id, next_due=None,
                        last_due=None, last_success=None, state=PAUSED if draft.paused else ACTIVE, **_asked(draft))
        made.next_due = self._next_due(made, now)
        with self._books.transaction():
            if self._schedules.count("1 = 1") >= MOST_SCHEDULES:
                raise Conflict(f"there are {MOST_SCHEDULES} schedules already", code="too_many")
            self._refuse_taken(draft.name)
            self._schedules.insert({**structs.asdict(made),
                                    "sealed": self._books.seal(PURPOSE, schedule_id, extra_vars)})
            self._audit(identity, "schedule.create", made)
        self._woken()
        return self._found(schedule_id)

    def change(self, identity: Identity, schedule_id: str, draft: ScheduleDraft, version: int | None,
               kept: Sequence[str] = ()) -> Schedule:
        """All of it anew. Whoever changes a schedule owns it from then on: nobody makes another's rights run his own
        things.

        A new owner gives the extra vars anew; the former's are forgotten. ``kept``: names of one's own that stay where
        they are not given. Times before now are not made up for.
        """
        check(draft)
        now = self._books.clock()
        before = self._changeable(identity, schedule_id)
        given = given_vars(draft.request)
        own = self._firing.extra_vars(schedule_id) if before.created_by == identity.user_id else {}
        extra_vars = own if given is None else {**{name: own[name] for name in kept if name in own}, **given}
        self._refuse_unless_launchable(identity, draft, schedule_id, extra_vars)
        with self._books.transaction():
            schedule = self._found(schedule_id, lock=True)
            refuse_stale(schedule.version, version if version is not None else before.version, "schedule")
            if draft.name != schedule.name:
                self._refuse_taken(draft.name)
            state = PAUSED if draft.paused else ACTIVE
            changed = structs.replace(
                schedule, **_asked(draft), state=state, created_by=identity.user_id, version=schedule.version + 1,
                last_due=now if state != schedule.state or draft.timing != schedule.timing
                or draft.timezone != schedule.timezone else schedule.last_due)
            changed.next_due = self._next_due(changed, now)
            sealed = self._books.seal(PURPOSE, schedule_id, extra_vars)
            self._schedules.change({**structs.asdict(changed), "sealed": sealed}, '"id" = ?', schedule_id)
            self._close_alert(stopped_key(schedule_id))
            if changed.kind != "plan" and schedule.kind == "plan":
                self._withdrawn(schedule_id)
            self._audit(identity, "schedule.change", changed)
        self._woken()
        return self._found(schedule_id)

    def pause(self, identity: Identity, schedule_id: str, version: int | None = None) -> Schedule:
        """Nothing of it starts until it is resumed; what waits is dropped. Runs that run are left alone."""
        return self._set_state(identity, schedule_id, version, PAUSED)

    def resume(self, identity: Identity, schedule_id: str, version: int | None = None) -> Schedule:
        """Its times count from now on. One that was stopped is owned by whoever resumes it."""
        return self._set_state(identity, schedule_id, version, ACTIVE)

    def delete(self, identity: Identity, schedule_id: str, version: int | None = None) -> None:
        """With its history of times. Its runs stay."""
        self._changeable(identity, schedule_id)
        with self._books.transaction():
            schedule = self._found(schedule_id, lock=True)
            refuse_stale(schedule.version, version, "schedule")
            self._fires.delete('"schedule_id" = ?', schedule_id)
            self._schedules.delete('"id" = ?', schedule_id)
            self._withdrawn(schedule_id)
            self._close_alert(missed_key(schedule_id))
            self._close_alert(stopped_key(schedule_id))
            self._audit(identity, "schedule.delete", schedule)

    def run_now(self, identity: Identity, schedule_id: str) -> str:
        """Launch it now, as whoever asks, whatever its times and blackouts say; the run's id.

        Raises `Conflict` while as many of its runs as are allowed have not ended.
        """
        schedule = self._changeable(identity, schedule_id)
        self._check_launch(identity, self._firing.request(schedule))
        due, reason = self._books.clock(), f"asked for by {identity.name}"
        with self._books.transaction():
            schedule = self._found(schedule_id, lock=True)
            running, _ = self._firing.open_runs(schedule_id)
            if len(running) >= schedule.max_running:
                raise Conflict(f"{len(running)} of its runs have not ended, and no more are allowed at once",
                               code="schedule_busy", hint="wait for it, or cancel it")
            if not self._firing.claim(schedule_id, due, ASKED, reason):
                raise Conflict("somebody was faster", code="schedule_busy")
            self._audit(identity, "schedule.run", schedule)
        run_id = self._firing.launch(schedule, due, reason, identity)
        assert run_id is not None  # a refusal was raised
        return run_id

    def _set_state(self, identity: Identity, schedule_id: str, version: int | None, state: str) -> Schedule:
        before = self._changeable(identity, schedule_id)
        if state == ACTIVE and before.state == STOPPED:
            self._check_launch(identity, self._firing.request(before))
        with self._books.transaction():
            schedule = self._found(schedule_id, lock=True)
            refuse_stale(schedule.version, version, "schedule")
            if schedule.state == state:
                return schedule
            now = self._books.clock()
            changed = structs.replace(schedule, state=state, version=schedule.version + 1, last_due=now)
            if schedule.state == STOPPED and state == ACTIVE:
                changed.created_by = identity.user_id
                self._reseal(identity, before)
                self._close_alert(stopped_key(schedule_id))
            changed.next_due = self._next_due(changed, now)
            self._schedules.change(structs.asdict(changed), '"id" = ?', schedule_id)
            if state == PAUSED:
                self._fires.change({"outcome": SKIPPED, "reason": "the schedule was paused"},
                                   '"schedule_id" = ? AND "outcome" = ?', schedule_id, WAITING)
                self._close_alert(missed_key(schedule_id))
            self._audit(identity, "schedule.resume" if state == ACTIVE else "schedule.pause", changed)
        self._woken()
        return self._found(schedule_id)

    def _reseal(self, identity: Identity, before: Schedule) -> None:
        """Another owner does not get the former's variables, which were his to give."""
        if before.created_by != identity.user_id and self._firing.extra_vars(before.id):
            raise Conflict("this schedule has variables of its former owner", code="schedule_vars",
                           hint="change it, and give its variables anew")

    def forget(self, before: datetime) -> int:
        """Drop what became of older times; what waits or is being launched stays."""
        with self._books.transaction():
            return self._fires.delete('"due" < ? AND "outcome" NOT IN (?, ?, ?)', before, LAUNCHING, ASKED, WAITING)

    # ---- parts

    def _found(self, schedule_id: str, lock: bool = False) -> Schedule:
        return found(self._schedules.find('"id" = ?', schedule_id, lock=lock), "schedule", schedule_id)

    def _changeable(self, identity: Identity, schedule_id: str) -> Schedule:
        schedule = self.show(identity, schedule_id)
        owns = schedule.created_by == identity.user_id and identity.user_id != "" and may_somewhere(identity, CHANGE)
        if not owns and not may(identity, CHANGE):
            for target in targets(schedule.request):
                refuse_unless(identity, CHANGE, target, "schedule", schedule_id)
        return schedule

    def _is_seen(self, identity: Identity, schedule: Schedule) -> bool:
        if may(identity, VIEW) or (schedule.created_by == identity.user_id and identity.user_id != ""):
            return "read" in identity.scopes
        return all(may(identity, VIEW, target) for target in targets(schedule.request))

    def _refuse_unless_launchable(self, identity: Identity, draft: ScheduleDraft, schedule_id: str,
                                  extra_vars: dict[str, Any]) -> None:
        asked = {name: value for name, value in draft.request.items() if name != "extra_vars"}
        self._check_launch(identity, request_of(asked, draft.kind, schedule_id, extra_vars))

    def _next_due(self, schedule: Schedule, now: datetime) -> datetime | None:
        if schedule.state != ACTIVE:
            return None
        return next_due(schedule, schedule.rules(), schedule.parsed(), schedule.last_due or schedule.created, now,
                        self._firing.is_known)

    def _refuse_taken(self, name: str) -> None:
        if self._schedules.count('"name" = ?', name):
            raise Conflict(f"there is a schedule {name!r} already", code="name_taken")

    def _audit(self, identity: Identity, action: str, schedule: Schedule) -> None:
        self._books.audit.write(identity.name, action, schedule.name, address=identity.address, schedule=schedule.id)


def targets(request: dict[str, Any]) -> tuple[Target, Target]:
    """What a schedule is about, as far as is known without asking who is in its inventory."""
    return (Target(project_id=str(request.get("project_id")), playbook=request.get("playbook")),
            Target(inventory_id=str(request.get("inventory_id"))))


def _asked(draft: ScheduleDraft) -> dict[str, Any]:
    """The columns of what is asked for."""
    values = structs.asdict(draft)
    del values["paused"]
    values["request"] = {name: value for name, value in draft.request.items() if name != "extra_vars"}
    return values
