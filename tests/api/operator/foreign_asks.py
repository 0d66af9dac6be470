"""What is asked of another's things: for each route with an id in its path, a request that is valid for an admin.

``{names}`` in bodies are those of `worlds.Things`. GET and DELETE need no entry where they take nothing; every other
route with an id does, or the test fails.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Ask:
    json: Any = None
    form: dict[str, str] | None = None
    query: str = ""
    use: dict[str, str] = field(default_factory=dict)
    """Names in the path that stand for another thing than their own: ``{"run_id": "queued_id"}``."""
    not_even: str = ""
    """Why an admin is refused it too."""
    is_slow: bool = False
    """Of those who may, an admin alone asks."""


OPEN = {
    "GET /api/docs/files/{name}": "documentation", "GET /api/docs/{path}": "documentation",
    "GET /static/{path}": "assets",
    "GET /api/v1/auth/links/{token}": "whoever has a link is let in by it", "GET /link/{token}": "the same",
    "POST /link/{token}": "the same",
}
"""Routes whose names in the path belong to nobody."""
ACTS = {
    "POST /agentlets/{name}/{act}": ("rotate", "approve", "revoke", "remove"),
    "POST /schedules/{schedule_id}/{act}": ("run", "pause", "resume", "delete"),
    "POST /users/{user_id}/{act}": ("lock", "unlock", "delete"),
}
NEEDED = "409: schedules, runs and inventories need it"
OWN = "404: sessions are each user's own"
REQUEST = {"project_id": "{project_id}", "playbook": "site.yml", "inventory_id": "{inventory_id}"}
SCHEDULE = {"name": "renamed", "timing": "@daily", "request": REQUEST}
CHANNEL = {"name": "renamed", "kind": "webhook", "settings": {"url": "https://hooks.example.com/x"}}
QUEUED, APPROVED = {"run_id": "queued_id"}, {"plan_id": "approved_id"}
NOTHING = Ask()

ASKS: dict[str, Ask] = {
    # agentlets
    "GET /agentlets/wait/{host}": Ask(query="since=2000-01-01T00:00:00%2B00:00", use={"host": "agent_host"}),
    "PATCH /api/v1/agents/{name}": Ask({"labels": {"site": "berlin"}}),
    "POST /api/v1/agents/{name}/approve": NOTHING,
    "POST /api/v1/agents/{name}/revoke": NOTHING,
    "POST /api/v1/agents/{name}/rotate": NOTHING,
    "POST /agentlets/{name}/rotate": NOTHING,
    "POST /agentlets/{name}/approve": NOTHING,
    "POST /agentlets/{name}/revoke": NOTHING,
    "POST /agentlets/{name}/remove": NOTHING,
    # one's own account
    "POST /account/sessions/{session_id}/end": Ask(form={}, not_even=OWN),
    "DELETE /api/v1/auth/sessions/{session_id}": Ask(not_even=OWN),
    "POST /account/tokens/{token_id}/revoke": Ask(form={}),
    # alerts, notifications, settings
    "POST /alerts/{alert_id}/dismiss": NOTHING,
    "POST /api/v1/alerts/{alert_id}/dismiss": NOTHING,
    "PUT /api/v1/notifications/channels/{channel_id}": Ask(CHANNEL),
    "POST /api/v1/notifications/channels/{channel_id}/test": NOTHING,
    "POST /notifications/{channel_id}/test": NOTHING,
    "POST /notifications/{channel_id}/delete": NOTHING,
    "PUT /api/v1/settings/{key}": Ask({"four_eyes": True}),
    "POST /settings/{key}": Ask(form={"four_eyes": "1", "version": "0"}),
    # credentials
    "PATCH /api/v1/credentials/{credential_id}": Ask({"name": "renamed"}),
    "POST /credentials/{credential_id}": Ask(form={"name": "renamed", "username": "deploy", "version": "1"}),
    "POST /credentials/{credential_id}/delete": Ask(form={}),
    # hosts
    "DELETE /api/v1/hosts/{host}": Ask(use={"host": "forgotten"}),
    "POST /hosts/{host}/forget": Ask(use={"host": "forgotten"}),
    # inventories
    "DELETE /api/v1/inventories/{inventory_id}": Ask(not_even=NEEDED),
    "POST /inventories/{inventory_id}/delete": Ask(form={}, not_even=NEEDED),
    "PATCH /api/v1/inventories/{inventory_id}": Ask({"vars": {"colour": "red"}}),
    "POST /inventories/{inventory_id}/vars": Ask(form={"vars": "colour: red", "version": "1"}),
    "POST /api/v1/inventories/{inventory_id}/groups": Ask({"name": "fresh"}),
    "POST /inventories/{inventory_id}/groups": Ask(form={"group": "fresh"}),
    "PATCH /api/v1/inventories/{inventory_id}/groups/{name}": Ask({"vars": {"colour": "red"}}),
    "POST /inventories/{inventory_id}/groups/{name}": Ask(form={
        "vars": "colour: red", "hosts": "{host}", "version": "1"}),
    "POST /inventories/{inventory_id}/groups/{name}/delete": Ask(form={}),
    "POST /api/v1/inventories/{inventory_id}/hosts": Ask({"hosts": [{"name": "fresh1"}]}),
    "POST /inventories/{inventory_id}/hosts": Ask(form={"names": "fresh1"}),
    "POST /api/v1/inventories/{inventory_id}/hosts/remove": Ask({"names": ["{host}"]}),
    "PATCH /api/v1/inventories/{inventory_id}/hosts/{name}": Ask({"vars": {"colour": "red"}}),
    "POST /inventories/{inventory_id}/hosts/{name}": Ask(form={"vars": "colour: red", "enabled": "1", "version": "1"}),
    "POST /inventories/{inventory_id}/hosts/{name}/remove": Ask(form={}),
    "POST /api/v1/inventories/{inventory_id}/import": Ask({"text": "all:\n  hosts:\n    fresh1:\n"}),
    "POST /api/v1/inventories/{inventory_id}/refresh": NOTHING,
    "POST /inventories/{inventory_id}/refresh": Ask(form={}),
    "GET /api/v1/inventories/{inventory_id}/match": Ask(query="pattern={host}"),
    # plans
    "POST /api/v1/plans/{plan_id}/approve": Ask({"reason": "fine"}),
    "POST /api/v1/plans/{plan_id}/reject": Ask({"reason": "no"}),
    "POST /api/v1/plans/{plan_id}/apply": Ask(use=APPROVED),
    "POST /plans/{plan_id}/decide": Ask(form={"decision": "approve", "version": "1"}),
    "POST /plans/{plan_id}/apply": Ask(form={}, use=APPROVED),
    "GET /plans/{plan_id}/host": Ask(query="host={host}"),
    # projects
    "DELETE /api/v1/projects/{project_id}": Ask(not_even=NEEDED),
    "POST /projects/{project_id}/delete": Ask(form={}, not_even=NEEDED),
    "PATCH /api/v1/projects/{project_id}": Ask({"name": "renamed"}),
    "GET /api/v1/projects/{project_id}/lint": Ask(query="path=site.yml", is_slow=True),
    "GET /projects/{project_id}/lint": Ask(query="path=site.yml", is_slow=True),
    "GET /api/v1/projects/{project_id}/playbook": Ask(query="path=site.yml"),
    "POST /api/v1/projects/{project_id}/sync": NOTHING,
    "POST /projects/{project_id}/sync": NOTHING,
    # runs
    "POST /api/v1/runs/{run_id}/cancel": Ask(use=QUEUED),
    "POST /runs/{run_id}/cancel": Ask(form={}, use=QUEUED),
    "POST /api/v1/runs/{run_id}/resume": NOTHING,
    "POST /runs/{run_id}/resume": Ask(form={}),
    "POST /api/v1/runs/{run_id}/rerun-failed": NOTHING,
    "POST /runs/{run_id}/rerun": Ask(form={}),
    "GET /runs/{run_id}/cell": Ask(query="host={host}&task=t0"),
    # schedules
    "PUT /api/v1/schedules/{schedule_id}": Ask(SCHEDULE),
    "POST /api/v1/schedules/{schedule_id}/pause": NOTHING,
    "POST /api/v1/schedules/{schedule_id}/resume": NOTHING,
    "POST /api/v1/schedules/{schedule_id}/run": NOTHING,
    "POST /schedules/{schedule_id}/run": Ask(form={}),
    "POST /schedules/{schedule_id}/pause": Ask(form={}),
    "POST /schedules/{schedule_id}/resume": Ask(form={}),
    "POST /schedules/{schedule_id}/delete": Ask(form={}),
    # users
    "PATCH /api/v1/users/{user_id}": Ask({"display_name": "Renamed"}),
    "POST /api/v1/users/{user_id}/link": NOTHING,
    "POST /api/v1/users/{user_id}/lock": NOTHING,
    "POST /api/v1/users/{user_id}/unlock": NOTHING,
    "POST /api/v1/users/{user_id}/password": Ask({"password": "correct horse battery 9"}),
    "POST /users/{user_id}": Ask(form={"role": "viewer", "display_name": "Renamed", "version": "{user_version}"}),
    "POST /users/{user_id}/grants": Ask(form={
        "scope": "inventory:{inventory_id}", "pattern": "*", "grant_role": "viewer"}),
    "POST /users/{user_id}/grants/{grant_id}/remove": Ask(form={}),
    "POST /users/{user_id}/link": Ask(form={}),
    "POST /users/{user_id}/lock": Ask(form={}),
    "POST /users/{user_id}/unlock": Ask(form={}),
    "POST /users/{user_id}/delete": Ask(form={}),
}
