"""Schedules: the list, a month of what was and what will be, one schedule, and the form of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import available_timezones

from litestar import get, post
from litestar.params import FromPath

from api.operator.conventions import AnyRequest
from api.operator.identity import identity_of, office_of
from api.ui import month
from api.ui.blackouts import read_blackouts, written_blackout
from api.ui.clocks import CHOSEN, CLOCKS, KEPT_S, clock_of, explained
from api.ui.forms import Form, Wrong, sent_form
from api.ui.launching import answers, form_like, form_of, offered, prefill, request_values, wrong_names
from api.ui.lists import asked, page_asked
from api.ui.pages import Html, go, page, tried
from orchestrator.access.rights import Identity
from orchestrator.control.control import Control
from orchestrator.errors import OrchError
from orchestrator.scheduling.decisions import MISFIRE, OVERLAP
from orchestrator.scheduling.records import Schedule, ScheduleDraft
from orchestrator.store.books import utc_now
from orchestrator.store.paging import PageRequest

CHANGED = "schedule.change"
KINDS = (("run", "Run it"), ("plan", "Look for drift: check mode, nothing is changed"))
MISFIRES = {"skip": "skip them", "once": "run once", "all": "run each of them"}
OVERLAPS = {"skip": "skip this time", "queue": "wait for it", "cancel": "cancel it, then run"}
SECONDS = ("jitter_s", "grace_s", "catch_up_age_s")


@get("/schedules", action="view")
async def schedules(request: AnyRequest) -> Html:
    me, filters = identity_of(request), asked(request, "status", "kind")

    def found(control: Control) -> dict[str, Any]:
        return {"schedules": control.schedules.list(me, page_asked(request), state=filters["status"],
                                                    kind=filters["kind"]),
                "names": _names(control, me)}

    return page(request, "schedules/list.html", part="rows", filters=filters, **await office_of(request).call(found))


@get("/schedules/calendar", action="view")
async def calendar(request: AnyRequest) -> Html:
    me, clock = identity_of(request), clock_of(request)
    today = utc_now().astimezone(clock.viewer).date()
    first = month.parse(request.query_params.get("month"), today)
    start = datetime(first.year, first.month, 1, tzinfo=UTC) - timedelta(days=8)
    found, zones = await office_of(request).call(lambda control: (
        control.schedules.calendar(me, start, start + timedelta(days=48)),
        {one.id: one.timezone for one in control.schedules.visible(me)}))
    entries = [(clock.reads(one.due, zones.get(one.schedule_id, "UTC")), one) for one in found.items]
    named = {one.name: zones.get(one.schedule_id, "UTC") for one in found.items}
    before, after = month.beside(first)
    answer = page(request, "schedules/calendar.html", first=first, before=before, after=after, clock=clock,
                  truncated=found.truncated, weeks=month.weeks(first, today, entries), clocks=CLOCKS,
                  about_clock=explained(clock, named))
    answer.set_cookie(CHOSEN, clock.kind, path="/", max_age=KEPT_S, samesite="lax")
    return answer


@get("/schedules/new", action=CHANGED)
async def new_schedule(request: AnyRequest) -> Html:
    me, like = identity_of(request), request.query_params.get("like")

    def begun(control: Control) -> Form:
        form = form_like(control, me, like)[0] if like else Form()
        form.values |= {"timing": ["@daily"], "timezone": ["UTC"], "misfire": ["once"], "overlap": ["skip"],
                        "kind": [request.query_params.get("kind", "run")]}
        return form

    return await _form(request, await office_of(request).call(begun), None)


@post("/schedules/form", action=CHANGED, status_code=200)
async def schedule_form(request: AnyRequest) -> Html:
    """The form anew, after a project or a playbook was chosen."""
    form = await sent_form(request)
    return await _form(request, form, form.text("id") or None)


@post("/schedules/next", action=CHANGED, status_code=200)
async def next_times(request: AnyRequest) -> Html:
    """The next ten times, while the line is typed."""
    form, times, fault = await sent_form(request), [], ""
    try:
        draft = ScheduleDraft("preview", form.text("timing"), {}, form.text("timezone") or "UTC",
                              blackouts=read_blackouts(form.raw("blackouts")))
        times = await office_of(request).call(lambda control: control.schedules.preview(draft, 10))
    except OrchError as error:
        fault = " — ".join(filter(None, (error.message, error.hint)))
    return page(request, "schedules/next.html", times=times, fault=fault)


@post("/schedules/save", action=CHANGED, status_code=200)
async def save(request: AnyRequest) -> Html:
    form, me = await sent_form(request), identity_of(request)
    schedule_id = form.text("id") or None
    lists = await office_of(request).call(lambda control: offered(control, me, form))
    extra_vars = answers(form, lists.survey)
    values = request_values(form, extra_vars)
    draft = _draft(form, values)

    def keep(control: Control) -> Schedule:
        if schedule_id is None:
            return control.schedules.create(me, draft)
        return control.schedules.change(me, schedule_id, draft, form.number("version"), form.words("kept"))

    try:
        made = await tried(request, form, keep, wrong_names(lists.survey), known=["blackouts", "timing"])
    except Wrong:
        return await _form(request, form, schedule_id, 422)
    return go(request, f"/schedules/{made.id}", "Saved.")


@get("/schedules/{schedule_id:str}", action="view")
async def schedule(request: AnyRequest, schedule_id: FromPath[str]) -> Html:
    me = identity_of(request)

    def found(control: Control) -> dict[str, Any]:
        one = control.schedules.show(me, schedule_id)
        return {"schedule": one, "next_times": control.schedules.next_times(me, schedule_id, 10),
                "fires": control.schedules.fires(me, schedule_id, page_asked(request)), "names": _names(control, me),
                "vars": control.schedules.extra_var_names(one)}

    return page(request, "schedules/schedule.html", part="rows", misfires=MISFIRES, overlaps=OVERLAPS,
                **await office_of(request).call(found))


@get("/schedules/{schedule_id:str}/edit", action=CHANGED)
async def edit(request: AnyRequest, schedule_id: FromPath[str]) -> Html:
    me = identity_of(request)
    one, form = await office_of(request).call(lambda control: _stored(control, me, schedule_id))
    plain = {name: getattr(one, name) for name in (
        "id", "version", "name", "description", "timing", "timezone", "misfire", "overlap", "kind", "max_running",
        *SECONDS)}
    form.values |= Form({**plain, "paused": "1" if one.state == "paused" else None,
                         "blackouts": "\n".join(written_blackout(window) for window in one.blackouts)}).values
    return await _form(request, form, schedule_id)


@post("/schedules/{schedule_id:str}/{act:str}", action=CHANGED, status_code=200)
async def act_on_schedule(request: AnyRequest, schedule_id: FromPath[str], act: FromPath[str]) -> Html:
    me = identity_of(request)

    def do(control: Control) -> tuple[str, str]:
        here = f"/schedules/{schedule_id}"
        if act == "run":
            return f"/runs/{control.schedules.run_now(me, schedule_id)}", ""
        if act == "pause":
            control.schedules.pause(me, schedule_id)
            return here, "Paused: nothing of it starts."
        if act == "resume":
            control.schedules.resume(me, schedule_id)
            return here, "It goes on; times in between are not made up for."
        if act == "delete":
            control.schedules.delete(me, schedule_id)
            return "/schedules", "Deleted; its runs stay."
        return here, ""

    where, said = await office_of(request).call(do)
    return go(request, where, said)


async def _form(request: AnyRequest, form: Form, schedule_id: str | None, status: int = 200) -> Html:
    me = identity_of(request)
    lists = await office_of(request).call(lambda control: offered(control, me, form))
    return page(request, "schedules/form.html", part="form", status=status, form=form, lists=lists, id=schedule_id,
                kinds=KINDS, misfires=[(name, MISFIRES.get(name, name)) for name in MISFIRE],
                overlaps=[(name, OVERLAPS.get(name, name)) for name in OVERLAP], zones=_zones())


def _stored(control: Control, me: Identity, schedule_id: str) -> tuple[Schedule, Form]:
    """A schedule and the form of its launch. ``kept`` are the variables that stay without being shown."""
    one = control.schedules.show(me, schedule_id)
    form = form_of(one.request)
    variables, withheld = control.schedules.own_extra_vars(me, one)
    hidden = prefill(form, offered(control, me, form).survey, variables)
    form.values["kept"] = [*withheld, *hidden]
    return one, form


def _zones() -> list[tuple[str, str]]:
    names = sorted(name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "posix/")))
    return [(name, name) for name in ("UTC", *names)]


def _draft(form: Form, values: dict[str, Any]) -> ScheduleDraft:
    form.require("name", "timing")
    numbers = {name: form.number(name, 300 if name == "grace_s" else 0, 0, 400 * 86_400) for name in SECONDS}
    return ScheduleDraft(
        form.text("name"), form.text("timing"), values, form.text("timezone") or "UTC", form.text("description"),
        form.text("kind") or "run", form.text("misfire"), form.text("overlap"), read_blackouts(form.raw("blackouts")),
        max_running=form.number("max_running", 1, 1, 50), paused=form.has("paused"), **numbers)


def _names(control: Control, me: Identity) -> dict[str, str]:
    everything = PageRequest(200)
    return {one.id: one.name for service in (control.projects, control.inventories)
            for one in service.list(me, everything).items}


HANDLERS = [schedules, calendar, new_schedule, schedule_form, next_times, save, schedule, edit, act_on_schedule]
