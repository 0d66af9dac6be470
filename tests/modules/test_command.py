"""command, shell and script on this machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from modules import script
from tests.modules.conftest import OnHost

RUNS = {
    "free text": ("command", {"_raw_params": "echo one 'two three'"}, "one two three"),
    "cmd": ("command", {"cmd": "printf %s x"}, "x"),
    "argv": ("command", {"argv": ["printf", "%s|", "a b", "c"]}, "a b|c|"),
    "no shell": ("command", {"cmd": "echo a | cat"}, "a | cat"),
    "variables expand": ("command", {"cmd": "echo $ORCH_TEST ~"}, f"value {os.path.expanduser('~')}"),
    "or not": ("command", {"cmd": "echo $ORCH_TEST", "expand_argument_vars": False}, "$ORCH_TEST"),
    "unknown variables stay": ("command", {"cmd": "echo $NO_SUCH_NAME ${X-}"}, "$NO_SUCH_NAME ${X-}"),
    "stdin gets a newline": ("command", {"cmd": "wc -l", "stdin": "a"}, "1"),
    "stdin as it is": ("command", {"cmd": "wc -l", "stdin": "a", "stdin_add_newline": False}, "0"),
    "ends are stripped": ("command", {"argv": ["printf", "a\n\n"]}, "a"),
    "ends are kept": ("command", {"argv": ["printf", "a\n\n"], "strip_empty_ends": False}, "a\n\n"),
    "chdir": ("command", {"cmd": "pwd", "chdir": "/usr"}, "/usr"),
    "shell": ("shell", {"_raw_params": "echo a | tr a b; echo $ORCH_TEST"}, "b\nvalue"),
    "another shell": ("shell", {"cmd": "echo $0", "executable": "/bin/bash"}, "/bin/bash"),
    "shell in a directory": ("shell", {"cmd": "pwd", "chdir": "/usr"}, "/usr"),
    "bytes that are not utf-8": ("shell", {"cmd": r"printf '\377'"}, "\udcff"),
}


@pytest.mark.parametrize(("module", "args", "stdout"), RUNS.values(), ids=RUNS.keys())
def test_a_command_runs(on_host: OnHost, module: str, args: dict[str, Any], stdout: str) -> None:
    result = on_host.run(module, args, environment={"ORCH_TEST": "value"})
    assert result["status"] == "changed", result
    values = result["values"]
    assert (values["rc"], values["stdout"], values["stderr"], values["msg"]) == (0, stdout, "", "")
    assert values["start"] < values["end"] and values["delta"].startswith("0:")


FAILS = {
    "exit code": ("shell", {"cmd": "echo out; echo err >&2; exit 3"}, "command_failed", 3),
    "no such program": ("command", {"cmd": "no-such-program-here x"}, "not_executable", 2),
    "not executable": ("command", {"argv": ["/etc/passwd"]}, "not_executable", 13),
    "no such directory": ("command", {"cmd": "pwd", "chdir": "/no/such"}, "chdir", None),
    "open quote": ("command", {"cmd": "echo 'a"}, "bad_quotes", None),
    "no command": ("command", {"_raw_params": "  "}, "no_command", 256),
    "no shell command": ("shell", {}, "bad_arguments", None),
}


@pytest.mark.parametrize(("module", "args", "code", "rc"), FAILS.values(), ids=FAILS.keys())
def test_a_command_fails_with_its_reason(
    on_host: OnHost, module: str, args: dict[str, Any], code: str, rc: int | None
) -> None:
    assert on_host.fails(module, args, code=code)["values"].get("rc") == rc


def test_a_failed_command_gives_its_output_and_counts_as_changed(on_host: OnHost) -> None:
    values = on_host.fails("shell", {"cmd": "echo out; echo err >&2; exit 3"}, code="command_failed")["values"]
    assert (values["stdout"], values["stderr"], values["msg"], values["changed"]) == (
        "out", "err", "non-zero return code", True)


GUARDS = {
    "creates, there": ({"creates": "{here}/a*"}, False, "ok", "Did not run command since '{here}/a*' exists"),
    "creates, not there": ({"creates": "{here}/no"}, False, "changed", ""),
    "removes, there": ({"removes": "{here}/abc"}, False, "changed", ""),
    "removes, not there": ({"removes": "{here}/no"}, False, "ok",
                           "Did not run command since '{here}/no' does not exist"),
    "creates relative to chdir": ({"creates": "abc", "chdir": "{here}"}, False, "ok",
                                  "Did not run command since 'abc' exists"),
    "check mode": ({}, True, "skipped", "Command would have run if not in check mode"),
    "check mode, creates not there": ({"creates": "{here}/no"}, True, "changed",
                                      "Command would have run if not in check mode"),
    "check mode, creates there": ({"creates": "{here}/abc"}, True, "ok",
                                  "Would not run command since '{here}/abc' exists"),
}


@pytest.mark.parametrize(("guards", "check", "status", "message"), GUARDS.values(), ids=GUARDS.keys())
@pytest.mark.parametrize("module", ["command", "shell"])
def test_guards_and_check_mode_decide_whether_it_runs(
    on_host: OnHost, tmp_path: Path, module: str, guards: dict[str, str], check: bool, status: str, message: str
) -> None:
    (tmp_path / "abc").touch()
    args = {name: value.format(here=tmp_path) for name, value in guards.items()}
    result = on_host.run(module, {"cmd": f"touch {tmp_path}/ran", **args}, check=check)
    assert (result["status"], result["values"]["msg"]) == (status, message.format(here=tmp_path))
    assert (tmp_path / "ran").exists() == (status == "changed" and not check)


def test_a_script_of_the_controller_runs_with_its_arguments(on_host: OnHost, tmp_path: Path) -> None:
    blob = on_host.blob(b'#!/bin/sh\necho "$1 $#"; pwd\n')
    result = on_host.run("script", {"script": blob, "arguments": "'a b' c", "chdir": str(tmp_path)})
    assert result["status"] == "changed", result
    assert result["values"]["stdout"].splitlines() == ["a b 2", str(tmp_path)]


def test_a_script_leaves_no_file_behind(on_host: OnHost) -> None:
    values = on_host.run("script", {"script": on_host.blob(b'#!/bin/sh\necho "$0"\nexit 4\n')})["values"]
    assert values["rc"] == 4
    assert not os.path.exists(values["stdout"])


def test_a_script_runs_by_its_interpreter_where_nothing_may_be_executed(
    on_host: OnHost, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(script, "executable_folder", lambda host: (str(tmp_path), False))
    monkeypatch.setattr(script.os, "chmod", lambda path, mode: None)
    result = on_host.run("script", {"script": on_host.blob(b"#!/bin/bash -e\necho $BASH_VERSION; false; echo no\n")})
    assert result["values"]["rc"] == 1
    assert result["values"]["stdout"] and "no" not in result["values"]["stdout"].split()


SHEBANGS = {"none": (b"echo\n", "/bin/sh"), "one": (b"#!/usr/bin/env python3\n", "/usr/bin/env python3"),
            "spaces": (b"#! /bin/bash -e -u\n", "/bin/bash '-e -u'"), "empty": (b"#!\n", "/bin/sh")}


@pytest.mark.parametrize(("head", "interpreter"), SHEBANGS.values(), ids=SHEBANGS.keys())
def test_the_interpreter_is_what_the_first_line_names(head: bytes, interpreter: str) -> None:
    assert script.shebang(head) == interpreter


def test_ping_answers_and_crashes_on_demand(on_host: OnHost) -> None:
    assert on_host.run("ping", {})["values"] == {"ping": "pong"}
    assert on_host.run("ping", {"data": "x"}, check=True)["values"] == {"ping": "x"}
    on_host.fails("ping", {"data": "crash"}, code="boom")


@pytest.mark.parametrize(("option", "name", "why"), [("creates", "there", "exists"),
                                                     ("removes", "gone", "does not exist")])
def test_a_script_that_is_not_due_is_skipped(on_host: OnHost, tmp_path: Path, option: str, name: str,
                                             why: str) -> None:
    (tmp_path / "there").write_bytes(b"")
    path = str(tmp_path / name)
    result = on_host.run("script", {"script": on_host.blob(b"#!/bin/sh\nfalse\n"), option: path})
    assert result["status"] == "skipped"
    assert result["values"]["msg"] == f"{path} {why}, matching {option} option"


def test_a_missing_directory_is_in_the_message(on_host: OnHost) -> None:
    result = on_host.run("command", {"cmd": "pwd", "chdir": "/no/such"})
    assert "Unable to change directory before execution" in result["values"]["msg"]
