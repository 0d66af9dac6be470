"""`orch serve` behind nginx, set up as docs/access.md shows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.e2e.outside.conftest import BY_HAND, CLIENT_SECRET, PASSWORD, Site
from tests.notify.doubles import Certificate
from tests.notify.mail_server import MailServer

LOGIN = "/api/v1/auth/login"


@pytest.fixture(scope="module")
def admin(site: Site) -> Iterator[httpx.Client]:
    client = site.admin()
    yield client
    client.close()


def wrong(client: httpx.Client, name: str, **headers: str) -> httpx.Response:
    return client.post(LOGIN, json={"name": name, "password": "wrong"}, headers=headers)


def test_cookies_are_secure_and_browsers_are_told_to_stay_with_tls(site: Site) -> None:
    with site.client() as client:
        answer = client.post(LOGIN, json={"name": "admin", "password": PASSWORD}, headers={"Origin": site.url})
        assert answer.status_code == 200
        name, *flags = answer.headers["set-cookie"].split("; ")
        assert name.startswith("__Host-orch=")
        assert {"Secure", "HttpOnly", "Path=/"} <= set(flags) and "samesite=lax" in [flag.lower() for flag in flags]
        assert "max-age" in answer.headers["strict-transport-security"]
        assert client.get("/api/v1/auth/me").json()["user"]["name"] == "admin"
        other = client.post(LOGIN, json={"name": "admin", "password": PASSWORD}, headers={"Origin": "https://evil.com"})
        assert other.json()["code"] == "origin"
        assert client.get("/", headers={"Host": "evil.com"}).status_code == 421


def test_past_the_proxy_nothing_is_taken_for_tls(site: Site) -> None:
    with site.client("127.0.0.3", base_url=f"http://127.0.0.1:{site.port}") as client:
        answer = client.post(LOGIN, json={"name": "admin", "password": PASSWORD},
                             headers={"X-Forwarded-Proto": "https"})
        assert answer.status_code == 200 and answer.headers["set-cookie"].startswith("orch=")
        assert "strict-transport-security" not in answer.headers


def test_the_audit_has_the_clients_address_and_no_forged_one(site: Site, admin: httpx.Client) -> None:
    for address, path in (("127.0.0.2", site.url), ("127.0.0.3", f"http://127.0.0.1:{site.port}")):
        with site.client(address, base_url=path) as client:
            assert wrong(client, "admin", **{"X-Forwarded-For": "198.51.100.66", "X-Real-IP": "198.51.100.66",
                                             "Forwarded": "for=198.51.100.66"}).status_code == 401
    entries = admin.get("/api/v1/audit", params={"action": "login", "limit": 100}).json()["items"]
    addresses = {entry["address"] for entry in entries if entry["outcome"] == "refused"}
    assert {"127.0.0.2", "127.0.0.3"} <= addresses
    assert "198.51.100.66" not in str(entries)


def test_a_run_is_followed_as_it_happens(site: Site, admin: httpx.Client, tmp_path: Path) -> None:
    """Nobody drives it here (``--capacity 0``), so nothing comes but the stream's first bytes, and its end."""
    (tmp_path / "site.yml").write_text("- hosts: all\n  tasks: []\n")
    (tmp_path / "hosts.ini").write_text("h1\n")
    control = site.control()
    try:
        control.settings.change(BY_HAND, "projects", None, {"roots": [str(tmp_path)]})
        project = control.projects.create(BY_HAND, "site", "directory", path=str(tmp_path))
        inventory = control.inventories.create(BY_HAND, "hosts", "files", project_id=project.id, sources=["hosts.ini"])
    finally:
        control.close()
    made = admin.post("/api/v1/runs", json={"project_id": project.id, "playbook": "site.yml",
                                            "inventory_id": inventory.id})
    assert made.status_code == 201, made.text
    run_id = made.json()["run"]["id"]
    with admin.stream("GET", f"/api/v1/runs/{run_id}/events") as stream:
        assert stream.status_code == 200 and stream.headers["content-type"].startswith("text/event-stream")
        parts = stream.iter_text()
        assert next(parts).startswith("retry:"), "a buffer would keep so little for itself"
        assert admin.post(f"/api/v1/runs/{run_id}/cancel").status_code < 300
        assert "event: end" in "".join(parts)


def test_a_body_that_orch_takes_is_not_too_large_for_the_proxy(admin: httpx.Client) -> None:
    answer = admin.post("/api/v1/inventories/none/import", json={"text": "x" * (2 << 20)})
    assert answer.status_code < 500 and answer.headers["content-type"] == "application/problem+json", answer.text


def test_a_mail_leads_to_the_public_address(site: Site, admin: httpx.Client) -> None:
    certificate = Certificate(str(site.certificate))
    certificate.context.load_cert_chain(site.certificate, site.certificate.with_name("key.pem"))
    server = MailServer(certificate.context, password=PASSWORD)
    try:
        made = admin.post("/api/v1/notifications/channels", json={
            "name": "ops", "kind": "mail", "settings": {
                "host": "localhost", "port": server.port, "username": "orch", "password": PASSWORD,
                "sender": "orch@example.com", "recipients": ["ops@example.com"]}})
        assert made.status_code == 201, made.text
        assert admin.post(f"/api/v1/notifications/channels/{made.json()['id']}/test").status_code < 300
        deadline = time.monotonic() + 60
        while not server.mails:
            assert time.monotonic() < deadline, admin.get("/api/v1/notifications/deliveries").text
            time.sleep(0.2)
        mail = server.mails[0]
        assert mail.was_tls and mail.user == "orch" and PASSWORD.encode() not in mail.raw
        assert f"More: {site.url}" in mail.message.get_content().replace("\r\n", "\n").splitlines()
    finally:
        server.close()


def test_the_way_back_from_a_provider_is_the_public_address(site: Site, admin: httpx.Client) -> None:
    site.start_provider()
    control = site.control()
    try:
        control.settings.change(BY_HAND, "oidc", None, {
            "issuer": site.provider_url, "client_id": "orch", "client_secret": CLIENT_SECRET})
    finally:
        control.close()
    answer = admin.get("/api/v1/auth/oidc/start")
    assert answer.status_code == 302, answer.text
    asked = parse_qs(urlsplit(answer.headers["location"]).query)
    assert asked["redirect_uri"] == [f"{site.url}/api/v1/auth/oidc/callback"]
