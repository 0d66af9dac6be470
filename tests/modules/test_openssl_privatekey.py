"""openssl_privatekey with the real program: kinds, formats, passphrases, and when a key may be replaced."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

KINDS: dict[str, tuple[dict[str, Any], int, str]] = {
    "rsa": ({"size": 2048}, 2048, "BEGIN RSA PRIVATE KEY"),
    "pkcs8": ({"size": 2048, "format": "pkcs8"}, 2048, "BEGIN PRIVATE KEY"),
    "ecc": ({"type": "ECC", "curve": "secp256r1"}, 256, "BEGIN EC PRIVATE KEY"),
    "secp384r1": ({"type": "ECC", "curve": "secp384r1"}, 384, "BEGIN EC PRIVATE KEY"),
    "ed25519": ({"type": "Ed25519"}, 256, "BEGIN PRIVATE KEY"),
    "x448": ({"type": "X448"}, 448, "BEGIN PRIVATE KEY"),
    "passphrase": ({"type": "ECC", "curve": "secp256r1", "passphrase": "open sesame"}, 256, "ENCRYPTED"),
    "passphrase, pkcs8": ({"type": "Ed25519", "passphrase": "open sesame"}, 256, "BEGIN ENCRYPTED PRIVATE KEY"),
}


@pytest.mark.parametrize(("args", "bits", "text"), KINDS.values(), ids=KINDS.keys())
def test_a_key_is_made_once(on_host: Any, tmp_path: Path, args: dict[str, Any], bits: int, text: str) -> None:
    path = tmp_path / "k.pem"
    done = on_host.converge("openssl_privatekey", {"path": str(path), **args})
    assert text in path.read_text() and "open sesame" not in repr(done)
    assert (done["values"]["size"], done["values"]["mode"], done["values"]["filename"]) == (bits, "0600", str(path))
    password = ["-passin", f"pass:{args['passphrase']}"] if "passphrase" in args else []
    der = subprocess.run(["openssl", "pkey", "-in", path, "-pubout", "-outform", "DER", *password],
                         capture_output=True, check=True).stdout
    import hashlib
    assert done["values"]["fingerprint"]["sha256"].replace(":", "") == hashlib.sha256(der).hexdigest()


ED = {"type": "Ed25519"}
EC = {"type": "ECC", "curve": "secp256r1"}


@pytest.mark.parametrize(("args", "replaced"), [
    ({"type": "X25519"}, True), ({"type": "X25519", "regenerate": "partial_idempotence"}, True),
    ({"type": "X25519", "regenerate": "never"}, False), ({**EC, "passphrase": "new"}, True),
    ({**EC, "force": True}, True), ({**EC, "format": "pkcs8"}, True), ({**EC, "format": "auto"}, False),
    ({"type": "ECC", "curve": "secp384r1"}, True),
])
def test_a_key_is_replaced_when_it_may_be(on_host: Any, tmp_path: Path, args: dict[str, Any], replaced: bool) -> None:
    path = tmp_path / "k.pem"
    on_host.run("openssl_privatekey", {"path": str(path), **EC})
    before = path.read_text()
    done = on_host.run("openssl_privatekey", {"path": str(path), "backup": True, **args})
    assert done["status"] == ("changed" if replaced else "ok") and (path.read_text() != before) == replaced
    if replaced:
        assert Path(done["values"]["backup_file"]).read_text() == before


def test_a_key_is_converted_and_stays_the_same(on_host: Any, tmp_path: Path) -> None:
    path = f"{tmp_path}/k.pem"
    first = on_host.run("openssl_privatekey", {"path": path, **EC})["values"]["fingerprint"]
    args = {"path": path, **EC, "format": "pkcs8", "format_mismatch": "convert"}
    assert on_host.converge("openssl_privatekey", args)["values"]["fingerprint"] == first
    assert "BEGIN PRIVATE KEY" in Path(path).read_text()


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "another kind": ({**ED, "regenerate": "fail"}, "other_key"),
    "protected": ({**EC, "passphrase": "x", "regenerate": "never"}, "unreadable_key"),
    "no curve": ({"type": "ECC"}, "bad_arguments"), "no such format": ({**ED, "format": "pkcs1"}, "bad_arguments"),
    "two lines": ({**EC, "passphrase": "a\nb"}, "bad_arguments"),
}


@pytest.mark.parametrize(("args", "code"), FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_leaves_the_key(on_host: Any, tmp_path: Path, args: dict[str, Any], code: str) -> None:
    path = f"{tmp_path}/k.pem"
    on_host.run("openssl_privatekey", {"path": path, **EC})
    on_host.fails("openssl_privatekey", {"path": path, **args}, code=code)


def test_modes_are_kept_and_the_key_goes(on_host: Any, tmp_path: Path) -> None:
    path = tmp_path / "k.pem"
    on_host.run("openssl_privatekey", {"path": str(path), **ED, "return_content": True})
    path.chmod(0o644)
    on_host.converge("openssl_privatekey", {"path": str(path), **ED})
    assert on_host.run("openssl_privatekey", {"path": str(path), **ED, "return_content": True})["values"][
        "privatekey"] == path.read_text()
    on_host.converge("openssl_privatekey", {"path": str(path), "state": "absent"})
    assert not path.exists()
