"""Where the sockets lie: in a folder of this user's own, and never on a dead one's word."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.carriers.kept import places


def test_the_folder_is_for_this_user_alone(short: Path) -> None:
    found = places.folder({"XDG_RUNTIME_DIR": str(short)})
    assert found == str(short / "orch/kept")
    assert stat.S_IMODE(os.lstat(found).st_mode) == 0o700


def test_a_folder_that_others_can_enter_is_not_used(short: Path) -> None:
    (short / "orch").mkdir(mode=0o755)
    os.chmod(short / "orch", 0o755)
    assert places.folder({"XDG_RUNTIME_DIR": str(short)}) != str(short / "orch/kept")


def test_a_link_is_not_followed(short: Path) -> None:
    (short / "elsewhere").mkdir(mode=0o700)
    (short / "orch").symlink_to(short / "elsewhere")
    assert places.folder({"XDG_RUNTIME_DIR": str(short)}) != str(short / "orch/kept")
    assert not list((short / "elsewhere").iterdir())


def test_who_listens_is_reached(short: Path) -> None:
    path = str(short / ("a" * 32))
    found = places.listen(path)
    assert found is not None
    assert stat.S_IMODE(os.lstat(path).st_mode) & 0o077 == 0
    reached = places.reach(path)
    assert reached is not None
    reached.close()
    assert places.listen(path) is None, "somebody listens there already"
    found[1].remove()
    found[0].close()
    assert not list(short.iterdir())


def test_a_dead_socket_is_removed_by_who_finds_it(short: Path) -> None:
    path = str(short / ("a" * 32))
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(path)
    dead.close()
    assert places.reach(path) is None
    assert not list(short.iterdir())


def test_the_sockets_of_dead_processes_are_swept_away_and_others_stay(short: Path) -> None:
    alive = places.listen(str(short / ("a" * 32)))
    assert alive is not None
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(short / ("b" * 32)))
    places.sweep(str(short))
    assert [path.name for path in short.iterdir()] == ["a" * 32]


def test_a_socket_that_another_has_replaced_is_left_alone(short: Path) -> None:
    path = str(short / ("a" * 32))
    first = places.listen(path)
    assert first is not None
    os.unlink(path)
    second = places.listen(path)
    assert second is not None
    first[1].remove()
    assert os.path.exists(path)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be another user")
def test_another_user_behind_a_socket_is_not_spoken_to(short: Path) -> None:
    path = short / "theirs"
    code = f"""
import os, socket
one = socket.socket(socket.AF_UNIX); one.bind({str(path)!r})
os.chmod({str(path)!r}, 0o777); os.setuid(65534); one.listen()
print("listens", flush=True); input()
"""
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None and other.stdout.readline() == b"listens\n"
        assert places.reach(str(path)) is None
        other.communicate(b"\n")
