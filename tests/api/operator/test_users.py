"""Users over HTTP."""

from __future__ import annotations

from tests.api.operator.conftest import Client


def test_an_admin_adds_a_user_and_reads_it_back(clients: dict[str, Client]) -> None:
    admin = clients["admin"]
    made = admin.post("/api/v1/users", json={"name": "Ann", "role": "operator"})
    assert made.status_code == 201, made.text
    assert made.headers["etag"] == '"1"'
    found = admin.get(made.headers["location"])
    assert found.json()["name"] == "ann" and found.json()["role"] == "operator"


def test_users_are_for_admins(clients: dict[str, Client]) -> None:
    answers = {name: client.get("/api/v1/users").status_code for name, client in clients.items()}
    assert answers == {"nobody": 401, "none": 403, "viewer": 403, "operator": 403, "approver": 403, "admin": 200}
