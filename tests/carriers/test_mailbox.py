"""The mailbox carrier on a real store; the host's part is played by calls on the desk, as the gateway makes them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from agentlet import wire
from orchestrator.agents.desk import Desk
from orchestrator.agents.envelope import Envelope, from_text
from orchestrator.agents.identity import Caller
from orchestrator.agents.opening import open_desk, open_post
from orchestrator.carriers.auto import AutoConnection
from orchestrator.carriers.base import Job, Settings
from orchestrator.carriers.large_events import whole
from orchestrator.carriers.mailbox import MailboxConnection
from orchestrator.carriers.mailroom import MailRoom
from orchestrator.carriers.target import Target, target_of
from orchestrator.errors import HostKeyError, Pending, ProtocolError, Unreachable
from tests.agents.conftest import claims_of, der_of, make_csr

TASK = {"id": "t1", "module": "command", "args": {"cmd": "true"}, "become": None, "environment": {}, "check": False,
        "diff": False, "timeout_s": None, "retry_safe": False, "receipt": True, "no_log": False,
        "continue_on_failure": False, "cwd": None}


class Host:
    """What an agentlet would say, said to the desk."""

    def __init__(self, state: Path) -> None:
        self.desk: Desk = open_desk(state)
        self.desk.office.ca.create()
        self.caller: Caller | None = None

    def enrol(self, name: str = "web1") -> None:
        enrolled = self.desk.enrol(self.desk.invite(name, by="ann").token, make_csr(), claims_of(name), address="")
        assert enrolled.certificate
        self.caller = self.desk.identify_certificate(der_of(enrolled.certificate))
        self.desk.seen(self.caller)
        self.desk.office.ca.create()

    def take(self) -> Envelope:
        assert self.caller is not None
        (offer,) = self.desk.offers(self.caller)
        envelope = from_text(self.desk.claim(self.caller, offer.job, offer.attempt).envelope)
        self.desk.start(self.caller, offer.job, offer.attempt)
        return envelope

    def report(self, envelope: Envelope, *events: dict[str, Any], finish: str | None = "ok", first: int = 1) -> None:
        assert self.caller is not None
        lines = [json.dumps({"t": "event", "job": envelope.job, "attempt": envelope.attempt, "seq": seq, **event},
                            separators=(",", ":")) for seq, event in enumerate(events, first)]
        self.desk.add_events(self.caller, envelope.job, envelope.attempt, first, lines)
        if finish:
            digest = sha256("".join(lines).encode()).hexdigest()
            self.desk.finish(self.caller, envelope.job, envelope.attempt, finish, len(lines), digest)


def result(status: str = "changed", **values: Any) -> dict[str, Any]:
    return {"kind": "result", "task": "t1", "status": status, "values": values}


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path / "state")


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[MailRoom]:
    room = MailRoom(lambda: open_post(tmp_path / "state"))
    yield room
    await room.close()


def line(room: MailRoom, **settings: Any) -> MailboxConnection:
    target = target_of("web1", {"orch_carrier": "agentlet"}.get)
    return MailboxConnection(target, Settings(run_id="run-1", **settings), room)


async def until(condition: Callable[[], Any]) -> Any:
    async with asyncio.timeout(60):
        while not (found := condition()):
            await asyncio.sleep(0.01)
    return found


async def run(connection: MailboxConnection, host: Host, *events: dict[str, Any], **how: Any) -> tuple[Any, list[Any]]:
    """Run a job while the host takes it and reports ``events``."""
    heard: list[dict[str, Any]] = []
    job = asyncio.create_task(connection.run_job(Job("j1", 1, [TASK]), heard.append, **how))
    envelope = await until(lambda: host.desk.offers(host.caller) and host.take())
    host.report(envelope, *events)
    return await job, heard


async def test_a_job_is_called_for_and_its_events_come_back_in_order(host: Host, room: MailRoom) -> None:
    host.enrol()
    end, heard = await run(line(room), host, {"kind": "started", "task": "t1"}, result(rc=0))
    assert (end.status, end.count, end.digest_ok) == ("ok", 2, True)
    assert [event["kind"] for event in heard] == ["started", "result"]


async def test_the_letter_is_complete_in_itself(host: Host, room: MailRoom, tmp_path: Path) -> None:
    """Sources, files and the passwords that its tasks name, and no other."""
    host.enrol()
    (tmp_path / "file").write_bytes(b"in a file")
    name = sha256(b"in a file").hexdigest()
    blobs = {name: tmp_path / "file"}
    connection = line(room, priority=7)
    connection.set_secret("named", "open sesame")
    connection.set_secret("other", "not for this job")
    become = {"method": "sudo", "user": "root", "secret": "named", "flags": None, "exe": None}
    job = asyncio.create_task(
        connection.run_job(Job("j1", 1, [{**TASK, "become": become}]), lambda event: None, blobs))
    envelope = await until(lambda: host.desk.offers(host.caller) and host.take())
    assert envelope.secrets == {"named": "open sesame"}
    assert (name, 9) in envelope.blobs
    assert "modules.command" in [dotted for dotted, _, _ in envelope.sources]
    assert host.desk.blob(host.caller, name, 0, 100) == b"in a file"
    digest = next(digest for dotted, digest, _ in envelope.sources if dotted == "modules.command")
    assert b"def run" in host.desk.blob(host.caller, digest, 0, 1 << 20)
    assert envelope.priority == 7
    host.report(envelope, result())
    await job


async def test_a_file_from_the_host_arrives_before_the_result_that_speaks_of_it(host: Host, room: MailRoom) -> None:
    host.enrol()
    order: list[str] = []

    class Sink:
        def write(self, data: bytes) -> None:
            order.append(f"wrote {len(data)}")

        def close(self) -> None:
            order.append("closed")

        def abort(self) -> None:
            order.append("aborted")

    job = asyncio.create_task(line(room).run_job(
        Job("j1", 1, [TASK]), lambda event: order.append(event["kind"]), uploads=lambda *announced: Sink()))
    envelope = await until(lambda: host.desk.offers(host.caller) and host.take())
    host.desk.put_upload(host.caller, "j1", 1, "s1", 0, False, b"x" * 300_000, {"path": "/etc/x", "mode": 0o600})
    host.desk.put_upload(host.caller, "j1", 1, "s1", 300_000, True, b"y")
    host.report(envelope, result())
    await job
    assert order[-2:] == ["closed", "result"]
    assert sum(int(word.split()[1]) for word in order[:-2]) == 300_001


async def test_an_event_that_came_as_a_file_is_heard_whole(host: Host, room: MailRoom) -> None:
    host.enrol()
    heard: list[dict[str, Any]] = []
    job = asyncio.create_task(line(room).run_job(Job("j1", 1, [TASK]), heard.append))
    envelope = await until(lambda: host.desk.offers(host.caller) and host.take())
    large = {**result(), "t": "event", "job": "j1", "attempt": 1, "seq": 2, "values": {"stdout": "x" * 900_000}}
    data = json.dumps(large).encode()
    host.desk.put_upload(host.caller, "j1", 1, "event-2", 0, True, data)
    host.report(envelope, {"kind": "started", "task": "t1"},
                {"kind": "stored", "stream": "event-2", "size": len(data), "sha256": sha256(data).hexdigest()})
    end = await job
    assert heard[1] == large and end.count == 2 and end.digest_ok


@pytest.mark.parametrize("data", [b"{}", b"x", b'{"job": "j1", "attempt": 1, "seq": 9}'])
def test_a_file_that_is_not_the_event_announced_is_refused(data: bytes) -> None:
    stub = {"job": "j1", "attempt": 1, "seq": 2, "size": len(data), "sha256": sha256(data).hexdigest()}
    with pytest.raises(ProtocolError):
        whole(stub, data)
    with pytest.raises(ProtocolError):
        whole(stub, data + b" ")


async def test_who_is_away_is_told_of_and_may_be_left(host: Host, room: MailRoom) -> None:
    host.enrol()
    host.desk.database.execute("UPDATE agents SET last_seen = '2020-01-01 00:00:00.000000'")
    said: list[str] = []
    connection = line(room, warn=said.append)
    job = asyncio.create_task(connection.run_job(Job("j1", 1, [TASK]), lambda event: None))
    await until(lambda: said)
    assert "web1 is away since 2020-01-01" in said[0]
    connection.leave("j1")
    with pytest.raises(Pending, match="waits in the mailbox until"):
        await job
    # A resumed run finds it there, whatever has become of it meanwhile.
    host.report(host.take(), result())
    heard: list[dict[str, Any]] = []
    end = await line(room).run_job(Job("j1", 1, [TASK]), heard.append)
    assert (end.status, len(heard)) == ("ok", 1)


async def test_a_job_that_was_begun_is_not_left(host: Host, room: MailRoom) -> None:
    host.enrol()
    connection = line(room)
    job = asyncio.create_task(connection.run_job(Job("j1", 1, [TASK]), lambda event: None))
    envelope = await until(lambda: host.desk.offers(host.caller) and host.take())
    connection.leave("j1")
    await asyncio.sleep(0.2)
    assert not job.done()
    host.report(envelope, result())
    assert (await job).status == "ok"


ENDS = [
    ("expired", "state = 'expired'", "did not call for its job in time", "expired"),
    ("lost", "state = 'lost'", "fell silent", "lost_unconfirmed"),
]


@pytest.mark.parametrize(("change", "words", "code"), [row[1:] for row in ENDS], ids=[row[0] for row in ENDS])
async def test_silence_is_no_failure(host: Host, room: MailRoom, change: str, words: str, code: str) -> None:
    host.enrol()
    job = asyncio.create_task(line(room).run_job(Job("j1", 1, [TASK]), lambda event: None))
    await until(lambda: host.desk.offers(host.caller))
    host.desk.database.execute(f"UPDATE mailbox_jobs SET {change}")
    with pytest.raises(Unreachable, match=words) as caught:
        await job
    assert caught.value.code == code


async def test_a_cancel_before_the_host_has_called_ends_the_job(host: Host, room: MailRoom) -> None:
    host.enrol()
    connection = line(room)
    job = asyncio.create_task(connection.run_job(Job("j1", 1, [TASK]), lambda event: None))
    await until(lambda: host.desk.offers(host.caller))
    connection.cancel("j1")
    assert (await job).status == "cancelled"


FOREIGN = [
    ("a task that was not given", {"kind": "result", "task": "other", "status": "ok"}),
    ("an event without a kind of ours", {"kind": "started", "task": None}),
]


@pytest.mark.parametrize("event", [row[1] for row in FOREIGN], ids=[row[0] for row in FOREIGN])
async def test_what_belongs_to_no_task_is_not_believed(host: Host, room: MailRoom, event: dict[str, Any]) -> None:
    host.enrol()
    with pytest.raises(ProtocolError):
        await run(line(room), host, event)


async def test_a_host_without_an_agentlet_is_named_with_the_way_to_one(room: MailRoom, host: Host) -> None:
    with pytest.raises(Unreachable, match="web1 has no agentlet") as caught:
        await line(room).open()
    assert caught.value.hint is not None and "orch agents invite web1" in caught.value.hint


async def test_raw_is_a_job_of_the_shell_module(host: Host, room: MailRoom) -> None:
    host.enrol()
    raw = asyncio.create_task(line(room).raw("echo hi"))
    envelope = await until(lambda: host.desk.offers(host.caller) and host.take())
    assert envelope.tasks[0]["module"] == "shell"
    host.report(envelope, {"kind": "result", "task": "raw", "status": "changed", "values": {"rc": 3, "stdout": "hi"}})
    ended = await raw
    assert (ended.rc, ended.stdout) == (3, b"hi")


# SSH first

def closed() -> Target:
    """Nobody listens there."""
    return target_of("web1", {"ansible_host": "127.0.0.1", "ansible_port": 1, "ansible_ssh_retries": 0}.get)


async def test_the_agentlet_is_taken_where_ssh_does_not_get_in_and_the_reason_says_so(
    host: Host, room: MailRoom
) -> None:
    host.enrol()
    connection = AutoConnection(closed(), Settings(run_id="r", mailroom=room), room)
    info = await connection.open(20)
    assert (connection.carrier, info.protocol) == ("mailbox", wire.PROTOCOL)
    assert "by SSH: " in connection.reason and "refuses connections" in connection.reason


async def test_without_an_agentlet_it_is_as_with_ssh_alone(host: Host, room: MailRoom) -> None:
    connection = AutoConnection(closed(), Settings(run_id="r", mailroom=room), room)
    with pytest.raises(Unreachable, match="refuses connections"):
        await connection.open(20)
    assert connection.carrier == "ssh"


async def test_a_changed_host_key_is_no_reason_to_look_for_another_way(
    host: Host, room: MailRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.enrol()
    connection = AutoConnection(closed(), Settings(run_id="r", mailroom=room), room)

    async def changed(deadline_s: float | None = None) -> None:
        raise HostKeyError("the key has changed")

    monkeypatch.setattr(connection._way, "open", changed)
    with pytest.raises(HostKeyError):
        await connection.open(20)
    assert connection.carrier == "ssh"
