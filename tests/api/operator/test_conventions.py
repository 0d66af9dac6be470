"""What all routes have in common: pages, versions, faults by field, bounds."""

from __future__ import annotations

import pytest
from litestar import Litestar

from api.operator.guards import query_names
from tests.api.operator.conftest import Client

USERS = "/api/v1/users"


@pytest.fixture
def store_url() -> None:
    """SQLite alone."""


def test_pages_follow_each_other_to_the_end(clients: dict[str, Client]) -> None:
    admin, found, cursor = clients["admin"], [], None
    while True:
        query = {"limit": 2, "sort": "-name"} | ({"cursor": cursor} if cursor else {})
        page = admin.get(USERS, params=query).json()
        found += [user["name"] for user in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert found == sorted(["none", "viewer", "operator", "approver", "admin"], reverse=True)


@pytest.mark.parametrize("query, path", [
    ("limit=0", "limit"), ("limit=201", "limit"), ("limit=x", "limit"), ("sort=password_hash", None),
    ("cursor=nonsense", None), ("cursor=" + "a" * 2_000, "cursor"), ("rolle=admin", "rolle"), ("role=root", "role"),
    ("sort=name&cursor=WyJjcmVhdGVkIiwiYSIsImIiXQ", None), ("cursor=W10", None), ("cursor=bnVsbA", None)])
def test_what_no_list_takes_is_named(clients: dict[str, Client], query: str, path: str | None) -> None:
    answer = clients["admin"].get(f"{USERS}?{query}")
    assert answer.status_code == 400 and answer.headers["content-type"] == "application/problem+json", answer.text
    if path is not None:
        assert [field["path"] for field in answer.json()["fields"]] == [path]


@pytest.mark.parametrize("body, path", [
    ({}, "name"), ({"name": 5}, "name"), ({"name": "a", "role": "root"}, "role"), ({"name": "a", "rolle": "x"}, ""),
    ({"name": "a b"}, "name"), ({"name": "ann", "email": "nobody"}, "email"),
    ({"name": "ann", "password": "short"}, "password")])
def test_a_body_that_is_not_right_says_where(clients: dict[str, Client], body: dict[str, object], path: str) -> None:
    answer = clients["admin"].post(USERS, json=body)
    assert answer.status_code == 400, answer.text
    paths = [field["path"] for field in answer.json()["fields"]]
    assert any(path in one for one in paths), answer.text


def test_a_change_says_what_it_changes(clients: dict[str, Client]) -> None:
    admin = clients["admin"]
    where = admin.post(USERS, json={"name": "ann"}).headers["location"]
    assert admin.patch(where, json={"role": "operator"}).status_code == 428
    assert admin.patch(where, json={"role": "operator"}, headers={"If-Match": "abc"}).status_code == 400
    changed = admin.patch(where, json={"role": "operator"}, headers={"If-Match": '"1"'})
    assert changed.status_code == 200 and changed.headers["etag"] == '"2"'
    stale = admin.patch(where, json={"role": "viewer"}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")
    assert admin.delete(where, headers={"If-Match": "*"}).status_code == 204
    assert admin.get(where).status_code == 404


@pytest.mark.parametrize("body", [b"{", b"[1]", b"\xff\xfe", b"null", b'{"name": ' + b"[" * 5_000])
def test_what_is_no_json_is_refused(clients: dict[str, Client], body: bytes) -> None:
    answer = clients["admin"].post(USERS, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400 and answer.headers["content-type"] == "application/problem+json"


def test_a_body_has_a_bound(clients: dict[str, Client]) -> None:
    answer = clients["admin"].post(USERS, content=b" " * (5 << 20), headers={"Content-Type": "application/json"})
    assert answer.status_code == 413


def test_litestar_still_tells_which_query_parameters_a_handler_has(app: Litestar) -> None:
    """`query_names` reaches behind an underscore."""
    names = list(query_names(app, "/api/v1/users").values())
    assert frozenset({"limit", "cursor", "sort", "status", "role", "search"}) in names
