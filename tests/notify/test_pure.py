"""What notifications are made of: addresses, messages, settings of channels."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from orchestrator.notify.addresses import origin, refuse_inner, split
from orchestrator.notify.courier import PAUSES_S, pause
from orchestrator.notify.kinds import separated
from orchestrator.notify.mail import compose, is_address
from orchestrator.notify.occasions import (
    LONGEST_MESSAGE,
    MOST_LINES,
    OCCASIONS,
    RUN_FAILED,
    SUBSCRIBED,
    Notice,
    one_line,
    slack_of,
    text_of,
)
from orchestrator.notify.outbox import wants
from orchestrator.notify.records import Channel, Delivery
from orchestrator.notify.settings import NotifySettings
from orchestrator.notify.webhook import signature
from orchestrator.refusals import Malformed, Refused

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
MAIL = {"host": "mail.example.com", "sender": "orch@example.com", "recipients": ["ops@example.com"]}
HOOK = {"url": "https://hooks.example.com/T0/B0/key"}

INNER = ["127.0.0.1", "127.8.9.1", "0.0.0.0", "0.1.2.3", "169.254.169.254", "169.254.1.1", "::1", "::", "fe80::1",
         "fe80::1%eth0", "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192", "224.0.0.1", "ff02::1",
         "255.255.255.255", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "2002:7f00:1::", "64:ff9b::7f00:1",
         "::7f00:1", "240.0.0.1", "fec0::1"]


@pytest.mark.parametrize("address", INNER)
def test_no_notification_goes_inside(address: str) -> None:
    with pytest.raises(Refused) as refused:
        refuse_inner("hooks.example.com", ["93.184.216.34", address])
    assert refused.value.code == "address_refused"


@pytest.mark.parametrize("address", ["93.184.216.34", "10.1.2.3", "192.168.1.5", "172.16.0.9", "2606:2800:220:1::1",
                                     "fd12::5"])
def test_others_may_be_called_the_own_network_among_them(address: str) -> None:
    assert refuse_inner("h", [address, address]) == [address]


def test_an_admin_may_open_a_network() -> None:
    assert refuse_inner("h", ["127.0.0.1"], ["127.0.0.0/8"]) == ["127.0.0.1"]
    with pytest.raises(Refused):
        refuse_inner("h", ["127.0.0.1", "::1"], ["127.0.0.0/8"])
    with pytest.raises(Refused):
        refuse_inner("h", [])


@pytest.mark.parametrize("url", [
    "", "hooks.example.com", "ftp://example.com/", "file:///etc/passwd", "gopher://x/", "http://", "https:///x",
    "https://user:pw@example.com/", "https://example.com@evil/", "https://example.com/#x", "https://exa mple.com/",
    "https://example.com/\r\nX: y", "https://exämple.com/", "https://example.com:99999/", "https://example.com:x/",
    "https://[::1/", "https://" + "a" * 3000])
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(Malformed):
        split(url)


def test_what_is_shown_of_an_address_has_no_key_in_it() -> None:
    assert origin("https://hooks.example.com:8443/T0/key?a=b") == "https://hooks.example.com:8443"


def test_a_line_is_a_line() -> None:
    assert one_line("a\r\nBcc: x\x1b[31m\u202eevil\0") == "a Bcc: x [31m evil"
    assert len(one_line("x" * 500)) == 150


def notice(**changes: Any) -> Notice:
    return Notice(**{"occasion": RUN_FAILED, "subject": "nightly", "title": "nightly failed", **changes})


def test_what_a_host_says_is_escaped_and_cut() -> None:
    lines = tuple(f"web{n}: <!channel> <https://evil|click> *x* & {'y' * 1000}" for n in range(100))
    payload = notice(lines=lines, run_id="r1").payload("2026-11-21T12:00:00+00:00", "https://orch.example.com")
    assert len(payload["lines"]) == MOST_LINES + 1
    assert payload["lines"][-1] == "and 90 more"
    text = slack_of(payload)["text"]
    assert "<!channel>" not in text and "<https://evil" not in text
    assert "&lt;!channel&gt;" in text
    assert len(text) <= LONGEST_MESSAGE
    assert payload["url"] == "https://orch.example.com/runs/r1"
    assert len(text_of(payload)) <= LONGEST_MESSAGE + 1


def delivery() -> Delivery:
    return Delivery(7, "c", RUN_FAILED, "nightly", "r1", "sending", "", 1, AT, AT, None)


def test_a_mail_has_no_header_that_a_host_wrote() -> None:
    payload = notice(title="web1\r\nBcc: evil@example.com\r\n\r\nbody", lines=("\r\n.\r\nQUIT",)).payload("now")
    public, _ = separated("mail", MAIL)
    message = compose(delivery(), payload, public)
    assert message["Bcc"] is None
    assert str(message["Subject"]) == "[orch] web1 Bcc: evil@example.com body"
    assert message["To"] == "ops@example.com"
    assert message["Message-ID"].startswith("<orch-7-")
    assert message["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize("address", ["ops@example.com", "a.b+c@x", "o'neil@example.com"])
def test_addresses(address: str) -> None:
    assert is_address(address)


@pytest.mark.parametrize("address", ["", "ops", "@x", "a@", "a@b@c", "Ann <a@x>", "a@x\r\nBcc: b@y", "a b@x", "ä@x",
                                     "a@x,b@x", "a..b@x", ".a@x", "a.@x"])
def test_no_addresses(address: str) -> None:
    assert not is_address(address)


@pytest.mark.parametrize(("kind", "settings", "path"), [
    ("pigeon", {}, "kind"), ("mail", {}, "host"), ("mail", {**MAIL, "port": 0}, "port"), ("mail", {**MAIL, "port":
    True}, "port"), ("mail", {**MAIL, "host": "-oProxy"}, "host"), ("mail", {**MAIL, "recipients": []}, "recipients"),
    ("mail", {**MAIL, "recipients": "ops@example.com"}, "recipients"), ("mail", {**MAIL, "sender": "x"}, "sender"),
    ("mail", {**MAIL, "security": "maybe"}, "security"), ("mail", {**MAIL, "username": "u"}, "password"),
    ("mail", {**MAIL, "username": "u", "password": "p", "security": "none"}, "security"),
    ("mail", {**MAIL, "url": "x"}, "url"), ("webhook", {}, "url"),
    ("webhook", {**HOOK, "signing_key": "short"}, "signing_key"), ("slack", {"url": 5}, "url"),
    ("ping", {**HOOK, "method": "DELETE"}, "method"), ("ping", {**HOOK, "fail_url": 5}, "fail_url"),
    ("slack", {**HOOK, "per_minute": 0}, "per_minute"), ("slack", {**HOOK, "schedule_ids": "all"}, "schedule_ids")])
def test_what_is_wrong_with_settings(kind: str, settings: dict[str, Any], path: str) -> None:
    with pytest.raises(Malformed) as refused:
        separated(kind, settings)
    assert refused.value.fields[0][0] == f"settings.{path}"


def test_secrets_are_apart_from_what_is_shown() -> None:
    public, secret = separated("mail", {**MAIL, "username": "u", "password": "geheim"})
    assert "geheim" not in str(public) and secret == {"password": "geheim"}
    public, secret = separated("webhook", {**HOOK, "signing_key": "k" * 20})
    assert "key" not in str(public) and public["origin"] == "https://hooks.example.com"
    public, secret = separated("ping", {**HOOK, "fail_url": HOOK["url"] + "/fail"})
    assert "key" not in str(public)


def test_a_stored_password_is_not_sent_to_another_server() -> None:
    given = {**MAIL, "username": "u", "password": "geheim"}
    before = separated("mail", given)
    again = {name: value for name, value in given.items() if name != "password"}
    assert separated("mail", again, before)[1] == {"password": "geheim"}
    for change in ({"host": "evil.example.com"}, {"port": 25}, {"security": "tls"}, {"username": "other"}):
        with pytest.raises(Malformed):
            separated("mail", {**again, **change}, before)


def test_a_signing_key_does_not_follow_to_another_address() -> None:
    before = separated("webhook", {**HOOK, "signing_key": "k" * 20})
    assert separated("webhook", {}, before)[1] == before[1]
    moved = separated("webhook", {"url": "https://evil.example.com/"}, before)[1]
    assert moved["signing_key"] != "k" * 20


def test_the_signature_is_over_time_and_body() -> None:
    # python3 -c: hmac.new(b"0123456789abcdef", b'1763733600.{"a": 1}', "sha256")
    import hashlib
    import hmac

    expected = hmac.new(b"0123456789abcdef", b'1763733600.{"a": 1}', hashlib.sha256).hexdigest()
    assert signature("0123456789abcdef", "1763733600", b'{"a": 1}') == f"v1={expected}"


def test_pauses_grow_and_end() -> None:
    assert [pause(n) for n in range(1, 9)] == [*PAUSES_S, None]
    assert list(PAUSES_S) == sorted(PAUSES_S)


def test_channels_want_what_they_are_subscribed_to() -> None:
    def channel(occasions: list[str], **public: Any) -> Channel:
        return Channel("c", "c", "webhook", "", occasions, public, True, 1, AT)

    assert wants(channel([RUN_FAILED]), notice())
    assert not wants(channel(["drift"]), notice())
    assert wants(channel([RUN_FAILED], schedule_ids=["s1"]), notice(schedule_id="s1"))
    assert not wants(channel([RUN_FAILED], schedule_ids=["s1"]), notice(schedule_id="s2"))
    assert not wants(channel([RUN_FAILED], schedule_ids=["s1"]), notice())


def test_every_occasion_has_words_and_test_is_not_subscribed_to() -> None:
    assert set(SUBSCRIBED) == set(OCCASIONS) - {"test"}


@pytest.mark.parametrize("wrong", [{"allowed_networks": ["nonsense"]}, {"allowed_networks": ["10.0.0.0/8"] * 51},
                                   {"page_url": "orch"}, {"page_url": "https://u:p@x"}])
def test_settings_that_make_no_sense(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        NotifySettings(**wrong)
