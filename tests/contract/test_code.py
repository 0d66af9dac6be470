"""Compiled code beside the sources: taken by a runtime of the very Python that compiled it, left alone by any other."""

from __future__ import annotations

import marshal
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modules import registry
from orchestrator.carriers import compiled, payload
from orchestrator.carriers.sources import missing_frames
from tests.contract.conftest import FOUND
from tests.contract.driver import Runtime, task

SOURCE = "ARGS = {}\n\ndef run(args, host):\n    return {'made_of': 'source'}\n"
CODE = marshal.dumps(compile(SOURCE.replace("source", "code"), "/elsewhere/probe.py", "exec"))
RUBBISH = b"\xe3" * 200
"""As marshal data it ends a process that loads it."""


@pytest.fixture
def coded(python: str) -> Iterator[Runtime]:
    """A runtime that was booted as one on this machine is."""
    with Runtime(python, boot=payload.compiled_payload()) as runtime:
        yield runtime


def add(runtime: Runtime, source: str, code: bytes, magic: str | None = compiled.MAGIC) -> None:
    header = {"t": "source", "name": "modules.probe", **({"magic": magic} if magic else {})}
    runtime.send(header, zlib.compress(source.encode(), 0) + code)


def made_of(runtime: Runtime, **fields: Any) -> str:
    return str(runtime.run(task("probe", **fields)).result["values"]["made_of"])


def magic_of(python: str) -> str:
    ask = "import importlib.util;print(importlib.util.MAGIC_NUMBER.hex())"
    return subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True).stdout.strip()


def test_every_python_boots_and_takes_the_code_that_is_its_own(coded: Runtime, python: str) -> None:
    add(coded, SOURCE, CODE)
    assert made_of(coded) == ("code" if magic_of(python) == compiled.MAGIC else "source")


@pytest.mark.parametrize("magic", [None, "00000d0a", "", 7], ids=["absent", "another", "empty", "no text"])
def test_code_of_another_python_is_never_loaded(runtime: Runtime, magic: str | None) -> None:
    add(runtime, SOURCE, RUBBISH, magic)
    assert made_of(runtime) == "source"


def test_a_bundle_of_another_python_is_booted_from_its_sources(python: str) -> None:
    with Runtime(python, boot=payload.boot_payload() + b"\0\0\r\n" + RUBBISH) as runtime:
        add(runtime, SOURCE, b"", None)
        assert made_of(runtime) == "source"


def test_a_module_of_ours_goes_with_its_code(coded: Runtime) -> None:
    frames, _ = missing_frames("command", 0, registry.sources, with_code=True)
    assert any(compiled.MAGIC.encode() in frame for frame in frames)
    coded.write(b"".join(frames))
    assert coded.run(task("command", {"argv": ["echo", "hi"]})).result["values"]["stdout"] == "hi"


def test_a_traceback_shows_files_and_lines_as_ever(coded: Runtime, python: str) -> None:
    source = "ARGS = {}\n\ndef run(args, host):\n    return {}['a key']\n"
    add(coded, source, marshal.dumps(compile(source, "/elsewhere/probe.py", "exec")))
    shown = coded.run(task("probe")).result["values"]["exception"]
    with Runtime(python) as plain:
        add(plain, source, b"", None)
        assert plain.run(task("probe")).result["values"]["exception"] == shown
    assert 'File "modules/probe.py", line 4, in run\n    return {}[\'a key\']' in shown
    assert 'File "agentlet/execute.py"' in shown and "result = _perform(code" in shown


def test_a_module_that_is_sent_again_loses_its_code(coded: Runtime) -> None:
    add(coded, SOURCE, CODE)
    add(coded, SOURCE.replace("source", "the second"), b"", None)
    assert made_of(coded) == "the second"


OTHERS = [path for version, path in sorted(FOUND.items()) if version != sys.version_info[:2]]


@pytest.mark.parametrize("child", [sys.executable, *OTHERS[:1], *OTHERS[-1:]], ids=["ours", "oldest", "newest"])
@pytest.mark.parametrize("parent", [sys.executable, *OTHERS[-1:]], ids=["below ours", "below another"])
def test_a_runtime_of_another_user_is_fed_the_same_and_chooses_for_itself(
    parent: str, child: str, tmp_path: Path
) -> None:
    """The program in sudo's place becomes nobody else, and starts the Python that the test wants."""
    sudo = tmp_path / "sudo"
    sudo.write_text(
        '#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done; shift\n'
        f'exec "$1" "$2" "$3" "$4" "$5" "$6" "$7" "$8" {child}\n'
    )
    sudo.chmod(0o755)
    become = {"method": "sudo", "user": "somebody-else", "secret": None, "flags": None, "exe": str(sudo)}
    with Runtime(parent, boot=payload.compiled_payload()) as runtime:
        add(runtime, SOURCE, CODE)
        assert made_of(runtime) == ("code" if parent == sys.executable else "source")
        assert made_of(runtime, become=become) == ("code" if child == sys.executable else "source")
