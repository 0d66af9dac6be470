"""Several `orch serve` on one PostgreSQL are one server to its users; they outlive each other and the database."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest

from orchestrator.control.control import open_control
from orchestrator.notify.channels import ChannelDraft
from orchestrator.scheduling.records import ScheduleDraft
from orchestrator.store.books import utc_now
from tests.e2e.servers import BY_HAND, Follower, Server, Site
from tests.lab import postgresql
from tests.lab.loopback import LoopbackSshd
from tests.notify.doubles import WebServerDouble

AWAY_S = 14.0
"""Longer than the silence after which a worker is taken for dead."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, loopback_sshd: LoopbackSshd) -> Iterator[Site]:
    """Its servers are those that the test before left, and new ones: see `Site.two`."""
    reason = postgresql.missing()
    if reason:
        pytest.skip(reason)
    with postgresql.Cluster() as cluster:
        made = Site(tmp_path_factory.mktemp("servers"), cluster, loopback_sshd)
        yield made
        made.close()


def test_a_schedule_fires_once_and_its_end_is_told_once(site: Site) -> None:
    hook = WebServerDouble()
    site.control.settings.change(BY_HAND, "notify", None, {"allowed_networks": ["127.0.0.0/8"]})
    site.control.channels.create(BY_HAND, ChannelDraft(
        "hook", "webhook", {"url": f"http://127.0.0.1:{hook.port}/"}, ["run_succeeded"]))
    earlier = open_control(site.state, site.url, lambda: utc_now() - timedelta(seconds=60))
    due = utc_now() - timedelta(seconds=30)
    asked = site.asked(0.0)
    made = earlier.schedules.create(BY_HAND, ScheduleDraft("hourly", f"every 1h from {due:%Y-%m-%dT%H:%M:%S}", asked))
    earlier.close()
    site.two()

    def runs() -> list[str]:
        return [str(row[0]) for row in site.control.books.database.select(
            'SELECT "id" FROM runs WHERE "schedule_id" = ?', (made.id,))]

    site.until(runs, "the schedule fires")
    site.wait(runs()[0])
    site.until(lambda: hook.got, "it is told")
    site.until(lambda: site.control.courier.next_try() is None, "nothing is left to tell")
    site.assert_once(runs()[0])
    assert len(runs()) == 1 and len(hook.got) == 1
    hook.close()


def test_who_logs_in_at_one_is_known_at_the_other(site: Site) -> None:
    one, two = site.two()
    client = site.login(one)
    assert client.get(f"{two.url}/api/v1/auth/me").json()["user"]["name"] == "ann"
    assert client.post(f"{two.url}/api/v1/auth/logout").status_code == 204
    assert client.get(f"{one.url}/api/v1/auth/me").status_code == 401
    # Five tries are free, of all servers together; each wait after that is twice the one before.
    wrong = {"name": "nobody", "password": "not this one"}

    def tried(server: Server) -> int:
        return httpx.post(f"{server.url}/api/v1/auth/login", json=wrong, timeout=60).status_code

    assert [tried(one) for _ in range(5)] == [401] * 5
    assert any(tried(two) == 429 for _ in range(8))


def test_the_other_server_finishes_the_run_of_one_that_is_killed(site: Site) -> None:
    one, two = site.two()
    client = site.login(one)
    launched = client.post(f"{two.url}/api/v1/runs", json=site.asked())
    assert launched.status_code == 201, launched.text
    run_id = launched.json()["run"]["id"]
    followers = [Follower((one, two), run_id, client), Follower((two, one), run_id, client)]
    site.in_the_middle(run_id)
    driver = next(server for server in (one, two) if site.worker_of(server) == site.run(run_id).worker_id)
    driver.process.kill()
    run = site.wait(run_id)
    other = two if driver is one else one
    assert run.worker_id == site.worker_of(other) and run.resumes == 1
    site.assert_once(run_id)
    for follower in followers:
        follower.assert_told_once(site.count)
    site.gone(driver)


def test_a_rolling_restart_loses_nothing(site: Site) -> None:
    client = site.login(site.two()[0])
    wanted = site.asked()
    run_id = client.post(f"{site.servers[0].url}/api/v1/runs", json=wanted).json()["run"]["id"]
    follower = Follower(site.servers, run_id, client)
    site.in_the_middle(run_id)
    others = site.folder / "others"
    others.mkdir()
    other = {**wanted, "limit": "host1", "allow_concurrent": True, "extra_vars": {"folder": str(others), "nap": 0}}
    launched = []
    for server in tuple(site.servers):
        server.process.send_signal(signal.SIGTERM)
        launched.append(launch(site, client, f"while {server.url} stops", other))
        site.gone(server)
        assert server.process.returncode == 0
        site.serve()
    assert [site.wait(one).status for one in launched] == ["ok"] * 2
    site.wait(run_id)
    site.assert_once(run_id)
    follower.assert_told_once(site.count)


def launch(site: Site, client: httpx.Client, key: str, body: dict[str, object]) -> str:
    """By whichever server takes it."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for server in tuple(site.servers):
            try:
                answer = client.post(f"{server.url}/api/v1/runs", json=body, headers={"Idempotency-Key": key})
            except httpx.TransportError:
                continue
            if answer.status_code == 201:
                return str(answer.json()["run"]["id"])
            assert answer.status_code == 503, answer.text
    raise AssertionError("nobody takes a launch")


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_postgresql_restarts_while_idle_and_in_the_middle_of_a_run(site: Site, mode: str) -> None:
    one, two = site.two()
    client = site.login(one)
    wanted = site.asked()
    site.cluster.restart(mode)
    told = [client.get(f"{server.url}/api/v1/runs").status_code for server in (one, two) * 8]
    assert told == [200] * len(told), "nobody was in the middle of anything"
    run_id = client.post(f"{two.url}/api/v1/runs", json=wanted).json()["run"]["id"]
    followers = [Follower((server,), run_id, client) for server in (one, two)]
    site.in_the_middle(run_id)
    site.cluster.restart(mode)
    site.wait(run_id)
    site.assert_once(run_id)
    for follower in followers:
        follower.assert_told_once(site.count)
        assert follower.connections == 1, "the stream outlasted it"
    assert one.process.poll() is None and two.process.poll() is None


def test_postgresql_is_away_for_longer_than_the_silence(site: Site) -> None:
    one, two = site.two()
    client = site.login(one)
    worker, _ = site.worker("--silence", "30")
    run_id = client.post(f"{one.url}/api/v1/runs", json=site.asked()).json()["run"]["id"]
    follower = Follower((one,), run_id, client)
    site.in_the_middle(run_id)
    driver = site.run(run_id).worker_id
    site.cluster.halt("fast")
    since = time.monotonic()
    for asked in (client.get, httpx.get):
        for server in (one, two):
            answer = asked(f"{server.url}/health", timeout=60)
            assert answer.status_code == 503, answer.text
            assert answer.json() == {"state": "failed", "parts": {
                "database": {"state": "failed", "message": "it does not answer", "numbers": {}}}}
            assert asked(f"{server.url}/health/live", timeout=60).status_code == 200
    answer = client.get(f"{two.url}/api/v1/runs")
    assert answer.status_code == 503 and "retry-after" in answer.headers
    time.sleep(max(0.0, AWAY_S - (time.monotonic() - since)))
    site.cluster.serve()
    for server in (one, two):
        site.until(lambda server=server: server.get("/health").status_code == 200, "it is ready again")
    site.wait(run_id)
    site.assert_once(run_id)
    follower.assert_told_once(site.count)
    assert site.run(run_id).worker_id == driver, "nobody was taken for dead who could not show himself"
    assert all(process.poll() is None for process in (one.process, two.process, worker))
