"""Logging in by a real OpenID provider, over TLS, in a real browser and without one."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest

from orchestrator.access.oidc_provider import Client, Provider
from orchestrator.refusals import Refused
from tests.e2e.outside.conftest import BY_HAND, CLIENT_SECRET, PASSWORD, Site
from tests.e2e.outside.parties import Party
from tests.ui.conftest import chromium  # noqa: F401  a fixture

START, CALLBACK, ME = "/api/v1/auth/oidc/start", "/api/v1/auth/oidc/callback", "/api/v1/auth/me"
BUTTON = "text=Log in by Example"
HTML = {"Accept": "text/html"}
ACCOUNTS = {
    "ann": {"preferred_username": "Ann", "name": "Ann A.", "email": "ann@example.com", "email_verified": True,
            "groups": ["ops", "else"]},
    "bob": {"preferred_username": "bob", "groups": ["guests"]},
    "cid": {"preferred_username": "admin", "groups": ["boss"]},
}


@pytest.fixture(scope="module")
def provider(site: Site) -> Iterator[list[Party]]:
    """The provider that runs; tests may put another in its place."""
    tell(site, ACCOUNTS)
    running = [site.start_provider()]
    control = site.control()
    try:
        control.settings.change(BY_HAND, "oidc", None, {
            "issuer": site.provider_url, "client_id": "orch", "client_secret": CLIENT_SECRET, "label": "Example",
            "scopes": ["openid", "profile", "email", "groups"], "roles": {"ops": "operator", "boss": "admin"}})
    finally:
        control.close()
    yield running


@pytest.fixture
def browser(site: Site, chromium: Any) -> Iterator[Any]:  # noqa: F811
    """A browser that nobody has used, and that takes the tests' certificate."""
    context = chromium.new_context(ignore_https_errors=True)
    context.set_default_timeout(60_000)
    context.route(re.compile(r"^https?://(?!localhost|127\.0\.0\.1)"), lambda route: route.abort())
    yield context
    context.close()


def tell(site: Site, accounts: dict[str, dict[str, Any]]) -> None:
    site.accounts.write_text(json.dumps(accounts))


def fill_in(page: Any, name: str) -> None:
    """The provider's own pages: who one is, and that orch may know it."""
    page.fill("input[name=login]", name)
    page.fill("input[name=password]", "any will do")
    page.click("button[type=submit]")
    page.click("button[type=submit]:has-text('Continue')")


def to_provider_and_back(site: Site, client: httpx.Client, name: str) -> str:
    """What a browser does without scripts; the address with which it comes back, not yet asked for."""
    answer, here = client.get(START), site.url + START
    for _ in range(20):
        if answer.is_redirect:
            here = urljoin(here, answer.headers["location"])
            if here.startswith(site.url + CALLBACK):
                return here
            answer = client.get(here)
        else:
            assert answer.status_code == 200, answer.text
            action = re.search(r'action="([^"]+)"', answer.text)
            prompt = re.search(r'name="prompt" value="(\w+)"', answer.text)
            assert action and prompt, answer.text
            here = urljoin(here, action[1])
            answer = client.post(here, data={"prompt": prompt[1], "login": name, "password": "any"})
    raise AssertionError("the provider sends nobody back")


def let_in(site: Site) -> None:
    with site.client() as client:
        answer = client.get(to_provider_and_back(site, client, "ann"))
        assert answer.status_code == 302, answer.text
        me = client.get(ME).json()["user"]
        assert (me["name"], me["role"], me["source"], me["email"]) == ("ann", "operator", "oidc", "ann@example.com")


def test_in_by_the_button_and_out_again(site: Site, provider: list[Party], browser: Any) -> None:
    page, wrong = browser.new_page(), list[str]()
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" and site.url in
            said.location.get("url", "") else None)
    page.goto(f"{site.url}/runs?status=failed")
    assert page.url.startswith(f"{site.url}/login?next=")
    page.click(BUTTON)
    page.wait_for_url(f"{site.provider_url}/**")
    fill_in(page, "ann")
    page.wait_for_url(f"{site.url}/runs?status=failed")
    assert page.inner_text(".who").split()[:2] == ["ann", "operator"]
    kept = {one["name"]: one for one in browser.cookies(site.url)}
    session = kept["__Host-orch"]
    assert session["secure"] and session["httpOnly"] and session["sameSite"] == "Lax"
    assert "__Host-orch-oidc" not in kept, "it is of no more use"
    page.click("text=Log out")
    page.wait_for_url(f"{site.url}/login")
    with site.client(cookies={"__Host-orch": session["value"]}) as client:
        assert client.get(ME).status_code == 401
    tell(site, {**ACCOUNTS, "ann": {**ACCOUNTS["ann"], "groups": ["boss"]}})
    page.click(BUTTON)  # the provider still knows the browser
    page.wait_for_url(f"{site.url}/")
    assert page.inner_text(".who").split()[:2] == ["ann", "admin"]
    tell(site, ACCOUNTS)
    assert wrong == []


def test_who_is_not_let_in_reads_why_and_where_to_begin_again(site: Site, provider: list[Party], browser: Any) -> None:
    page = browser.new_page()
    page.goto(f"{site.url}/login")
    page.click(BUTTON)
    page.wait_for_url(f"{site.provider_url}/**")
    page.click("text=Cancel")
    page.wait_for_url(f"{site.url}/login?refused=oidc_failed")
    assert "did not let you in" in page.inner_text("[role=alert]")
    page.click(BUTTON)
    page.wait_for_url(f"{site.provider_url}/**")
    fill_in(page, "bob")
    page.wait_for_url(f"{site.url}/login?refused=oidc_no_group")
    assert "none of your groups" in page.inner_text("[role=alert]")


def test_a_state_is_good_once_in_its_browser_and_for_ten_minutes(site: Site, provider: list[Party]) -> None:
    with site.client() as client, site.client() as other:
        way = to_provider_and_back(site, client, "ann")
        assert other.get(way).json()["code"] == "oidc_state"
        assert client.get(re.sub(r"state=[^&]+", "state=forged", way)).json()["code"] == "oidc_state"
        state = client.cookies["__Host-orch-oidc"]
        assert client.get(way).status_code == 302
        client.cookies.set("__Host-orch-oidc", state, domain="localhost.local", path="/")
        assert client.get(way).json()["code"] == "link_used"
    with site.client() as client:
        way = to_provider_and_back(site, client, "ann")
        with sqlite3.connect(site.state_dir / "orch.db", timeout=60) as database:
            database.execute("UPDATE login_links SET expires = created WHERE kind = 'oidc'")
        assert client.get(way).json()["code"] == "link_expired"
        client.cookies.clear()
        answer = client.get(way, headers=HTML)
        assert (answer.status_code, answer.headers["location"]) == (303, "/login?refused=oidc_state")
        assert "took too long" in client.get(answer.headers["location"]).text


def test_another_issuer_in_the_answer_is_refused(site: Site, provider: list[Party]) -> None:
    with site.client() as client:
        way = to_provider_and_back(site, client, "ann")
        assert "iss=" in way, "this provider says who answers (RFC 9207)"
        answer = client.get(re.sub(r"iss=[^&]+", "iss=https%3A%2F%2Fevil.example.com", way))
        assert (answer.status_code, answer.json()["code"]) == (401, "oidc_failed")


def test_a_code_of_another_login_is_of_no_use(site: Site, provider: list[Party]) -> None:
    """The verifier is kept here, so a code that was seen on its way opens nothing."""
    with site.client() as client, site.client() as thief:
        code = re.search(r"code=([^&]+)", to_provider_and_back(site, client, "ann"))
        assert code is not None
        way = re.sub(r"code=[^&]+", code[0], to_provider_and_back(site, thief, "bob"))
        assert thief.get(way).json()["code"] == "oidc_failed"


def test_a_name_that_belongs_to_an_account_here_is_not_taken_over(site: Site, provider: list[Party]) -> None:
    with site.client() as client:
        answer = client.get(to_provider_and_back(site, client, "cid"), headers=HTML)
        assert answer.headers["location"] == "/login?refused=name_taken"


def test_a_provider_that_fell_silent_comes_back_with_other_keys(site: Site, provider: list[Party]) -> None:
    with site.client() as client:
        way = to_provider_and_back(site, client, "ann")
        provider.pop().stop()
        assert client.get(way).json()["code"] == "oidc_failed"
    provider.append(site.start_provider(conform=False))  # each start has new keys; names and groups in the ID token
    let_in(site)


def test_while_the_provider_is_down_a_password_lets_in(site: Site, provider: list[Party], browser: Any) -> None:
    provider.pop().stop()
    site.orch.stop()
    site.start_orch()  # which knows nothing of the provider any more
    page = browser.new_page()
    page.goto(f"{site.url}/login")
    page.click(BUTTON)
    page.wait_for_url(f"{site.url}/login?refused=oidc_provider")
    assert "does not answer" in page.inner_text("[role=alert]")
    page.fill("#name", "admin")
    page.fill("#password", PASSWORD)
    page.click("main button.main")
    page.wait_for_url(f"{site.url}/")
    provider.append(site.start_provider(auth_method="client_secret_post"))  # the one way that it takes now
    let_in(site)


def test_a_certificate_that_nobody_vouches_for_ends_it(
        site: Site, provider: list[Party], monkeypatch: pytest.MonkeyPatch) -> None:
    asking = Client(site.provider_url, "orch", CLIENT_SECRET, ("openid",), f"{site.url}{CALLBACK}")
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with pytest.raises(Refused) as refused:
        Provider().address(asking, "s", "n", "v" * 43)
    assert refused.value.code == "oidc_provider"
    monkeypatch.setenv("SSL_CERT_FILE", str(site.certificate))
    assert Provider().address(asking, "s", "n", "v" * 43).startswith(site.provider_url)


def test_refusals_are_in_the_audit_and_nothing_secret_is_in_the_log(site: Site, provider: list[Party]) -> None:
    with site.client() as client:
        way = to_provider_and_back(site, client, "bob")
        assert client.get(way).json()["code"] == "oidc_no_group"
    admin = site.admin()
    entries = admin.get("/api/v1/audit", params={"action": "login.oidc", "limit": 200}).json()["items"]
    admin.close()
    codes = {entry["detail"].get("code") for entry in entries if entry["outcome"] == "refused"}
    assert {"oidc_no_group", "oidc_failed", "link_expired", "name_taken"} <= codes
    log = "".join(path.read_text() for path in site.folder.glob("orch*.log"))
    code, state = (re.search(rf"{name}=([^&]+)", way) for name in ("code", "state"))
    assert code and state and "NoCode: access_denied" in log, "what the provider said is told to whoever reads the log"
    for secret in (CLIENT_SECRET, code[1], state[1]):
        assert secret not in log

