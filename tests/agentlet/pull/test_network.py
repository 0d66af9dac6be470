"""What a network and a server may do to an agentlet: nothing is lost, nothing is doubled, nothing runs twice."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from tests.agentlet.pull.conftest import Host, command
from tests.agentlet.pull.gateway_double import Asked, Fault, GatewayDouble, on
from tests.agentlet.pull.test_crashes import counting


def test_a_server_that_is_away_for_a_while_gets_everything_later(
    host: Host, gateway: GatewayDouble, tmp_path: Path
) -> None:
    count, gate = tmp_path / "count", tmp_path / "gate"
    host.enroll()
    host.run()
    gateway.offer([counting(1, count, f"while [ ! -e {gate} ]; do sleep 0.05; done"), counting(2, count)])
    gateway.await_true(count.exists)
    gateway.stop()
    gate.touch()
    host.await_said("offline")
    gateway.await_true(lambda: count.read_text() == "xx")
    gateway.start()
    assert len(gateway.await_finished().results) == 2 and count.read_text() == "xx"


@pytest.mark.parametrize("verb", ["poll", "claim", "start", "events", "finish", "blobs"])
@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=503, headers={"Retry-After": "0"}),
        Fault(status=500),
        Fault(cut_at=20),
        Fault(),
        Fault(after=True),
        Fault(cut_at=20, after=True),
    ],
    ids=["503", "500", "cut answer", "no answer", "answer lost", "answer cut after it took effect"],
)
def test_any_request_may_fail_once_in_any_way(
    host: Host, gateway: GatewayDouble, tmp_path: Path, verb: str, fault: Fault
) -> None:
    count = tmp_path / "count"
    host.enroll()
    if verb in ("poll", "blobs"):
        gateway.faults.append(_first(verb, fault))
    else:
        gateway.faults.append(on(f"jobs/job-1/{verb}", fault))
    host.run()
    gateway.offer([counting(1, count)])
    job = gateway.await_finished()
    assert [r["status"] for r in job.results] == ["changed"] and count.read_text() == "x"


def _first(verb: str, fault: Fault) -> object:
    done: list[Asked] = []

    def judge(asked: Asked) -> Fault | None:
        if asked.verb.startswith(verb) and not done:
            done.append(asked)
            return fault
        return None

    return judge


def test_a_server_that_lost_events_gets_them_again(host: Host, gateway: GatewayDouble, tmp_path: Path) -> None:
    count, gate = tmp_path / "count", tmp_path / "gate"
    host.enroll()
    host.run()
    gateway.offer([counting(1, count, f"while [ ! -e {gate} ]; do sleep 0.05; done")])
    job = gateway.jobs["job-1"]
    gateway.await_true(lambda: job.heads)
    job.heads.clear()  # restored from a backup
    gate.touch()
    assert [r["task"] for r in gateway.await_finished().results] == ["t1"]
    assert gateway.count("jobs/job-1/events") >= 3  # the first, one that came too early, all of them


def test_a_finish_before_its_events_sends_them(host: Host, gateway: GatewayDouble, tmp_path: Path) -> None:
    host.enroll()
    job = gateway.offer([command(1, "echo hi")])

    def forget(asked: Asked) -> Fault | None:
        if asked.verb == "jobs/job-1/finish" and asked.number == 1:
            job.heads.clear()
        return None

    gateway.faults.append(forget)
    host.run()
    assert len(gateway.await_finished().results) == 1


@pytest.mark.parametrize("verb", ["claim", "start"])
def test_409_means_that_the_job_is_left_alone(
    host: Host, gateway: GatewayDouble, tmp_path: Path, verb: str
) -> None:
    count = tmp_path / "count"
    host.enroll()
    gateway.faults.append(on(f"jobs/job-1/{verb}", Fault(status=409), numbers=()))
    host.run()
    gateway.offer([counting(1, count)])
    gateway.await_true(lambda: gateway.count(f"jobs/job-1/{verb}"))
    gateway.jobs["job-1"].state = "over"
    gateway.offer([counting(1, tmp_path / "other")], "job-2")
    gateway.await_finished("job-2")
    assert not count.exists()
    gateway.await_true(lambda: not host.folders())


def test_an_attempt_that_was_replaced_is_stopped_and_forgotten(
    host: Host, gateway: GatewayDouble, tmp_path: Path
) -> None:
    count = tmp_path / "count"
    host.enroll()
    host.run()
    gateway.offer([counting(1, count, "sleep 60"), counting(2, count)])
    gateway.await_true(lambda: gateway.jobs["job-1"].heads)
    gateway.faults.append(on("jobs/job-1/*", Fault(status=409), numbers=()))
    gateway.order(gone=["job-1" + gateway.suffix])
    gateway.await_true(lambda: not host.folders(), 40)
    assert count.read_text() == "x" and "is not wanted any more" in host.said()


def test_a_heartbeat_says_with_which_key_a_job_was_claimed(
    host: Host, gateway: GatewayDouble, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    host.enroll()
    host.run()
    job = gateway.offer([command(1, f"while [ ! -e {gate} ]; do sleep 0.05; done")])
    beat = gateway.await_true(lambda: next((beat for beat in gateway.beats if beat["running"]), None))
    assert job.key and beat["running"] == [[job.id + gateway.suffix, 1, job.key]]
    gate.touch()
    gateway.await_finished()


def test_what_is_gone_is_an_attempt_that_a_heartbeat_named_and_no_later_one(host: Host, gateway: GatewayDouble) -> None:
    host.enroll()
    host.set(heartbeat_s=300)
    gateway.order(gone=["job-1" + gateway.suffix])  # said of the attempt before this one
    host.run()
    gateway.offer([command(1, "sleep 1")])
    job = gateway.await_finished()
    assert job.finish and job.finish["status"] == "ok"


def test_a_downgraded_server_is_told_of_and_tried_again(host: Host, gateway: GatewayDouble) -> None:
    host.enroll()
    gateway.faults.append(on("poll", Fault(status=426, problem={"detail": "speaks 7 alone", "hint": "update it"}),
                             numbers=(1, 2, 3)))
    host.run()
    host.await_said("offline: speaks 7 alone (update it)")
    gateway.offer([command(1, "echo hi")])
    gateway.await_finished()


def test_a_refused_identity_is_kept_and_tried_again(host: Host, gateway: GatewayDouble) -> None:
    host.enroll()
    before = (host.state / "identity.json").read_bytes(), (host.state / "client.pem").read_bytes()
    known, gateway.certificates = gateway.certificates, set()
    host.run()
    host.await_said("refused: ")
    status = host.call("status")
    assert status.returncode == 0 and "refused since" in status.stdout, status.stdout + status.stderr
    assert ((host.state / "identity.json").read_bytes(), (host.state / "client.pem").read_bytes()) == before
    gateway.certificates = known
    gateway.offer([command(1, "echo hi")])
    gateway.await_finished()


def test_sighup_ends_a_long_pause(host: Host, gateway: GatewayDouble) -> None:
    import signal

    host.enroll()
    host.set(refused_s=[3000, 3000])
    known, gateway.certificates = gateway.certificates, set()
    process = host.run()
    host.await_said("refused: ")
    gateway.certificates = known
    gateway.offer([command(1, "echo hi")])
    time.sleep(0.3)
    process.send_signal(signal.SIGHUP)
    gateway.await_finished()


def test_retry_after_is_waited_for(host: Host, gateway: GatewayDouble) -> None:
    host.enroll()
    gateway.faults.append(on("poll", Fault(status=503, headers={"Retry-After": "2"})))
    host.run()
    gateway.await_true(lambda: gateway.count("poll"))
    began = time.monotonic()
    gateway.await_true(lambda: gateway.count("poll") > 1)
    assert time.monotonic() - began > 1.8


@pytest.mark.parametrize("offset_s", [-3600, 3600])
@pytest.mark.parametrize("options", [(), ("--token-only",)], ids=["certificate", "token"])
def test_a_clock_an_hour_off_is_no_hindrance(
    host: Host, gateway: GatewayDouble, offset_s: int, options: tuple[str, ...]
) -> None:
    gateway.time_offset_s = offset_s
    host.enroll("--pin", gateway.ca.pin(), *options)
    host.run()
    job = gateway.offer([command(1, "echo hi")])
    assert re.search(r'"expires":\d+', job.text)
    assert [r["status"] for r in gateway.await_finished().results] == ["changed"]


def test_somebody_else_at_the_gateways_address_learns_nothing(
    host: Host, gateway: GatewayDouble, tmp_path: Path
) -> None:
    done = host.call("enroll", gateway.url, "--pin", "sha256//" + "A" * 43 + "=", stdin="good-token\n")
    assert done.returncode == 1 and "not the pinned" in done.stderr and not gateway.asked
    host.enroll()
    gateway.stop()
    other = GatewayDouble(tmp_path / "other")
    other.port = gateway.port
    other.start()
    try:
        host.run()
        host.await_said("is not to be trusted")
        assert not other.asked
    finally:
        other.stop()


def test_a_used_token_says_what_to_do(host: Host, gateway: GatewayDouble) -> None:
    host.enroll()
    again = host.call("enroll", gateway.url, "--pin", gateway.ca.pin(), stdin="good-token\n")
    assert again.returncode == 1 and "enrolled already, as web1" in again.stderr
    used = host.call("enroll", gateway.url, "--pin", gateway.ca.pin(), "--force", stdin="good-token\n")
    assert used.returncode == 1 and "orch agents invite" in used.stderr
    assert "good-token" not in used.stderr + again.stderr
