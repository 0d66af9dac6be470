"""What this host has taken on survives a crash at any moment, and is never taken on twice."""

from __future__ import annotations

import errno
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from agentlet import files
from agentlet.pull.journal import Journal, key_of
from agentlet.pull.state import State

ENVELOPE = {"job": "../../etc/passwd", "attempt": 2}


@pytest.fixture
def state(tmp_path: Path) -> State:
    made = State(str(tmp_path / "state"))
    made.create()
    return made


def test_a_folder_has_the_envelope_or_is_not_there(state: State, tmp_path: Path) -> None:
    folder = Journal(state).take_on(ENVELOPE, "text", "signature", "key")
    assert folder.envelope() == ("text", "signature") and folder.records()["claimed"]["key"] == "key"
    assert Path(folder.path).parent == tmp_path / "state" / "jobs"  # the id did not become a path
    assert all(path.stat().st_mode & 0o077 == 0 for path in Path(folder.path).rglob("*"))


def test_that_an_attempt_has_begun_is_known_while_it_is_there_and_after_it_was_delivered(state: State) -> None:
    journal = Journal(state)
    for job in ("begun", "refused"):
        folder = journal.take_on({**ENVELOPE, "job": job}, f'{{"expires": {time.time() + 60}}}', "signature", "key")
        assert not journal.has_begun(job)
        if job == "begun":
            folder.record("started")
            assert journal.has_begun(job)
        journal.delivered(folder)
    for known in (journal, Journal(state)):
        assert known.has_begun("begun") and not known.has_begun("refused")


def test_a_full_disk_takes_a_record_in_the_room_that_was_kept(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Journal(state).take_on(ENVELOPE, "text", "signature", "key")
    reserve, real = Path(folder.path) / "reserve", files.write_all

    def full(fd: int, data: bytes) -> None:
        if reserve.exists():
            os.write(fd, bytes(data)[:5])  # the disk takes a part of it
            raise OSError(errno.ENOSPC, "No space left on device")
        real(fd, data)

    monkeypatch.setattr(files, "write_all", full)
    folder.record("started")
    assert set(folder.records()) == {"claimed", "started"} and not reserve.exists()


def test_what_a_crash_left_half_made_or_half_removed_goes(state: State) -> None:
    journal = Journal(state)
    folder = journal.take_on(ENVELOPE, "text", "signature", "key")
    for name in ("new-0011", "gone-2233"):
        os.mkdir(state.path("jobs", name))
        Path(state.path("jobs", name, "envelope")).write_text("x")
    assert [found.path for found in Journal(state).folders()] == [folder.path]
    assert os.listdir(state.path("jobs")) == [os.path.basename(folder.path)]


def test_an_attempt_is_known_while_it_is_there_and_after_it_was_delivered(state: State) -> None:
    journal = Journal(state)
    assert journal.last_attempt("../../etc/passwd") == 0
    folder = journal.take_on(ENVELOPE, json.dumps({"expires": time.time() + 100}), "signature", "key")
    assert journal.last_attempt("../../etc/passwd") == 2 and journal.last_attempt("other") == 0
    journal.delivered(folder)
    assert not journal.folders()
    assert journal.last_attempt("../../etc/passwd") == Journal(state).last_attempt("../../etc/passwd") == 2


def test_what_was_not_begun_is_not_known(state: State) -> None:
    journal = Journal(state)
    journal.drop(journal.take_on(ENVELOPE, "text", "signature", "key"))
    assert Journal(state).last_attempt("../../etc/passwd") == 0


def test_the_ledger_forgets_what_its_envelope_could_not_bring_again(state: State) -> None:
    journal = Journal(state)
    for number in range(300):
        text = json.dumps({"expires": time.time() - (30 * 3600 if number else 0)})
        journal.delivered(journal.take_on({"job": f"j{number}", "attempt": 1}, text, "s", "k"))
    again = Journal(state)
    assert again.last_attempt("j0") == 1 and again.last_attempt("j7") == 0
    assert len(Path(state.path("ledger")).read_bytes().splitlines()) == 1


@pytest.mark.parametrize(
    ("records", "killed"),
    [([], False), (["starting", "started"], True), (["starting", "started", "stopped"], False),
     (["starting", "started", "stopped", "started"], True), (["starting", "started", "finished"], False)],
)
def test_a_folder_tells_whether_the_agentlet_was_killed(state: State, records: list[str], killed: bool) -> None:
    folder = Journal(state).take_on(ENVELOPE, "text", "signature", "key")
    for what in records:
        folder.record(what)
    assert folder.was_killed() is killed


def test_a_line_cut_by_a_crash_is_passed_over(state: State) -> None:
    folder = Journal(state).take_on(ENVELOPE, "text", "signature", "key")
    with open(os.path.join(folder.path, "journal"), "ab") as opened:
        opened.write(b'{"what": "star')
    folder.record("started")
    assert set(folder.records()) == {"claimed", "started"}


def test_keys_of_jobs_are_names_whatever_they_are(state: State) -> None:
    names: list[Any] = ["a", "../b", "\udcff", "x" * 10_000, ""]
    assert len({key_of(name) for name in names}) == 5 and all(key_of(name).isalnum() for name in names)
