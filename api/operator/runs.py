"""Runs: launched, looked at, followed, cancelled, gone on with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody, QueryParameter
from litestar.response import Stream
from msgspec import Meta, Struct, field, structs

from api.operator import stream
from api.operator.conventions import AnyRequest, created
from api.operator.identity import identity_of, is_still_known, office_of
from orchestrator.runs import feed
from orchestrator.runs.lines import ResultLine, RunDetail, RunFilter, RunLine
from orchestrator.runs.requests import RunRequest
from orchestrator.store.paging import Page, PageRequest

Text = Annotated[str, Meta(max_length=1000)]
Words = Annotated[list[Text], Meta(max_length=100)]
Status = Literal["queued", "running", "ok", "failed", "pending", "unreachable", "cancelled", "interrupted"]


class LaunchBody(Struct, forbid_unknown_fields=True):
    """``extra_vars`` are data: a template in them stays the text that it is."""

    project_id: Text
    playbook: Text
    """Its path within the project."""
    inventory_id: Text
    limit: Annotated[str, Meta(max_length=60_000)] | None = None
    tags: Words = field(default_factory=list)
    skip_tags: Words = field(default_factory=list)
    extra_vars: dict[str, Any] = field(default_factory=dict)
    check: bool = False
    diff: bool = False
    kind: Literal["run", "plan"] = "run"
    credential_ids: Words = field(default_factory=list)
    forks: Annotated[int, Meta(ge=0, le=10_000)] = 0
    slices: Annotated[int, Meta(ge=1, le=32)] = 1
    priority: Annotated[int, Meta(ge=-100, le=100)] = 0
    timeout_s: Annotated[int, Meta(ge=0, le=604_800)] = 0
    """0: as long as it takes."""
    allow_concurrent: bool = False

    def request(self) -> RunRequest:
        given = structs.asdict(self)
        for name in ("tags", "skip_tags", "credential_ids"):
            given[name] = tuple(given[name])
        return RunRequest(**given)


class FeedPage(Struct):
    """``next``: the position behind the last item; ``is_over``: the run has ended, and there will be no more."""

    items: list[feed.Item]
    next: str
    status: str
    is_over: bool


class RunController(Controller):
    path = "/runs"
    tags = ["runs"]

    @get("/", action="view", operation_id="list_runs")
    async def list_runs(
        self, request: AnyRequest, page: NamedDependency[PageRequest], status: FromQuery[Status | None] = None,
        kind: FromQuery[Literal["run", "plan", "exec"] | None] = None, project: FromQuery[str | None] = None,
        inventory: FromQuery[str | None] = None, schedule: FromQuery[str | None] = None,
        user: FromQuery[str | None] = None, host: FromQuery[str | None] = None,
        since: FromQuery[datetime | None] = None, until: FromQuery[datetime | None] = None,
    ) -> Page[RunLine]:
        """Without their slices, the latest first. Sorts: started."""
        who = identity_of(request)
        filters = RunFilter(status, kind, project, inventory, schedule, user, host, stream.aware(since),
                            stream.aware(until))
        return await office_of(request).call(lambda control: control.runs.list(who, page, filters))

    @post("/", action="run.launch", operation_id="launch_run")
    async def launch(self, request: AnyRequest, data: JSONBody[LaunchBody],
                     idempotency_key: NamedDependency[str | None]) -> Response[RunDetail]:
        who, wanted = identity_of(request), data.request()

        def act(control: Any) -> RunDetail:
            run_id = control.launches.launch(who, wanted, idempotency_key)
            shown: RunDetail = control.runs.told(who, run_id)
            return shown

        detail = await office_of(request).call(act)
        return created(detail, f"/api/v1/runs/{detail.run.id}")

    @get("/{run_id:str}", action="view", operation_id="show_run")
    async def show(self, request: AnyRequest, run_id: FromPath[str]) -> RunDetail:
        who = identity_of(request)
        return await office_of(request).call(lambda control: control.runs.show(who, run_id))

    @get("/{run_id:str}/results", action="view", operation_id="list_results")
    async def results(
        self, request: AnyRequest, run_id: FromPath[str], page: NamedDependency[PageRequest],
        host: FromQuery[str | None] = None, status: FromQuery[str | None] = None,
        task: FromQuery[str | None] = None,
    ) -> Page[ResultLine]:
        """Task results in order. ``status=bad``: all that went wrong. ``task``: an id or a name."""
        who = identity_of(request)
        return await office_of(request).call(
            lambda control: control.runs.results(who, run_id, page, host=host, status=status, task=task))

    @get("/{run_id:str}/results/{result_id:str}", action="view", operation_id="show_result")
    async def result(self, request: AnyRequest, run_id: FromPath[str], result_id: FromPath[str]) -> dict[str, Any]:
        """One result with its return values and differences."""
        who = identity_of(request)
        return await office_of(request).call(lambda control: control.runs.result(who, run_id, result_id))

    @get("/{run_id:str}/hosts/{host:str}", action="view", operation_id="show_run_host")
    async def timeline(self, request: AnyRequest, run_id: FromPath[str], host: FromPath[str]) -> Sequence[ResultLine]:
        """All that the run did on one host, in order."""
        who = identity_of(request)
        return await office_of(request).call(lambda control: control.runs.timeline(who, run_id, host))

    @get("/{run_id:str}/feed", action="view", operation_id="read_feed")
    async def read_feed(
        self, request: AnyRequest, run_id: FromPath[str],
        after: Annotated[str | None, QueryParameter(max_length=feed.LONGEST_CURSOR, required=False,
                                                    description="`next` of the answer before")] = None,
    ) -> FeedPage:
        """Events and results from a position on: what the stream sends, a page at a time."""
        who, position = identity_of(request), feed.parse(after)

        def act(control: Any) -> feed.Reading:
            control.runs.find(who, run_id)
            return feed.read(control.books.database, run_id, position)

        reading = await office_of(request).call(act)
        return FeedPage(reading.items, str(reading.position), reading.status, reading.is_over)

    @get("/{run_id:str}/events", action="view", operation_id="follow_run", media_type=stream.MEDIA_TYPE)
    async def events(
        self, request: AnyRequest, run_id: FromPath[str],
        after: Annotated[str | None, QueryParameter(max_length=feed.LONGEST_CURSOR, required=False,
                                                    description="a position to go on from")] = None,
        last_event_id: Annotated[str | None, HeaderParameter(name="Last-Event-ID", required=False)] = None,
    ) -> Stream:
        """Server-sent events: ``event``, ``result``, at the end ``end``; ``reload`` when this viewer is too slow:
        then come again with the id of the last one."""
        who, position = identity_of(request), feed.parse(last_event_id or after)
        await office_of(request).call(lambda control: control.runs.find(who, run_id))
        hub = stream.hub_of(request)
        viewer = hub.viewer(run_id, position, lambda: is_still_known(
            request, lambda control, now: control.runs.find(now, run_id)))
        return Stream(viewer, media_type=stream.MEDIA_TYPE, headers=stream.HEADERS)

    @post("/{run_id:str}/cancel", action="run.cancel", status_code=202, operation_id="cancel_run")
    async def cancel(self, request: AnyRequest, run_id: FromPath[str]) -> RunDetail:
        """A waiting run ends at once, a running one when its tasks are dead on the hosts."""
        who = identity_of(request)
        await office_of(request).call(lambda control: control.acts.cancel(who, run_id))
        return await office_of(request).call(lambda control: control.runs.show(who, run_id))

    @post("/{run_id:str}/resume", action="run.launch", status_code=202, operation_id="resume_run")
    async def resume(self, request: AnyRequest, run_id: FromPath[str]) -> RunDetail:
        """Go on where it stopped; nothing that is done is done again."""
        who = identity_of(request)
        await office_of(request).call(lambda control: control.acts.resume(who, run_id))
        return await office_of(request).call(lambda control: control.runs.show(who, run_id))

    @post("/{run_id:str}/rerun-failed", action="run.launch", operation_id="rerun_failed")
    async def rerun_failed(self, request: AnyRequest, run_id: FromPath[str],
                           idempotency_key: NamedDependency[str | None]) -> Response[RunDetail]:
        """A new run of the same, on the hosts that failed or were not reached."""
        who = identity_of(request)

        def act(control: Any) -> RunDetail:
            made = control.acts.rerun_failed(who, run_id, idempotency_key)
            shown: RunDetail = control.runs.show(who, made)
            return shown

        detail = await office_of(request).call(act)
        return created(detail, f"/api/v1/runs/{detail.run.id}")
