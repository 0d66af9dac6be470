"""The credentials' routes: write-only, versioned, for those who may."""

from __future__ import annotations

from orchestrator.control.control import Control
from tests.api.operator.conftest import Client

CANARY = "canary-51c2-never-to-be-seen"
ROOT = "/api/v1/credentials"


def test_a_credential_is_written_rotated_and_never_read(clients: dict[str, Client], control: Control) -> None:
    admin = clients["admin"]
    made = admin.post(ROOT, json={"name": "login", "kind": "password", "values": {"username": "u", "password": CANARY}})
    assert (made.status_code, made.headers["Location"]) == (201, f"{ROOT}/{made.json()['id']}")
    path = made.headers["Location"]
    seen = [made.text, admin.get(path).text, admin.get(ROOT).text, admin.get(f"{path}/uses").text]
    assert admin.get(path).json()["public"] == {"set": ["password"], "values": {"username": "u"}, "shared": []}
    assert admin.patch(path, json={"values": {"password": "b" * 9}}).status_code == 428
    assert admin.patch(path, json={"name": "x"}, headers={"If-Match": '"9"'}).status_code == 412
    rotated = admin.patch(path, json={"values": {"password": CANARY + "2"}}, headers={"If-Match": made.headers["ETag"]})
    assert (rotated.status_code, rotated.headers["ETag"]) == (200, '"2"')
    again = admin.post(ROOT, json={"name": "login", "kind": "become", "values": {"password": CANARY}})
    assert (again.status_code, again.json()["code"]) == (409, "name_taken")
    wrong = admin.post(ROOT, json={"name": "y", "kind": "become", "values": {"password": [CANARY], "more": CANARY}})
    assert [one["path"] for one in wrong.json()["fields"]] == ["values.more", "values.password"]
    broken = admin.post(ROOT, content=f'{{"name": "y", "kind": "become", "values": "{CANARY}'.encode())
    seen += [rotated.text, again.text, wrong.text, broken.text, str(control.books.audit.entries())]
    assert CANARY not in "".join(seen)
    assert admin.delete(path, headers={"If-Match": "*"}).status_code == 204
    assert admin.get(path).status_code == 404


def test_operators_see_what_they_may_use_and_viewers_nothing(clients: dict[str, Client]) -> None:
    made = clients["admin"].post(ROOT, json={"name": "k", "kind": "webhook", "values": {"secret": CANARY}})
    path = made.headers["Location"]
    assert clients["operator"].get(ROOT).json()["items"] == []
    assert clients["operator"].get(path).status_code == 404
    sent = {"shared": ["operators"]}
    assert clients["operator"].patch(path, json=sent, headers={"If-Match": "*"}).status_code == 403
    assert clients["admin"].patch(path, json={"shared": ["everybody"]}, headers={"If-Match": "*"}).status_code == 400
    shared = clients["admin"].patch(path, json=sent, headers={"If-Match": "*"})
    assert shared.json()["public"]["shared"] == ["operators"]
    assert [one["name"] for one in clients["operator"].get(ROOT).json()["items"]] == ["k"]
    assert clients["operator"].delete(path, headers={"If-Match": "*"}).status_code == 403
    assert clients["viewer"].get(ROOT).status_code == 403
    assert clients["nobody"].get(ROOT).status_code == 401


def test_kinds_come_with_their_schemas(clients: dict[str, Client]) -> None:
    kinds = {one["name"]: one["schema"] for one in clients["operator"].get("/api/v1/credential-kinds").json()}
    assert kinds["ssh_key"]["properties"]["private_key"]["writeOnly"] is True
    assert kinds["password"]["required"] == ["password"]
