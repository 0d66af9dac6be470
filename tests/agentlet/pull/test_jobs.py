"""From a token to a result: enrol, poll, claim, run, deliver; on every Python."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tests.agentlet.pull.conftest import Host, command, task
from tests.agentlet.pull.gateway_double import GatewayDouble


def test_a_job_with_a_file_runs_and_all_of_it_arrives(any_host: Host, gateway: GatewayDouble, tmp_path: Path) -> None:
    data = b"line\n" * 300_000
    target = tmp_path / "copied"
    ref = {"blob": hashlib.sha256(data).hexdigest(), "size": len(data)}
    any_host.enroll()
    any_host.run()
    gateway.offer([command(1, "echo hello"), task(2, "copy", {"src": ref, "dest": str(target)})], blobs=[data])
    job = gateway.await_finished()
    assert [(r["task"], r["status"]) for r in job.results] == [("t1", "changed"), ("t2", "changed")], job.results
    assert job.results[0]["values"]["stdout"] == "hello"
    assert target.read_bytes() == data
    assert job.finish and job.finish["status"] == "ok"
    gateway.await_true(lambda: not any_host.folders())


def test_the_token_identity_signs_every_request(any_host: Host, gateway: GatewayDouble) -> None:
    any_host.enroll("--pin", gateway.ca.pin(), "--token-only")
    assert gateway.claims["csr"] is None and not (any_host.state / "client.pem").exists()
    any_host.run()
    gateway.offer([command(1, "echo hello")])
    assert gateway.await_finished().results[0]["values"]["stdout"] == "hello"


def test_a_fetched_file_is_uploaded(host: Host, gateway: GatewayDouble, tmp_path: Path) -> None:
    source = tmp_path / "big"
    source.write_bytes(bytes(range(256)) * 12_000)
    host.enroll()
    host.run()
    gateway.offer([task(1, "fetch", {"src": str(source), "dest": "kept/"})])
    job = gateway.await_finished()
    assert job.results[0]["status"] in ("ok", "changed"), job.results
    [data] = [bytes(upload) for upload in job.uploads.values()]
    assert data == source.read_bytes()


def test_a_result_too_large_for_an_event_travels_as_a_file(host: Host, gateway: GatewayDouble) -> None:
    import json

    host.enroll()
    host.run()
    gateway.offer([command(1, "head -c 1500000 /dev/zero | tr '\\0' x"), command(2, "echo after")])
    job = gateway.await_finished()
    [stub] = [event for event in job.events if event["kind"] == "stored"]
    data = bytes(job.uploads[stub["stream"]])
    assert (len(data), hashlib.sha256(data).hexdigest()) == (stub["size"], stub["sha256"])
    assert json.loads(data)["values"]["stdout"].startswith("xxx") and job.results[0]["values"]["stdout"] == "after"


def test_two_jobs_run_at_once_and_the_third_waits(host: Host, gateway: GatewayDouble, tmp_path: Path) -> None:
    host.enroll()
    gate = tmp_path / "gate"
    line = f"while [ ! -e {gate} ]; do sleep 0.05; done"
    gateway.offer([command(1, line)], "low", priority=1)
    gateway.offer([command(1, line)], "high", priority=9)
    gateway.offer([command(1, line)], "middle", priority=5)
    host.run()
    gateway.await_true(lambda: [gateway.jobs[name].state for name in ("high", "middle")] == ["started", "started"])
    assert gateway.jobs["low"].state == "queued"
    gate.touch()
    gateway.await_finished("low")


def test_a_failed_task_ends_the_job_and_the_rest_does_not_run(host: Host, gateway: GatewayDouble) -> None:
    host.enroll()
    host.run()
    gateway.offer([command(1, "exit 3", continue_on_failure=True), command(2, "exit 4"), command(3, "echo never")])
    job = gateway.await_finished()
    assert [(r["task"], r["values"].get("rc")) for r in job.results] == [("t1", 3), ("t2", 4)]
    assert job.finish and job.finish["status"] == "failed"
