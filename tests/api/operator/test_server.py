"""Audit, settings, health, metrics and the description of the API, over HTTP."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
from pathlib import Path

import httpx
import pytest

from api.operator import openapi
from api.operator.app import operator_app
from api.operator.identity import Door
from api.operator.office import Office
from orchestrator.access import trail
from orchestrator.control.control import Control, open_control
from tests.api.operator.conftest import Client

AUDIT = "/api/v1/audit"


def test_the_audit_trail_is_filtered_and_paged(clients: dict[str, Client]) -> None:
    admin = clients["admin"]
    for name in ("ann", "bob", "cid"):
        admin.post("/api/v1/users", json={"name": name})
    page = admin.get(AUDIT, params={"action": "user.", "actor": "admin", "limit": 2}).json()
    assert [one["subject"] for one in page["items"]] == ["cid", "bob"]
    rest = admin.get(AUDIT, params={"action": "user.", "actor": "admin", "limit": 2, "cursor": page["next"]}).json()
    assert [one["subject"] for one in rest["items"]] == ["ann"] and rest["next"] is None
    assert admin.get(AUDIT, params={"subject": "ann"}).json()["items"][0]["action"] == "user.add"
    assert admin.get(AUDIT, params={"until": "2020-01-01T00:00:00Z"}).json()["items"] == []
    assert admin.get(AUDIT, params={"since": "yesterday"}).status_code == 400


def test_an_export_has_everything_and_nothing_that_a_spreadsheet_runs(
        clients: dict[str, Client], control: Control, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trail, "EXPORT_CHUNK", 3)
    for number in range(10):
        control.books.audit.write("=cmd()", "test.export", f"@{number}\n\ud800", note="+1")
    lines = clients["admin"].get(f"{AUDIT}/export?action=test.export").text.splitlines()
    assert [json.loads(line)["subject"][1] for line in lines] == list("0123456789")
    text = clients["admin"].get(f"{AUDIT}/export?action=test.export&form=csv").text
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0][:3] == ["id", "at", "actor"] and len(rows) == 11
    assert all(row[2] == "'=cmd()" and row[4].startswith("'@") for row in rows[1:])


def test_nothing_takes_an_entry_out(clients: dict[str, Client]) -> None:
    for method in ("DELETE", "PUT", "PATCH", "POST"):
        assert clients["admin"].request(method, AUDIT, json={}).status_code == 405


def test_settings_have_defaults_versions_and_faults_by_field(clients: dict[str, Client]) -> None:
    admin = clients["admin"]
    found = admin.get("/api/v1/settings/retention")
    assert found.headers["etag"] == '"0"'
    value = found.json()["value"]
    changed = admin.put("/api/v1/settings/retention", json={**value, "runs_days": 7}, headers={"If-Match": '"0"'})
    assert changed.status_code == 200 and changed.json()["value"]["runs_days"] == 7, changed.text
    assert admin.put("/api/v1/settings/retention", json=value, headers={"If-Match": '"0"'}).status_code == 412
    for wrong in ({"runs_days": 0}, {"runs_days": "x"}, {"rums_days": 5}):
        answer = admin.put("/api/v1/settings/retention", json=wrong, headers={"If-Match": '"1"'})
        assert answer.status_code == 400 and answer.json()["fields"], answer.text
    assert admin.get("/api/v1/settings/nothing").status_code == 404


def test_health_tells_strangers_a_word_and_viewers_each_part(clients: dict[str, Client]) -> None:
    assert clients["nobody"].get("/health/live").json() == {"state": "ok"}
    assert clients["nobody"].get("/health").json()["parts"] == {}
    parts = clients["viewer"].get("/health").json()["parts"]
    assert {"database", "disk", "workers", "scheduler", "gateway"} <= set(parts)
    assert parts["database"]["state"] == "ok"


def test_without_its_database_it_is_not_ready(control: Control) -> None:
    control.books.database.close()
    found = control.health.look()
    assert found.state == found.parts["database"].state == "failed"
    assert found.parts["disk"].state != "failed"
    control.books.database.open()


def test_metrics_are_for_this_machine_and_tokens(clients: dict[str, Client], control: Control) -> None:
    clients["admin"].get("/api/v1/users")
    assert clients["nobody"].get("/metrics").status_code == 401  # the test's client has no address of this machine
    text = clients["viewer"].get("/metrics").text
    assert 'orch_requests_total{method="GET",route="/api/v1/users",status="200"}' in text
    assert "orch_workers_queued" in text and "orch_disk_free_bytes" in text
    assert "0000000000000000" not in text
    office = Office(lambda: open_control(control.state_dir), threads=1)
    for door, status in ((Door(), 200), (Door(is_behind_proxy=True), 401)):

        async def ask(door: Door = door) -> int:
            transport = httpx.ASGITransport(operator_app(office, door), client=("127.0.0.1", 1))  # type: ignore[arg-type]
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                return (await client.get("/metrics")).status_code

        assert asyncio.run(ask()) == status, "whoever comes through a proxy is not this machine"


def test_the_description_is_complete_and_its_page_loads_nothing_from_outside(clients: dict[str, Client]) -> None:
    viewer = clients["viewer"]
    schema = viewer.get("/api/docs/openapi.json").json()
    assert schema["openapi"].startswith("3.1")
    names = [operation["operationId"] for path in schema["paths"].values() for method, operation in path.items()
             if method in openapi.METHODS]
    assert len(names) == len(set(names))
    for path in schema["paths"].values():
        for method, operation in path.items():
            if method in openapi.METHODS:
                assert "application/problem+json" in operation["responses"]["default"]["content"]
    page = viewer.get("/api/docs").text
    assert not re.search(r"(src|href)=\"(?!/api/docs/files/)", page) and "<style" not in page
    assert not re.search(r"<script(?![^>]*src=)", page)
    for name in openapi.FILES:
        assert viewer.get(f"/api/docs/files/{name}").status_code == 200
    assert viewer.get("/api/docs/files/..%2fopenapi.py").status_code == 404


def test_what_is_vendored_is_what_it_says() -> None:
    import hashlib

    readme = (openapi.FOLDER / "README.md").read_text()
    for name, digest in re.findall(r"\| (\S+) \| ([0-9a-f]{64}) \|", readme):
        assert hashlib.sha256(Path(openapi.FOLDER / name).read_bytes()).hexdigest() == digest
