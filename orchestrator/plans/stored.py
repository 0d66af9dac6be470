"""What a stored run in check mode foresaw."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from orchestrator.events import TaskResult
from orchestrator.plans.prediction import GATHERING, HostPlan, Prediction
from orchestrator.store.columns import TASK_RESULTS, quoted, read_row
from orchestrator.store.database import Database
from orchestrator.store.table import marks

NOTHING = ("ok", "skipped")


def prediction_of(database: Database, run_ids: Sequence[str], hosts: Iterable[str]) -> Prediction:
    """The prediction of a run (with its slices). ``hosts``: all that it was for, those without a change too."""
    rows = database.select(
        f'SELECT {quoted(TASK_RESULTS)} FROM task_results WHERE "run_id" IN ({marks(run_ids)})'
        f' AND ("status" NOT IN ({marks(NOTHING)}) OR "module" IN ({marks(GATHERING)})) ORDER BY "run_id", "seq"',
        (*run_ids, *NOTHING, *sorted(GATHERING)))
    found = Prediction()
    found.run_id = run_ids[0]
    found.hosts = {host: HostPlan() for host in hosts}
    found.take_stored([_result(row) for row in rows])
    return found


def _result(row: Sequence[object]) -> TaskResult:
    values = read_row(TASK_RESULTS, row)
    return TaskResult(**{**values, "trail": tuple(values["trail"])})
