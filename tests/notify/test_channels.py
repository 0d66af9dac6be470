"""Channels, the outbox and the courier, on both databases."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from orchestrator.access.rights import Identity
from orchestrator.notify.channels import ChannelDraft
from orchestrator.notify.courier import PAUSES_S
from orchestrator.notify.occasions import Notice
from orchestrator.notify.outbox import MOST_PENDING
from orchestrator.refusals import Conflict, Malformed, Refused, Stale, Throttled
from orchestrator.store.paging import PageRequest
from tests.agents.conftest import Clock
from tests.notify.conftest import Office, Post
from tests.notify.doubles import WebServerDouble

ROOT = Identity("root", "root", "admin")
ANN = Identity("ann", "ann", "approver")
PAGE = PageRequest()
SECRET = "T0-geheimer-schluessel-4711"


def channel(port: int = 9, name: str = "ops", **changes: Any) -> ChannelDraft:
    settings = {"url": f"http://127.0.0.1:{port}/{SECRET}", "signing_key": SECRET, **changes.pop("settings", {})}
    return ChannelDraft(**{"name": name, "kind": "webhook", "settings": settings, "occasions": ["run_failed"],
    **changes})


def test_only_admins_see_and_change_channels(post: Post) -> None:
    made, _ = post.channels.create(ROOT, channel())
    for act in (lambda: post.channels.list(ANN, PAGE), lambda: post.channels.show(ANN, made.id),
                lambda: post.channels.create(ANN, channel()), lambda: post.channels.change(ANN, made.id, channel(), 1),
                lambda: post.channels.delete(ANN, made.id), lambda: post.channels.test(ANN, made.id),
                lambda: post.channels.deliveries(ANN, PAGE), lambda: post.channels.delivery(ANN, 1)):
        with pytest.raises(Refused):
            act()


def test_what_is_secret_is_nowhere_in_the_store(post: Post) -> None:
    post.channels.create(ROOT, channel())
    post.tell()
    post.courier.send_due()
    for table in ("channels", "audit", "deliveries", "alerts"):
        assert SECRET not in str(post.database.select(f"SELECT * FROM {table}"))


def test_create_change_delete(post: Post) -> None:
    made, secrets = post.channels.create(ROOT, channel())
    assert secrets == {} and made.public["origin"] == "http://127.0.0.1:9"
    with pytest.raises(Conflict):
        post.channels.create(ROOT, channel())
    changed = post.channels.change(ROOT, made.id, ChannelDraft("new", "webhook", {}, ["drift"], False), made.version)
    assert (changed.name, changed.occasions, changed.enabled, changed.version) == ("new", ["drift"], False, 2)
    assert post.channels.opened(made.id)[1]["signing_key"] == SECRET, "what is left out stays"
    with pytest.raises(Stale):
        post.channels.change(ROOT, made.id, channel(), 1)
    with pytest.raises(Malformed):
        post.channels.change(ROOT, made.id, ChannelDraft("new", "slack", {"url": "https://x.example/"}), 2)
    with pytest.raises(Malformed):
        post.channels.create(ROOT, channel(name="x", occasions=["everything"]))
    post.tell()
    post.channels.delete(ROOT, made.id, 2)
    assert post.channels.list(ROOT, PAGE).items == []


def test_a_signing_key_is_made_and_shown_once(post: Post) -> None:
    made, secrets = post.channels.create(ROOT, ChannelDraft("a", "webhook", {"url": "https://hooks.example.com/"}))
    assert len(secrets["signing_key"]) >= 32
    assert secrets["signing_key"] not in str(post.channels.show(ROOT, made.id))


def test_a_message_goes_to_whoever_wants_it(post: Post) -> None:
    server = WebServerDouble()
    post.channels.create(ROOT, channel(server.port, "wants"))
    post.channels.create(ROOT, channel(server.port, "wants other", occasions=["drift"]))
    post.channels.create(ROOT, channel(server.port, "is off", enabled=False))
    assert post.tell() == 1
    assert post.courier.send_due() == 1
    assert post.courier.send_due() == 0
    server.close()
    assert len(server.got) == 1
    assert post.states() == [("sent", 1, "")]


def test_what_a_transaction_takes_back_is_not_told(post: Post) -> None:
    post.channels.create(ROOT, channel())
    with pytest.raises(ZeroDivisionError), post.books.transaction():
        post.outbox.tell(Notice("run_failed", "x", "x failed"))
        raise ZeroDivisionError
    assert post.states() == []


def test_the_same_within_minutes_is_told_once(post: Post, clock: Clock) -> None:
    post.channels.create(ROOT, channel())
    assert [post.tell(), post.tell(), post.tell("other")] == [1, 0, 1]
    clock.tick(301)
    assert post.tell() == 1


def test_it_is_tried_again_after_longer_and_longer_pauses_and_then_given_up(post: Post, clock: Clock) -> None:
    server = WebServerDouble(*[500] * 20)
    post.channels.create(ROOT, channel(server.port))
    post.tell()
    for pause in (0, *PAUSES_S):
        if pause:
            clock.tick(pause - 1)
            assert post.courier.send_due() == 0
            clock.tick(1)
        assert post.courier.send_due() == 1
    server.close()
    assert post.states() == [("failed", len(PAUSES_S) + 1, "127.0.0.1 answered 500")]
    assert [one.kind for one in post.alerts.list(ROOT, PAGE).items] == ["channel_failed"]
    assert post.courier.next_try() is None


def test_what_is_final_is_not_tried_again_and_a_success_closes_the_alert(post: Post, clock: Clock) -> None:
    server = WebServerDouble(404)
    post.channels.create(ROOT, channel(server.port))
    post.tell()
    post.courier.send_due()
    assert post.states() == [("failed", 1, "127.0.0.1 answered 404")]
    assert len(post.alerts.list(ROOT, PAGE).items) == 1
    clock.tick(301)
    post.tell()
    post.courier.send_due()
    server.close()
    assert post.alerts.list(ROOT, PAGE).items == []


def test_an_inner_address_is_refused_when_the_settings_do_not_open_it(post: Post) -> None:
    server = WebServerDouble()
    post.courier._allowed = lambda: []
    post.channels.create(ROOT, channel(server.port))
    post.tell()
    post.courier.send_due()
    server.close()
    assert server.got == []
    assert post.states()[0][0] == "failed"


def test_a_channel_is_not_sent_more_than_it_takes(post: Post, clock: Clock) -> None:
    server = WebServerDouble()
    post.channels.create(ROOT, channel(server.port, settings={"per_minute": 3}))
    for number in range(5):
        post.tell(f"run {number}")
    assert post.courier.send_due() == 3
    assert post.courier.send_due() == 0
    clock.tick(61)
    assert post.courier.send_due() == 2
    server.close()
    assert [state for state, _, _ in post.states()] == ["sent"] * 5


def test_a_queue_has_an_end(post: Post) -> None:
    made, _ = post.channels.create(ROOT, channel())
    for number in range(MOST_PENDING + 3):
        post.tell(f"run {number}")
    states = [state for state, _, _ in post.states()]
    assert states.count("pending") == MOST_PENDING
    assert states.count("dropped") <= 3


def test_several_couriers_send_each_message_once(office: Office) -> None:
    server = WebServerDouble()
    posts = [office.start() for _ in range(3)]
    posts[0].channels.create(ROOT, channel(server.port, settings={"per_minute": 600}))
    for number in range(30):
        posts[0].tell(f"run {number}")
    faults: list[Exception] = []

    def work(post: Post) -> None:
        try:
            while post.courier.send_due():
                pass
        except Exception as error:  # a test's thread: told below
            faults.append(error)

    threads = [threading.Thread(target=work, args=(post,)) for post in posts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    server.close()
    assert not faults
    assert len(server.got) == 30
    assert len({got.headers["orch-delivery"] for got in server.got}) == 30


def test_who_dies_while_sending_leaves_it_to_the_next(office: Office, clock: Clock) -> None:
    server = WebServerDouble()
    first, second = office.start(), office.start()
    first.channels.create(ROOT, channel(server.port))
    first.tell()
    first.courier._claim()
    assert second.courier.send_due() == 0
    clock.tick(121)
    assert second.courier.send_due() == 1
    server.close()
    assert second.states() == [("sent", 2, "")]


def test_the_test_button(post: Post) -> None:
    server = WebServerDouble()
    made, _ = post.channels.create(ROOT, channel(server.port, occasions=[], enabled=False))
    queued = post.channels.test(ROOT, made.id)
    post.courier.send_due()
    server.close()
    assert post.channels.delivery(ROOT, queued.id).state == "sent"
    assert len(server.got) == 1
    for _ in range(3):
        post.channels.test(ROOT, made.id)
    with pytest.raises(Throttled):
        post.channels.test(ROOT, made.id)


def test_alerts_are_opened_once_by_many_and_closed_once(office: Office) -> None:
    posts = [office.start() for _ in range(3)]
    posts[0].channels.create(ROOT, channel())
    opened: list[bool] = []

    def work(post: Post) -> None:
        with post.books.transaction():
            opened.append(post.alerts.open("k", Notice("run_failed", "x", "x is wrong")))

    threads = [threading.Thread(target=work, args=(post,)) for post in posts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(opened) == [False, False, True]
    assert len(posts[0].states()) == 1
    with posts[0].books.transaction():
        assert posts[0].alerts.close("k")
        assert not posts[0].alerts.close("k")
        assert posts[0].alerts.open("k", Notice("run_failed", "x", "x is wrong again"))
    assert len(posts[0].alerts.list(ROOT, PAGE, open_only=False).items) == 2
    alert, = posts[0].alerts.list(ROOT, PAGE).items
    assert posts[0].alerts.dismiss(ROOT, alert.id).closed is not None
    with pytest.raises(Refused):
        posts[0].alerts.dismiss(Identity("v", "v", "viewer"), alert.id)
