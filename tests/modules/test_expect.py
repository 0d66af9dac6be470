"""expect on a real terminal: prompts, lists of answers, echo, and a command that never ends."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

ASK = """
import getpass, sys
for prompt in sys.argv[1:]:
    answer = input(prompt + ': ')
    print('got ' + answer)
"""
SECRET = "import getpass; print('secret of %d' % len(getpass.getpass('Password: ')))"


@pytest.fixture
def ask(tmp_path: Path) -> str:
    (tmp_path / "ask.py").write_text(ASK)
    return f"{sys.executable} {tmp_path}/ask.py"


def test_a_prompt_is_answered_each_time(on_host: Any, ask: str) -> None:
    values = on_host.run("expect", {"command": f"{ask} foo foo", "responses": {"fo+": "bar"}})
    assert values["status"] == "changed"
    assert values["values"]["stdout"].splitlines() == ["foo: got bar", "foo: got bar"]
    assert values["values"]["rc"] == 0 and values["values"]["delta"]


def test_a_list_answers_in_turn_and_then_fails(on_host: Any, ask: str) -> None:
    two = {"command": f"{ask} foo foo", "responses": {"foo": ["one", "two"]}}
    assert on_host.run("expect", two)["values"]["stdout"].splitlines()[-1] == "foo: got two"
    done = on_host.run("expect", {**two, "responses": {"foo": ["one"]}})
    assert done["status"] == "failed" and "No remaining responses for 'foo'" in done["values"]["msg"]


def test_the_prompt_that_comes_first_is_answered_first(on_host: Any, ask: str) -> None:
    done = on_host.run("expect", {"command": f"{ask} name age", "responses": {"(?i)AGE": 7, "name": "ann"}})
    assert done["values"]["stdout"].splitlines() == ["name: got ann", "age: got 7"]


def test_echo_shows_the_answer(on_host: Any, ask: str) -> None:
    done = on_host.run("expect", {"command": f"{ask} foo", "responses": {"foo": "bar"}, "echo": True})
    assert done["values"]["stdout"].splitlines() == ["foo: bar", "got bar"]


def test_a_password_prompt_has_its_terminal(on_host: Any, tmp_path: Path) -> None:
    done = on_host.run("expect", {"command": f"{sys.executable} -c \"{SECRET}\"", "responses": {"Password": "hush"}})
    assert "secret of 4" in done["values"]["stdout"] and "hush" not in repr(done)


FAULTS: dict[str, tuple[dict[str, Any], str, str, Any]] = {
    "no command": ({"command": ""}, "no_command", "no command given", 256),
    "rc": ({"command": "ls /does-not-exist"}, "command_failed", "non-zero return code", 2),
    "timeout": ({"command": "sleep 60", "timeout": 0.2}, "timeout", "command exceeded timeout", None),
    "not found": ({"command": "/no/such/program"}, "not_executable", "not found or was not executable", 127),
    "not utf-8": ({"command": "printf '\\377\\n'"}, "not_utf8", "Refusing to deserialize an invalid UTF8", 0),
    "pattern": ({"command": "true", "responses": {"(": "x"}}, "bad_pattern", "no valid regular expression", None),
    "no folder": ({"command": "true", "chdir": "/does-not-exist"}, "chdir", "Unable to change directory", None),
}


@pytest.mark.parametrize(("args", "code", "says", "rc"), FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_is_told(on_host: Any, args: dict[str, Any], code: str, says: str, rc: Any) -> None:
    done = on_host.fails("expect", {"responses": {"foo": "bar"}, **args}, code=code, says=says)
    assert done["values"].get("rc") == rc


@pytest.mark.parametrize(("guard", "name"), [("creates", "ask.py"), ("removes", "gone")])
def test_guards_keep_it_from_running(on_host: Any, ask: str, tmp_path: Path, guard: str, name: str) -> None:
    done = on_host.run("expect", {"command": f"{ask} foo", "responses": {}, guard: f"{tmp_path}/{name}"})
    assert done["status"] == "ok" and "skipped" in done["values"]["stdout"]


def test_it_runs_where_it_is_told_and_waits_for_ever_when_told(on_host: Any, tmp_path: Path) -> None:
    done = on_host.run("expect", {"command": "/bin/sh -c 'pwd; sleep 0.2'", "responses": {"foo": "bar"},
                                  "chdir": str(tmp_path), "timeout": "none"})
    assert done["values"]["stdout"] == str(tmp_path)


def test_check_mode_runs_nothing(on_host: Any, tmp_path: Path) -> None:
    done = on_host.run("expect", {"command": f"touch {tmp_path}/x", "responses": {}}, check=True)
    assert done["status"] == "skipped" and not (tmp_path / "x").exists()
