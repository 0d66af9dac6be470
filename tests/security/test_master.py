"""The master key: kept to its owner, the same for all processes, different for every purpose."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.errors import StoreError, UsageError
from orchestrator.security.master import MasterKey

KEY = MasterKey(bytes(range(32)))


def test_it_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    first = MasterKey.load_or_create(tmp_path / "state", {})
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "state" / "master.key").stat().st_mode) == 0o600
    assert MasterKey.load_or_create(tmp_path / "state", {}).derive("x") == first.derive("x")
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["master.key"]


def test_processes_that_begin_at_once_get_the_same(tmp_path: Path) -> None:
    code = ("import sys; from orchestrator.security.master import MasterKey;"
            "print(MasterKey.load_or_create(sys.argv[1], {}).derive('x').hex())")
    processes = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
                 for _ in range(4)]
    assert len({process.communicate()[0] for process in processes}) == 1


def test_another_file_may_be_named_and_must_be_there(tmp_path: Path) -> None:
    path = tmp_path / "k"
    with pytest.raises(UsageError, match="cannot be read"):
        MasterKey.load_or_create(tmp_path, {"ORCH_MASTER_KEY_FILE": str(path)})
    path.write_text("00" * 32 + "\n")
    path.chmod(0o600)
    found = MasterKey.load_or_create(tmp_path, {"ORCH_MASTER_KEY_FILE": str(path)})
    assert found.derive("x") == MasterKey(bytes(32)).derive("x")
    assert not (tmp_path / "master.key").exists()


@pytest.mark.parametrize(("text", "mode", "words"), [
    ("00" * 32, 0o640, "others may read"), ("00" * 31, 0o600, "no master key"), ("zz" * 32, 0o600, "no master key"),
    ("", 0o600, "no master key"), ("ü" * 64, 0o600, "cannot be read"),
])
def test_an_unusable_key_is_refused_with_what_to_do(tmp_path: Path, text: str, mode: int, words: str) -> None:
    path = tmp_path / "master.key"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    with pytest.raises(UsageError, match=words) as refused:
        MasterKey.load_or_create(tmp_path, {})
    assert refused.value.code == "master_key" and refused.value.hint


@pytest.mark.parametrize(("one", "other"), [
    (("job", "a", "1"), ("token", "a", "1")), (("job", "a", "1"), ("job", "a", "2")),
    (("job", "ab", "c"), ("job", "a", "bc")), (("job", "a"), ("job", "a", "")), (("joba",), ("job", "a")),
])
def test_no_two_purposes_share_a_key(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assert KEY.derive(*one) != KEY.derive(*other)
    assert KEY.derive(*one) == KEY.derive(*one) and len(KEY.derive(*one)) == 32


@pytest.mark.parametrize("plain", [b"", b"x", os.urandom(300_000)], ids=["empty", "short", "long"])
def test_what_is_sealed_opens_for_the_same_purpose(plain: bytes) -> None:
    sealed = KEY.seal(plain, "job:j1")
    assert KEY.open(sealed, "job:j1") == plain
    assert not plain or len(plain) < 9 or plain[:8] not in sealed
    assert KEY.seal(plain, "job:j1") != sealed


@pytest.mark.parametrize("case", ["purpose", "key", "altered", "cut", "empty"])
def test_what_was_tampered_with_is_refused(case: str) -> None:
    sealed = KEY.seal(b"secret", "job:j1")
    key = MasterKey(bytes(32)) if case == "key" else KEY
    changed = {"altered": sealed[:-1] + bytes([sealed[-1] ^ 1]), "cut": sealed[:20], "empty": b""}.get(case, sealed)
    with pytest.raises(StoreError) as refused:
        key.open(changed, "job:j2" if case == "purpose" else "job:j1")
    assert refused.value.code == "store_sealed" and "master" in str(refused.value.hint)


def test_it_shows_nothing_of_itself() -> None:
    assert bytes(range(32)).hex() not in repr(KEY) + str(KEY)


def test_importing_it_does_not_import_the_library() -> None:
    code = ("import sys; from orchestrator.security.master import MasterKey; MasterKey(bytes(32)).derive('x');"
            "print('cryptography' in sys.modules)")
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"
