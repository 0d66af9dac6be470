"""Key rings are read and written as gpg does it, without gpg."""

from __future__ import annotations

import pytest

from modules.api import Failed
from modules.support.keys import openpgp
from tests.modules.pgp_keys import B_SUB, KEY_A, KEY_B, A, B

BINARY_A = openpgp.binary(KEY_A.encode())
RINGS = {
    "armored": (KEY_A.encode(), [A]), "binary": (BINARY_A, [A]), "two blocks": ((KEY_A + KEY_B).encode(), [A, B]),
    "text around": (b"Hello\r\n" + KEY_A.replace("\n", "\r\n").encode() + b"bye", [A]),
    "armor with headers": (KEY_A.replace("BLOCK-----\n", "BLOCK-----\nVersion: 1\nComment: x\n", 1).encode(), [A]),
    "two binary keys": (BINARY_A + openpgp.binary(KEY_B.encode()), [A, B]),
}


@pytest.mark.parametrize(("data", "wanted"), RINGS.values(), ids=RINGS.keys())
def test_a_ring_is_read(data: bytes, wanted: list[str]) -> None:
    assert [key.fingerprint for key in openpgp.keys(data)] == wanted


def test_a_key_is_known_by_its_ids_and_by_its_subkeys() -> None:
    key = openpgp.keys(KEY_B.encode())[0]
    assert key.subkeys == [B_SUB] and key.key_id == B[-16:]
    assert all(key.is_called(name) for name in (B, B[-16:], B[-8:], B_SUB, B_SUB[-8:]))
    assert not key.is_called(A)


def test_armor_is_that_of_gpg() -> None:
    assert openpgp.armored(BINARY_A).decode() == KEY_A


def test_no_byte_of_a_key_is_lost() -> None:
    assert b"".join(key.data for key in openpgp.keys((KEY_A + KEY_B).encode())) == openpgp.binary(
        (KEY_A + KEY_B).encode())


NO_KEYS = {
    "text": b"hello", "nothing": b"", "cut off": BINARY_A[:40], "cut in the header": BINARY_A[:1],
    "a web page": b"<html>404</html>", "zeros": bytes(2048), "only a user id": b"\xb4\x01x",
    "damaged armor": KEY_A.replace("mDMEawFa", "mDME*wFa").encode(), "a secret key": b"\x94" + BINARY_A[1:],
    "too much": b"\x99" * (openpgp.LIMIT_BYTES + 1), "an unknown version": b"\x98\x01\x63",
}


@pytest.mark.parametrize("data", NO_KEYS.values(), ids=NO_KEYS.keys())
def test_what_is_no_public_key_is_refused(data: bytes) -> None:
    with pytest.raises(Failed) as fault:
        openpgp.keys(data)
    assert fault.value.code == "bad_key"
