"""Archives of bridged modules: kept within bounds, and compiled for whoever uses them again."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from modules.support import bridged_archive


def archive(**files: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as made:
        for name, text in files.items():
            made.writestr(name, text)
    return data.getvalue()


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bridged_archive, "_kept", {})


def test_a_compiled_archive_runs_the_compiled_code(tmp_path: Path) -> None:
    data = bridged_archive.compiled(archive(**{"__main__.py": "import part\nprint(part.__cached__ or part.__file__)\n",
                                               "part.py": "word = 1\n", "wrong.py": "print 'two'\n"}))
    (tmp_path / "x.zip").write_bytes(data)
    done = subprocess.run([sys.executable, str(tmp_path / "x.zip")], capture_output=True, text=True)
    assert "part.pyc" in done.stdout, done.stderr
    with zipfile.ZipFile(io.BytesIO(data)) as made:
        assert sorted(made.namelist()) == ["__main__.py", "part.py", "part.pyc", "wrong.py"]


def test_it_is_compiled_at_its_second_use() -> None:
    data = archive(**{"part.py": "word = 1\n"})
    assert bridged_archive.take("d") is None
    bridged_archive.keep("d", data)
    second = bridged_archive.take("d")
    assert second != data and bridged_archive.take("d") == second


def test_what_is_no_archive_stays_as_it_is() -> None:
    bridged_archive.keep("d", b"#!/bin/sh\n")
    assert bridged_archive.take("d") == b"#!/bin/sh\n"


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bridged_archive, "KEPT_BYTES", 10)
    bridged_archive.keep("a", b"123456")
    bridged_archive.keep("b", b"12345")
    bridged_archive.keep("c", b"12345678901")
    assert [bridged_archive.take(name) for name in "abc"] == [None, None, None]
    bridged_archive.keep("d", b"1234567890")
    assert bridged_archive.take("d") == b"1234567890"
