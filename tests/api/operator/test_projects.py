"""The projects' routes: a repository is added, fetched, looked through; a failed fetch is told, not raised."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.api.operator.conftest import Client
from tests.projects.conftest import committed, write

ROOT = "/api/v1/projects"


@pytest.fixture
def roots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ORCH_PROJECT_ROOTS", str(tmp_path / "roots"))
    (tmp_path / "roots").mkdir()
    return tmp_path / "roots"


def test_a_repository_is_fetched_and_looked_through(roots: Path, clients: dict[str, Client]) -> None:
    admin, viewer = clients["admin"], clients["viewer"]
    commit = committed(roots / "origin", {"site.yml": "- hosts: all\n  vars_prompt: [{name: release}]\n",
                                          "site.survey.yml": "- {name: size, type: int}\n", "hosts.ini": "one\n"})
    made = admin.post(ROOT, json={"name": "web", "kind": "git", "url": f"file://{roots / 'origin'}", "ref": "main"})
    path = made.headers["Location"]
    assert viewer.get(f"{path}/contents").json()["code"] == "project_unfetched"
    assert viewer.post(f"{path}/sync").status_code == 403
    assert clients["operator"].post(f"{path}/sync").json()["commit"] == commit
    assert [one["path"] for one in viewer.get(f"{path}/contents").json()["playbooks"]] == ["site.yml"]
    asked = viewer.get(f"{path}/playbook?path=site.yml").json()
    assert [(one["name"], one["type"]) for one in asked["survey"]] == [("release", "password"), ("size", "int")]
    assert viewer.get(f"{path}/lint?path=site.yml").json()["missing"] == []
    for wrong, status in (("../x", 400), ("nope.yml", 404), ("", 400)):
        assert viewer.get(f"{path}/playbook", params={"path": wrong}).status_code == status

    inventory = admin.post("/api/v1/inventories", json={
        "name": "files", "kind": "files", "project_id": made.json()["id"], "sources": ["hosts.ini"]})
    assert inventory.status_code == 201
    committed(roots / "origin", {"hosts.ini": "two\nthree\n"})
    admin.post(f"{path}/sync")
    assert [one["host"] for one in viewer.get("/api/v1/hosts").json()["items"]] == ["three", "two"]

    moved = admin.patch(path, json={"ref": "nowhere"}, headers={"If-Match": "*"})
    assert moved.status_code == 200
    failed = admin.post(f"{path}/sync").json()
    assert "nowhere" in failed["sync_error"] and failed["commit"]
    assert admin.delete(path, headers={"If-Match": "*"}).json()["code"] == "project_used"


def test_a_directory_must_be_below_a_root(roots: Path, clients: dict[str, Client], tmp_path: Path) -> None:
    write(roots / "mine", {"site.yml": "- hosts: all\n"})
    admin = clients["admin"]
    assert admin.post(ROOT, json={"name": "mine", "kind": "directory", "path": str(roots / "mine")}).status_code == 201
    refused = admin.post(ROOT, json={"name": "etc", "kind": "directory", "path": "/etc"})
    assert (refused.status_code, refused.json()["fields"][0]["path"]) == (400, "path")
    leaking = admin.post(ROOT, json={"name": "x", "kind": "git", "url": "https://bob:geheim7@git.example.com/a"})
    assert leaking.status_code == 400 and "geheim7" not in leaking.text
    assert clients["operator"].post(ROOT, json={"name": "y", "kind": "git", "url": "https://h/a"}).status_code == 403


def test_content_that_cannot_be_read_is_told(roots: Path, clients: dict[str, Client]) -> None:
    write(roots / "mine", {"site.yml": "- hosts: [\n"})
    made = clients["admin"].post(ROOT, json={"name": "m", "kind": "directory", "path": str(roots / "mine")})
    path = made.headers["Location"]
    said = clients["viewer"].get(f"{path}/playbook?path=site.yml")
    assert (said.status_code, said.json()["code"]) == (422, "syntax")
