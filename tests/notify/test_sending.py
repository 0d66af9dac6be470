"""What goes over HTTP, to a double of a web server."""

from __future__ import annotations

import json
import socket
import threading
import time
from datetime import UTC, datetime

import pytest

from orchestrator.notify import http, webhook
from orchestrator.notify.occasions import Notice
from orchestrator.notify.records import Delivery
from orchestrator.notify.sending import NotSent
from orchestrator.refusals import Refused
from tests.notify.doubles import Certificate, WebServerDouble

LOOPBACK = ["127.0.0.0/8"]
PAYLOAD = Notice("run_failed", "nightly", "nightly failed", ("web1: apt: no space left",), "r1").payload("now")
AT = datetime(2026, 11, 21, tzinfo=UTC)
DELIVERY = Delivery(7, "c", "run_failed", "nightly", "r1", "sending", "", 1, AT, None, None)
KEY = "k" * 24


@pytest.fixture
def trusted(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> Certificate:
    monkeypatch.setenv("SSL_CERT_FILE", certificate.path)
    return certificate


def test_a_webhook_is_signed() -> None:
    server = WebServerDouble()
    webhook.send(DELIVERY, PAYLOAD, {"url": f"http://127.0.0.1:{server.port}/a?b=c", "signing_key": KEY},
                 allowed=LOOPBACK, now=lambda: 1763733600.9)
    server.close()
    got, = server.got
    assert (got.method, got.path) == ("POST", "/a?b=c")
    assert got.headers["orch-signature"] == webhook.signature(KEY, "1763733600", got.body)
    assert (got.headers["orch-delivery"], got.headers["orch-occasion"], got.headers["orch-timestamp"]) == (
        "7", "run_failed", "1763733600")
    assert json.loads(got.body) == {"id": 7, **PAYLOAD}


def test_https_is_by_name_though_the_address_is_pinned(trusted: Certificate) -> None:
    server = WebServerDouble(context=trusted.context)
    asked: list[str] = []

    def resolving(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    url = f"https://localhost:{server.port}/"
    assert http.send("POST", url, {}, b"x", allowed=LOOPBACK, resolving=resolving) == 200
    with pytest.raises(NotSent) as refused:
        http.send("POST", f"https://other.example.com:{server.port}/", {}, b"x", allowed=LOOPBACK, resolving=resolving)
    server.close()
    assert "certificate" in refused.value.message
    assert asked == ["localhost", "other.example.com"], "each name is looked up once"
    assert server.got[0].headers["host"] == f"localhost:{server.port}"


def test_a_name_that_leads_inside_is_not_connected_to() -> None:
    server = WebServerDouble()
    with pytest.raises(Refused):
        http.send("POST", f"http://localhost:{server.port}/", {}, b"x")
    for host in ("127.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"):
        with pytest.raises((Refused, NotSent)):
            http.send("GET", f"http://{host}:{server.port}/", {})
    server.close()
    assert server.got == []


def test_redirects_are_not_followed() -> None:
    other = WebServerDouble()
    server = WebServerDouble(302, headers={"location": f"http://127.0.0.1:{other.port}/"})
    with pytest.raises(NotSent) as refused:
        http.send("GET", f"http://127.0.0.1:{server.port}/", {}, allowed=LOOPBACK)
    server.close()
    other.close()
    assert refused.value.is_final
    assert other.got == []


@pytest.mark.parametrize(("status", "is_final"), [(400, True), (404, True), (410, True), (429, False), (408, False),
                                                    (500, False), (503, False)])
def test_which_answers_are_final(status: int, is_final: bool) -> None:
    server = WebServerDouble(status)
    with pytest.raises(NotSent) as refused:
        http.send("POST", f"http://127.0.0.1:{server.port}/secret-path", {}, b"", allowed=LOOPBACK)
    server.close()
    assert refused.value.is_final is is_final
    assert refused.value.message == f"127.0.0.1 answered {status}", "the path may be a key"


def test_no_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1/")
    server = WebServerDouble()
    assert http.send("GET", f"http://127.0.0.1:{server.port}/", {}, allowed=LOOPBACK) == 200
    server.close()


def test_an_answer_byte_by_byte_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "LONGEST_S", 1)
    listening = socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        connection, _ = listening.accept()
        try:
            for _ in range(100):
                connection.sendall(b"H")
                time.sleep(0.2)
        except OSError:
            pass

    threading.Thread(target=drip, daemon=True).start()
    began = time.monotonic()
    with pytest.raises(NotSent):
        http.send("GET", f"http://127.0.0.1:{listening.getsockname()[1]}/", {}, allowed=LOOPBACK)
    assert time.monotonic() - began < 15, "all of it takes 20"
    listening.close()


def test_slack_and_pings() -> None:
    server = WebServerDouble()
    url = f"http://127.0.0.1:{server.port}"
    webhook.send_slack(PAYLOAD, {"url": f"{url}/slack"}, allowed=LOOPBACK)
    good = Delivery(8, "c", "run_succeeded", "n", "r1", "sending", "", 1, DELIVERY.created, None, None)
    for delivery in (good, DELIVERY):
        webhook.send_ping(delivery, {"method": "GET"}, {"url": f"{url}/ping", "fail_url": f"{url}/ping/fail"},
                          allowed=LOOPBACK)
        webhook.send_ping(delivery, {"method": "POST"}, {"url": f"{url}/other"}, allowed=LOOPBACK)
    server.close()
    assert [(got.method, got.path) for got in server.got] == [
        ("POST", "/slack"), ("GET", "/ping"), ("POST", "/other"), ("GET", "/ping/fail")]
    assert "nightly failed" in json.loads(server.got[0].body)["text"]
    assert all(got.body == b"" for got in server.got[1:])
