"""The columns of the control plane's tables, as in `orchestrator.store.control_tables`."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.store.kinds import columns

USERS = columns(
    "text: id name display_name email password_hash role state source subject; int: version; "
    "bool: must_change_password; time: created last_login locked"
)
GRANTS = columns(
    "text: id user_id kind scope_id pattern role; time: created"
)
SESSIONS = columns(
    "text: id_hash user_id csrf_hash address user_agent; time: created seen expires"
)
API_TOKENS = columns(
    "text: id user_id name token_hash; json: scopes; time: created expires last_used revoked"
)
LOGIN_FAILURES = columns(
    "text: key; int: count; time: first last refused_until"
)
LOGIN_LINKS = columns(
    "text: token_hash kind user_id; bytes: sealed; time: created expires used"
)
CREDENTIALS = columns(
    "text: id name kind created_by; json: public; bytes: sealed; int: version; time: created changed last_used"
)
PROJECTS = columns(
    "text: id name kind path url ref commit sync_error credential_id; int: version; bool: runs_here;"
    " time: created synced"
)
INVENTORIES = columns(
    "text: id name kind project_id; json: sources vars; bytes: sealed; int: version; time: created"
)
INVENTORY_HOSTS = columns(
    "text: inventory_id name; json: vars; bytes: sealed; int: version; bool: enabled; time: created"
)
INVENTORY_GROUPS = columns(
    "text: inventory_id name; json: vars hosts children; bytes: sealed; int: version; time: created"
)
HOST_STATES = columns(
    "text: host last_run_id last_status last_message last_carrier drift_run_id; json: facts; int: drift_changes; "
    "time: last_run last_ok drift_seen facts_seen"
)
LAUNCHES = columns(
    "text: run_id user_id idempotency_key body_digest; json: request; bytes: sealed; time: created settled"
)
HOST_LOCKS = columns(
    "text: host run_id; time: taken"
)
WORKERS = columns(
    "text: id machine kind state release; json: running; int: pid capacity; time: started heartbeat"
)
PLANS = columns(
    "text: id state content_digest created_by decided_by reason applied_run_id; json: hosts; bytes: document; "
    "int: changes version; time: created expires decided applied"
)
SCHEDULES = columns(
    "text: id name description state timing timezone misfire overlap kind created_by; json: request blackouts; "
    "bytes: sealed; int: jitter_s grace_s catch_up_age_s max_running version; "
    "time: created next_due last_due last_success"
)
SCHEDULE_FIRES = columns(
    "text: schedule_id outcome run_id reason; time: due at"
)
DRIFT = columns(
    "text: host schedule_id run_id; json: tasks; int: changes; time: at"
)
CHANNELS = columns(
    "text: id name kind created_by; json: occasions public; bytes: sealed; int: version; bool: enabled; "
    "time: created"
)
DELIVERIES = columns(
    "text: channel_id occasion subject run_id state error; json: payload; int: attempts; "
    "time: created next_try sent"
)
ALERTS = columns(
    "text: key kind subject message; time: opened closed"
)
SETTINGS = columns(
    "text: key changed_by; json: value; int: version; time: changed"
)
HOST_STATS = columns(
    "text: host; json: stats; time: at"
)
TABLES: Mapping[str, Mapping[str, str]] = {
    "users": USERS, "grants": GRANTS, "sessions": SESSIONS, "api_tokens": API_TOKENS,
    "login_failures": LOGIN_FAILURES, "login_links": LOGIN_LINKS, "credentials": CREDENTIALS, "projects": PROJECTS,
    "inventories": INVENTORIES, "inventory_hosts": INVENTORY_HOSTS, "inventory_groups": INVENTORY_GROUPS,
    "host_states": HOST_STATES,
    "launches": LAUNCHES, "host_locks": HOST_LOCKS, "workers": WORKERS, "plans": PLANS,
    "schedules": SCHEDULES, "schedule_fires": SCHEDULE_FIRES, "drift": DRIFT, "channels": CHANNELS,
    "deliveries": DELIVERIES, "alerts": ALERTS, "settings": SETTINGS, "host_stats": HOST_STATS,
}
NUMBERED = frozenset({"deliveries", "alerts"})
