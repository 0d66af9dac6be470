"""What does not run here, and how the operator hears why."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import Any

import pytest

from orchestrator.agents import envelope as envelopes
from tests.agentlet.pull.conftest import Host, command, task
from tests.agentlet.pull.gateway_double import GatewayDouble, Job
from tests.agentlet.pull.test_crashes import counting


def _altered(job: Job) -> None:
    job.text = job.text.replace("printf x", "printf y")


def _unsigned(job: Job) -> None:
    job.signature = ""


@pytest.mark.parametrize(
    ("fields", "change", "code"),
    [
        ({}, _altered, "envelope_bad_signature"),
        ({}, _unsigned, "envelope_bad_signature"),
        ({"key": b"x" * 32}, None, "envelope_bad_signature"),
        ({"agent": "a2"}, None, "envelope_foreign"),
        ({"host": "web2"}, None, "envelope_foreign"),
        ({"expires": int(time.time()) - 5}, None, "envelope_expired"),
    ],
    ids=["altered", "unsigned", "another key", "another agent", "another host", "expired"],
)
def test_a_job_that_must_not_run_is_refused_and_reported(
    host: Host, gateway: GatewayDouble, tmp_path: Path, fields: dict[str, Any], change: Any, code: str
) -> None:
    count = tmp_path / "count"
    host.enroll()
    job = gateway.offer([counting(1, count)], **fields)
    if change is not None:
        change(job)
    host.run()
    gateway.await_finished()
    assert [(r["task"], r["status"], r["error"]["code"]) for r in job.results] == [("t1", "failed", code)]
    assert not count.exists() and not host.folders()
    gateway.await_true(lambda: any("is refused" in line for line in gateway.logs))


def test_a_source_that_is_not_what_was_signed_is_not_run(host: Host, gateway: GatewayDouble, tmp_path: Path) -> None:
    count = tmp_path / "count"
    host.enroll()
    job = gateway.offer([counting(1, count)])
    envelope = envelopes.from_text(job.text)
    for _, digest, size in envelope.sources:
        gateway.blobs[digest] = b"#" * size
    host.run()
    gateway.await_finished()
    assert [r["error"]["code"] for r in job.results] == ["blob_damaged"] and not count.exists()
    gateway.await_true(lambda: not host.folders())


def test_the_owners_policy_has_the_last_word(host: Host, gateway: GatewayDouble, tmp_path: Path) -> None:
    allowed, denied = tmp_path / "allowed", tmp_path / "denied"
    for folder in (allowed, denied):
        folder.mkdir()
    (allowed / "link").symlink_to(denied)
    host.enroll()
    host.allow(modules={"deny": ["ansible.builtin.reboot"]}, commands={"deny": [r"\brm\s+-rf\b"]},
               paths={"deny": [str(denied)]}, become_users=["postgres"])
    host.run()
    go_on = {"continue_on_failure": True}
    gateway.offer([
        command(1, "rm -rf /nothing", **go_on),
        task(2, "file", {"path": str(denied / "x"), "state": "touch"}, **go_on),
        task(3, "file", {"path": str(allowed / "link" / "x"), "state": "touch"}, **go_on),
        task(4, "file", {"path": str(allowed / "y"), "state": "touch"}, **go_on),
        command(5, "id -un", become={"method": "sudo", "user": "root", "secret": None, "flags": None, "exe": None},
                **go_on),
    ])
    job = gateway.await_finished()
    assert [(r["task"], (r["error"] or {}).get("code")) for r in job.results] == [
        ("t1", "policy"), ("t2", "policy"), ("t3", "policy"), ("t4", None), ("t5", "policy")], job.results
    rules = [r["error"]["message"].rpartition("(rule ")[2] for r in job.results if r["error"]]
    assert rules == [r"commands.deny \brm\s+-rf\b)", f"paths.deny {denied})", f"paths.deny {denied})", "become_users)"]
    assert (allowed / "y").exists() and not list(denied.iterdir())
    gateway.await_true(lambda: any("rule become_users" in line for line in gateway.logs))


def test_a_policy_that_cannot_be_read_allows_nothing(host: Host, gateway: GatewayDouble, tmp_path: Path) -> None:
    host.enroll()
    (host.state / "policy.json").write_text("{modules: nonsense")
    host.run()
    gateway.offer([counting(1, tmp_path / "count")])
    [result] = gateway.await_finished().results
    assert result["error"]["code"] == "policy" and "cannot be read" in result["error"]["message"]
    assert not (tmp_path / "count").exists()


CANARY = "canary-7f3a9"


def test_no_secret_reaches_a_command_line_a_log_or_the_status(
    host: Host, gateway: GatewayDouble, tmp_path: Path
) -> None:
    listed, token = tmp_path / "listed", f"token-{tmp_path.name}-{time.time_ns()}"  # others have the other in arguments
    gateway.tokens[token] = "web1"
    host.enroll(token=token)
    process = host.run()
    gateway.offer([command(1, f"cat /proc/[0-9]*/cmdline /proc/{process.pid}/environ > {listed}; true"),
                   command(2, f": {CANARY}; exit 1", no_log=True)], secrets={"become": CANARY})
    gateway.await_finished()
    secrets = [CANARY, gateway.job_key.hex(), gateway.token.hex(), token, "PRIVATE KEY"]
    status = host.call("status").stdout
    for text in (listed.read_bytes().decode("utf-8", "replace"), host.said(), status, "\n".join(gateway.logs)):
        assert not [secret for secret in secrets if secret in text]


def test_what_it_keeps_is_its_users_alone(host: Host, gateway: GatewayDouble, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    host.enroll()
    host.run()
    data = b"x" * 1000
    ref = {"blob": hashlib.sha256(data).hexdigest(), "size": len(data)}
    gateway.offer([task(1, "copy", {"src": ref, "dest": str(tmp_path / "copied")}),
                   command(2, f"while [ ! -e {gate} ]; do sleep 0.05; done")], blobs=[data])
    gateway.await_true(lambda: len(gateway.jobs["job-1"].results) == 1)
    # What the tests themselves wrote into it is left out.
    found = [path for path in host.state.rglob("*") if path.name not in ("settings.json",)]
    assert len(found) > 10
    assert host.state.stat().st_mode & 0o777 == 0o700
    loose = [(str(path.relative_to(host.state)), oct(path.stat().st_mode)) for path in found
             if path.stat().st_mode & 0o077]
    assert not loose
    gate.touch()
    gateway.await_finished()
