"""asyncssh is imported without what orch does not use, and with all that it does."""

from __future__ import annotations

import ctypes.util
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.security import ssh_library

ROOT = Path(__file__).parents[2]
NO_CACHE = "/nowhere/ld.so.cache"


def _fresh(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout


def test_importing_it_starts_no_process() -> None:
    code = """
import subprocess, os, sys
started = []
sys.addaudithook(lambda event, values: started.append(event) if event in (
    "subprocess.Popen", "os.fork", "os.posix_spawn", "os.exec", "os.system") else None)
import orchestrator.security.ssh_library
print(started)
"""
    if not Path(ssh_library.LOADER_CACHE).exists():
        pytest.skip("this system's loader has no cache: the library search is the original one")
    assert _fresh(code).strip() == "[]"


def test_x509_stays_out_and_the_search_is_put_back() -> None:
    code = """
import ctypes.util, sys
before = ctypes.util.find_library
from orchestrator.security.ssh_library import asyncssh
print(ctypes.util.find_library is before, "cryptography.x509" in sys.modules, "asyncssh.crypto.x509" in sys.modules)
"""
    assert _fresh(code).split() == ["True", "False", "False"]


def test_sftp_and_scp_stay_out_until_somebody_asks_for_them() -> None:
    code = """
import sys
from orchestrator.security.ssh_library import asyncssh
print([name for name in sys.modules if name.endswith((".sftp", ".scp"))])
import asyncssh.sftp, asyncssh.scp
print(hasattr(asyncssh.sftp.SFTPClient, "listdir"), callable(asyncssh.scp.scp))
"""
    assert _fresh(code).split("\n") == ["[]", "True True", ""]


def test_it_has_the_algorithms_that_a_plain_import_has() -> None:
    code = """
{}
import asyncssh.mac, asyncssh.kex, asyncssh.encryption
print(asyncssh.mac.get_mac_algs(), asyncssh.kex.get_kex_algs(), asyncssh.encryption.get_encryption_algs())
"""
    assert _fresh(code.format("import orchestrator.security.ssh_library")) == _fresh(code.format("import asyncssh"))


@pytest.mark.parametrize("name", ["c", "z", "crypto", "no-such-library"])
def test_finds_a_library_when_the_original_search_does(name: str) -> None:
    found = ssh_library.find_library(name)
    if ctypes.util.find_library(name):
        assert found is not None
        ctypes.CDLL(found)
    else:
        assert found is None


@pytest.mark.parametrize("where", ["no cache", "a path of the user's own"])
def test_asks_the_original_search_where_the_cache_does_not_tell_all(
        where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh_library, "_search", lambda name: f"found {name}")
    if where == "no cache":
        monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)
        monkeypatch.setattr(ssh_library, "LOADER_CACHE", NO_CACHE)
    else:
        monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/lib")
    assert ssh_library.find_library("oqs") == "found oqs"
