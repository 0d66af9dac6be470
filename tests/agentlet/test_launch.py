"""The line that starts a runtime works in every login shell, and says so when there is no Python to be had."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from agentlet import launch
from orchestrator.carriers.payload import BootLine, boot_argv, boot_command, boot_payload, parse_boot
from orchestrator.errors import UsageError

MARKER = "0123456789abcdef0123456789abcdef"
SHELLS = ["sh", "bash", "dash", "zsh", "ksh", "fish", "tcsh", "csh", "busybox sh"]
PYTHON27 = next(iter(Path.home().glob(".pyenv/versions/2.7*/bin/python")), None)


def start(command: list[str], **options: object) -> BootLine | None:
    done = subprocess.run(command, input=boot_payload(), capture_output=True, timeout=60, **options)  # type: ignore[call-overload]
    return parse_boot(done.stdout, MARKER)


@pytest.mark.parametrize("shell", SHELLS)
def test_every_login_shell_starts_it(shell: str) -> None:
    words = shell.split()
    if not shutil.which(words[0]):
        pytest.skip(f"there is no {words[0]} here")
    found = start([*words, "-c", boot_command(MARKER)])
    assert found and found.status == "ok" and b'"t":"ready"' in found.rest


def test_without_a_shell_too() -> None:
    found = start(boot_argv(MARKER))
    assert found and found.status == "ok"


def test_banners_before_and_echoed_commands_do_not_deceive() -> None:
    found = start(["bash", "-xc", "echo Welcome; printf '> '; " + boot_command(MARKER)], stderr=None)
    assert found and found.status == "ok"
    assert MARKER not in boot_command(MARKER), "a shell that echoes the command must not look like the runtime"


@pytest.mark.parametrize(
    "environment",
    [{"LC_ALL": "C"}, {"LC_ALL": "POSIX"}, {"LC_ALL": "de_DE.ISO-8859-1"}, {}],
    ids=["C", "POSIX", "Latin-1", "none"],
)
def test_any_locale_will_do(environment: dict[str, str]) -> None:
    found = start(["sh", "-c", boot_command(MARKER)], env={"PATH": os.environ["PATH"], **environment})
    assert found and found.status == "ok"


def test_a_host_without_python_says_none(tmp_path: Path) -> None:
    found = start(["/bin/sh", "-c", boot_command(MARKER, "/nowhere/python3")])
    assert found == BootLine("none", "", b"")


@pytest.mark.skipif(PYTHON27 is None, reason="there is no Python 2.7 here")
def test_a_python_too_old_says_which() -> None:
    found = start(["/bin/sh", "-c", boot_command(MARKER, str(PYTHON27))])
    assert found == BootLine("old", "2.7", b"")


@pytest.mark.skipif(PYTHON27 is None, reason="there is no Python 2.7 here")
def test_an_old_python_makes_way_for_a_later_one() -> None:
    line = launch.command(MARKER, len(boot_payload()), (str(PYTHON27), "/nowhere/python", *launch.INTERPRETERS))
    found = start(["/bin/sh", "-c", line])
    assert found and found.status == "ok"


@pytest.mark.parametrize(
    "data", [b"", b"banner\n", MARKER.encode(), MARKER.encode() + b" ok", b"x" + MARKER.encode() + b" what\n"]
)
def test_half_a_marker_line_is_none_yet(data: bytes) -> None:
    assert parse_boot(data, MARKER) is None


def test_what_follows_the_line_is_handed_on() -> None:
    assert parse_boot(b"Welcome\r\n> " + MARKER.encode() + b" ok\n\x00rest", MARKER) == BootLine("ok", "", b"\x00rest")


INTERPRETERS = [
    (None, launch.INTERPRETERS),
    ("auto", launch.INTERPRETERS),
    ("auto_silent", launch.INTERPRETERS),
    ("/opt/py/bin/python3.11", ("/opt/py/bin/python3.11",)),
    ("/usr/bin/env python3", ("python3",)),
]


@pytest.mark.parametrize(("setting", "expected"), INTERPRETERS)
def test_the_interpreter_setting_means_what_it_means_in_ansible(setting: str | None, expected: tuple[str, ...]) -> None:
    assert launch.interpreters_of(setting) == expected


@pytest.mark.parametrize("setting", ["python3 -u", "-c", "/bin/x'; rm -rf /; '", "$(id)", "a\nb", "x!y"])
def test_an_interpreter_that_is_no_path_is_refused(setting: str) -> None:
    with pytest.raises(UsageError):
        boot_command(MARKER, setting)


def test_the_payload_is_small_and_always_the_same() -> None:
    assert boot_payload() is boot_payload()
    assert len(boot_payload()) < 64_000


def test_it_needs_nothing_on_disk(tmp_path: Path) -> None:
    found = start(
        ["/bin/sh", "-c", boot_command(MARKER)], cwd="/proc", env={"PATH": os.environ["PATH"], "TMPDIR": "/proc"}
    )
    assert found and found.status == "ok"


def test_files_in_the_working_directory_are_not_imported(tmp_path: Path) -> None:
    for name in ("json", "os", "zlib", "select", "agentlet", "signal"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('imported from the working directory')")
    found = start(
        ["/bin/sh", "-c", boot_command(MARKER)],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path)},
    )
    assert found and found.status == "ok" and b'"t":"ready"' in found.rest
