"""Logging in by an OpenID provider (a double of one, over real HTTP), through the real routes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from api.operator import oidc as routes
from api.operator.identity import PLAIN_COOKIE
from orchestrator.access.oidc import local_path
from orchestrator.access.oidc_provider import Provider, is_safe, read_claims, role_of
from orchestrator.access.rights import ROLES
from orchestrator.control.control import Control
from tests.access.provider_double import CLIENT_ID, CLIENT_SECRET, ProviderDouble
from tests.api.operator.conftest import BY_HAND, Client

START, CALLBACK = "/api/v1/auth/oidc/start", "/api/v1/auth/oidc/callback"


@pytest.fixture
def store_url() -> None:
    """SQLite alone."""


@pytest.fixture
def provider(control: Control, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProviderDouble]:
    double = ProviderDouble()
    monkeypatch.setattr(routes, "PROVIDER", Provider())
    control.settings.change(BY_HAND, "oidc", 0, {
        "issuer": double.issuer, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET,
        "roles": {"ops": "operator", "boss": "admin"}})
    yield double
    double.close()


def go(client: Client, next_: str = "/") -> str:
    """To the provider and back: the path and query with which the browser returns."""
    away = client.get(START, params={"next": next_}, follow_redirects=False)
    assert away.status_code == 302, away.text
    back = urlsplit(httpx.get(away.headers["location"], follow_redirects=False).headers["location"])
    assert back.path == CALLBACK
    return f"{back.path}?{back.query}"


def come_back(client: Client, way: str) -> Any:
    return client.get(way, follow_redirects=False)


def test_whoever_the_provider_knows_comes_in_with_the_role_of_its_groups(
        client_with: Callable[[None], Client], provider: ProviderDouble, control: Control) -> None:
    client = client_with(None)
    assert client.get("/api/v1/auth/oidc").json() == {"label": "single sign-on"}
    answer = come_back(client, go(client, "/runs?status=failed"))
    assert answer.status_code == 302 and answer.headers["location"] == "/runs?status=failed"
    me = client.get("/api/v1/auth/me").json()["user"]
    assert (me["name"], me["role"], me["source"], me["email"]) == ("ann", "operator", "oidc", "ann@example.com")
    provider.claims["groups"] = ["ops", "boss", "else"]
    provider.claims["preferred_username"] = "renamed"
    come_back(client, go(client))
    again = client.get("/api/v1/auth/me").json()["user"]
    assert (again["id"], again["name"], again["role"]) == (me["id"], "ann", "admin")


def test_its_keys_may_change(client_with: Callable[[None], Client], provider: ProviderDouble) -> None:
    client = client_with(None)
    assert come_back(client, go(client)).status_code == 302
    provider.rotate()
    assert come_back(client, go(client)).status_code == 302


def test_a_state_is_good_once_and_in_the_browser_that_began(
        client_with: Callable[[None], Client], provider: ProviderDouble) -> None:
    client, other = client_with(None), client_with(None)
    way = go(client)
    assert come_back(other, way).json()["code"] == "oidc_state"
    assert come_back(client, way).status_code == 302
    client.cookies.set("orch-oidc", parse_qs(urlsplit(way).query)["state"][0], domain="testserver.local")
    assert come_back(client, way).json()["code"] == "link_used"


LIES = [
    ("another issuer", {"iss": "https://evil.example.com"}), ("another audience", {"aud": "other"}),
    ("several audiences, for another", {"aud": [CLIENT_ID, "other"], "azp": "other"}),
    ("an old token", {"exp": int(time.time()) - 3_600}), ("another nonce", {"nonce": "x"}),
    ("no nonce", {"nonce": None}), ("a subject that is longer than may be", {"sub": "x" * 256}),
    ("a subject that is no text", {"sub": 4711}),
    ("no subject", {"sub": None}), ("no end", {"exp": None}), ("unsigned", {"alg": "none"}),
    ("signed by the public key", {"alg": "HS256"}), ("signed by another", {"alg": "other"}),
]


@pytest.mark.parametrize("lies", [row[1] for row in LIES], ids=[row[0] for row in LIES])
def test_an_id_token_that_does_not_hold_lets_nobody_in(
        client_with: Callable[[None], Client], provider: ProviderDouble, lies: dict[str, Any]) -> None:
    client = client_with(None)
    provider.lies = lies
    answer = come_back(client, go(client))
    assert (answer.status_code, answer.json()["code"]) == (401, "oidc_failed")
    assert PLAIN_COOKIE not in client.cookies


@pytest.mark.parametrize("told, wanted", [
    ({"sub": "4711", "preferred_username": "Ann", "groups": ["boss"], "nonce": "x"}, (302, None)),
    ({"sub": "4712", "preferred_username": "Ann", "groups": ["boss"]}, (401, "oidc_failed")),
    ({"preferred_username": "Ann", "groups": ["boss"]}, (401, "oidc_failed"))],
    ids=["of who logged in", "of somebody else", "of nobody"])
def test_what_the_id_token_does_not_hold_is_asked_for(
        client_with: Callable[[None], Client], provider: ProviderDouble, told: dict[str, Any],
        wanted: tuple[int, str | None]) -> None:
    client = client_with(None)
    provider.claims, provider.userinfo = {"sub": "4711"}, told
    answer = come_back(client, go(client))
    assert (answer.status_code, answer.json()["code"] if wanted[1] else None) == wanted, answer.text
    if wanted == (302, None):
        me = client.get("/api/v1/auth/me").json()["user"]
        assert (me["name"], me["role"]) == ("ann", "admin")


def test_what_the_id_token_says_counts_before_userinfo(
        client_with: Callable[[None], Client], provider: ProviderDouble) -> None:
    client = client_with(None)
    provider.claims = {"sub": "4711", "preferred_username": "Ann"}
    provider.userinfo = {"sub": "4711", "preferred_username": "root", "groups": ["ops"]}
    assert come_back(client, go(client)).status_code == 302
    assert client.get("/api/v1/auth/me").json()["user"]["name"] == "ann"


def test_a_browser_is_told_on_the_login_page(client_with: Callable[[None], Client], provider: ProviderDouble) -> None:
    client = client_with(None)
    provider.claims["groups"] = ["others"]
    answer = client.get(go(client), headers={"Accept": "text/html"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?refused=oidc_no_group")
    for code in ("oidc_no_group", "<script>alert(1)</script>", ""):
        page = client.get("/login", params={"refused": code})
        assert page.status_code == 200 and 'role="alert"' in page.text and "<script>alert" not in page.text


def test_who_is_in_no_group_stays_out(client_with: Callable[[None], Client], provider: ProviderDouble) -> None:
    client = client_with(None)
    provider.claims["groups"] = ["others"]
    assert come_back(client, go(client)).json()["code"] == "oidc_no_group"


def test_a_name_that_is_taken_here_is_not_taken_over(
        client_with: Callable[[None], Client], provider: ProviderDouble, control: Control) -> None:
    control.users.add(BY_HAND, "ann", "admin")
    client = client_with(None)
    assert come_back(client, go(client)).status_code == 409


def test_a_locked_user_stays_out_by_the_provider_too(
        client_with: Callable[[None], Client], provider: ProviderDouble, control: Control) -> None:
    client = client_with(None)
    come_back(client, go(client))
    control.users.add(BY_HAND, "root", "admin")
    control.users.lock(BY_HAND, control.users.named("ann").id)
    assert client.get("/api/v1/auth/me").status_code == 401
    assert come_back(client, go(client)).json()["code"] == "user_locked"


def test_the_clients_secret_is_shown_to_nobody_and_sealed(
        clients: dict[str, Client], provider: ProviderDouble, control: Control) -> None:
    answer = clients["admin"].get("/api/v1/settings/oidc")
    assert answer.json()["value"]["client_secret"] == "" and answer.json()["is_set"] == {"client_secret": True}
    assert CLIENT_SECRET not in answer.text
    assert CLIENT_SECRET not in repr(control.books.database.select("SELECT * FROM settings"))
    changed = clients["admin"].put("/api/v1/settings/oidc", headers={"If-Match": answer.headers["etag"]}, json={
        **answer.json()["value"], "label": "our company"})
    assert changed.status_code == 200, changed.text
    client = clients["nobody"]
    assert come_back(client, go(client)).status_code == 302


def test_without_a_provider_there_is_no_way(clients: dict[str, Client]) -> None:
    assert clients["nobody"].get("/api/v1/auth/oidc").json() == {"label": None}
    assert clients["nobody"].get(START, follow_redirects=False).status_code == 404


@pytest.mark.parametrize("asked, wanted", [
    ("/runs", "/runs"), ("//evil.com", "/"), ("/\\evil.com", "/"), ("https://evil.com", "/"), ("runs", "/"), ("", "/"),
    ("/a\nb", "/"), ("javascript:alert(1)", "/")])
def test_nobody_is_sent_elsewhere(asked: str, wanted: str) -> None:
    assert local_path(asked) == wanted


@pytest.mark.parametrize("url, wanted", [
    ("https://id.example.com", True), ("http://127.0.0.1:9", True), ("http://id.example.com", False), ("", False),
    ("file:///etc/passwd", False), ("https://", False)])
def test_only_tls_is_safe(url: str, wanted: bool) -> None:
    assert is_safe(url) is wanted


def test_groups_and_names_are_data_with_bounds() -> None:
    found = read_claims({"iss": "i", "sub": "s", "groups": ["a", 1, {"x": 1}], "name": "A\x1b[31m" + "b" * 500,
                         "email": "a@b.c", "email_verified": False}, "groups", "preferred_username")
    assert found.groups == ("a",) and found.name == "" and found.email == ""
    assert "\x1b" not in found.display_name and len(found.display_name) <= 200
    assert role_of(("a", "b"), {"a": "viewer", "b": "approver"}, "", ROLES) == "approver"
    assert role_of(("c",), {"a": "admin"}, "viewer", ROLES) == "viewer"
    assert role_of((), {}, "", ROLES) is None
