"""The fleet: the overview, hosts, one host."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from litestar import get, post
from litestar.params import FromPath

from api.operator.conventions import AnyRequest
from api.operator.identity import identity_of, office_of
from api.ui.lists import asked, page_asked
from api.ui.pages import Html, go, page
from orchestrator.access.rights import Identity
from orchestrator.control.control import Control
from orchestrator.errors import OrchError
from orchestrator.projects.fleet import STATUSES
from orchestrator.projects.host_history import Point
from orchestrator.projects.host_variables import HostVariables, variables_of
from orchestrator.runs.asking import RunFilter
from orchestrator.store.books import utc_now
from orchestrator.store.columns import read_row
from orchestrator.store.database import Database
from orchestrator.store.paging import PageRequest
from orchestrator.store.table import marks

TABS = ("history", "variables", "facts", "stats")
SHOWN_HOSTS, SHOWN_RUNS = 12, 8
SPARK_DAYS = 14
PERIODS = {"day": 1, "week": 7, "month": 30}
MOST_SERIES = 40


@get("/", action="own")
async def overview(request: AnyRequest) -> Html:
    me = identity_of(request)
    values = await office_of(request).call(lambda control: _overview(control, me))
    return page(request, "fleet/overview.html", part="live", **values)


def _overview(control: Control, me: Identity) -> dict[str, Any]:
    failing = control.fleet.list(me, PageRequest(SHOWN_HOSTS), status="failing").items
    drifted = control.fleet.list(me, PageRequest(SHOWN_HOSTS), drifted=True).items
    hosts = {one.host: one for one in [*failing, *drifted]}
    if len(hosts) < SHOWN_HOSTS:
        hosts |= {one.host: hosts.get(one.host, one) for one in control.fleet.list(me, PageRequest(SHOWN_HOSTS)).items}
    shown = list(hosts.values())[:SHOWN_HOSTS]
    latest = control.runs.list(me, PageRequest(8))
    since = utc_now() - timedelta(days=SPARK_DAYS)
    recent = control.runs.list(me, PageRequest(200), RunFilter(since=since)).items
    per_day = [sum(one.started >= since + timedelta(days=day) and one.started < since + timedelta(days=day + 1)
                   for one in recent) for day in range(SPARK_DAYS)]
    return {"counts": control.fleet.counts(me), "hosts": shown, "runs": latest.items, "per_day": per_day,
            "alerts": control.alerts.list(me, PageRequest(20)).items, "last_backup": last_backup(control),
            "running": sum(one.status in ("running", "queued") for one in recent), "any_run": bool(latest.items),
            "projects": bool(control.projects.list(me, PageRequest(1)).items),
            "inventories": bool(control.inventories.list(me, PageRequest(1)).items),
            "history": latest_states(control.books.database, [one.host for one in shown])}


def latest_states(database: Database, hosts: Sequence[str], runs: int = 40) -> dict[str, list[str]]:
    """How the latest runs ended for each of ``hosts``, the newest last: out of the recaps, in one question."""
    if not hosts:
        return {}
    rows = database.select(
        'SELECT h."host", CASE WHEN h."failed" > 0 THEN \'failed\' WHEN h."unreachable" + h."lost" > 0 THEN'
        " 'unreachable' WHEN h.\"changed\" > 0 THEN 'changed' ELSE 'ok' END FROM run_hosts h JOIN runs r"
        ' ON r."id" = h."run_id" WHERE h."run_id" IN (SELECT "id" FROM runs ORDER BY "started" DESC LIMIT ?)'
        f' AND h."host" IN ({marks(hosts)}) ORDER BY r."started"', (runs, *map(database.write["text"], hosts)))
    found: dict[str, list[str]] = {}
    for host, state in rows:
        found.setdefault(str(host), []).append(str(state))
    return {host: states[-SHOWN_RUNS:] for host, states in found.items()}


def last_backup(control: Control) -> Any:
    """When a backup last went well: backups are task results too. None: there is none."""
    database = control.books.database
    rows = database.select(
        'SELECT "ended" FROM task_results WHERE "run_id" IN (SELECT "id" FROM runs ORDER BY "started" DESC LIMIT 200)'
        """ AND "module" IN ('backup', 'orch.backup.backup') AND "status" IN ('ok', 'changed')"""
        ' ORDER BY "ended" DESC LIMIT 1')
    return read_row({"ended": "time"}, rows[0])["ended"] if rows else None


def _states(control: Control, me: Identity, host: str, most: int) -> list[str]:
    """How the latest runs of a host ended, the newest last."""
    return [one.status for one in reversed(control.history.runs(me, host, PageRequest(most)).items)]


@get("/hosts", action="own")
async def hosts(request: AnyRequest) -> Html:
    me, filters = identity_of(request), asked(request, "search", "inventory", "group", "status", "drifted")

    def found(control: Control) -> dict[str, Any]:
        return {
            "hosts": control.fleet.list(
                me, page_asked(request), search=filters["search"] or "", inventory_id=filters["inventory"],
                group=filters["group"] if filters["inventory"] else None, status=filters["status"],
                drifted={"yes": True, "no": False}.get(filters["drifted"] or "")),
            "inventories": control.inventories.list(me, PageRequest(200)).items,
            "groups": [one.name for one in control.inventory_groups.list(me, filters["inventory"])]
            if filters["inventory"] else []}

    return page(request, "fleet/hosts.html", part="rows", filters=filters, statuses=("failing", *STATUSES),
                **await office_of(request).call(found))


@get("/hosts/{host:str}", action="own")
async def host_page(request: AnyRequest, host: FromPath[str]) -> Html:
    me, tab = identity_of(request), request.query_params.get("tab", "history")
    tab = tab if tab in TABS else "history"
    period = request.query_params.get("period", "day")
    values = await office_of(request).call(
        lambda control: _host(control, me, host, tab, period, page_asked(request), request.query_params.get("in")))
    return page(request, "fleet/host.html", part="rows", tab=tab, period=period, periods=PERIODS, **values)


def _host(control: Control, me: Identity, name: str, tab: str, period: str, asked_page: PageRequest,
          inventory_id: str | None) -> dict[str, Any]:
    shown = control.fleet.show(me, name)
    values: dict[str, Any] = {"host": shown, "states": _states(control, me, name, 20), "agent": None, "history": None,
                              "variables": None, "facts": {}, "plots": [], "inventory_id": "", "fault": ""}
    if shown.agent:
        values["agent"] = control.agentlets.show(me, shown.agent.id)
    if tab == "history":
        values["history"] = control.history.runs(me, name, asked_page)
    elif tab == "facts":
        values["facts"] = control.fleet.facts(me, name) or (values["agent"].facts if values["agent"] else {})
    elif tab == "stats":
        since = utc_now() - timedelta(days=PERIODS.get(period, 1))
        values["plots"] = plots(control.history.stats(me, name, since))
    elif tab == "variables" and shown.inventories:
        chosen = inventory_id if inventory_id in {one.id for one in shown.inventories} else shown.inventories[0].id
        values["inventory_id"] = chosen
        values["variables"], values["fault"] = _variables(control, me, chosen, name)
    return values


def _variables(control: Control, me: Identity, inventory_id: str, host: str) -> tuple[HostVariables | None, str]:
    try:
        return variables_of(control.inventories, me, inventory_id, host), ""
    except OrchError as error:
        return None, error.message


def plots(points: Sequence[Point]) -> list[dict[str, Any]]:
    """A plot for each number that the host told over time. Pure."""
    at = [round(point.at.timestamp()) for point in points]
    names = dict.fromkeys(name for point in points for name in _numbers(point.stats))
    return [{"name": name.replace("_", " "), "id": f"plot-{number}", "data": json.dumps(
        {"at": at, "series": [{"label": name, "values": [_numbers(point.stats).get(name) for point in points]}]})}
        for number, name in enumerate(list(names)[:MOST_SERIES])]


def _numbers(stats: Mapping[str, Any], before: str = "") -> dict[str, float]:
    """Numbers of a mapping, those within mappings and lists under joined names."""
    found: dict[str, float] = {}
    for name, value in stats.items():
        if isinstance(value, list):
            value = {str(number): one for number, one in enumerate(value[:8])}
        if isinstance(value, Mapping):
            found |= _numbers(value, f"{before}{name} ")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found[f"{before}{name}"] = value
    return found


@post("/hosts/{host:str}/forget", action="inventory.create", status_code=200)
async def forget(request: AnyRequest, host: FromPath[str]) -> Html:
    me = identity_of(request)
    await office_of(request).call(lambda control: control.fleet.forget(me, host))
    return go(request, "/hosts", f"{host} is forgotten; its results stay with the runs.")


HANDLERS = [overview, hosts, host_page, forget]
