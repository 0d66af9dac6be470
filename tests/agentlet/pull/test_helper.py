"""The root helper takes signed jobs, known files and typed requests; whoever has taken over the agentlet gets no more.

Here its connections are made by a double of systemd; tests/e2e/test_unprivileged.py has the real one.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
import zlib
from pathlib import Path

import pytest

from agentlet.pull.faults import AgentletError, EnvelopeRefused
from agentlet.wire import encode
from orchestrator.agents import envelope as envelopes
from tests.agentlet.pull.conftest import command, task
from tests.agentlet.pull.gateway_double import JOB_KEY, GatewayDouble
from tests.agentlet.pull.helper_double import Helpers, Talk

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be a root helper")
ROOT = {"user": "root"}


def counting(number: int, path: Path, then: str = "", **fields: object) -> dict[str, object]:
    return command(number, f"printf x >> {path}; {then}", become=ROOT, **fields)


def test_a_signed_job_is_done_once_however_often_it_is_asked_for(
    helpers: Helpers, gateway: GatewayDouble, tmp_path: Path
) -> None:
    count = tmp_path / "count"
    # One that may run twice, as far as its author is concerned.
    job = gateway.offer([counting(1, count, retry_safe=True, receipt=False)])
    for _ in range(2):
        talk = Talk(helpers, job, gateway)
        talk.give_sources()
        [result] = talk.do("t1")
        assert result["status"] == "changed", result
        [again] = talk.do("t1")
        assert again["replayed"] and count.read_text() == "x"
        talk.leave()
    talk = Talk(helpers, job, gateway)
    talk.send("ack")
    talk.send("bye")
    talk.leave()
    time.sleep(0.5)
    with pytest.raises(EnvelopeRefused, match="done here"):
        Talk(helpers, job, gateway)
    assert count.read_text() == "x"


@pytest.mark.parametrize("way", ["another key", "altered", "no signature", "another agent", "expired"])
def test_a_job_that_the_server_did_not_write_for_this_host_is_not_begun(
    helpers: Helpers, gateway: GatewayDouble, tmp_path: Path, way: str
) -> None:
    key = b"x" * 32 if way == "another key" else None
    fields = {"another agent": {"agent": "a2"}, "expired": {"expires": int(time.time()) - 90000}}.get(way, {})
    job = gateway.offer([counting(1, tmp_path / "count")], key=key, **fields)
    if way == "altered":
        job.text = job.text.replace("printf x", "printf y")
    if way == "no signature":
        job.signature = ""
    with pytest.raises(EnvelopeRefused):
        Talk(helpers, job, gateway)
    assert helpers.door.is_signed(job.text, job.signature) == (way in ("another agent", "expired"))
    assert not (tmp_path / "count").exists()


def test_an_attempt_before_one_that_was_here_is_not_begun(helpers: Helpers, gateway: GatewayDouble) -> None:
    older = gateway.offer([command(1, "true", become=ROOT)])
    Talk(helpers, gateway.offer([command(1, "true", become=ROOT)], attempt=2), gateway).leave()
    with pytest.raises(EnvelopeRefused, match="later attempt"):
        Talk(helpers, older, gateway)


def test_the_policy_is_judged_by_root_and_names_its_rule(
    helpers: Helpers, gateway: GatewayDouble, tmp_path: Path
) -> None:
    helpers.allow(modules={"deny": ["shell"]}, paths={"deny": ["/etc"]}, become_users=["root"])
    job = gateway.offer([command(1, "true", become=ROOT, continue_on_failure=True),
                         task(2, "file", {"path": "$HIDDEN/passwd", "mode": "0644"}, become=ROOT,
                              environment={"HIDDEN": "/etc"}, continue_on_failure=True),
                         task(3, "file", {"path": str(tmp_path / "made"), "state": "touch"}, become=ROOT)])
    talk = Talk(helpers, job, gateway)
    talk.give_sources()
    first, second, third = talk.do("t1", "t2", "t3")
    assert first["error"]["code"] == "policy" and "rule modules.deny" in first["error"]["message"]
    assert "rule paths.deny /etc" in second["error"]["message"] and third["status"] == "changed"
    assert "rule modules.deny" in helpers.said()


@pytest.mark.parametrize("rules", ["{", "[]", '{"module": {}}', "writable"])
def test_a_policy_that_cannot_be_believed_allows_nothing(
    helpers: Helpers, gateway: GatewayDouble, rules: str
) -> None:
    helpers.policy.write_text("{}" if rules == "writable" else rules)
    if rules == "writable":
        helpers.policy.chmod(0o666)
    talk = Talk(helpers, gateway.offer([command(1, "true", become=ROOT)]), gateway)
    talk.give_sources()
    [result] = talk.do("t1")
    assert "(rule file)" in result["error"]["message"]


def test_another_user_is_refused_at_the_socket(helpers: Helpers, tmp_path: Path) -> None:
    Path(helpers.path).parent.chmod(0o755)
    for folder in Path(helpers.path).parents:
        if folder.stat().st_uid == os.geteuid() and str(folder).startswith("/tmp/"):
            folder.chmod(0o755)
    code = ("import os, socket, sys\nos.setuid(65534)\ns = socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\n"
            "s.sendall(bytes.fromhex(sys.argv[2]))\nsys.stdout.buffer.write(s.recv(4096))")
    asking = encode({"t": "verify", "signature": "", "size": 0}).hex()
    said = subprocess.run(["/usr/bin/python3", "-IS", "-c", code, helpers.path, asking], capture_output=True,
                          timeout=30)
    assert b"not_the_agentlet" in said.stdout, said
    assert "user 65534 is not the agentlet" in helpers.said()


FORGED = {
    "a command line": ({"t": "run", "argv": ["id"]}, b""),
    "a task of one's own": ({"t": "job", "tasks": [command(9, "id")], "deadline_s": None, "not_again": []}, b""),
    "a task with a field": ({"t": "job", "tasks": ["t1"], "deadline_s": None, "not_again": [], "check": False}, b""),
    "a task that is not there": ({"t": "job", "tasks": ["t7"], "deadline_s": None, "not_again": []}, b""),
    "tasks the other way round": ({"t": "job", "tasks": ["t4", "t1"], "deadline_s": None, "not_again": []}, b""),
    "another user's task": ({"t": "job", "tasks": ["t2"], "deadline_s": None, "not_again": []}, b""),
    "a task without become": ({"t": "job", "tasks": ["t3"], "deadline_s": None, "not_again": []}, b""),
    "a greeting": ({"t": "hello", "protocol": 1, "environment": {"LD_PRELOAD": "/tmp/x.so"}}, b""),
    "a secret": ({"t": "secret", "name": "a", "value": "b"}, b""),
    "another source": ({"t": "source", "name": "modules.shell"}, zlib.compress(b"import os")),
    "a source that bursts": ({"t": "source", "name": "modules.shell"}, zlib.compress(b"#" * 50_000_000)),
    "a source of a name": ({"t": "source", "name": "modules.none"}, zlib.compress(b"")),
    "no packed source": ({"t": "source", "name": "modules.shell"}, b"zzz"),
    "a file of one's own": ({"t": "blob", "digest": "0" * 64, "offset": 0, "last": True}, b"x"),
}


@pytest.mark.parametrize(("header", "body"), FORGED.values(), ids=FORGED.keys())
def test_what_the_job_does_not_say_is_not_done(
    helpers: Helpers, gateway: GatewayDouble, tmp_path: Path, header: dict[str, object], body: bytes
) -> None:
    job = gateway.offer([counting(1, tmp_path / "count"), command(2, "true", become={"user": "nobody"}),
                         command(3, "true"), command(4, "true", become=ROOT)])
    talk = Talk(helpers, job, gateway)
    talk.line.send(header, body)
    said = talk.receive()
    assert said is not None and said["t"] == "fault", said
    assert not (tmp_path / "count").exists()


def test_code_behind_a_source_is_left_behind(helpers: Helpers, gateway: GatewayDouble, tmp_path: Path) -> None:
    """A runtime believes marshalled code that follows a source; the agentlet must not be able to add it."""
    import marshal

    job = gateway.offer([command(1, "true", become=ROOT)])
    talk = Talk(helpers, job, gateway)
    evil = marshal.dumps(compile(f"open({str(tmp_path / 'evil')!r}, 'w')", "x", "exec"))
    for name, digest, _ in json.loads(job.text)["sources"]:
        talk.send("source", zlib.compress(gateway.blobs[digest]) + evil, name=name)
    [result] = talk.do("t1")
    assert result["status"] == "changed" and not (tmp_path / "evil").exists()
    talk.line.send({"t": "source", "name": "modules.shell", "magic": "00"}, zlib.compress(b"x"))
    assert (talk.receive() or {}).get("t") == "fault"


def test_a_file_of_the_job_is_put_in_place(helpers: Helpers, gateway: GatewayDouble, tmp_path: Path) -> None:
    import hashlib

    data = b"line\n" * 1000
    digest = hashlib.sha256(data).hexdigest()
    job = gateway.offer([task(1, "copy", {"src": {"blob": digest, "size": len(data)}, "dest": str(tmp_path / "to")},
                              become=ROOT)], blobs=[data])
    talk = Talk(helpers, job, gateway)
    talk.give_sources()
    talk.send("job", tasks=["t1"], deadline_s=60.0, not_again=[])
    while (said := talk.receive()) is not None and said["t"] != "need":
        pass
    talk.send("blob", data, digest=digest, offset=0, last=True)
    [result] = talk.results()
    assert result["status"] == "changed" and (tmp_path / "to").read_bytes() == data


@pytest.mark.parametrize(("is_safe", "status"), [(True, "changed"), (False, "interrupted")],
                         ids=["may run twice", "runs once"])
def test_a_result_that_came_with_a_file_is_not_kept_and_what_runs_once_is_not_run_again(
    helpers: Helpers, gateway: GatewayDouble, tmp_path: Path, is_safe: bool, status: str
) -> None:
    (tmp_path / "file").write_bytes(b"line\n")
    job = gateway.offer([task(1, "fetch", {"src": str(tmp_path / "file"), "dest": "kept/"}, become=ROOT,
                              retry_safe=is_safe, receipt=not is_safe)])
    for expected in ("changed", status):
        talk = Talk(helpers, job, gateway)
        talk.give_sources()
        [result] = talk.do("t1")
        assert result["status"] == expected
        talk.leave()


def test_a_task_outlives_the_agentlet_and_whoever_asks_again_gets_its_result(
    helpers: Helpers, gateway: GatewayDouble, tmp_path: Path
) -> None:
    count = tmp_path / "count"
    job = gateway.offer([counting(1, count, "sleep 2; echo done"), counting(2, tmp_path / "later")])
    talk = Talk(helpers, job, gateway)
    talk.give_sources()
    talk.send("job", tasks=["t1", "t2"], deadline_s=None, not_again=[])
    gateway.await_true(count.exists)
    talk.leave()
    again = Talk(helpers, job, gateway)
    again.give_sources()
    first, second = again.do("t1", "t2")
    assert first["values"]["stdout"] == "done" and first["replayed"]
    assert count.read_text() == (tmp_path / "later").read_text() == "x" and second["status"] == "changed"


def test_a_task_whose_helper_was_killed_is_not_run_again(
    helpers: Helpers, gateway: GatewayDouble, tmp_path: Path
) -> None:
    count = tmp_path / "count"
    job = gateway.offer([counting(1, count, "sleep 2; echo done")])
    talk = Talk(helpers, job, gateway)
    talk.give_sources()
    talk.send("job", tasks=["t1"], deadline_s=None, not_again=[])
    gateway.await_true(count.exists)
    helpers.kill()
    again = Talk(helpers, job, gateway)
    again.give_sources()
    [result] = again.do("t1")
    assert result["values"]["stdout"] == "done" and count.read_text() == "x"


@pytest.mark.parametrize("kind", ["cancel", "kill"])
def test_a_cancel_reaches_what_root_runs(
    helpers: Helpers, gateway: GatewayDouble, tmp_path: Path, kind: str
) -> None:
    count = tmp_path / "count"
    job = gateway.offer([counting(1, count, "exec sleep 777.5"), counting(2, tmp_path / "later")])
    talk = Talk(helpers, job, gateway)
    talk.give_sources()
    talk.send("job", tasks=["t1", "t2"], deadline_s=None, not_again=[])
    gateway.await_true(count.exists)
    talk.send(kind)
    while (said := talk.receive()) is not None and said["t"] != "killed" and said.get("kind") != "finished":
        pass
    assert said == {"t": "killed", "left": []} if kind == "kill" else (said or {})["status"] == "cancelled"
    assert subprocess.run(["pgrep", "-f", "sleep 777.5"], capture_output=True).returncode == 1
    assert not (tmp_path / "later").exists()


def test_the_next_key_is_taken_only_sealed_with_the_present_one(helpers: Helpers, gateway: GatewayDouble) -> None:
    new = b"n" * 32
    for sealed in (new.hex(), envelopes.seal_key(new, b"x" * 32), "sealed:" + "00" * 80, "sealed:zz"):
        with pytest.raises(AgentletError):
            helpers.door.take_key(sealed)
    assert helpers.custody.keys() == [JOB_KEY.hex()]
    helpers.door.take_key(envelopes.seal_key(new, JOB_KEY))
    assert helpers.custody.keys() == [new.hex(), JOB_KEY.hex()]
    job = gateway.offer([], key=new)
    assert helpers.door.is_signed(job.text, job.signature)


def test_nobody_else_reads_the_keys(helpers: Helpers) -> None:
    root = Path(helpers.custody.state.directory)
    assert (root / "keys.json").stat().st_mode & 0o777 == 0o600
    assert root.stat().st_mode & 0o777 == 0o755
