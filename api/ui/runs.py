"""Runs: the list, one run live, what is behind a cell of its grid, and what people do with it."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath
from msgspec import Struct

from api.operator.conventions import AnyRequest
from api.operator.identity import identity_of, office_of
from api.ui import diffs
from api.ui.grid import timeline
from api.ui.lists import asked, page_asked
from api.ui.pages import Html, go, is_partial, page
from api.ui.run_failures import failures
from api.ui.run_grid import at_work, snapshot
from api.ui.words import playbook
from orchestrator.access.rights import Identity, may_somewhere
from orchestrator.control.control import Control
from orchestrator.events import STATUSES
from orchestrator.refusals import NotFound, Refused
from orchestrator.runs.acts import GOES_ON, failed_hosts
from orchestrator.runs.asking import RUN_STATUSES, RunFilter
from orchestrator.runs.records import Run
from orchestrator.store.paging import PageRequest
from orchestrator.store.records import ENDED

EVERYTHING = PageRequest(200)
MOST_BEHIND_A_CELL = 30
BAD = ("failed", "lost", "unreachable", "interrupted", "cancelled")
SHOWN_APART = ("msg", "stdout", "stderr", "stdout_lines", "stderr_lines", "changed", "failed", "diff", "invocation")
TABS = ("grid", "timeline", "about")
STOP_POLLING = 286


@get("/runs", action="view")
async def runs(request: AnyRequest) -> Html:
    me = identity_of(request)
    filters = asked(request, "status", "kind", "project", "inventory", "schedule", "user", "host", "since", "until")
    wanted = RunFilter(filters["status"], filters["kind"], filters["project"], filters["inventory"],
                       filters["schedule"], filters["user"], filters["host"], moment(filters["since"]),
                       moment(filters["until"]))

    def found(control: Control) -> dict[str, Any]:
        inventories = control.inventories.list(me, EVERYTHING).items
        return {"runs": control.runs.list(me, page_asked(request), wanted),
                "projects": control.projects.list(me, EVERYTHING).items, "schedules": control.schedules.visible(me),
                "inventory_names": {one.id: one.name for one in inventories}}

    return page(request, "runs/list.html", part="rows", filters=filters, statuses=RUN_STATUSES,
                **await office_of(request).call(found))


def moment(text: str | None) -> datetime | None:
    """RFC 3339; None for anything else, as a filter that says nothing."""
    try:
        found = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo else None


@get("/runs/{run_id:str}", action="view")
async def run(request: AnyRequest, run_id: FromPath[str]) -> Html:
    me, tab = identity_of(request), request.query_params.get("tab", "grid")
    values = await office_of(request).call(lambda control: _facts(control, me, run_id, tab))
    return page(request, "runs/run.html", part="timeline", status=_polled(request, values),
                tab=tab if tab in TABS else "grid", **values)


@get("/runs/{run_id:str}/head", action="view")
async def head(request: AnyRequest, run_id: FromPath[str]) -> Html:
    me = identity_of(request)
    values = await office_of(request).call(lambda control: _facts(control, me, run_id, ""))
    return page(request, "runs/run.html", part="head", status=_polled(request, values), tab="grid", **values)


def _polled(request: AnyRequest, values: dict[str, Any]) -> int:
    """286 tells htmx that it need not ask again: the run has ended."""
    return STOP_POLLING if is_partial(request) and not values["is_live"] else 200


@get("/runs/{run_id:str}/grid", action="view")
async def grid(request: AnyRequest, run_id: FromPath[str]) -> Response[dict[str, Any]]:
    me = identity_of(request)

    def found(control: Control) -> dict[str, Any]:
        one = control.runs.find(me, run_id)
        return snapshot(control.books.database, one, control.runs.family(one)).for_browser()

    return Response(await office_of(request).call(found), headers={"Cache-Control": "no-store"})


@get("/runs/{run_id:str}/cell", action="view")
async def cell(request: AnyRequest, run_id: FromPath[str]) -> Html:
    me = identity_of(request)
    host, task = request.query_params.get("host", ""), request.query_params.get("task", "")

    def found(control: Control) -> tuple[list[dict[str, Any]], bool]:
        lines = control.runs.results(me, run_id, EVERYTHING, host=host, task=task).items
        whole = [control.runs.result(me, run_id, line.id) for line in lines[-MOST_BEHIND_A_CELL:]]
        return whole, len(lines) > MOST_BEHIND_A_CELL

    results, more = await office_of(request).call(found)
    shown = await asyncio.to_thread(lambda: [Behind(one) for one in results])  # long diffs take their time
    name = shown[-1].task_name if shown else task
    return page(request, "runs/cell.html", run_id=run_id, host=host, task_name=name, results=shown, more=more)


class Behind:
    """One result as its view shows it: what is text apart from the other return values."""

    task_name: str

    def __init__(self, result: dict[str, Any]) -> None:
        self.__dict__.update(result)
        self.changes = diffs.shown(result["diff"])
        self.rest = {name: value for name, value in result["values"].items() if name not in SHOWN_APART}


# ---- acts

@post("/runs/{run_id:str}/cancel", action="run.cancel", status_code=200)
async def cancel(request: AnyRequest, run_id: FromPath[str]) -> Html:
    me = identity_of(request)
    await office_of(request).call(lambda control: control.acts.cancel(me, run_id))
    return go(request, f"/runs/{run_id}", "The run is being cancelled.")


@post("/runs/{run_id:str}/resume", action="run.launch", status_code=200)
async def resume(request: AnyRequest, run_id: FromPath[str]) -> Html:
    me = identity_of(request)
    await office_of(request).call(lambda control: control.acts.resume(me, run_id))
    return go(request, f"/runs/{run_id}", "Queued again: what is done is not repeated.")


@post("/runs/{run_id:str}/rerun", action="run.launch", status_code=200)
async def rerun(request: AnyRequest, run_id: FromPath[str]) -> Html:
    me = identity_of(request)
    again = await office_of(request).call(lambda control: control.acts.rerun_failed(me, run_id))
    return go(request, f"/runs/{again}", "A new run, of the hosts that failed.")


# ---- what the views show

class Part(Struct):
    """Of the bar above the grid, in thousandths."""

    status: str
    start: int
    length: int


def _facts(control: Control, me: Identity, run_id: str, tab: str) -> dict[str, Any]:
    detail = control.runs.show(me, run_id)
    one = detail.run
    counts, task = _counts(control, one)
    failed = failed_hosts(one) if one.status in ENDED else []
    bars = []
    if tab == "timeline":
        bars = timeline(snapshot(control.books.database, one, control.runs.family(one)).grid.tasks)
    return {
        "run": one, "detail": detail, "name": playbook(one.playbooks) or one.id, "is_live": one.status not in ENDED,
        "can_act": may_somewhere(me, "run.launch"), "is_ours": detail.request is not None and one.parent_id is None,
        "can_resume": one.status in GOES_ON, "failed_hosts": failed,
        "failures": failures(control.runs, me, one.id, failed),
        "project": _seen(control.projects, me, one.project_id), "bars": bars,
        "inventory": _seen(control.inventories, me, one.inventory_id), "progress": _parts(counts, len(one.hosts)),
        "totals": _totals(one), "task": task}


def _seen(service: Any, me: Identity, wanted: str | None) -> Any:
    """A project or an inventory; None when it is gone, or not to be seen."""
    try:
        return service.show(me, wanted) if wanted else None
    except (NotFound, Refused):
        return None


def _counts(control: Control, one: Run) -> tuple[dict[str, int], str]:
    """How many hosts came to what; of a run that goes on, in the task that is at work, and its name."""
    if one.status not in ENDED:
        return at_work(control.books.database, control.runs.family(one))
    worst = [next((status for status in (*BAD, "changed") if line.get(status)), "ok") for line in one.recap.values()]
    return {status: worst.count(status) for status in dict.fromkeys(worst)}, ""


def _parts(counts: dict[str, int], hosts: int) -> dict[str, Any]:
    total, start, parts = max(hosts, sum(counts.values()), 1), 0, []
    for status in (*BAD, "changed", "ok", "skipped"):
        length = round(counts.get(status, 0) / total * 1000)
        if length:
            parts.append(Part(status, start, length))
            start += length
    return {"total": total, "ended": sum(counts.values()), "parts": parts}


def _totals(one: Run) -> list[tuple[str, int]]:
    """Task results over all hosts, as in the recap of `orch run`."""
    found = [(status, sum(line.get(status, 0) for line in one.recap.values())) for status in STATUSES]
    return [(status, number) for status, number in found if number]


HANDLERS = [runs, run, head, grid, cell, cancel, resume, rerun]
