"""Logging in over HTTP: cookies, CSRF, other sites, tokens; and what every answer has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from api.operator.app import operator_app
from api.operator.identity import CSRF_HEADER, PLAIN_COOKIE, SECURE_COOKIE, Door, Limits, address_of, is_secure
from api.operator.office import Office
from api.operator.service import OperatorService, PageOptions
from orchestrator.access.records import NewSession
from orchestrator.control.control import Control, open_control
from orchestrator.errors import UsageError
from tests.api.operator.conftest import BY_HAND, Client

PASSWORD = "four words are enough"
LOGIN, ME, LOGOUT, USERS = ("/api/v1/auth/login", "/api/v1/auth/me", "/api/v1/auth/logout", "/api/v1/users")


@pytest.fixture
def store_url() -> None:
    """SQLite alone: the services are tried on both databases in tests/access."""


@pytest.fixture
def ann(control: Control) -> str:
    user = control.users.add(BY_HAND, "ann", "admin")
    control.users.set_password(BY_HAND, user.id, PASSWORD, must_change=False)
    return user.id


def login(client: Client, password: str = PASSWORD) -> Mapping[str, object]:
    answer = client.post(LOGIN, json={"name": "Ann", "password": password})
    assert answer.status_code == 200, answer.text
    found: Mapping[str, object] = answer.json()
    return found


def test_a_login_gives_a_cookie_and_what_shows_that_the_page_asks(
        client_with: Callable[[None], Client], ann: str) -> None:
    client = client_with(None)
    answer = client.post(LOGIN, json={"name": "ann", "password": PASSWORD})
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith("orch=") and "httponly" in cookie and "samesite=lax" in cookie and "path=/" in cookie
    assert client.get(ME).json()["user"]["name"] == "ann"
    refused = client.post(USERS, json={"name": "bob"})
    assert (refused.status_code, refused.json()["code"]) == (403, "csrf")
    refused = client.post(USERS, json={"name": "bob"}, headers={CSRF_HEADER: "0" * 64})
    assert refused.status_code == 403
    made = client.post(USERS, json={"name": "bob"}, headers={CSRF_HEADER: answer.json()["csrf_token"]})
    assert made.status_code == 201
    client.post(LOGOUT, headers={CSRF_HEADER: answer.json()["csrf_token"]})
    client.cookies.set(PLAIN_COOKIE, cookie[5:].partition(";")[0], domain="testserver.local")
    assert client.get(ME).status_code == 401


def test_a_session_that_was_there_before_is_not_the_one_after(client_with: Callable[[None], Client], ann: str) -> None:
    client = client_with(None)
    client.cookies.set(PLAIN_COOKIE, "planted-by-somebody", domain="testserver.local")
    login(client)
    first = client.cookies.get(PLAIN_COOKIE, domain="testserver.local") or ""
    client.headers[CSRF_HEADER] = str(client.get(ME).json()["csrf_token"])
    login(client)
    assert "planted" not in first and first not in [
        cookie.value for cookie in client.cookies.jar if cookie.name == PLAIN_COOKIE]


@pytest.mark.parametrize("headers", [
    {"Origin": "https://evil.example.com"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"}, {"Origin": "http://testserver.local.evil.com"}])
def test_other_sites_change_nothing_and_log_nobody_in(
        client_with: Callable[[None], Client], ann: str, headers: dict[str, str]) -> None:
    answer = client_with(None).post(LOGIN, json={"name": "ann", "password": PASSWORD}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "origin")


def test_a_wrong_password_says_nothing_and_is_slowed(client_with: Callable[[None], Client], control: Control,
                                                     ann: str) -> None:
    client = client_with(None)
    for _ in range(5):
        answer = client.post(LOGIN, json={"name": "ann", "password": "another one, a wrong one"})
        assert (answer.status_code, answer.json()["code"]) == (401, "login_failed")
    later = control.books.database.write["time"](control.books.clock() + timedelta(minutes=1))
    with control.books.transaction():  # the pause, made so long that no slow machine sits it out
        assert control.books.database.execute(
            "UPDATE login_failures SET refused_until = ? WHERE refused_until IS NOT NULL", [later])
    answer = client.post(LOGIN, json={"name": "ann", "password": PASSWORD})
    assert answer.status_code == 429 and int(answer.headers["retry-after"]) >= 1


def test_a_token_needs_no_csrf_and_a_cookie_beside_it_counts_for_nothing(
        client_with: Callable[[NewSession | None], Client], control: Control, ann: str) -> None:
    token = control.tokens.make(control.identities.of(ann), "ci", ["admin", "read"]).token
    client = client_with(None)
    client.headers["Authorization"] = f"Bearer {token}"
    assert client.post(USERS, json={"name": "bob"}).status_code == 201
    assert client.get(ME).json()["csrf_token"] == ""
    client.headers["Authorization"] = "Bearer orch_nonsense"
    assert client.get(ME).json()["code"] == "token_unknown"


def test_who_must_set_a_password_can_do_nothing_else(client_with: Callable[[None], Client], control: Control) -> None:
    control.users.add(BY_HAND, "ann", "admin", password=PASSWORD)
    client = client_with(None)
    client.headers[CSRF_HEADER] = str(login(client)["csrf_token"])
    assert client.get(USERS).json()["code"] == "password_change"
    same = {"old": PASSWORD, "new": "short"}
    assert client.post("/api/v1/auth/password", json=same).json()["fields"][0]["path"] == "password"
    assert client.post("/api/v1/auth/password", json={**same, "new": "five words are enough"}).status_code == 200
    assert client.get(USERS).status_code == 200


def test_a_one_time_link_sets_the_password_and_logs_in(
        client_with: Callable[[None], Client], clients: dict[str, Client], control: Control) -> None:
    made = clients["admin"].post(f"{USERS}/{control.users.named('viewer').id}/link").json()
    client = client_with(None)
    assert client.get(f"/api/v1/auth/links/{made['token']}").json() == {"name": "viewer"}
    answer = client.post("/api/v1/auth/links", json={"token": made["token"], "password": PASSWORD})
    assert answer.status_code == 200 and client.get(ME).json()["user"]["name"] == "viewer"
    again = client_with(None).post("/api/v1/auth/links", json={"token": made["token"], "password": PASSWORD})
    assert again.status_code == 401
    assert clients["viewer"].get(ME).status_code == 401, "a session from before ends with the old password"


# ---- the door


def behind(control: Control, state: object, door: Door) -> TestClient[Litestar]:
    office = Office(lambda: open_control(control.state_dir), threads=1)
    return TestClient(operator_app(office, door), base_url="http://testserver.local", raise_server_exceptions=False)


def test_behind_tls_the_cookie_is_secure_and_belongs_to_this_host_alone(control: Control, ann: str) -> None:
    client = behind(control, None, Door(is_secure=True))
    cookie = client.post(LOGIN, json={"name": "ann", "password": PASSWORD}).headers["set-cookie"]
    assert cookie.startswith(f"{SECURE_COOKIE}=") and "Secure" in cookie and "Domain" not in cookie
    assert "max-age" in client.get(ME).headers["strict-transport-security"]


PROXY = Door(is_behind_proxy=True)


@pytest.mark.parametrize("client, headers, door, wanted", [
    ("192.0.2.1", {"x-forwarded-for": "198.51.100.9"}, Door(), "192.0.2.1"),
    ("192.0.2.1", {"x-forwarded-for": "198.51.100.9"}, PROXY, "192.0.2.1"),
    ("127.0.0.1", {"x-forwarded-for": "198.51.100.9"}, PROXY, "198.51.100.9"),
    ("127.0.0.1", {"x-forwarded-for": "10.0.0.1, 198.51.100.9"}, PROXY, "198.51.100.9"),
    ("127.0.0.1", {}, PROXY, "127.0.0.1"),
    ("10.1.1.1", {"x-forwarded-for": "198.51.100.9"}, Door(is_behind_proxy=True, proxies=frozenset({"10.1.1.1"})),
     "198.51.100.9"),
    ("10.1.1.1", {"x-forwarded-for": "198.51.100.9"}, Door(is_behind_proxy=True, proxies=frozenset({"10.1.0.0/16"})),
     "198.51.100.9"),
    ("::ffff:127.0.0.1", {"x-forwarded-for": "198.51.100.9"}, PROXY, "198.51.100.9"),
    ("::ffff:192.0.2.1", {"x-forwarded-for": "198.51.100.9"}, PROXY, "192.0.2.1"),
    ("127.0.0.1", {"x-forwarded-for": "198.51.100.9:4711"}, PROXY, "198.51.100.9"),
    ("127.0.0.1", {"x-forwarded-for": "[2001:db8::1]:4711"}, PROXY, "2001:db8::1"),
    ("127.0.0.1", {"x-forwarded-for": "2001:db8::1"}, PROXY, "2001:db8::1"),
    ("127.0.0.1", {"x-forwarded-for": "unknown"}, PROXY, "127.0.0.1"),
    ("127.0.0.1", {"x-forwarded-for": "<script>"}, PROXY, "127.0.0.1"),
])
def test_an_address_is_what_our_own_proxy_says_and_nobody_else(
        client: str, headers: dict[str, str], door: Door, wanted: str) -> None:
    assert address_of({"client": (client, 1)}, headers, door) == wanted  # type: ignore[typeddict-item]


@pytest.mark.parametrize("client, proto, wanted", [
    ("127.0.0.1", "https", True), ("127.0.0.1", "http", False), ("127.0.0.1", "https, http", False),
    ("127.0.0.1", "", False), ("192.0.2.1", "https", False)])
def test_tls_is_what_our_own_proxy_says_and_nobody_else(client: str, proto: str, wanted: bool) -> None:
    scope = {"client": (client, 1)}
    assert is_secure(scope, {"x-forwarded-proto": proto}, PROXY) is wanted  # type: ignore[arg-type]


@pytest.mark.parametrize("proxy", ["proxy.example.com", "10.1.1.1/8", ""])
def test_a_proxy_is_an_address_or_a_network(tmp_path: Path, proxy: str) -> None:
    with pytest.raises(UsageError):
        OperatorService(tmp_path, None, PageOptions(port=0, is_behind_proxy=True, proxies=(proxy,)))


@pytest.mark.parametrize("proto, wanted", [("https", True), ("http", False)])
async def test_browsers_are_told_to_stay_with_the_proxys_tls(control: Control, proto: str, wanted: bool) -> None:
    office = Office(lambda: open_control(control.state_dir), threads=1)
    transport = httpx.ASGITransport(operator_app(office, PROXY), client=("127.0.0.1", 1))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answer = await client.get(ME, headers={"X-Forwarded-Proto": proto})
    await office.close()
    assert ("strict-transport-security" in answer.headers) is wanted


@pytest.mark.parametrize("host, status", [
    ("orch.example.com", 401), ("ORCH.example.com:8443", 401), ("evil.com", 421), ("orch.example.com.evil.com", 421),
    ("", 421), ("[::1]:8443", 401)])
def test_only_our_own_names_are_answered(control: Control, host: str, status: int) -> None:
    client = behind(control, None, Door(hosts=frozenset({"orch.example.com", "::1"})))
    assert client.get(ME, headers={"Host": host}).status_code == status


def test_every_answer_has_its_headers_unknown_paths_too(clients: dict[str, Client]) -> None:
    for path in (ME, "/api/v1/nothing", "/nothing", "/health"):
        headers = clients["nobody"].get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert headers["x-frame-options"] == "DENY" and headers["referrer-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store" and len(headers["x-request-id"]) == 16


def test_strangers_are_slowed_by_their_address(control: Control) -> None:
    office = Office(lambda: open_control(control.state_dir), threads=1)
    client = TestClient(operator_app(office, limits=Limits(10, 5)), base_url="http://testserver.local")
    told = [client.get(ME).status_code for _ in range(7)]
    assert told == [401] * 5 + [429] * 2
