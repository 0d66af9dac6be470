"""Compiled code of our own files: as the .pyc has it where that is fresh, compiled where it is not, else none."""

from __future__ import annotations

import marshal
import os
from importlib.machinery import SourceFileLoader
from importlib.util import cache_from_source
from pathlib import Path

import pytest

from orchestrator.carriers import compiled

TEXT = "VALUE = 1\n"


@pytest.fixture
def probe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of ``modules.probe`` in an installation of its own, where compiled files may be written."""
    monkeypatch.setattr(compiled, "_ROOT", str(tmp_path))
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    path = tmp_path / "modules" / "probe.py"
    path.parent.mkdir()
    path.write_text(TEXT)
    return path


def cache_of(path: Path) -> Path:
    return Path(cache_from_source(str(path)))


def value(text: str) -> object:
    """What the code that is found for that text assigns."""
    data = compiled.code_of("modules.probe", text)
    assert data is not None
    namespace: dict[str, object] = {}
    exec(marshal.loads(data), namespace)
    return namespace["VALUE"]


def test_a_file_that_was_never_compiled_is_compiled_and_kept(probe: Path) -> None:
    assert value(TEXT) == 1
    assert cache_of(probe).exists()


def test_a_fresh_one_is_sent_as_it_is(probe: Path) -> None:
    value(TEXT)
    cache = cache_of(probe)
    marked = marshal.dumps(compile("VALUE = 'from the cache'\n", "x", "exec"))
    cache.write_bytes(cache.read_bytes()[:16] + marked)
    assert value(TEXT) == "from the cache"


def test_it_is_fresh_by_the_rules_of_python_itself(probe: Path) -> None:
    SourceFileLoader("modules.probe", str(probe)).get_code("modules.probe")
    assert compiled._from_cache(str(probe), os.stat(probe)) is not None


NEWER = "VALUE = 2\n"
STALE = {
    "an older source": lambda probe: os.utime(probe, (1, 1)),
    "another size": lambda probe: _rewrite(probe, NEWER + "#\n"),
    "another Python's": lambda probe: _change(probe, 0, b"\0\0"),
    "cut short": lambda probe: cache_of(probe).write_bytes(b"\xa7"),
    "nothing in it": lambda probe: cache_of(probe).write_bytes(b""),
}


@pytest.mark.parametrize("spoil", STALE.values(), ids=STALE)
def test_a_stale_one_is_not(probe: Path, spoil: object) -> None:
    value(TEXT)
    _change(probe, 16, marshal.dumps(compile("VALUE = 'stale'\n", "x", "exec")))
    assert callable(spoil)
    spoil(probe)
    text = probe.read_text()
    assert value(text) == (2 if text.startswith(NEWER) else 1)


def test_a_folder_that_takes_no_compiled_files_costs_nothing_but_time(probe: Path) -> None:
    (probe.parent / "__pycache__").write_text("no folder")
    assert value(TEXT) == 1


@pytest.mark.parametrize("text", [TEXT + "# longer\n", ""], ids=["longer", "empty"])
def test_a_text_that_is_not_the_files_has_none(probe: Path, text: str) -> None:
    assert compiled.code_of("modules.probe", text) is None


def test_a_broken_file_and_an_absent_one_have_none(probe: Path) -> None:
    probe.write_text("def :\n")
    assert compiled.code_of("modules.probe", "def :\n") is None
    assert compiled.code_of("modules.absent", "") is None


def _rewrite(probe: Path, text: str) -> None:
    probe.write_text(text)


def _change(probe: Path, at: int, data: bytes) -> None:
    cache = cache_of(probe)
    cache.write_bytes(cache.read_bytes()[:at] + data)
