"""A controller that was stopped, lost its run to another machine, and wakes up: hosts begin nothing for it."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from agentlet import receipts
from agentlet.worker import Surroundings, Worker
from orchestrator.carriers.base import Job, Settings
from orchestrator.errors import Unreachable

from .conftest import Opener
from .probe_modules import task
from .sshd import Sshd

Event = dict[str, Any]


def step(path: Path) -> Job:
    """A line more in ``path`` each time that it is executed."""
    line = task("command", argv=["sh", "-c", f"echo x >> {path}"])
    return Job(uuid.uuid4().hex, 1, [{**line, "retry_safe": False, "receipt": True}])


def results(events: list[Event]) -> list[Event]:
    return [event for event in events if event["kind"] == "result"]


@pytest.mark.parametrize("carrier", ["local", "ssh"])
async def test_what_another_process_did_is_not_done_again(carrier: str, settings: Settings, server: Sshd,
                                                          opener: Opener, tmp_path: Path) -> None:
    settings.run_id = uuid.uuid4().hex
    first = opener(server, ansible_connection=carrier)
    await first.open(60)
    second = opener(server, ansible_connection=carrier, with_settings=replace(settings, resumes=1))
    await second.open(60)
    job, events = step(tmp_path / "done"), []
    assert (await second.run_job(job, events.append)).status == "ok", events
    second.ack(job.id, job.attempt)
    await second.run_job(step(tmp_path / "other"), events.append)  # the receipt of the first is gone by now
    with pytest.raises(Unreachable) as caught:
        await first.run_job(job, events.append)
    assert caught.value.code == "superseded", caught.value
    assert (tmp_path / "done").read_text() == "x\n"
    third = opener(server, ansible_connection=carrier, with_settings=replace(settings, resumes=2))
    await third.open(60)
    assert (await third.run_job(step(tmp_path / "done"), events.append)).status == "ok"
    with pytest.raises(Unreachable):
        await second.run_job(step(tmp_path / "done"), events.append)
    assert (tmp_path / "done").read_text() == "x\nx\n"


async def test_one_that_comes_back_by_a_new_line_is_kept_out(settings: Settings, server: Sshd, opener: Opener,
                                                             tmp_path: Path) -> None:
    settings.run_id = uuid.uuid4().hex
    await opener(server, ansible_connection="local", with_settings=replace(settings, resumes=1)).open(60)
    late = opener(server, ansible_connection="local")
    await late.open(60)
    with pytest.raises(Unreachable) as caught:
        await late.run_job(step(tmp_path / "done"), [].append)
    assert caught.value.code == "superseded" and not (tmp_path / "done").exists()


async def test_another_run_has_a_fence_of_its_own(settings: Settings, server: Sshd, opener: Opener,
                                                  tmp_path: Path) -> None:
    resumed = replace(settings, run_id=uuid.uuid4().hex, resumes=3)
    await opener(server, ansible_connection="local", with_settings=resumed).open(60)
    other = opener(server, ansible_connection="local")
    await other.open(60)
    assert (await other.run_job(step(tmp_path / "done"), [].append)).status == "ok"


class Events:
    """The link of a worker, which keeps what it is told."""

    has_uploaded = False
    task = ""

    def __init__(self) -> None:
        self.results: list[Event] = []

    def lost(self) -> bool:
        return False

    def event(self, kind: str, **fields: Any) -> None:
        if kind == "result":
            self.results.append(fields)


def test_a_fence_that_is_put_up_between_receipt_and_execution_is_seen(tmp_path: Path,
                                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    fence, book = receipts.fence_path(str(tmp_path), "run"), receipts.book_path(str(tmp_path), "job", 1)
    begin = receipts.Book.begin

    def late(self: receipts.Book, name: str, pid: int) -> None:
        begin(self, name, pid)
        receipts.Fence(fence, 1).put_up()  # whoever did reads this receipt, and waits for us

    monkeypatch.setattr(receipts.Book, "begin", late)
    given, link = step(tmp_path / "done").tasks, Events()
    Worker({"id": "job", "attempt": 1, "fence": [fence, 0]}, given, book, link, None, Surroundings()).run()
    (result,) = link.results
    assert (result["status"], result["error"]["code"]) == ("interrupted", "superseded")
    assert not (tmp_path / "done").exists()
    assert receipts.Book(book).begun == {} and receipts.Book(book).running("t1") is None


def test_the_highest_resume_stays(tmp_path: Path) -> None:
    path = receipts.fence_path(str(tmp_path), "../run")
    assert os.path.dirname(path) == str(tmp_path)
    first = receipts.Fence(path, 0)
    first.put_up()
    assert not os.path.exists(path) and not first.keeps_out()
    for resumes in (2, 1, 0):
        receipts.Fence(path, resumes).put_up()
    assert [receipts.Fence(path, resumes).keeps_out() for resumes in (0, 1, 2, 3)] == [True, True, False, False]
    assert os.stat(path).st_mode & 0o777 == 0o600


def test_old_fences_are_swept(tmp_path: Path) -> None:
    fence = receipts.Fence(receipts.fence_path(str(tmp_path), "run"), 1)
    fence.put_up()
    assert receipts.sweep(str(tmp_path)) == 0
    os.utime(fence.path, (1, 1))
    assert receipts.sweep(str(tmp_path)) == 1 and not os.path.exists(fence.path)
