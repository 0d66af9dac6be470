"""The agentlet against the gateway itself: what the double says of it holds."""

from __future__ import annotations

import hashlib
import secrets
import shutil
import signal
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from modules import registry
from orchestrator.agents.envelope import Envelope
from orchestrator.agents.opening import open_post
from orchestrator.agents.records import JobState
from tests.agentlet.pull.conftest import Host, command, task
from tests.agentlet.pull.test_crashes import boot_again, counting, kill_everything
from tests.api.gateway import Served

OVER = {"finished", "cancelled", "interrupted", "lost", "expired"}


class Real:
    """A gateway, the operator's desk, and the carrier's side of the mailbox."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.folder = folder
        self.served = Served(folder, **options).start()
        self.post, self._database = open_post(folder)
        self.suffix = "-" + secrets.token_hex(4)

    def close(self) -> None:
        self._database.close()
        self.served.stop()

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.served.port}"

    def enroll(self, host: Host, *options: str) -> None:
        token = self.served.desk.invite("web1").token
        done = host.call("enroll", self.url, "--pin", self.served.authority.pin(), *options, stdin=token + "\n")
        assert done.returncode == 0, done.stderr
        host.set()

    def offer(self, tasks: list[dict[str, Any]], job: str = "job-1", blobs: list[bytes] | None = None) -> str:
        sources = {name: text.encode() for one in tasks for name, text in registry.sources(one["module"])}
        files = {hashlib.sha256(data).hexdigest(): data for data in [*sources.values(), *(blobs or [])]}
        envelope = Envelope(
            host="web1", run="run-1", job=job + self.suffix, tasks=tasks, deadline_s=600.0,
            sources=[(name, hashlib.sha256(data).hexdigest(), len(data)) for name, data in sources.items()],
            blobs=[(hashlib.sha256(data).hexdigest(), len(data)) for data in blobs or []])
        self.post.post(envelope, files)
        return envelope.job

    def await_over(self, job: str, timeout_s: float = 90) -> JobState:
        return self.await_state(job, OVER, timeout_s)

    def await_state(self, job: str, states: set[str], timeout_s: float = 90) -> JobState:
        end = time.monotonic() + timeout_s
        while (found := self.post.state_of(job)).state not in states:
            assert time.monotonic() < end, found
            time.sleep(0.05)
        return found

    def results(self, job: str) -> list[dict[str, Any]]:
        return [event for event in self.post.events_after(job, 1) if event["kind"] == "result"]


@pytest.fixture
def real(tmp_path: Path) -> Iterator[Real]:
    made = Real(tmp_path / "server")
    yield made
    made.close()


@pytest.mark.parametrize("options", [(), ("--token-only",)], ids=["certificate", "token"])
def test_from_an_invitation_to_a_result(host: Host, real: Real, tmp_path: Path, options: tuple[str, ...]) -> None:
    data, target, big = b"line\n" * 300_000, tmp_path / "copied", tmp_path / "big"
    big.write_bytes(bytes(range(256)) * 8000)
    ref = {"blob": hashlib.sha256(data).hexdigest(), "size": len(data)}
    real.enroll(host, *options)
    host.run()
    job = real.offer([command(1, "echo hello"), task(2, "copy", {"src": ref, "dest": str(target)}),
                      task(3, "fetch", {"src": str(big), "dest": "kept/"}),
                      command(4, "head -c 1500000 /dev/zero | tr '\\0' x")], blobs=[data])
    state = real.await_over(job)
    assert (state.state, state.status, state.digest_ok) == ("finished", "ok", True), host.said()
    results = real.results(job)
    assert [r["task"] for r in results[:3]] == ["t1", "t2", "t3"] and results[0]["values"]["stdout"] == "hello"
    assert target.read_bytes() == data
    uploads = {one.stream: one for one in real.post.uploads(job, 1)}
    fetched = uploads.pop(results[2]["values"]["stream"])
    assert fetched.complete and fetched.meta["path"] == str(big)
    assert b"".join(real.post.upload(job, 1, fetched.stream)) == big.read_bytes()
    [large] = uploads
    [stub] = [event for event in real.post.events_after(job, 1) if event["kind"] == "stored"]
    assert (stub["stream"], stub["size"]) == (large, uploads[large].size)
    end = time.monotonic() + 60
    while host.folders():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_job_that_waits_is_there_at_once_and_a_cancel_too(host: Host, real: Real, tmp_path: Path) -> None:
    real.enroll(host)
    host.set(hold_s=45)
    host.run()
    time.sleep(1.5)
    began = time.monotonic()
    job = real.offer([command(1, f"touch {tmp_path / 'began'}; sleep 300")])
    real.await_state(job, {"started"})
    while not (tmp_path / "began").exists():
        assert time.monotonic() - began < 20, "its poll is held for 45"
        time.sleep(0.02)
    real.post.cancel(job)
    assert real.await_over(job, 20).state == "cancelled"
    assert [r["status"] for r in real.results(job)] == ["cancelled"]


def test_killed_in_a_task_it_goes_on(host: Host, real: Real, tmp_path: Path) -> None:
    count = tmp_path / "count"
    real.enroll(host)
    host.run()
    job = real.offer([counting(1, count, "sleep 1.5"), counting(2, count)])
    while not count.exists():
        time.sleep(0.02)
    host.kill()
    host.run()
    assert real.await_over(job).status == "ok" and count.read_text() == "xx"
    assert [r["status"] for r in real.results(job)] == ["changed", "changed"]


def forget(real: Real, job: str) -> None:
    """The store is as it was when the job was posted: a backup was put back."""
    office = real.served.desk.office
    with office.database.transaction():
        office.jobs.change({"state": "queued", "claim_key": "", "claimed": None, "started": None, "lease_until": None,
                            "next_seq": 1}, '"id" = ?', job)
        office.events.delete('"job_id" = ?', job)
        office.database.notify(job)


def test_a_job_that_the_server_has_forgotten_is_gone_on_with(host: Host, real: Real, tmp_path: Path) -> None:
    count, gate = tmp_path / "count", tmp_path / "gate"
    real.enroll(host)
    host.run()
    job = real.offer([counting(1, count), counting(2, count, f"while [ ! -e {gate} ]; do sleep 0.05; done")])
    while not count.exists() or count.read_text() != "xx":
        time.sleep(0.02)
    forget(real, job)
    real.await_state(job, {"started"})
    gate.touch()
    assert real.await_over(job).status == "ok" and count.read_text() == "xx"
    assert [r["status"] for r in real.results(job)] == ["changed", "changed"]


def test_a_result_that_waits_for_a_server_is_delivered_to_one_that_has_forgotten_the_job(
    host: Host, real: Real, tmp_path: Path
) -> None:
    count, gate = tmp_path / "count", tmp_path / "gate"
    real.enroll(host)
    process = host.run()
    job = real.offer([counting(1, count, f"while [ ! -e {gate} ]; do sleep 0.05; done")])
    while not count.exists():
        time.sleep(0.02)
    process.send_signal(signal.SIGSTOP)
    gate.touch()
    forget(real, job)
    host.kill()
    host.run()
    assert real.await_over(job).status == "ok" and count.read_text() == "x"


def test_a_host_that_booted_again_goes_on_with_a_server_that_has_forgotten_the_job(
    host: Host, real: Real, tmp_path: Path
) -> None:
    count = tmp_path / "count"
    real.enroll(host)
    host.run()
    job = real.offer([counting(1, count), counting(2, tmp_path / "began", "sleep 60", retry_safe=True, receipt=False),
                      counting(3, count)])
    while not (tmp_path / "began").exists():
        time.sleep(0.02)
    time.sleep(0.5)
    kill_everything(host)
    boot_again(host)
    forget(real, job)
    host.run()
    while (tmp_path / "began").read_text() != "xx":
        time.sleep(0.02)
    real.post.cancel(job)
    assert real.await_over(job).state == "cancelled"
    assert [r["status"] for r in real.results(job)] == ["changed", "cancelled"] and count.read_text() == "x"


def test_of_a_copied_disk_one_goes_on_with_the_job(host: Host, real: Real, tmp_path: Path) -> None:
    """The copy is faster: what the other machine says from then on is refused, and it ends its part."""
    first, gate, later = tmp_path / "first", tmp_path / "gate", tmp_path / "later"
    real.enroll(host)
    host.run()
    job = real.offer([counting(1, first, f"while [ ! -e {gate} ]; do sleep 0.05; done"), counting(2, later)])
    while not first.exists():
        time.sleep(0.02)
    time.sleep(0.5)  # what the host knows the server knows
    (tmp_path / "copied").mkdir()
    copy = Host(host.program, tmp_path / "copied", host.gateway, host.python)
    shutil.copytree(host.state, copy.state)
    copy.run()
    try:
        row = real.served.desk.office.jobs
        key = row.find('"id" = ?', job).claim_key
        end = time.monotonic() + 60
        while row.find('"id" = ?', job).claim_key == key:
            assert time.monotonic() < end, copy.said()
            time.sleep(0.05)
        gate.touch()
        # The receipts are one place for both here: it depends on who reads them first whether the end is known.
        assert real.await_over(job).state in ("finished", "interrupted"), copy.said()
        assert first.read_text() == "x" and (not later.exists() or later.read_text() == "x")
        host.await_said("is not wanted any more: another machine with this identity")
    finally:
        copy.kill()


@pytest.mark.parametrize("options", [(), ("--token-only",)], ids=["certificate", "token"])
def test_keys_are_renewed_when_the_operator_says_so(host: Host, real: Real, options: tuple[str, ...]) -> None:
    real.enroll(host, *options)
    host.run()
    real.await_over(real.offer([command(1, "echo one")]))
    before = [(host.state / name).read_bytes() for name in ("secrets.json", *([] if options else ["client.pem"]))]
    real.served.desk.registry.rotate("web1")
    host.await_said("renewed its keys")
    after = [(host.state / name).read_bytes() for name in ("secrets.json", *([] if options else ["client.pem"]))]
    assert not set(before) & set(after)
    assert real.await_over(real.offer([command(1, "echo two")], "job-2")).status == "ok"


def test_renamed_it_works_under_its_new_name(host: Host, real: Real) -> None:
    real.enroll(host)
    host.run()
    real.await_over(real.offer([command(1, "echo one")]))
    real.served.desk.registry.rename("web1", "web9")
    post, posted = real.post, Envelope(host="web9", run="r", job="renamed" + real.suffix, tasks=[])
    post.post(posted, {})
    assert real.await_over(posted.job).status == "ok", host.said()
    assert "host      web9" in host.call("status").stdout


def test_a_revoked_identity_fails_at_once_and_keeps_calling(host: Host, real: Real) -> None:
    real.enroll(host)
    host.run()
    real.await_over(real.offer([command(1, "echo one")]))
    real.served.desk.registry.revoke("web1")
    host.await_said("refused: ")
    assert "refused since" in host.call("status").stdout and (host.state / "client.pem").exists()


def test_a_certificate_that_is_over_is_renewed_when_the_operator_approves(host: Host, real: Real) -> None:
    real.enroll(host)
    host.run()
    real.await_over(real.offer([command(1, "echo one")]))
    office = real.served.desk.office
    with office.database.transaction():
        office.certificates.change({"not_after": office.clock() - timedelta(hours=1)}, '"revoked" IS NULL')
    host.await_said("renewal: the certificate is over (on the controller: orch agents approve web1)")
    real.served.desk.registry.approve("web1")
    host.await_said("renewed its keys")
    assert real.await_over(real.offer([command(1, "echo two")], "job-2")).status == "ok"
