"""Following a run: everything once, in order, from any position; slow viewers are sent away, not buffered."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from datetime import UTC, datetime

import httpx
import pytest

from api.operator import stream, viewers
from orchestrator.events import TaskResult
from orchestrator.runs.feed import Item, Position
from orchestrator.store import RunRecord, Store
from tests.api.operator.conftest import BY_HAND

NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture
def store(control, state_dir, store_url):
    opened = Store(store_url or str(state_dir / "orch.db"))
    opened.open()
    opened.announces = True
    opened.start_run(RunRecord(id="r1", playbooks=["site.yml"], hosts=["h1"]))
    yield opened
    opened.close()


def add(store, count: int = 1, first: int = 0) -> None:
    for number in range(first, first + count):
        store.record_event("r1", "Notice", {"number": number})
        store.record(TaskResult("r1", "p", "play", f"t{number}", "task", "f:1:1", "command", "h1", "ok"))
    store.flush()


def messages(response) -> list[dict]:
    """Until the stream ends."""
    found, current = [], {}
    for line in response.iter_lines():
        name, _, value = line.partition(": ")
        if line == "":
            if "event" in current:
                found.append(current)
            current = {}
        elif name:
            current[name] = json.loads(value) if name == "data" else value
    return found


def follow(served, session, into: list, **headers) -> threading.Thread:
    def run() -> None:
        with served.client(session) as client, client.stream("GET", "/api/v1/runs/r1/events",
                                                             headers=headers) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            into.append(messages(response))

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def await_viewer(served) -> None:
    deadline = time.monotonic() + 60
    while not served.app.state.get("wakers") or not served.app.state["run_hub"]._queues:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_viewers_get_everything_once_whenever_they_come(served, sessions, store):
    add(store, 3)
    seen: list = []
    viewers = [follow(served, sessions["viewer"], seen) for _ in range(3)]
    time.sleep(0.5)
    add(store, 3, first=3)
    viewers.append(follow(served, sessions["operator"], seen))
    time.sleep(0.3)
    add(store, 2, first=6)
    store.finish_run("r1", "ok", {"h1": {"ok": 8}})
    for viewer in viewers:
        viewer.join(20)
    assert len(seen) == 4
    for found in seen:
        assert [m["data"]["number"] for m in found if m["event"] == "event"] == list(range(8))
        assert [m["data"]["task_id"] for m in found if m["event"] == "result"] == [f"t{n}" for n in range(8)]
        assert found[-1]["event"] == "end" and found[-1]["data"] == {"status": "ok"}


def test_a_viewer_that_comes_back_goes_on_behind_the_last_it_had(served, sessions, store):
    add(store, 4)
    store.finish_run("r1", "ok", {})
    whole: list = []
    follow(served, sessions["viewer"], whole).join(20)
    for place, message in enumerate(whole[0]):
        rest: list = []
        follow(served, sessions["viewer"], rest, **{"Last-Event-ID": message["id"]}).join(20)
        assert [m["id"] for m in rest[0][:-1]] == [m["id"] for m in whole[0][place + 1:-1]]


def test_streams_end_when_the_server_stops(served, sessions, store):
    seen: list = []
    viewer = follow(served, sessions["viewer"], seen)
    await_viewer(served)
    served._loop.call_soon_threadsafe(lambda: [wake() for wake in served.app.state["wakers"]])
    viewer.join(60)
    assert seen == [[]]


def test_who_loses_the_right_to_a_run_hears_no_more_of_it(served, sessions, store, control, monkeypatch):
    monkeypatch.setattr(stream, "KNOWN_S", 0.0)
    seen: list = []
    viewer = follow(served, sessions["viewer"], seen)
    await_viewer(served)
    control.users.change(BY_HAND, sessions["viewer"].user.id, None, {"role": "none"})
    deadline, number = time.monotonic() + 60, 0
    while viewer.is_alive():
        assert time.monotonic() < deadline
        add(store, first=number)
        number += 1
        viewer.join(0.1)
    assert "end" not in [message["event"] for found in seen for message in found]


def test_following_needs_an_identity(served, store):
    assert httpx.get(f"{served.url}/api/v1/runs/r1/events").status_code == 401


def batch(first: int, count: int, before: Position | None = None) -> viewers.Batch:
    return viewers.batch_of(before or Position(), [Item("event", 0, number, NOW, {"n": number, "pad": "x" * 100})
                                    for number in range(first, first + count)])


async def test_a_queue_never_holds_more_than_its_bound_and_the_viewer_is_told_where_it_was():
    queue = viewers.Queue(most_bytes=1000)
    queue.put(batch(1, 2))
    live = stream._live(queue, Position(), None)
    assert (await anext(live)).count(b"event: event") == 2
    for number in range(3, 60):
        queue.put(batch(number, 1, Position(((number - 1, 0),))))
    assert await anext(live) == viewers.message("reload", {"after": "2.0"}, "2.0")
    with pytest.raises(StopAsyncIteration):
        await anext(live)


async def test_a_batch_is_cut_for_those_who_had_a_part_of_it():
    found = batch(1, 4)
    assert found.behind(Position()) == found.joined
    assert found.behind(Position(((2, 0),))).count(b"event: event") == 2
    assert found.behind(Position(((4, 0),))) == b""


async def test_who_is_no_longer_known_is_sent_away(monkeypatch):
    monkeypatch.setattr(stream, "KNOWN_S", 0.0)
    monkeypatch.setattr(stream, "HEARTBEAT_S", 0.01)

    async def nobody() -> bool:
        return False

    parts = [part async for part in stream._live(viewers.Queue(), Position(), nobody)]
    assert parts == [stream.BEAT]


async def test_a_wait_that_is_over_says_that_it_is_still_there(monkeypatch):
    monkeypatch.setattr(stream, "HEARTBEAT_S", 0.01)
    queue = viewers.Queue()
    live = stream._live(queue, Position(), None)
    assert await anext(live) == stream.BEAT
    asyncio.get_running_loop().call_later(0.02, queue.end, "failed")
    rest = [part async for part in live]
    assert rest[-1] == viewers.message("end", {"status": "failed"}, "")
