"""The held poll: woken at once by whoever posts, answered when the server stops, never a busy loop."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.api.conftest import Serve
from tests.api.gateway import Member, Reply, Served
from tests.api.jobs import posted
from tests.lab.postgresql import Cluster

POST_JOB = """
import sys, time
from pathlib import Path
from orchestrator.agents.envelope import Envelope
from orchestrator.agents.opening import open_post

post, database = open_post(Path(sys.argv[1]), sys.argv[2] or None)
print("ready", flush=True)
for number, _ in enumerate(sys.stdin):
    job = f"job-{number}"
    post.post(Envelope(host="web1", run="run-1", job=job, tasks=[{"id": "t1", "module": "ping", "args": {}}]))
    print(time.time(), flush=True)
    sys.stdin.readline()
    post.cancel(job)
    print("cancelled", flush=True)
"""
ROUNDS, SERIES = 5, 10


def in_background(act: Callable[[], Any]) -> Future[Any]:
    pool = ThreadPoolExecutor(1)
    future = pool.submit(act)
    pool.shutdown(wait=False)
    return future


def polling(served: Served, member: Member, query: str = "wait=30") -> Future[tuple[Reply, float]]:
    """A poll that is held by now; its answer, and when that came."""
    def act() -> tuple[Reply, float]:
        with served.client(member, timeout_s=60) as client:
            return client.get(f"poll?{query}"), time.time()

    before = len(served.service.gateway.waiting)
    future = in_background(act)
    deadline = time.monotonic() + 60
    while len(served.service.gateway.waiting) == before and time.monotonic() < deadline and not future.done():
        time.sleep(0.005)
    time.sleep(0.05)
    return future


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str | None:
    return request.getfixturevalue("fresh_postgres_url") if request.param == "postgresql" else None


@pytest.fixture
def any_store(store_url: str | None, serve_gateway: Serve) -> Served:
    return serve_gateway(store_url=store_url)


def test_a_post_of_another_process_wakes_the_poll_within_50_ms(any_store: Served) -> None:
    served, member = any_store, any_store.enrol("web1")
    process = subprocess.Popen([sys.executable, "-c", POST_JOB, str(served.state), served.store_url or ""],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin and process.stdout
    assert process.stdout.readline() == "ready\n"
    delays: list[float] = []
    while not _is_prompt(delays) and len(delays) < ROUNDS * SERIES:
        number = len(delays)
        answer = polling(served, member)
        print(file=process.stdin, flush=True)
        posted_at = float(process.stdout.readline())
        reply, came = answer.result(60)
        assert reply.json["offers"] == [{"job": f"job-{number}", "attempt": 1, "priority": 0}]
        delays.append(came - posted_at)
        print(file=process.stdin, flush=True)
        assert process.stdout.readline() == "cancelled\n"
    process.stdin.close()
    process.wait(60)
    assert _is_prompt(delays), delays


def _is_prompt(delays: list[float]) -> bool:
    """Most of a whole series came within 50 ms: one series may fall into a moment when this machine is busy."""
    series = [sorted(delays[first:first + ROUNDS]) for first in range(0, len(delays), ROUNDS)]
    return any(len(one) == ROUNDS and one[ROUNDS // 2] < 0.05 for one in series)


def test_a_store_that_went_away_is_503_until_it_is_back(
        fresh_postgres_url: str, postgres_cluster: Cluster, serve_gateway: Serve) -> None:
    served, name = serve_gateway(store_url=fresh_postgres_url), urlsplit(fresh_postgres_url).path[1:]
    server = psycopg.connect(postgres_cluster.url(driver="postgresql"), autocommit=True)
    with served.client(served.enrol("web1")) as client, server:
        assert client.get("config").status == 200
        server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        away = client.get("config")
        assert (away.status, away.code) == (503, "store_unavailable") and away.headers["retry-after"]
        server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        assert client.get("config").status == 200


def test_an_idle_poll_ends_when_its_time_is_over(served: Served, member: Member) -> None:
    with served.client(member) as client:
        began = time.monotonic()
        reply = client.get("poll?wait=0.3")
        took = time.monotonic() - began
    assert reply.json["offers"] == [] and 0.3 <= took < 30


@pytest.mark.parametrize("wait", ["-5", "0", "1e309", "nan", "x", ""])
def test_a_poll_with_a_strange_wait_is_answered(served: Served, member: Member, wait: str) -> None:
    posted(served)
    with served.client(member) as client:
        assert client.get(f"poll?wait={wait}").status in (200, 400)


def test_a_cancel_wakes_the_poll_of_the_agent_that_has_the_job(served: Served, member: Member) -> None:
    post = posted(served)
    with served.client(member) as client:
        client.post("jobs/job-1/claim", {"attempt": 1})
        client.post("jobs/job-1/start", {"attempt": 1})
    answer = polling(served, member, "wait=30&running=job-1")
    post.cancel("job-1")
    reply, _ = answer.result(20)
    assert reply.json["orders"]["cancel"] == ["job-1"]


def test_what_was_told_is_not_told_again_at_once(served: Served, member: Member) -> None:
    """An agent that has not claimed yet, or not ended what was cancelled, must not spin."""
    posted(served)
    with served.client(member) as client:
        assert client.get("poll?wait=5").json["offers"]
        began = time.monotonic()
        assert client.get("poll?wait=0.5").json["offers"], "at the end it is told all the same"
        assert time.monotonic() - began >= 0.5


def test_a_second_poll_of_an_agent_ends_the_first(served: Served, member: Member) -> None:
    """The first one's connection is dead, or will be: nobody waits there."""
    first = polling(served, member)
    second = polling(served, member, "wait=1")
    assert first.result(20)[0].json["offers"] == []
    assert second.result(60)[0].status == 200


def test_two_agents_wait_side_by_side_and_only_one_is_woken(served: Served, member: Member) -> None:
    other = served.enrol("web2")
    one, two = polling(served, member), polling(served, other)
    posted(served, "job-2", "web2")
    assert two.result(20)[0].json["offers"][0]["job"] == "job-2"
    assert not one.done()
    posted(served)
    assert one.result(20)[0].json["offers"][0]["job"] == "job-1"


def test_a_full_server_says_when_to_come_again(served: Served, member: Member) -> None:
    served.service.gateway.waiting._most = 0
    with served.client(member) as client:
        reply = client.get("poll?wait=5")
    assert (reply.status, reply.code) == (503, "server_full")
    assert 15 <= int(reply.headers["retry-after"]) <= 60


def test_a_server_that_stops_answers_who_waits_and_ends(served: Served, member: Member) -> None:
    answer = polling(served, member)
    began = time.monotonic()
    served.stop()
    reply, _ = answer.result(20)
    assert time.monotonic() - began < 20
    assert (reply.status, reply.code) == (503, "server_stops")
    assert 1 <= int(reply.headers["retry-after"]) <= 15
    assert reply.headers["connection"] == "close"


def test_a_request_under_way_is_finished_when_the_server_stops(served: Served, member: Member) -> None:
    posted(served)
    desk = served.service.desk
    entered, go_on = threading.Event(), threading.Event()

    def slow(_: object) -> None:
        entered.set()
        go_on.wait(60)

    with served.client(member) as client:
        client.get("config")
        served.in_loop(lambda: served._loop.create_task(desk.call(slow)))
        assert entered.wait(60)
        claim = in_background(lambda: client.post("jobs/job-1/claim", {"attempt": 1}))
        time.sleep(1)
        stopping = in_background(served.stop)
        time.sleep(0.2)
        go_on.set()
        assert claim.result(60).status == 200
        stopping.result(60)


def test_a_poll_whose_client_has_gone_is_forgotten(served: Served, member: Member) -> None:
    client = served.client(member)
    client._connection.request("GET", "/agent/v1/poll?wait=3", headers={"Orch-Protocol": "1"})
    for waiting in (1, 0):
        deadline = time.monotonic() + 60
        while len(served.service.gateway.waiting) != waiting:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        client.close()
