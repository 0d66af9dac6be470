"""The columns of each table for the hot path, and how a value gets into one and back.

Plain data, so that a run does not import SQLAlchemy (0.5 s CPU) and SQLModel (0.4 s) to write a few rows;
see docs/store.md. A test keeps this equal to `orchestrator.store.tables`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from orchestrator.store import control_columns, gateway_columns
from orchestrator.store.kinds import columns
from orchestrator.store.text import escape, to_json, unescape, utc

RUNS = columns(
    "text: id status kind limit content_digest cwd user lease_token lease_host lease_born parent_id project_id"
    " inventory_id schedule_id plan_id message worker_id;"
    "json: playbooks inventory options hosts recap; bool: check_mode cancel_requested;"
    "int: resumes lease_pid slice slices priority; time: started ended heartbeat queued"
)
RUN_HOSTS = columns(
    "text: run_id host; int: ok changed unreachable failed skipped rescued ignored interrupted cancelled lost"
)
TASK_RESULTS = columns(
    "text: run_id play_id play_name task_id task_name task_origin module host status item_label carrier carrier_reason"
    " delegated_to role message error_code hint path;"
    "int: seq attempt item_index; bool: rescued ignored check_mode no_log handler replayed;"
    "time: started ended; float: duration_s; json: values diff warnings notified trail"
)
EVENTS = columns("text: run_id kind; time: at; json: values")
AGENTS = columns(
    "text: id host state machine_id instance_id mode version platform clone_of note seal;"
    "int: generation next_generation protocol interval_s ring config; json: python labels facts; bool: renew;"
    "time: enrolled last_seen recovery_asked recovery_approved"
)
AGENT_CERTIFICATES = columns(
    "text: serial agent_id digest seal authority; int: generation;"
    " time: not_before not_after issued first_used revoked"
)
INVITATIONS = columns("text: id token_hash host created_by used_by address; json: labels; time: created expires used")
MAILBOX_JOBS = columns(
    "text: id agent_id host run_id state claim_key status digest seal; bytes: body;"
    "int: attempt priority next_seq event_count evicted reoffers; bool: cancel acked retry_safe digest_ok;"
    "time: created expires claimed started lease_until lost offer_after ended"
)
MAILBOX_EVENTS = columns("text: job_id; int: attempt seq count; bytes: heads")
MAILBOX_BLOBS = columns("text: name; int: part; time: created; bytes: data")
MAILBOX_JOB_BLOBS = columns("text: job_id name kind; int: size parts; bool: complete; bytes: meta")
AGENT_LOGS = columns("text: agent_id text; time: at")
AUDIT = columns("text: actor action subject outcome address; time: at; json: detail")
TABLES: Mapping[str, Mapping[str, str]] = {
    "runs": RUNS, "run_hosts": RUN_HOSTS, "task_results": TASK_RESULTS, "events": EVENTS,
    "agents": AGENTS, "agent_certificates": AGENT_CERTIFICATES, "invitations": INVITATIONS,
    "mailbox_jobs": MAILBOX_JOBS, "mailbox_events": MAILBOX_EVENTS, "mailbox_blobs": MAILBOX_BLOBS,
    "mailbox_job_blobs": MAILBOX_JOB_BLOBS, "agent_logs": AGENT_LOGS, "audit": AUDIT, **control_columns.TABLES,
    **gateway_columns.TABLES,
}
NUMBERED = frozenset({"events", "agent_logs", "audit"}) | control_columns.NUMBERED | gateway_columns.NUMBERED
"""Tables whose rows the database numbers by itself, in a column ``id`` that is not named above."""

Codec = Mapping[str, Callable[[Any], Any]]


def _text(value: str | None) -> str | None:
    return None if value is None else escape(value)


def _json(value: Any) -> str:
    if not value:
        return "[]" if isinstance(value, list | tuple) else "{}" if isinstance(value, dict) else to_json(value)
    return to_json(value)


def _time_text(value: datetime | None) -> str | None:
    """As SQLAlchemy writes moments for SQLite."""
    return None if value is None else utc(value).replace(tzinfo=None).isoformat(" ", "microseconds")


def _time(value: datetime | None) -> datetime | None:
    return None if value is None else utc(value)


def _read_text(value: str | None) -> str | None:
    return None if value is None else unescape(value)


def _read_json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def _read_time(value: Any) -> datetime | None:
    if value is None:
        return None
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _same(value: Any) -> Any:
    return value


WRITE_SQLITE: Codec = {"text": _text, "json": _json, "time": _time_text, "int": _same, "bool": _same, "float": _same,
                       "bytes": _same}
WRITE_POSTGRES: Codec = {**WRITE_SQLITE, "time": _time}
READ: Codec = {"text": _read_text, "json": _read_json, "time": _read_time, "int": _same, "bool": bool, "float": _same,
               "bytes": _same}


def quoted(names: Iterable[str]) -> str:
    """Column names in quotes: ``limit``, ``user`` and ``values`` are words of SQL too."""
    return ", ".join(f'"{name}"' for name in names)


def read_row(columns: Mapping[str, str], row: Iterable[Any]) -> dict[str, Any]:
    """A row selected in the order of ``columns`` as a dict of Python values."""
    return {name: READ[kind](value) for (name, kind), value in zip(columns.items(), row, strict=True)}
