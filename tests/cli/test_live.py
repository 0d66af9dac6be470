"""The live view: what it prints for the events of a run, and that it keeps out of the way of prompts."""

from __future__ import annotations

import io
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from orchestrator.cli.display.live import LiveDisplay
from orchestrator.errors import Origin
from orchestrator.events import (
    Event,
    HostRecap,
    Notice,
    PlayEnded,
    PlayStarted,
    RunEnded,
    TaskDone,
    TaskResult,
    TaskStarted,
)

PLACE = Origin("site.yml", 1, 1)


def started(*hosts: str, task: str = "t1", name: str = "install") -> TaskStarted:
    return TaskStarted(task, name, "command", PLACE, hosts)


def done(host: str, status: str = "ok", task: str = "t1", name: str = "install", **more: Any) -> TaskDone:
    return TaskDone(TaskResult("r", "p", "play", task, name, "site.yml:1:1", more.pop("module", "command"), host,
                               status, **more))


def ended(code: int = 0, **recap: HostRecap) -> RunEnded:
    return RunEnded("20260101-000000-abcdef", {0: "ok", 2: "failed", 130: "cancelled"}[code], recap, 1.0, code)


def shown(*events: Event, width: int = 80) -> str:
    """What stands on a terminal that has seen these events; moving lines are not drawn."""
    out = io.StringIO()
    display = LiveDisplay(console=Console(file=out, width=width, highlight=False))
    for event in events:
        display.on(event)
    display.close()
    return out.getvalue()


def play(*hosts: str) -> PlayStarted:
    return PlayStarted("p", "the play", hosts, PLACE)


def test_a_task_is_one_line_with_words_beside_the_mark() -> None:
    text = shown(play("a", "b", "c"), started("a", "b", "c"), done("a", "changed"), done("b"), done("c", "skipped"))
    assert "  ~ install  1 changed  1 ok  1 skipped" in text


def test_a_failure_says_why_where_and_what_to_do() -> None:
    text = shown(play("a"), started("a"), done(
        "a", "failed", message="no space left", hint="make room", values={"stderr": "cp: disk full"}))
    for line in ("  ✗ a failed  install", "      no space left", "      stderr: cp: disk full", "      site.yml:1:1",
                 "      → make room", "  ✗ install  1 failed"):
        assert line in text.splitlines()


def test_what_many_hosts_say_alike_is_said_once() -> None:
    hosts = [f"h{n}" for n in range(30)]
    text = shown(play(*hosts), started(*hosts), *(done(h, "failed", message=f"{h} is full") for h in hosts))
    assert text.count("is full") == 1
    assert "failed like h0: h1, h2" in text and "and 9 more" in text
    assert "30 failed" in text


def test_a_failure_that_was_ignored_takes_two_lines() -> None:
    text = shown(play("a"), started("a"), done("a", "failed", message="meh", ignored=True, hint="x"))
    assert text.count("meh") == 1 and "(ignored)" in text and "site.yml" not in text
    assert "  ! install  1 ignored" in text


def test_the_same_difference_is_shown_once() -> None:
    diff = [{"before": "a\n", "after": "b\n"}]
    text = shown(play("a", "b"), started("a", "b"), done("a", "changed", diff=diff), done("b", "changed", diff=diff))
    assert text.count("+b") == 1
    assert "like a: b" in text


def test_secrets_are_not_shown() -> None:
    text = shown(play("a"), started("a"), done(
        "a", "failed", no_log=True, values={"stderr": "secret"}, diff=[{"before": "", "after": "secret\n"}]))
    assert "secret" not in text


def test_a_warning_is_given_once() -> None:
    assert shown(*[Notice("warning", "careful", "a")] * 3).count("careful") == 1


def test_hosts_at_their_own_pace_are_counted_with_their_task() -> None:
    """Strategy free: a is in the second task while b is still in the first."""
    text = shown(play("a", "b"), started("a", "b"), done("a"), started("a", task="t2", name="second"),
                 done("a", "changed", task="t2", name="second"), done("b", "changed"),
                 started("b", task="t2", name="second"), done("b", "failed", task="t2", name="second", message="no"),
                 PlayEnded("p"))
    assert "install  1 ok  1 changed" in text
    assert "second  1 changed  1 failed" in text


def test_control_characters_of_hosts_are_written_out() -> None:
    text = shown(play("a"), started("a"), done("a", "failed", message="\x1b[2Jgone\x07", values={"stdout": "\x9b31m"}))
    assert "\\x1b[2Jgone\\x07" in text and not set(text) & {"\x1b", "\x07", "\x9b"}


def test_the_recap_names_failed_hosts_first() -> None:
    text = shown(ended(2, a=HostRecap(ok=2), z=HostRecap(ok=1, failed=1)))
    assert text.index("✗ z") < text.index("✓ a")
    assert "orch runs show 20260101-000000-abcdef" in text


def test_many_hosts_that_fared_alike_share_a_row() -> None:
    recap = {f"h{n:03}": HostRecap(ok=3) for n in range(200)}
    recap["h007"] = HostRecap(ok=1, failed=1)
    text = shown(ended(2, **recap))
    assert "✗ h007" in text and "(199 hosts)" in text
    assert len(text.splitlines()) < 10


def test_a_stopped_run_says_what_is_left_and_how_to_go_on() -> None:
    event = ended(130, a=HostRecap(ok=1), b=HostRecap(ok=1))
    event.left = ("a: stopped before 'next'", "b: stopped before 'next'")
    text = shown(event)
    assert "! a, b: stopped before 'next'" in text
    assert "orch run --resume 20260101-000000-abcdef" in text


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_any_width_will_do(width: int) -> None:
    hosts = [f"a-host-with-a-long-name-{n}.example.net" for n in range(9)]
    assert shown(play(*hosts), started(*hosts, name="x" * 300), *(done(h, name="x" * 300) for h in hosts),
                 ended(0, **{h: HostRecap(ok=1) for h in hosts}), width=width)


ASKING = """\
- hosts: web1
  gather_facts: false
  vars_prompt: [{name: version, prompt: Which version, private: false}]
  tasks:
    - name: work
      command: sleep 0.3
    - name: confirm
      pause: {prompt: "Deploy {{ version }}"}
      register: answer
    - debug: {msg: "answered {{ answer.user_input }} for {{ version }}"}
"""


def test_prompts_are_not_drawn_over(project: Path) -> None:
    """On a real terminal: from a question to its answer nothing is drawn."""
    (project / "site.yml").write_text(ASKING)
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "orchestrator.cli.main", "run", "site.yml", "-i", "inv.yml"], stdin=theirs,
        stdout=theirs, stderr=theirs, close_fds=True, start_new_session=True,
        env={**os.environ, "TERM": "xterm", "PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONUTF8": "1"})
    os.close(theirs)
    _read_until(ours, "Which version: ")
    assert _drawn(ours) == ""
    os.write(ours, b"1.2\n")
    _read_until(ours, "Deploy 1.2:")
    assert _drawn(ours).strip() == ""
    os.write(ours, b"yes\n")
    _read_until(ours, "answered yes for 1.2")
    _read_until(ours, "ok in ")
    assert process.wait(timeout=90) == 0
    os.close(ours)


def _read_until(terminal: int, text: str) -> None:
    seen = b""
    deadline = time.monotonic() + 90
    while text.encode() not in seen:
        assert select.select([terminal], [], [], deadline - time.monotonic())[0], seen.decode(errors="replace")
        seen += os.read(terminal, 4096)


def _drawn(terminal: int) -> str:
    """What is drawn while nothing happens; a moving line draws eight times a second."""
    seen = b""
    while select.select([terminal], [], [], 0.6)[0]:
        seen += os.read(terminal, 4096)
        if len(seen) > 1000:
            break
    return seen.decode(errors="replace")
