"""Receipts survive crashes at any byte, and are private."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from agentlet import processes, receipts
from agentlet.receipts import Book, book_path


def result(task: str = "t1", **values: Any) -> dict[str, Any]:
    return {"task": task, "status": "changed", "values": values}


@pytest.fixture
def path(tmp_path: Path) -> str:
    return book_path(str(tmp_path), "job", 1)


def test_what_was_written_is_read_again(path: str) -> None:
    book = Book(path)
    book.begin("t1", os.getpid())
    book.end(result(text="\udcff é"))
    again = Book(path)
    assert again.results == {"t1": result(text="\udcff é")} and "t1" in again.begun
    assert os.stat(path).st_mode & 0o777 == 0o600


def test_a_file_cut_at_any_byte_tells_no_lie(path: str) -> None:
    book = Book(path)
    book.begin("t1", os.getpid())
    book.end(result("t1", n=1))
    book.begin("t2", os.getpid())
    data = Path(path).read_bytes()
    for cut in range(len(data) + 1):
        Path(path).write_bytes(data[:cut])
        found = Book(path)
        assert found.results in ({}, {"t1": result("t1", n=1)})
        assert set(found.begun) in (set(), {"t1"}, {"t1", "t2"})
        found.end(result("t3"))
        assert Book(path).results["t3"] == result("t3"), "writing goes on behind a cut line"


def test_beginning_again_takes_back_the_old_result(path: str) -> None:
    book = Book(path)
    book.end(result())
    book.begin("t1", os.getpid())
    assert Book(path).results == {}


def test_a_living_process_is_told_from_a_later_one_of_the_same_number(path: str) -> None:
    book = Book(path)
    book.begin("t1", os.getpid())
    assert book.running("t1") == os.getpid() and book.running("t2") is None
    book.begun["t1"]["ticks"] -= 1
    assert book.running("t1") is None
    book.begun["t1"].update(ticks=processes.start_ticks(os.getpid()), boot="another boot")
    assert book.running("t1") is None


@pytest.mark.parametrize("job", ["../../etc/passwd", "/etc/passwd", "a\x00b", "\udcff", "x" * 5000])
def test_a_jobs_name_never_becomes_a_path(tmp_path: Path, job: str) -> None:
    assert Path(book_path(str(tmp_path), job, 1)).parent == tmp_path


def test_the_directory_is_private_and_ours(tmp_path: Path) -> None:
    place = tmp_path / "a" / "b"
    assert receipts.open_directory(str(place)) == str(place)
    assert place.stat().st_mode & 0o777 == 0o700
    place.chmod(0o777)
    receipts.open_directory(str(place))
    assert place.stat().st_mode & 0o777 == 0o700
    assert receipts.open_directory("/proc/nowhere") is None
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    assert receipts.open_directory(str(tmp_path / "link")) is None


def test_old_receipts_are_swept_and_nothing_else(tmp_path: Path) -> None:
    for name in ("old.jsonl", "new.jsonl", "old.txt"):
        (tmp_path / name).write_text("")
        if name.startswith("old"):
            os.utime(tmp_path / name, (0, time.time() - receipts.KEEP_S - 60))
    assert receipts.sweep(str(tmp_path)) == 1
    assert sorted(os.listdir(tmp_path)) == ["new.jsonl", "old.txt"]
