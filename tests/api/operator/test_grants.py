"""Whoever has a grant for a part of the fleet sees that part, over every route, and nothing of the rest."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute

from api.operator.identity import Limits
from orchestrator.access.records import NewSession
from orchestrator.control.control import Control
from orchestrator.store import RunRecord, Store
from tests.api.operator.conftest import Client

API = "/api/v1"


@pytest.fixture
def store_url() -> None:
    """SQLite alone."""


@pytest.fixture
def limits() -> Limits:
    return Limits(10**6, 10**6)


@pytest.fixture
def parts(clients: dict[str, Client], control: Control) -> dict[str, dict[str, str]]:
    """Two inventories with a host and a run each; the user `none` gets a grant for the first."""
    admin, found = clients["admin"], {}
    store = Store(str(control.state_dir / "orch.db"))
    store.open()
    for name in ("mine", "theirs"):
        made = admin.post(f"{API}/inventories", json={"name": name})
        assert made.status_code == 201, made.text
        inventory = made.json()["id"]
        host = f"{name}-host"
        made = admin.post(f"{API}/inventories/{inventory}/hosts", json={"hosts": [{"name": host}]})
        assert made.status_code in (200, 201), made.text
        store.start_run(RunRecord(id=f"run-{name}", playbooks=["site.yml"], hosts=[host], inventory_id=inventory))
        found[name] = {"inventory_id": inventory, "host": host, "name": host, "run_id": f"run-{name}"}
    store.close()
    made = admin.post(f"{API}/grants", json={
        "user_id": control.users.named("none").id, "kind": "inventory", "scope_id": found["mine"]["inventory_id"],
        "pattern": "*", "role": "operator"})
    assert made.status_code == 201, made.text
    return found


def test_lists_show_ones_own_part_alone(clients: dict[str, Client], parts: dict[str, dict[str, str]]) -> None:
    one = clients["none"]
    inventories = one.get(f"{API}/inventories").json()["items"]
    assert [item["name"] for item in inventories] == ["mine"]
    hosts = one.get(f"{API}/hosts")
    assert "mine-host" in hosts.text and "theirs" not in hosts.text
    assert one.get(f"{API}/users").status_code == 403 and one.get(f"{API}/audit").status_code == 403


def test_what_is_granted_is_there(clients: dict[str, Client], parts: dict[str, dict[str, str]]) -> None:
    mine = parts["mine"]
    assert clients["none"].get(f"{API}/inventories/{mine['inventory_id']}").status_code == 200
    assert clients["none"].get(f"{API}/inventories/{mine['inventory_id']}/hosts/{mine['name']}").status_code == 200


def test_the_rest_is_not_there_on_any_route(
        app: Litestar, clients: dict[str, Client], parts: dict[str, dict[str, str]]) -> None:
    """Every GET with an id of the other part in its path: 404 or 403, and never a word of it."""
    said, tried = [], 0
    for route in app.routes:
        assert isinstance(route, HTTPRoute)
        if "GET" not in route.route_handler_map or not route.path_format.startswith(API):
            continue
        path = route.path_format
        for name, value in parts["theirs"].items():
            path = path.replace("{" + name + "}", value)
        if path == route.path_format or "{" in path:
            continue
        answer, tried = clients["none"].get(path), tried + 1
        if answer.status_code < 400:
            said.append((path, answer.status_code, answer.text[:200]))
    assert said == [] and tried > 10


def test_a_grant_that_was_taken_is_gone_at_once(
        clients: dict[str, Client], parts: dict[str, dict[str, str]],
        client_with: Callable[[NewSession | None], Client], control: Control) -> None:
    where = f"{API}/inventories/{parts['mine']['inventory_id']}"
    assert clients["none"].get(where).status_code == 200
    grant = clients["admin"].get(f"{API}/grants").json()["items"][0]
    assert clients["admin"].delete(f"{API}/grants/{grant['id']}").status_code == 204
    assert clients["none"].get(where).status_code in (403, 404)


@pytest.mark.parametrize("change", [
    {"role": "admin"}, {"role": "root"}, {"kind": "everything"}, {"pattern": ""}, {"scope_id": "nothing"},
    {"user_id": "nobody"}])
def test_what_is_no_grant(clients: dict[str, Client], control: Control, parts: dict[str, dict[str, str]],
                          change: dict[str, str]) -> None:
    grant = {"user_id": control.users.named("none").id, "kind": "inventory",
             "scope_id": parts["mine"]["inventory_id"], "pattern": "*", "role": "viewer"}
    assert clients["admin"].post(f"{API}/grants", json=grant | change).status_code in (400, 404)
    with pytest.raises(Exception, match="forbidden|that is for"):
        control.grants.add(control.identities.of(control.users.named("viewer").id), **grant)
