"""What is asked of the runs that are stored: lists, one run, its results, one host's part in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from msgspec import structs

from orchestrator.access.rights import INVENTORY, Host, Identity, Target, may, may_see_some
from orchestrator.events import STATUSES
from orchestrator.refusals import Malformed, NotFound
from orchestrator.runs.lines import ResultLine, RunLine
from orchestrator.runs.lines import RunDetail as RunDetail
from orchestrator.runs.lines import RunFilter as RunFilter
from orchestrator.runs.printable import printable
from orchestrator.runs.records import TABLE, Launch, Run, launch_of
from orchestrator.store.books import Books
from orchestrator.store.columns import RUNS, TASK_RESULTS, quoted, read_row
from orchestrator.store.paging import Order, Page, PageRequest, ordered
from orchestrator.store.records import ENDED, QUEUED, RUNNING
from orchestrator.store.store import FAILED
from orchestrator.store.table import marks

SORTS = {"started": ("started", "id")}
RESULT_SORTS = {"seq": ("run_id", "seq")}
RUN_STATUSES = (QUEUED, RUNNING, *ENDED)
VIEW = "view"
MOST_ROUNDS = 20
LONGEST_MESSAGE = 1000
_WIDE = ("values", "diff", "warnings", "notified", "trail")
_NARROW = tuple(name for name in TASK_RESULTS if name not in _WIDE)
Lines = list[ResultLine]
RunLines = list[RunLine]
HostsOf = Callable[[str, Iterable[str]], Sequence[Host]]
"""(inventory_id, names) -> these hosts with the groups they are in."""
_LINE = {name: RUNS[name] for name in RunLine.__struct_fields__ if name in RUNS}


class Asking:
    """``hosts_of`` is asked only where a user's rights come from grants for hosts."""

    def __init__(self, books: Books, hosts_of: HostsOf | None = None) -> None:
        self._books = books
        self._hosts_of = hosts_of
        self._runs = books.table(TABLE, Run)
        self._launches = books.table("launches", Launch)

    # ---- runs

    def list(self, identity: Identity, page: PageRequest, filters: RunFilter | None = None) -> Page[RunLine]:
        """Runs without their slices, the latest first."""
        order = ordered(page, SORTS, "-started")
        where, values = _conditions(filters or RunFilter())
        found: RunLines = []
        if not may(identity, VIEW):
            where, values = _granted(identity, where, values)
        for _ in range(MOST_ROUNDS):
            rows = self._lines(order, where, values)
            found += [line for line in rows if self.sees(identity, line)]
            if len(rows) <= order.limit or len(found) > order.limit:
                break
            order = structs.replace(order, after=(rows[-1].started, rows[-1].id))
        answer = order.page(found)
        self._count(answer.items)
        return answer

    def _lines(self, order: Order, where: Sequence[str], values: Sequence[Any]) -> Sequence[RunLine]:
        key, key_values = order.where()
        rows = self._books.database.select(
            f"SELECT {quoted(_LINE)} FROM runs WHERE {' AND '.join([*where, key])} ORDER BY {order.by()} LIMIT ?",
            (*self._plain([*values, *key_values]), order.limit + 1))
        return [RunLine(**read_row(_LINE, row)) for row in rows]

    def find(self, identity: Identity, run_id: str) -> Run:
        """Raises `NotFound`, for a run too that ``identity`` may not see."""
        run = self._runs.find('"id" = ?', run_id)
        if run is None or not self.sees(identity, run):
            raise NotFound(f"there is no run {run_id!r}", code="run_unknown")
        return run

    def sees(self, identity: Identity, run: Run | RunLine) -> bool:
        """By its hosts: results tell of them, and a playbook may be run on others' too. Before they are known, whoever
        launched it sees it."""
        if may(identity, VIEW):
            return True
        if not run.inventory_id or "read" not in identity.scopes:
            return False
        if may(identity, VIEW, Target(inventory_id=run.inventory_id)):
            return True
        names = run.hosts if isinstance(run, Run) else self._runs.value("hosts", '"id" = ?', run.id)
        if not names:
            return self.launched(identity, run)
        hosts = tuple(self._hosts_of(run.inventory_id, names)) if self._hosts_of else ()
        return bool(hosts) and may(identity, VIEW, Target(inventory_id=run.inventory_id, hosts=hosts))

    def launched(self, identity: Identity, run: Run | RunLine) -> bool:
        """Whether ``identity`` launched it, and may still see its playbook and something of its inventory."""
        playbook = Target(project_id=run.project_id, playbook=run.playbooks[0])
        if not (identity.user_id and run.inventory_id and may_see_some(identity, INVENTORY, run.inventory_id)
                and may(identity, VIEW, playbook)):
            return False
        return bool(self._launches.value("user_id", '"run_id" = ?', run.id) == identity.user_id)

    def show(self, identity: Identity, run_id: str) -> RunDetail:
        run = self.find(identity, run_id)
        launch = launch_of(self._books, run)
        slices = self._books.database.select(
            f'SELECT {quoted(_LINE)} FROM runs WHERE "parent_id" = ? ORDER BY "slice"', (run.id,))
        lines = [RunLine(**read_row(_LINE, row)) for row in slices]
        one = RunLine(**{name: getattr(run, name) for name in _LINE})
        self._count([one, *lines])
        asked = launch.request if launch else None
        variables = sorted(run.options.get("extra_vars", {}))
        return RunDetail(structs.replace(run, cwd=""), lines, asked, variables, one.counts)

    def told(self, identity: Identity, run_id: str) -> RunDetail:
        """What whoever has just launched a run is told of it; a token needs no scope ``read`` for that."""
        return self.show(structs.replace(identity, scopes=identity.scopes | {"read"}), run_id)

    def _count(self, lines: Sequence[RunLine]) -> None:
        """Of all hosts of these runs, how many failed, were unreachable, changed, or were well."""
        known = {line.id: line for line in lines}
        split = [line.id for line in lines if line.slices > 1]
        parents = {str(own): str(parent) for own, parent in self._books.database.select(
            f'SELECT "id", "parent_id" FROM runs WHERE "parent_id" IN ({marks(split)})', split)} if split else {}
        counted = [*{**known, **parents}]
        if not counted:
            return
        rows = self._books.database.select(
            'SELECT "run_id", count(*), sum(CASE WHEN "failed" > 0 THEN 1 ELSE 0 END),'
            ' sum(CASE WHEN "failed" = 0 AND "unreachable" + "lost" > 0 THEN 1 ELSE 0 END),'
            ' sum(CASE WHEN "failed" + "unreachable" + "lost" = 0 AND "changed" > 0 THEN 1 ELSE 0 END)'
            f' FROM run_hosts WHERE "run_id" IN ({marks(counted)}) GROUP BY "run_id"', counted)
        for own, *numbers in rows:
            for run_id in {str(own), parents.get(str(own), "")} & known.keys():
                counts = known[run_id].counts
                for name, number in zip(("hosts", "failed", "unreachable", "changed"), numbers):
                    counts[name] = counts.get(name, 0) + int(number)

    # ---- results

    def family(self, run: Run) -> Sequence[str]:
        """The run's id and those of its slices, in order."""
        rows = self._books.database.select(
            'SELECT "id" FROM runs WHERE "parent_id" = ? ORDER BY "slice"', (run.id,)) if run.slices > 1 else []
        return [run.id, *(str(row[0]) for row in rows)]

    def results(self, identity: Identity, run_id: str, page: PageRequest, *, host: str | None = None,
                status: str | None = None, task: str | None = None) -> Page[ResultLine]:
        """In the order in which they were stored, slice by slice. ``status``: one of them, or ``bad`` for all that
        mean that something went wrong; ``task``: its id, or its name."""
        order = ordered(page, RESULT_SORTS, "seq")
        members = self.family(self.find(identity, run_id))
        where, values = [f'"run_id" IN ({marks(members)})'], [*members]
        if host is not None:
            where.append('"host" = ?')
            values.append(host)
        if task is not None:
            where.append('("task_id" = ? OR "task_name" = ?)')
            values += [task, task]
        if status is not None:
            if status != "bad" and status not in STATUSES:
                raise Malformed("there is no such status", code="status", hint=f"bad, {', '.join(STATUSES)}")
            among = FAILED if status == "bad" else (status,)
            where.append(f'"status" IN ({marks(among)})')
            values += among
        key, key_values = order.where()
        rows = self._books.database.select(
            f'SELECT {quoted(_NARROW)}, CAST("diff" AS TEXT) <> \'[]\' FROM task_results'
            f" WHERE {' AND '.join([*where, key])} ORDER BY {order.by()} LIMIT ?",
            (*self._plain([*values, *key_values]), order.limit + 1))
        return order.page([_line(row, run_id) for row in rows])

    def result(self, identity: Identity, run_id: str, result_id: str) -> dict[str, Any]:
        """The whole of one result: return values, diff, warnings. Raises `NotFound`."""
        run = self.find(identity, run_id)
        number, _, seq = result_id.rpartition(".")
        member = f"{run.id}.{number}" if number else run.id
        rows = self._books.database.select(
            f'SELECT {quoted(TASK_RESULTS)} FROM task_results WHERE "run_id" = ? AND "seq" = ?',
            (member, int(seq))) if seq.isdecimal() and len(seq) < 16 and (not number or number.isdecimal()) else []
        if not rows:
            raise NotFound(f"run {run_id} has no result {result_id[:40]!r}", code="result_unknown")
        whole: dict[str, Any] = printable(read_row(TASK_RESULTS, rows[0]))
        return {"id": result_id, **whole}

    def timeline(self, identity: Identity, run_id: str, host: str) -> Sequence[ResultLine]:
        """All that a run did on one host, in order: at most 200 of the results of each task."""
        found: Lines = []
        page = PageRequest(limit=200)
        for _ in range(MOST_ROUNDS):
            part = self.results(identity, run_id, page, host=host)
            found += part.items
            if part.next is None:
                break
            page = PageRequest(200, part.next)
        return found

    def _plain(self, values: Sequence[Any]) -> tuple[Any, ...]:
        write = self._books.database.write
        return tuple(write["time"](value) if isinstance(value, datetime)
                     else write["text"](value) if isinstance(value, str) else value for value in values)


def result_id(run_id: str, parent_id: str, seq: int) -> str:
    """``12``; of slice 3 ``3.12``."""
    return str(seq) if run_id == parent_id else f"{run_id.rpartition('.')[2]}.{seq}"


def _line(row: Sequence[Any], parent_id: str) -> ResultLine:
    values = read_row({name: TASK_RESULTS[name] for name in _NARROW}, row[:-1])
    values["message"] = values["message"][:LONGEST_MESSAGE]
    kept = {name: printable(value) for name, value in values.items() if name in ResultLine.__struct_fields__}
    return ResultLine(id=result_id(values["run_id"], parent_id, values["seq"]), has_diff=bool(row[-1]), **kept)


def _conditions(filters: RunFilter) -> tuple[list[str], list[Any]]:
    where, values = ['"parent_id" IS NULL'], list[Any]()
    columns = {"status": filters.status, "kind": filters.kind, "project_id": filters.project,
               "inventory_id": filters.inventory, "schedule_id": filters.schedule, "user": filters.user}
    for name, value in columns.items():
        if value is not None:
            where.append(f'"{name}" = ?')
            values.append(value)
    for sign, moment in ((">=", filters.since), ("<", filters.until)):
        if moment is not None:
            where.append(f'"started" {sign} ?')
            values.append(moment)
    if filters.host is not None:
        where.append('(EXISTS (SELECT 1 FROM task_results t WHERE t."host" = ? AND t."run_id" = runs."id") OR'
                     ' (runs."slices" > 1 AND EXISTS (SELECT 1 FROM runs c JOIN task_results t ON t."run_id" = c."id"'
                     ' WHERE c."parent_id" = runs."id" AND t."host" = ?)))')
        values += [filters.host, filters.host]
    return where, values


def _granted(identity: Identity, where: list[str], values: list[Any]) -> tuple[list[str], list[Any]]:
    """Only runs of what a grant is about at all; each is looked at closer afterwards."""
    inventories = sorted({grant.scope_id for grant in identity.grants if grant.kind == INVENTORY})
    return [*where, f'"inventory_id" IN ({marks(inventories) or "NULL"})'], [*values, *inventories]
