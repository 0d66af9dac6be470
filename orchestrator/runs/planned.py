"""Applying a plan: a look whether it still holds, in the run's own process, before its first change."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from orchestrator.engine.launch import launch
from orchestrator.plans.document import PlanDocument
from orchestrator.plans.prediction import Prediction, drifted, told
from orchestrator.plans.stored import prediction_of
from orchestrator.runs.handed import Handed
from orchestrator.store.database import database_for

if TYPE_CHECKING:
    from orchestrator.engine.setup import Workbench
    from orchestrator.events import RunEnded

STOPPED = "stopped while it looked whether the plan still holds: nothing was changed"
MOST_HOSTS = 20


async def why_not(handed: Handed, bench: Workbench) -> str | None:
    """Run ``bench``, which is in check mode, and say why the plan does not hold; None when it does.

    The look is a run of its own, a part of the one that applies the plan. It is compared by host: of a slice's hosts
    with what was planned for those.
    """
    document = msgspec.json.decode(handed.plan, type=PlanDocument)
    if bench.playbook is not None and bench.playbook.digest != document.content_digest:
        return "the playbook or its files have changed since the plan was made: make a new plan"
    bench.kind, bench.parent_id = "plan", handed.run_id
    ended = await launch(bench, state_dir=Path(handed.state_dir), store_url=handed.store_url, emit=lambda event: None)
    if ended.status == "cancelled":
        return STOPPED
    planned = {host: plan for host, plan in document.hosts.items() if not handed.hosts or host in handed.hosts}
    drift = drifted(planned, _seen(handed, ended).hosts)
    if not drift:
        return None
    lines = [f"{host} has drifted: {told(sentences)}" for host, sentences in list(drift.items())[:MOST_HOSTS]]
    if len(drift) > MOST_HOSTS:
        lines.append(f"and {len(drift) - MOST_HOSTS} hosts more")
    return "\n".join(["nothing was applied, since the plan does not hold any more", *lines])


def _seen(handed: Handed, ended: RunEnded) -> Prediction:
    database = database_for(handed.store_url or f"{handed.state_dir}/orch.db")
    database.open()
    try:
        return prediction_of(database, [ended.run_id], ended.recap)
    finally:
        database.close()
