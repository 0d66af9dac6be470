"""From a run in check mode to a plan, and from a plan to the runs that apply it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from orchestrator.engine.launch import ResumePoint, prepare_again, run_record, stored_options
from orchestrator.engine.setup import Secrets, Workbench
from orchestrator.errors import UsageError
from orchestrator.plans.document import PlanDocument, changed_files, file_digests
from orchestrator.plans.prediction import Prediction, drifted, told

VALID_S = 24 * 3600
AGAIN = "orch apply PLAN"
MOST_HOSTS = 10


def plan_of(bench: Workbench, prediction: Prediction, valid_s: float = VALID_S) -> PlanDocument:
    """The plan that a run in check mode has come to. Raises `UsageError` when there is none for some host."""
    failed = {host: plan.failed for host, plan in prediction.hosts.items() if plan.failed}
    if failed:
        raise UsageError(f"there is no plan for {_listed(failed)}", code="plan_incomplete",
                         hint="mend that, or leave the hosts out with --limit")
    record = run_record(prediction.run_id, bench)
    now = datetime.now(UTC)
    return PlanDocument(
        run_id=prediction.run_id, made=now, expires=now + timedelta(seconds=valid_s), playbooks=record.playbooks,
        cwd=record.cwd, options=record.options, content_digest=record.content_digest,
        files=file_digests(bench.content.files, record.cwd), hosts=prediction.hosts)


def prepare_plan(document: PlanDocument, secrets: Secrets, overrides: Mapping[str, Any]) -> Workbench:
    """The plan's run once more in check mode, to see whether it still holds.

    Raises `UsageError` when the plan is too old, or a file is not as it was.
    """
    if document.expires <= datetime.now(UTC):
        raise UsageError(f"the plan is too old: it was good until {document.expires:%Y-%m-%d %H:%M} UTC",
                         code="plan_expired", hint="make a new one")
    changed = changed_files(document, document.cwd)
    if changed:
        raise UsageError(f"changed since the plan was made: {', '.join(changed[:MOST_HOSTS])}"
                         + (f" and {len(changed) - MOST_HOSTS} more" if len(changed) > MOST_HOSTS else ""),
                         code="plan_content", hint="make a new plan, and look at it")
    bench = _prepare(document, secrets, {**overrides, "check": True, "diff": True})
    if bench.playbook is not None and bench.playbook.digest != document.content_digest:
        raise UsageError("the playbook reads other files than it did when the plan was made", code="plan_content",
                         hint="make a new plan, and look at it")
    bench.kind = "plan"
    return bench


def prepare_apply(document: PlanDocument, secrets: Secrets, overrides: Mapping[str, Any],
                  without: Mapping[str, Any]) -> Workbench:
    """The run that makes the planned changes, on all hosts but those of ``without``."""
    limit = document.options.get("limit")
    if without:
        limit = ",".join([limit or "all", *(f"!{host}" for host in without)])
    bench = _prepare(document, secrets, {**overrides, "check": False, "limit": limit})
    bench.plan_id = document.run_id
    return bench


def _prepare(document: PlanDocument, secrets: Secrets, overrides: Mapping[str, Any]) -> Workbench:
    options = stored_options(document.options, document.playbooks)
    if not os.path.isdir(document.cwd):
        raise UsageError(f"the plan was made in {document.cwd}, which is not here", code="plan_content",
                         hint="apply it where it was made")
    point = ResumePoint(document.run_id, replace(options), {}, document.cwd, document.content_digest)
    return prepare_again(point, secrets, overrides, again=AGAIN)


def what_drifted(document: PlanDocument, now: Prediction) -> dict[str, str]:
    """By host, why the plan does not hold for it any more, as one sentence."""
    return {host: told(sentences) for host, sentences in drifted(document.hosts, now.hosts).items()}


def _listed(hosts: Mapping[str, str]) -> str:
    """``web1 (why), web2 (why)``; no more than a screen of it."""
    shown = [f"{host} ({why})" for host, why in list(hosts.items())[:MOST_HOSTS]]
    rest = len(hosts) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest else "")
