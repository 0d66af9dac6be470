"""Schedules: their times, what became of them, and a calendar of all."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from litestar import Controller, Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta, Struct, field, structs

from api.operator.conventions import AnyRequest, created, versioned
from api.operator.identity import identity_of, office_of
from orchestrator.control.control import Control
from orchestrator.scheduling.previews import Calendar, Preview
from orchestrator.scheduling.records import Fire, Schedule, ScheduleDraft
from orchestrator.store.paging import Page, PageRequest

Text = Annotated[str, Meta(max_length=500)]
Seconds = Annotated[int, Meta(ge=0, le=40_000_000)]
Outcome = Literal["launching", "asked", "launched", "skipped", "waiting", "missed", "blackout", "refused"]


class AskedSchedule(Struct, forbid_unknown_fields=True):
    """`request` is what POST /runs takes, without `kind`, `schedule_id` and `plan_id`; its `limit`, a pattern of hosts,
    is resolved by each run anew. Its `extra_vars` are write-only."""

    name: Text
    timing: Text
    """Five fields as in crontab(5), `@daily` …, or `every 15m`."""
    request: dict[str, Any]
    timezone: Text = "UTC"
    description: Annotated[str, Meta(max_length=2_000)] = ""
    kind: Literal["run", "plan"] = "run"
    """`plan`: looks at what would change, and keeps it as drift."""
    misfire: Literal["skip", "once", "all"] = "once"
    overlap: Literal["skip", "queue", "cancel"] = "skip"
    blackouts: Annotated[list[dict[str, Any]], Meta(max_length=50)] = field(default_factory=list)
    jitter_s: Seconds = 0
    grace_s: Seconds = 300
    catch_up_age_s: Seconds = 0
    max_running: Annotated[int, Meta(ge=1, le=50)] = 1
    paused: bool = False

    def draft(self) -> ScheduleDraft:
        return ScheduleDraft(**structs.asdict(self))


class AskedTimes(Struct, forbid_unknown_fields=True):
    """What a form has so far."""

    timing: Text
    timezone: Text = "UTC"
    blackouts: Annotated[list[dict[str, Any]], Meta(max_length=50)] = field(default_factory=list)
    count: Annotated[int, Meta(ge=1, le=100)] = 10


class ShownSchedule(Schedule, kw_only=True):
    """With what a page shows beside it."""

    extra_vars: list[str] = field(default_factory=list)
    """Names of those that are set."""
    owner: str = ""


class Times(Struct):
    items: list[Preview]


class Launched(Struct):
    run_id: str


def shown(control: Control, schedule: Schedule) -> ShownSchedule:
    owner = control.books.database.select('SELECT "name" FROM users WHERE "id" = ?', (schedule.created_by,))
    return ShownSchedule(**structs.asdict(schedule), extra_vars=control.schedules.extra_var_names(schedule),
                         owner=str(owner[0][0]) if owner else "")


class ScheduleController(Controller):
    path = "/schedules"
    tags = ["schedules"]

    @get("/", action="view", operation_id="list_schedules")
    async def list_schedules(self, request: AnyRequest, page: NamedDependency[PageRequest],
                             status: FromQuery[Literal["active", "paused", "stopped"] | None] = None,
                             kind: FromQuery[Literal["run", "plan"] | None] = None,
                             project_id: FromQuery[str | None] = None) -> Page[Schedule]:
        """Sorts: name, created."""
        who = identity_of(request)
        return await office_of(request).call(lambda control: control.schedules.list(
            who, page, state=status, kind=kind, project_id=project_id))

    @post("/", action="schedule.change", operation_id="add_schedule")
    async def add(self, request: AnyRequest, data: JSONBody[AskedSchedule]) -> Response[ShownSchedule]:
        """It runs as whoever makes it."""
        who = identity_of(request)
        made = await office_of(request).call(
            lambda control: shown(control, control.schedules.create(who, data.draft())))
        return created(made, f"/api/v1/schedules/{made.id}")

    @post("/preview", action="view", status_code=200, operation_id="preview_schedule")
    async def preview(self, request: AnyRequest, data: JSONBody[AskedTimes]) -> Times:
        """The next times of a schedule that is not made yet. Stores nothing."""
        draft = ScheduleDraft("", data.timing, {}, data.timezone, blackouts=data.blackouts)
        return Times(await office_of(request).call(lambda control: control.schedules.preview(draft, data.count)))

    @get("/calendar", action="view", operation_id="schedule_calendar")
    async def calendar(self, request: AnyRequest,
                       since: Annotated[datetime, QueryParameter(name="from")],
                       until: Annotated[datetime, QueryParameter(name="to")]) -> Calendar:
        """Times of all schedules, `from` a moment `to` another, 62 days at most; 2,000 entries, 200 of one schedule."""
        who = identity_of(request)
        return await office_of(request).call(lambda control: control.schedules.calendar(who, since, until))

    @get("/{schedule_id:str}", action="view", operation_id="show_schedule")
    async def show(self, request: AnyRequest, schedule_id: FromPath[str]) -> Response[ShownSchedule]:
        who = identity_of(request)
        return versioned(await office_of(request).call(
            lambda control: shown(control, control.schedules.show(who, schedule_id))))

    @put("/{schedule_id:str}", action="schedule.change", operation_id="change_schedule")
    async def change(self, request: AnyRequest, schedule_id: FromPath[str], data: JSONBody[AskedSchedule],
                     if_match: NamedDependency[int | None]) -> Response[ShownSchedule]:
        """All of it anew. Whoever changes it owns it; `extra_vars` left out stay if the owner does."""
        who = identity_of(request)
        return versioned(await office_of(request).call(lambda control: shown(
            control, control.schedules.change(who, schedule_id, data.draft(), if_match))))

    @delete("/{schedule_id:str}", action="schedule.change", operation_id="delete_schedule")
    async def delete(self, request: AnyRequest, schedule_id: FromPath[str],
                     if_match: NamedDependency[int | None]) -> None:
        """With its history of times; its runs stay."""
        who = identity_of(request)
        await office_of(request).call(lambda control: control.schedules.delete(who, schedule_id, if_match))

    @post("/{schedule_id:str}/pause", action="schedule.change", status_code=200, operation_id="pause_schedule")
    async def pause(self, request: AnyRequest, schedule_id: FromPath[str]) -> Response[ShownSchedule]:
        who = identity_of(request)
        return versioned(await office_of(request).call(
            lambda control: shown(control, control.schedules.pause(who, schedule_id))))

    @post("/{schedule_id:str}/resume", action="schedule.change", status_code=200, operation_id="resume_schedule")
    async def resume(self, request: AnyRequest, schedule_id: FromPath[str]) -> Response[ShownSchedule]:
        """Times while it was paused are not made up for. One that was stopped is owned by whoever resumes it."""
        who = identity_of(request)
        return versioned(await office_of(request).call(
            lambda control: shown(control, control.schedules.resume(who, schedule_id))))

    @post("/{schedule_id:str}/run", action="schedule.change", operation_id="run_schedule")
    async def run(self, request: AnyRequest, schedule_id: FromPath[str]) -> Response[Launched]:
        """Launches it now, as whoever asks. 409 while as many of its runs as are allowed have not ended."""
        who = identity_of(request)
        run_id = await office_of(request).call(lambda control: control.schedules.run_now(who, schedule_id))
        return created(Launched(run_id), f"/api/v1/runs/{run_id}")

    @get("/{schedule_id:str}/next", action="view", operation_id="next_times_of_schedule")
    async def next_times(self, request: AnyRequest, schedule_id: FromPath[str],
                         count: Annotated[int, QueryParameter(ge=1, le=100)] = 10) -> Times:
        who = identity_of(request)
        return Times(await office_of(request).call(
            lambda control: control.schedules.next_times(who, schedule_id, count)))

    @get("/{schedule_id:str}/fires", action="view", operation_id="fires_of_schedule")
    async def fires(self, request: AnyRequest, schedule_id: FromPath[str], page: NamedDependency[PageRequest],
                    outcome: FromQuery[Outcome | None] = None) -> Page[Fire]:
        """What became of its times. Sorts: due."""
        who = identity_of(request)
        return await office_of(request).call(lambda control: control.schedules.fires(
            who, schedule_id, page, outcome=outcome))
