"""Mail, handed to a real mail server."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from orchestrator.access.rights import Identity
from orchestrator.notify import mail
from orchestrator.notify.channels import ChannelDraft
from orchestrator.notify.courier import PAUSES_S
from orchestrator.notify.kinds import separated
from orchestrator.notify.occasions import Notice
from orchestrator.notify.records import Delivery
from orchestrator.notify.sending import NotSent
from tests.notify.conftest import Post
from tests.notify.doubles import Certificate
from tests.notify.mail_server import USER, Answer, MailServer

AT = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
DELIVERY = Delivery(7, "c", "run_failed", "nightly", "r1", "sending", "", 1, AT, None, None)
PASSWORD = "geheim-4711"
TO = ["ann@example.com", "bob@example.com"]
ROOT = Identity("root", "root", "admin")
Serve = Callable[..., MailServer]


def payload(title: str = "nightly failed", *lines: str) -> dict[str, Any]:
    return Notice("run_failed", "nightly", title, lines or ("web1: apt: no space left",), "r1").payload(
        AT.isoformat(), "https://orch.example.com")


@pytest.fixture
def serve() -> Iterator[Serve]:
    started: list[MailServer] = []

    def start(*args: Any, **options: Any) -> MailServer:
        started.append(MailServer(*args, **options))
        return started[-1]

    yield start
    for server in started:
        server.close()


@pytest.fixture
def trusted(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> Certificate:
    monkeypatch.setenv("SSL_CERT_FILE", certificate.path)
    return certificate


def settings(server: MailServer, **changes: Any) -> dict[str, Any]:
    return {"host": "localhost", "port": server.port, "sender": "orch@example.com", "recipients": TO, **changes}


def send(server: MailServer, what: dict[str, Any] | None = None, **changes: Any) -> None:
    public, secret = separated("mail", settings(server, **changes))
    mail.send(DELIVERY, what or payload(), public, secret)


def saying(verb: str, *replies: str | None) -> Answer:
    """Each time it hears the verb, the next of the replies; the last of them for ever."""
    left = list(replies)

    def answer(heard: str, said: str) -> str | None:
        if heard != verb:
            return None
        return left.pop(0) if len(left) > 1 else left[0]

    return answer


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_mail_with_tls_and_a_password(trusted: Certificate, serve: Serve, security: str) -> None:
    server = serve(trusted.context, tls_at_once=security == "tls", password=PASSWORD)
    send(server, security=security, username=USER, password=PASSWORD)
    got, = server.mails
    assert (got.sender, got.recipients, got.was_tls, got.user) == ("orch@example.com", TO, True, USER)
    assert PASSWORD.encode() not in got.raw
    assert server.verbs[-1] == "QUIT"


def test_what_arrives_is_a_mail_by_the_book(serve: Serve) -> None:
    server = serve()
    long = "web1: " + "ü" * 200 + " " + "x" * 90
    send(server, payload("nightly schlug fehl – wieder: 🔥", long, ".", "From here on"), security="none")
    got, = server.mails
    message = got.message
    assert message["Subject"] == "[orch] nightly schlug fehl – wieder: 🔥"
    assert [str(one) for one in message["From"].addresses] == ["orch <orch@example.com>"]
    assert [one.addr_spec for one in message["To"].addresses] == TO
    assert parsedate_to_datetime(message["Date"]) == AT
    assert message["Message-ID"] == f"<orch-7-{int(AT.timestamp())}@example.com>"
    assert message["Auto-Submitted"] == "auto-generated" and message.get_content_type() == "text/plain"
    body = message.get_content().replace("\r\n", "\n").splitlines()
    assert f"  {long}" in body and "  ." in body and "  From here on" in body
    assert "More: https://orch.example.com/runs/r1" in body
    assert got.raw.isascii() and "BODY=8BITMIME" not in got.options, "not every relay takes eight bits"
    assert max(len(line) for line in got.raw.split(b"\r\n")) <= 998


def test_mail_to_a_relay_without_tls_only_when_told_so(serve: Serve) -> None:
    server = serve()
    send(server, security="none")
    assert not server.mails[0].was_tls


def test_a_server_that_has_no_starttls_gets_nothing(serve: Serve) -> None:
    server = serve()
    with pytest.raises(NotSent) as refused:
        send(server)
    assert "STARTTLS" in refused.value.message
    assert server.verbs == []


def test_a_certificate_that_nobody_vouches_for_is_refused(certificate: Certificate, serve: Serve) -> None:
    server = serve(certificate.context, password=PASSWORD)
    with pytest.raises(NotSent) as refused:
        send(server, username=USER, password=PASSWORD)
    assert "not trusted" in refused.value.message and not refused.value.is_final
    assert "AUTH" not in server.verbs


def test_a_certificate_for_another_name_is_refused(trusted: Certificate, serve: Serve) -> None:
    server = serve(trusted.context)
    with pytest.raises(NotSent) as refused:
        send(server, host="127.0.0.1")
    assert "not trusted" in refused.value.message


def test_a_wrong_password_is_final_and_is_not_repeated(trusted: Certificate, serve: Serve) -> None:
    server = serve(trusted.context, password=PASSWORD)
    with pytest.raises(NotSent) as refused:
        send(server, username=USER, password="falsch-0815")
    assert refused.value.is_final and "535" in refused.value.message
    assert "falsch" not in refused.value.message, "though the server said it"


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize(("reply", "is_final"), [("550 5.7.1 not from you", True), ("451 4.7.1 later", False),
                                                ("421 4.3.2 closing", False)])
def test_what_is_final_is_for_the_server_to_say(serve: Serve, verb: str, reply: str, is_final: bool) -> None:
    server = serve(answer=saying(verb, reply))
    with pytest.raises(NotSent) as refused:
        send(server, security="none")
    assert refused.value.is_final is is_final
    assert reply[4:] in refused.value.message
    assert server.mails == []


def test_one_of_the_recipients_is_refused_and_is_named(serve: Serve) -> None:
    server = serve(answer=lambda verb, said: "550 5.1.1 unknown" if (verb, said) == ("RCPT", TO[1]) else None)
    with pytest.raises(NotSent) as refused:
        send(server, security="none")
    assert refused.value.is_final and f"it refuses {TO[1]}: 550 5.1.1 unknown" in refused.value.message
    assert server.mails[0].recipients == TO[:1]


def test_what_was_taken_is_sent_whatever_the_server_says_at_parting(serve: Serve) -> None:
    server = serve(answer=saying("QUIT", "421 4.3.2 too busy to say goodbye"))
    send(server, security="none")
    assert len(server.mails) == 1


def test_nobody_at_the_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(NotSent) as refused:
        mail.send(DELIVERY, payload(), {"host": "127.0.0.1", "port": port, "security": "none", "sender": "a@x",
                                        "recipients": ["b@x"], "username": ""}, {})
    assert refused.value.message == "127.0.0.1: Connection refused"


def test_a_greeting_byte_by_byte_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "LONGEST_S", 1)
    listening = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def drip() -> None:
        connection, _ = listening.accept()
        with connection:
            try:
                while not ended.is_set():
                    connection.sendall(b"2")
                    time.sleep(0.1)
            except OSError:
                pass

    threading.Thread(target=drip, daemon=True).start()
    public, _ = separated("mail", {"host": "127.0.0.1", "port": listening.getsockname()[1], "security": "none",
                                   "sender": "orch@example.com", "recipients": TO})
    with pytest.raises(NotSent) as refused:
        mail.send(DELIVERY, payload(), public, {})
    ended.set()
    listening.close()
    assert not refused.value.is_final


# ---- the courier


def channel(server: MailServer, **changes: Any) -> ChannelDraft:
    return ChannelDraft("ops", "mail", settings(server, **changes), ["run_failed"])


def test_a_server_that_is_busy_is_asked_again_after_longer_and_longer_pauses(post: Post, serve: Serve) -> None:
    server = serve(answer=saying("RCPT", *["450 4.2.0 greylisted"] * 4, None))  # of two tries, then it takes all
    post.channels.create(ROOT, channel(server, security="none"))
    post.tell()
    for tries, pause_s in ((1, PAUSES_S[0]), (2, PAUSES_S[1])):
        assert post.courier.send_due() == 1
        state, attempts, why = post.states()[0]
        assert (state, attempts) == ("pending", tries) and "greylisted" in why
        post.clock.tick(seconds=pause_s - 1)
        assert post.courier.send_due() == 0, "not before its time"
        post.clock.tick(seconds=1)
    assert post.courier.send_due() == 1
    assert post.states() == [("sent", 3, "")]
    assert len(server.mails) == 1 and post.alerts.all_open("channel_failed") == []


def test_what_is_refused_for_good_is_given_up_at_once_and_seen(post: Post, serve: Serve) -> None:
    server = serve(answer=saying("MAIL", "550 5.7.1 not from you", None))
    post.channels.create(ROOT, channel(server, security="none"))
    post.tell()
    post.courier.send_due()
    assert post.states()[0][:2] == ("failed", 1)
    alert, = post.alerts.all_open("channel_failed")
    assert "550 5.7.1 not from you" in alert.message
    post.tell("another")
    post.courier.send_due()
    assert post.states()[1][0] == "sent" and post.alerts.all_open("channel_failed") == []


def test_a_password_is_in_nothing_that_is_kept(post: Post, trusted: Certificate, serve: Serve) -> None:
    server = serve(trusted.context, password="another-one")
    post.channels.create(ROOT, channel(server, username=USER, password=PASSWORD))
    post.tell()
    post.courier.send_due()
    assert post.states()[0][0] == "failed"
    for table in ("channels", "audit", "deliveries", "alerts"):
        assert PASSWORD not in str(post.database.select(f"SELECT * FROM {table}"))
