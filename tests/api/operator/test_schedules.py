"""Schedules by the API, with the rights of each role; and what their clock does with them within `orch serve`."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from orchestrator.access.rights import Identity
from orchestrator.control.control import Control, open_control
from orchestrator.scheduling.threads import ClockThreads
from tests.api.operator.conftest import BY_HAND, Client

ROOT = "/api/v1/schedules"


@pytest.fixture
def asked(control: Control, tmp_path: Path) -> dict[str, Any]:
    """What a schedule needs: a project with a playbook, and an inventory."""
    folder = tmp_path / "content"
    folder.mkdir()
    (folder / "site.yml").write_text("- hosts: all\n  tasks: []\n")
    control.settings.change(BY_HAND, "projects", None, {"roots": [str(tmp_path)]})
    project = control.projects.create(BY_HAND, "site", "directory", path=str(folder))
    inventory = control.inventories.create(BY_HAND, "prod")
    return {"name": "nightly", "timing": "30 2 * * mon-fri", "timezone": "Europe/Berlin", "request": {
        "project_id": project.id, "playbook": "site.yml", "inventory_id": inventory.id, "limit": "all"}}


def test_a_schedule_s_life(clients: dict[str, Client], asked: dict[str, Any]) -> None:
    operator, viewer = clients["operator"], clients["viewer"]
    secret = {**asked, "request": {**asked["request"], "extra_vars": {"token": "geheim-4711"}}}
    made = operator.post(ROOT, json=secret)
    assert made.status_code == 201, made.text
    address, etag = made.headers["location"], made.headers["etag"]
    read = viewer.get(address)
    assert (read.json()["owner"], read.json()["extra_vars"], read.headers["etag"]) == ("operator", ["token"], '"1"')
    assert "geheim" not in read.text
    times = viewer.get(f"{address}/next?count=3").json()["items"]
    assert [one["local"][11:16] for one in times] == ["02:30"] * 3
    assert operator.put(address, json=asked).status_code == 428
    changed = operator.put(address, json={**asked, "timing": "@hourly"}, headers={"If-Match": etag})
    assert changed.status_code == 200 and changed.json()["extra_vars"] == ["token"]
    assert operator.put(address, json=asked, headers={"If-Match": etag}).status_code == 412
    assert operator.post(f"{address}/pause").json()["state"] == "paused"
    assert operator.post(f"{address}/resume").json()["state"] == "active"
    ran = operator.post(f"{address}/run")
    assert ran.status_code == 201
    assert operator.post(f"{address}/run").json()["code"] == "schedule_busy"
    fires = viewer.get(f"{address}/fires").json()["items"]
    assert [(one["outcome"], one["run_id"]) for one in fires] == [("launched", ran.json()["run_id"])]
    assert viewer.get(ran.headers["location"]).json()["run"]["schedule_id"] == made.json()["id"]
    now = operator.get(address).headers["etag"]
    assert operator.delete(address, headers={"If-Match": now}).status_code == 204
    assert viewer.get(address).status_code == 404


def test_roles(clients: dict[str, Client], asked: dict[str, Any]) -> None:
    answers = {role: client.post(ROOT, json={**asked, "name": role}).status_code for role, client in clients.items()}
    assert answers == {"nobody": 401, "none": 403, "viewer": 403, "operator": 201, "approver": 201, "admin": 201}
    answers = {role: client.get(ROOT).status_code for role, client in clients.items()}
    assert answers == {"nobody": 401, "none": 403, "viewer": 200, "operator": 200, "approver": 200, "admin": 200}


def test_what_is_wrong_is_told_by_field(clients: dict[str, Client], asked: dict[str, Any]) -> None:
    wrong = clients["operator"].post(ROOT, json={**asked, "timing": "nonsense", "timezone": "Nowhere"})
    assert wrong.status_code == 400
    assert [field["path"] for field in wrong.json()["fields"]] == ["timing", "timezone"]
    assert clients["operator"].post(ROOT, json={**asked, "overlap": "maybe"}).status_code == 400
    missing = clients["operator"].post(ROOT, json={**asked, "request": {**asked["request"], "playbook": "other.yml"}})
    assert missing.status_code in (400, 404)


def test_previews_and_the_calendar(clients: dict[str, Client], asked: dict[str, Any]) -> None:
    viewer = clients["viewer"]
    shown = viewer.post(f"{ROOT}/preview", json={"timing": "every 6h"})
    assert len(shown.json()["items"]) == 10
    assert viewer.post(f"{ROOT}/preview", json={"timing": "* * *"}).json()["code"] == "timing"
    clients["operator"].post(ROOT, json=asked)
    month = viewer.get(f"{ROOT}/calendar", params={"from": "2030-01-01T00:00:00Z", "to": "2030-02-01T00:00:00Z"})
    assert month.status_code == 200, month.text
    assert [one["outcome"] for one in month.json()["items"]] == ["planned"] * 23, "working days"
    for query in ({"from": "2030-01-01T00:00:00Z", "to": "2031-01-01T00:00:00Z"}, {"from": "x", "to": "y"}, {},
                  {"from": "9999-12-01T00:00:00Z", "to": "9999-12-31T00:00:00Z"},
                  {"from": "0001-01-01T00:00:00+14:00", "to": "0001-01-02T00:00:00+14:00"},
                  {"from": "2030-01-01T00:00:00", "to": "2030-01-02T00:00:00"}):
        assert viewer.get(f"{ROOT}/calendar", params=query).status_code == 400, query


def test_lists(clients: dict[str, Client], asked: dict[str, Any]) -> None:
    for number in range(3):
        clients["operator"].post(ROOT, json={**asked, "name": f"s{number}", "paused": number == 1})
    first = clients["viewer"].get(f"{ROOT}?limit=2&sort=-name").json()
    second = clients["viewer"].get(ROOT, params={"limit": 2, "sort": "-name", "cursor": first["next"]}).json()
    assert [one["name"] for one in first["items"] + second["items"]] == ["s2", "s1", "s0"]
    assert [one["name"] for one in clients["viewer"].get(f"{ROOT}?status=paused").json()["items"]] == ["s1"]
    assert clients["viewer"].get(f"{ROOT}?sort=request").status_code == 400


def test_others_schedules_are_not_there_for_who_has_a_grant_elsewhere(
        clients: dict[str, Client], identities: Mapping[str, Identity], control: Control,
        asked: dict[str, Any]) -> None:
    made = clients["operator"].post(ROOT, json=asked).json()
    control.grants.add(BY_HAND, identities["none"].user_id, "playbook", made["request"]["project_id"], "web/*",
                       "operator")
    stranger = clients["none"]
    assert stranger.get(ROOT).json()["items"] == []
    for answer in (stranger.get(f"{ROOT}/{made['id']}"), stranger.post(f"{ROOT}/{made['id']}/run"),
                   stranger.post(f"{ROOT}/{made['id']}/pause"), stranger.get(f"{ROOT}/{made['id']}/fires")):
        assert answer.status_code == 404, answer.text


def test_the_clock_of_the_server_launches_what_is_due(clients: dict[str, Client], control: Control, state_dir: Path,
                                                      store_url: str | None, asked: dict[str, Any]) -> None:
    made = clients["operator"].post(ROOT, json={**asked, "timing": "every 1h"}).json()
    write = control.books.database.write
    hour_ago = write["time"](control.books.clock().replace(year=2020))
    control.books.database.execute('UPDATE schedules SET "created" = ?, "next_due" = ? WHERE "id" = ?',
                                   (hour_ago, hour_ago, made["id"]))
    threads = ClockThreads(lambda: open_control(state_dir, store_url))
    threads.start()
    try:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            fires = clients["viewer"].get(f"{ROOT}/{made['id']}/fires?outcome=launched").json()["items"]
            if fires:
                break
            time.sleep(0.1)
        assert len(fires) == 1
        assert threads.state().is_well
    finally:
        threads.stop()
    runs = clients["viewer"].get("/api/v1/runs").json()["items"]
    assert [run["user"] for run in runs] == ["operator"]


def test_a_locked_owner_s_schedule_stops(clients: dict[str, Client], control: Control, asked: dict[str, Any],
                                         identities: Mapping[str, Identity]) -> None:
    made = clients["operator"].post(ROOT, json={**asked, "timing": "every 1h"}).json()
    control.users.lock(BY_HAND, identities["operator"].user_id)
    past = control.books.database.write["time"](control.books.clock().replace(year=2020))
    control.books.database.execute('UPDATE schedules SET "created" = ?, "next_due" = ?', (past, past))
    control.clockwork.tick()
    assert clients["viewer"].get(f"{ROOT}/{made['id']}").json()["state"] == "stopped"
    alerts = clients["viewer"].get("/api/v1/alerts").json()["items"]
    alert, = [one for one in alerts if one["kind"] == "schedule_stopped"]
    assert clients["viewer"].post(f"/api/v1/alerts/{alert['id']}/dismiss").status_code == 403
    assert clients["approver"].post(f"/api/v1/alerts/{alert['id']}/dismiss").json()["closed"] is not None
    assert clients["admin"].post(f"{ROOT}/{made['id']}/resume").json()["owner"] == "admin"


def test_drift_is_listed(clients: dict[str, Client]) -> None:
    for path in ("/api/v1/drift", "/api/v1/drift/now", "/api/v1/drift?host=web1&drifted=true"):
        assert clients["viewer"].get(path).json() == {"items": [], "next": None}
