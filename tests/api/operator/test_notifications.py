"""Channels and what is sent over them, by the API: for admins, and without what is secret."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.control.control import Control
from tests.api.operator.conftest import Client
from tests.notify.doubles import WebServerDouble

ROOT = "/api/v1/notifications"
SECRET = "T0-geheim-4711-geheim"


def hook(port: int = 9, **changes: Any) -> dict[str, Any]:
    return {"name": "ops", "kind": "webhook", "settings": {"url": f"http://127.0.0.1:{port}/{SECRET}",
                                                           "signing_key": SECRET}, **changes}


def test_a_channel_s_life(clients: dict[str, Client], control: Control) -> None:
    admin, server = clients["admin"], WebServerDouble()
    made = admin.post(f"{ROOT}/channels", json=hook(server.port))
    assert made.status_code == 201, made.text
    assert SECRET not in made.text and made.json()["public"]["origin"] == f"http://127.0.0.1:{server.port}"
    address = made.headers["location"]
    tested = admin.post(f"{address}/test")
    assert (tested.status_code, tested.json()["state"]) == (202, "pending")
    control.courier.send_due()
    read = admin.get(f"{ROOT}/deliveries/{tested.json()['id']}").json()
    assert read["state"] == "failed" and "this machine itself" in read["error"], "loopback is closed by default"
    assert server.got == []
    opened = admin.put("/api/v1/settings/notify", json={"allowed_networks": ["127.0.0.0/8"]},
                       headers={"If-Match": "*"})
    assert opened.status_code == 200, opened.text
    admin.post(f"{address}/test")
    control.courier.send_due()
    server.close()
    assert [got.path for got in server.got] == [f"/{SECRET}"]
    states = [one["state"] for one in admin.get(f"{ROOT}/deliveries").json()["items"]]
    assert states == ["sent", "failed"]
    assert [one["id"] for one in admin.get(f"{ROOT}/deliveries?status=failed").json()["items"]] == [read["id"]]
    assert admin.put(address, json=hook()).status_code == 428
    changed = admin.put(address, json={**hook(), "settings": {}}, headers={"If-Match": '"1"'})
    assert changed.status_code == 200 and SECRET not in changed.text
    assert admin.delete(address, headers={"If-Match": '"2"'}).status_code == 204
    assert admin.get(address).status_code == 404


def test_a_signing_key_that_was_made_is_shown_once(clients: dict[str, Client]) -> None:
    made = clients["admin"].post(f"{ROOT}/channels", json=hook(settings={"url": "https://hooks.example.com/x"}))
    key = made.json()["signing_key"]
    assert len(key) > 30
    assert key not in clients["admin"].get(made.headers["location"]).text


def test_channels_are_for_admins(clients: dict[str, Client]) -> None:
    made = clients["admin"].post(f"{ROOT}/channels", json=hook()).json()
    for method, path in (("GET", "/channels"), ("GET", f"/channels/{made['id']}"),
                         ("POST", f"/channels/{made['id']}/test"),
                         ("DELETE", f"/channels/{made['id']}"), ("GET", "/deliveries"), ("GET", "/deliveries/1")):
        answers = {role: client.request(method, ROOT + path).status_code for role, client in clients.items()
                   if role != "admin"}
        assert answers == {"nobody": 401, "none": 403, "viewer": 403, "operator": 403, "approver": 403}, path
    assert clients["viewer"].get(f"{ROOT}/occasions").status_code == 200


@pytest.mark.parametrize(("changes", "path"), [
    ({"settings": {"url": "ftp://x/"}}, None), ({"settings": {}}, "settings.url"), ({"occasions": ["all"]},
    "occasions"), ({"name": " "}, "name"), ({"kind": "mail", "settings": {"host": "m"}}, "settings.sender")])
def test_what_is_wrong_is_told(clients: dict[str, Client], changes: dict[str, Any], path: str | None) -> None:
    answer = clients["admin"].post(f"{ROOT}/channels", json=hook(**changes))
    assert answer.status_code == 400
    if path is not None:
        assert [field["path"] for field in answer.json()["fields"]] == [path]


@pytest.mark.parametrize("number", ["0", "1", str(2**63), "9" * 30])
def test_numbers_that_are_of_nothing(clients: dict[str, Client], number: str) -> None:
    assert clients["admin"].get(f"{ROOT}/deliveries/{number}").status_code == 404
    assert clients["admin"].post(f"/api/v1/alerts/{number}/dismiss").status_code == 404
