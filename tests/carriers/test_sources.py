"""Module sources: each is sent once on a connection, in the order of import."""

from __future__ import annotations

import marshal
import zlib

import pytest

from agentlet import wire
from modules import registry
from orchestrator.carriers import compiled
from orchestrator.carriers.sources import missing_frames
from orchestrator.errors import TaskFault

NEEDS = {"copy": ["modules.attributes", "modules.copy"], "file": ["modules.attributes", "modules.file"]}


def read(module: str) -> list[tuple[str, str]]:
    return [(name, f"# {name}\n") for name in NEEDS[module]]


def names(frames: list[bytes]) -> list[str]:
    return [header["name"] for header, _ in wire.Decoder().feed(b"".join(frames))]


def test_a_second_module_brings_only_what_is_new() -> None:
    first, had = missing_frames("copy", 0, read)
    second, had = missing_frames("file", had, read)
    again, _ = missing_frames("copy", had, read)
    assert [names(first), names(second), names(again)] == [NEEDS["copy"], ["modules.file"], []]


def test_another_connection_has_nothing_yet() -> None:
    missing_frames("copy", 0, read)
    assert names(missing_frames("copy", 0, read)[0]) == NEEDS["copy"]


def test_a_module_whose_source_is_not_there_is_named() -> None:
    with pytest.raises(TaskFault, match="'absent'"):
        missing_frames("absent", 0, read)


def test_over_a_pipe_a_module_goes_with_its_code_where_there_is_any() -> None:
    frames, _ = missing_frames("command", 0, registry.sources, with_code=True)
    (header, body), *_ = wire.Decoder().feed(frames[-1])
    source = zlib.decompressobj()
    text = registry.sources("command")[-1][1]
    assert source.decompress(body).decode() == text
    code = compiled.code_of("modules.command", text)
    assert code is not None
    # The same code, not the same bytes: how marshal refers back depends on what else refers to the objects.
    assert (header["magic"], marshal.loads(source.unused_data)) == (compiled.MAGIC, marshal.loads(code))
    others, _ = missing_frames("file", 0, read, with_code=True)
    assert all("magic" not in header for header, _ in wire.Decoder().feed(b"".join(others)))
    plain, _ = missing_frames("command", 0, registry.sources)
    assert all("magic" not in header for header, _ in wire.Decoder().feed(b"".join(plain)))
