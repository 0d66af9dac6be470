"""Lines survive a crash at any byte."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agentlet import lines


@pytest.mark.parametrize("durable", [True, False])
def test_what_was_appended_is_read_in_order(tmp_path: Path, durable: bool) -> None:
    path = str(tmp_path / "file")
    assert lines.read(path) == []
    lines.append(path, {"a": "\udcff é"}, is_durable=durable)
    lines.append(path, {"b": 1}, {"b": 2}, is_durable=durable)
    assert lines.read(path) == [{"a": "\udcff é"}, {"b": 1}, {"b": 2}]
    assert os.stat(path).st_mode & 0o777 == 0o600


def test_a_file_cut_at_any_byte_is_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "file"
    lines.append(str(path), {"n": 1}, {"n": 2})
    data = path.read_bytes()
    for cut in range(len(data) + 1):
        path.write_bytes(data[:cut])
        before = lines.read(str(path))
        assert before in ([], [{"n": 1}], [{"n": 1}, {"n": 2}])
        lines.append(str(path), {"n": 3})
        assert lines.read(str(path)) == [*before, {"n": 3}]


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError):
        lines.append(str(tmp_path / "link"), {})
    assert not (tmp_path / "elsewhere").exists()
