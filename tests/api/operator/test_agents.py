"""The agentlets' routes: a line that is good once, and what becomes of who came by it."""

from __future__ import annotations

from orchestrator.control.control import Control
from tests.api.operator.conftest import Client

ROOT = "/api/v1/agents"


def test_a_host_is_invited_shown_rotated_and_revoked(clients: dict[str, Client], control: Control) -> None:
    admin, viewer = clients["admin"], clients["viewer"]
    body = {"host": "laptop7", "labels": {"site": "berlin"}, "url": "https://orch.example.com:8444"}
    made = admin.post(f"{ROOT}/invitations", json=body)
    assert (made.status_code, made.headers["Cache-Control"]) == (201, "no-store")
    line = made.json()["line"]
    assert line.startswith("curl -fsS --pinnedpubkey sha256//") and line.endswith(" | sh")
    token = line.split("/install/")[1].split()[0]
    assert token not in str(control.books.audit.entries())
    control.desk.enrol(token, None, {
        "token_only": True, "machine_id": "m", "instance_id": "random-instance-of-laptop7", "python": [3, 11, 2],
        "platform": "linux", "facts": {"hostname": "<script>alert(1)</script>"}, "protocols": [1], "version": "0.1.0"})
    shown = viewer.get(f"{ROOT}/laptop7")
    assert shown.json()["facts"] == {"hostname": "<script>alert(1)</script>"}
    assert shown.headers["content-type"].startswith("application/json")
    assert not {"seal", "machine_id", "instance_id"} & set(shown.json()["agentlet"])
    assert [one["host"] for one in viewer.get(ROOT).json()["items"]] == ["laptop7"]
    assert viewer.get(f"{ROOT}/laptop7/logs?lines=5").json() == []
    labelled = admin.patch(f"{ROOT}/laptop7", json={"labels": {"site": None, "rack": "4"}})
    assert labelled.json()["labels"] == {"rack": "4"}
    assert admin.post(f"{ROOT}/laptop7/rotate").json()["renew"] is True
    for act in ("rotate", "revoke", "approve"):
        assert viewer.post(f"{ROOT}/laptop7/{act}").status_code == 403
    assert admin.post(f"{ROOT}/laptop7/revoke").json()["state"] == "revoked"
    assert admin.post(f"{ROOT}/laptop7/rotate").status_code == 409
    assert admin.delete(f"{ROOT}/laptop7").status_code == 204
    assert viewer.get(ROOT).json()["items"] == []


def test_what_becomes_part_of_a_shell_line_is_checked(clients: dict[str, Client]) -> None:
    for body in ({"host": "x", "url": "https://h/$(id)"}, {"host": "x", "url": "ftp://h"}, {"host": "-x"},
                 {"host": "a b"}, {"host": "x", "valid_s": 1}, {"host": "x", "labels": {"a": "b\n"}}):
        body.setdefault("url", "https://orch.example.com")
        assert clients["admin"].post(f"{ROOT}/invitations", json=body).status_code == 400, body
    assert clients["operator"].post(f"{ROOT}/invitations", json={"host": "x"}).status_code == 403
