"""Runs by the API: launched once, listed by key, refused by right. Nothing drives them here; see tests/runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.access.rights import Identity
from orchestrator.events import TaskResult
from orchestrator.store import RunRecord, Store

ADMIN = Identity("u-admin", "ann", "admin")


@pytest.fixture
def place(control, state_dir):
    """Ids of a project and an inventory, as a launch names them."""
    folder = state_dir / "elsewhere"
    folder.mkdir(parents=True)
    root = state_dir.parent / "content"
    root.mkdir()
    (root / "site.yml").write_text("- hosts: all\n  tasks: []\n")
    (root / "hosts.ini").write_text("[web]\nh1\nh2\n[db]\nh3\n")
    control.settings.change(ADMIN, "projects", None, {"roots": [str(root.parent)]})
    project = control.projects.create(ADMIN, "site", "directory", path=str(root))
    inventory = control.inventories.create(ADMIN, "hosts", "files", project_id=project.id, sources=["hosts.ini"])
    return {"project_id": project.id, "playbook": "site.yml", "inventory_id": inventory.id}


@pytest.fixture
def store(state_dir, store_url):
    opened = Store(store_url or str(state_dir / "orch.db"))
    opened.open()
    yield opened
    opened.close()


def stored(store, number: int, status: str = "ok", hosts=("h1",), **more) -> str:
    """A run that has ended, with one result of each host."""
    run_id = f"run-{number:03}"
    store.start_run(RunRecord(id=run_id, playbooks=["site.yml"], hosts=list(hosts), **more))
    for host in hosts:
        store.record(TaskResult(run_id, "p", "play", "t1", "first", "site.yml:3:5", "command", host,
                                "changed" if status == "ok" else "failed", message="bytes \udcff \x00 <b>"))
    store.finish_run(run_id, status, {host: {"ok": 1, "failed": int(status == "failed")} for host in hosts})
    return run_id


def test_a_launch_is_queued_and_the_same_key_gives_the_same_run(clients, place):
    operator, key = clients["operator"], {"Idempotency-Key": "k1"}
    made = operator.post("/api/v1/runs", json={**place, "extra_vars": {"a": "{{ b }}"}}, headers=key)
    assert made.status_code == 201, made.text
    run = made.json()["run"]
    assert (run["status"], run["user"], run["cwd"]) == ("queued", "operator", "")
    assert made.headers["location"] == f"/api/v1/runs/{run['id']}"
    assert made.json()["extra_vars"] == ["a"] and "{{ b }}" not in made.text
    again = operator.post("/api/v1/runs", json={**place, "extra_vars": {"a": "{{ b }}"}}, headers=key)
    assert again.json()["run"]["id"] == run["id"]
    other = operator.post("/api/v1/runs", json=place, headers=key)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key")
    assert operator.post("/api/v1/runs", json=place).json()["run"]["id"] != run["id"]


def test_what_is_wrong_with_a_launch_is_told_by_field(clients, place):
    wrong = clients["operator"].post("/api/v1/runs", json={
        **place, "limit": "@file", "extra_vars": {"ansible_connection": "local", "1x": 1}})
    assert wrong.status_code == 400
    assert [field["path"] for field in wrong.json()["fields"]] == ["limit", "extra_vars.ansible_connection",
                                                                   "extra_vars.1x"]
    unknown = clients["operator"].post("/api/v1/runs", json={**place, "schedule_id": "s1"})
    assert unknown.status_code == 400
    missing = clients["operator"].post("/api/v1/runs", json={**place, "playbook": "other.yml"})
    assert missing.status_code in (400, 404)


def test_launching_is_for_operators(clients, place):
    answers = {role: client.post("/api/v1/runs", json=place).status_code for role, client in clients.items()}
    assert answers == {"nobody": 401, "none": 403, "viewer": 403, "operator": 201, "approver": 201, "admin": 201}


def test_a_grant_lets_a_run_be_launched_on_its_hosts_alone(client_with, control, place, sessions):
    user = sessions["none"].user
    for kind, scope, pattern in (("inventory", place["inventory_id"], "web"), ("playbook", place["project_id"], "*")):
        control.grants.add(ADMIN, user.id, kind, scope, pattern, "operator")
    client = client_with(sessions["none"])
    made = client.post("/api/v1/runs", json={**place, "limit": "web"})
    assert made.status_code == 201, made.text
    assert made.json()["run"]["limit"] == "h1,h2"
    assert client.get("/api/v1/runs").json()["items"][0]["id"] == made.json()["run"]["id"]


def test_lists_are_paged_by_key_and_filtered(clients, store):
    start = datetime(2026, 11, 1, tzinfo=UTC)
    for number in range(7):
        stored(store, number, "failed" if number % 3 == 0 else "ok", ("h1", "h2") if number < 2 else ("h2",),
               kind="plan" if number == 5 else "run", started=start + timedelta(hours=number))
    viewer = clients["viewer"]
    seen, cursor = [], None
    while True:
        page = viewer.get("/api/v1/runs", params={"limit": 3, **({"cursor": cursor} if cursor else {})}).json()
        seen.append([run["id"] for run in page["items"]])
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == [["run-006", "run-005", "run-004"], ["run-003", "run-002", "run-001"], ["run-000"]]

    def ids(**params):
        answer = viewer.get("/api/v1/runs", params=params)
        assert answer.status_code == 200, answer.text
        return [run["id"][-1] for run in answer.json()["items"]]

    assert ids(status="failed") == ["6", "3", "0"]
    assert ids(kind="plan") == ["5"]
    assert ids(host="h1") == ["1", "0"]
    assert ids(since="2026-11-01T05:00:00Z") == ["6", "5"]
    assert ids(until="2026-11-01T01:00:00Z") == ["0"]
    assert ids(user="nobody-there") == []
    assert viewer.get("/api/v1/runs", params={"status": "green"}).status_code == 400
    assert viewer.get("/api/v1/runs", params={"colour": "green"}).status_code == 400


def test_results_by_cursor_host_status_and_whole(clients, store):
    run_id = stored(store, 1, "failed", [f"h{number}" for number in range(5)])
    viewer = clients["viewer"]
    first = viewer.get(f"/api/v1/runs/{run_id}/results", params={"limit": 3}).json()
    rest = viewer.get(f"/api/v1/runs/{run_id}/results", params={"limit": 3, "cursor": first["next"]}).json()
    assert [one["host"] for one in first["items"] + rest["items"]] == ["h0", "h1", "h2", "h3", "h4"]
    assert rest["next"] is None
    one = viewer.get(f"/api/v1/runs/{run_id}/results", params={"host": "h3", "status": "bad", "task": "first"}).json()
    (line,) = one["items"]
    assert line["message"] == "bytes � \x00 <b>"
    whole = viewer.get(f"/api/v1/runs/{run_id}/results/{line['id']}").json()
    assert (whole["host"], whole["task_origin"], whole["values"]) == ("h3", "site.yml:3:5", {})
    assert viewer.get(f"/api/v1/runs/{run_id}/results", params={"status": "green"}).status_code == 400
    for wrong in ("99", "x", "0.1", "-1", "9" * 30):
        assert viewer.get(f"/api/v1/runs/{run_id}/results/{wrong}").status_code == 404
    assert len(viewer.get(f"/api/v1/runs/{run_id}/hosts/h2").json()) == 1


def test_the_feed_goes_on_from_any_position(clients, store):
    run_id = stored(store, 1)
    viewer = clients["viewer"]
    page = viewer.get(f"/api/v1/runs/{run_id}/feed").json()
    assert [item["data"]["host"] for item in page["items"]] == ["h1"] and not page["is_over"]
    over = viewer.get(f"/api/v1/runs/{run_id}/feed", params={"after": page["next"]}).json()
    assert over["items"] == [] and over["is_over"] and over["status"] == "ok"
    for wrong in ("x", "1", "1.2.3", "-1.0", "1.1,"):
        assert viewer.get(f"/api/v1/runs/{run_id}/feed", params={"after": wrong}).status_code == 400


def test_what_is_not_there(clients):
    for path in ("", "/results", "/feed", "/events", "/results/1", "/hosts/h1"):
        answer = clients["viewer"].get(f"/api/v1/runs/nothing{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "run_unknown"), path
    assert clients["operator"].post("/api/v1/runs/nothing/cancel").status_code == 404


def test_a_waiting_run_is_cancelled_and_a_run_of_the_command_line_cannot_be_gone_on_with(clients, place, store):
    operator = clients["operator"]
    run_id = operator.post("/api/v1/runs", json=place).json()["run"]["id"]
    assert clients["viewer"].post(f"/api/v1/runs/{run_id}/cancel").status_code == 403
    assert operator.post(f"/api/v1/runs/{run_id}/cancel").json()["run"]["status"] == "cancelled"
    assert operator.post(f"/api/v1/runs/{run_id}/cancel").status_code == 202
    assert operator.post(f"/api/v1/runs/{run_id}/resume").json()["run"]["status"] == "queued"
    local = stored(store, 1, "failed")
    assert operator.post(f"/api/v1/runs/{local}/resume").status_code == 404


def test_workers_are_listed(clients, control):
    control.dispatch.workers.register("w1", "serve", 4)
    (worker,) = clients["viewer"].get("/api/v1/workers").json()
    assert (worker["id"], worker["state"], worker["capacity"]) == ("w1", "up", 4)
