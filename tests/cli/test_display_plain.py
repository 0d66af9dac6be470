"""Plain output beside what ansible-playbook 2.19 printed for the same happenings (times and durations aside)."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.display.plain import PlainDisplay
from orchestrator.errors import Origin
from orchestrator.events import HostRecap, Included, Notice, PlaySkipped, RunStarted, TaskRetry
from tests.cli.events_for_display import CENSORED, COMMAND, Events, debug, done, ended, item, play, result, task

STARS = "*" * 200


def banner(text: str) -> str:
    return f"\n{text} " + "*" * (79 - len(text)) + "\n"


def shown(events: Events, **options: Any) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    display = PlainDisplay(out, err, **options)
    for event in events:
        display.on(event)
    display.close()
    return out.getvalue(), err.getvalue()


JSON_HI = ('"cmd": ["echo", "hi"], "delta": "0:00:00.006", "msg": "", "rc": 0, "stderr": "", "stderr_lines": [], '
           '"stdout": "hi", "stdout_lines": ["hi"]}')
FAILED_VALUES = {**COMMAND, "msg": "non-zero return code", "rc": 3, "changed": True,
                 "error_code": "command"}
JSON_FAILED = JSON_HI.replace('"msg": ""', '"msg": "non-zero return code"').replace('"rc": 0', '"rc": 3')
ERROR = "[ERROR]: Task failed: Module failed: non-zero return code\nOrigin: site.yml:5:7\n\n\n"

CASES: dict[str, tuple[Events, dict[str, Any], str]] = {
    "play": ([play("Basic play", "a")], {}, banner("PLAY [Basic play]")),
    "task": ([task("hello")], {}, banner("TASK [hello]")),
    "role": ([task("in role", role="web")], {}, banner("TASK [web : in role]")),
    "handler": ([task("Restart it", handler=True)], {}, banner("RUNNING HANDLER [Restart it]")),
    "wide-name": ([task("日本語 task")], {}, "\nTASK [日本語 task] " + "*" * 61 + "\n"),
    "long-name": ([task("x" * 90)], {}, f"\nTASK [{'x' * 90}] ***\n"),
    "task-path": ([task("hello")], {"verbosity": 2}, banner("TASK [hello]") + "task path: site.yml:5\n"),
    "nobody": ([PlaySkipped("p", "Nobody", "no hosts matched")], {},
               banner("PLAY [Nobody]") + "skipping: no hosts matched\n"),
    "ok": ([task("cmd"), done("a")], {}, banner("TASK [cmd]") + "ok: [a]\n"),
    "changed": ([task("cmd"), done("a", "changed")], {}, banner("TASK [cmd]") + "changed: [a]\n"),
    "skipped": ([task("cmd"), done("a", "skipped")], {}, banner("TASK [cmd]") + "skipping: [a]\n"),
    "delegated": ([task("cmd"), done("a", delegated_to="lb")], {}, banner("TASK [cmd]") + "ok: [a -> lb]\n"),
    "changed-v": ([task("cmd"), done("a", "changed", values=COMMAND)], {"verbosity": 1},
                  banner("TASK [cmd]") + 'changed: [a] => {"changed": true, ' + JSON_HI + "\n"),
    "skipped-v": ([task("cmd"), done("a", "skipped", values={
        "skipped": True, "false_condition": False, "skip_reason": "Conditional result was False"})], {"verbosity": 1},
        banner("TASK [cmd]") + 'skipping: [a] => {"changed": false, "false_condition": false, '
                               '"skip_reason": "Conditional result was False"}\n'),
    "facts-v": ([task("cmd"), done("a", module="setup", values={"ansible_facts": {"x": 1}})], {"verbosity": 1},
                banner("TASK [cmd]") + "ok: [a]\n"),
    "debug": ([task("debug"), debug("a", {"msg": "hello\nworld"})], {},
              banner("TASK [debug]") + 'ok: [a] => {\n    "msg": "hello\\nworld"\n}\n'),
    "debug-data": ([task("debug"), debug("a", {"msg": {"b": ["x", 1], "a": 1}})], {}, banner("TASK [debug]")
                   + 'ok: [a] => {\n    "msg": {\n        "a": 1,\n        "b": [\n            "x",\n            1\n'
                     "        ]\n    }\n}\n"),
    "debug-item": ([task("debug"), item("a", "L x", task="debug", module="debug", values={
        "msg": "x", "_ansible_verbose_always": True, "item": "x"})], {},
        banner("TASK [debug]") + 'ok: [a] => (item=L x) => {\n    "msg": "x"\n}\n'),
    "item": ([task("cmd"), item("a", "1", "changed"), item("a", "two", "skipped"), item("a", "{'k': 'v'}", "changed"),
              done("a", "changed", looped=True, values={"results": [{}, {}]})], {},
             banner("TASK [cmd]") + "changed: [a] => (item=1)\nskipping: [a] => (item=two) \n"
                                    "changed: [a] => (item={'k': 'v'})\n"),
    "all-items-skipped": ([task("cmd"), item("a", "1", "skipped"),
                           done("a", "skipped", looped=True, values={"results": [{}]})], {},
                          banner("TASK [cmd]") + "skipping: [a] => (item=1) \nskipping: [a]\n"),
    "empty-loop-v": ([task("cmd"), done("a", "skipped", looped=True, values={
        "skipped": True, "skipped_reason": "No items in the list", "results": []})], {"verbosity": 1},
        banner("TASK [cmd]") + 'skipping: [a] => {"skipped_reason": "No items in the list"}\n'),
    "failed": ([task("cmd"), done("a", "failed", values=FAILED_VALUES), done("b", "failed", values=FAILED_VALUES)], {},
               banner("TASK [cmd]") + ERROR + 'fatal: [a]: FAILED! => {"changed": true, ' + JSON_FAILED + "\n"
               + 'fatal: [b]: FAILED! => {"changed": true, ' + JSON_FAILED + "\n"),
    "ignored": ([task("cmd"), done("a", "failed", ignored=True, values={**FAILED_VALUES, "ignored": True})], {},
                banner("TASK [cmd]") + ERROR + 'fatal: [a]: FAILED! => {"changed": true, ' + JSON_FAILED
                + "\n...ignoring\n"),
    "action-failed": ([task("fail"), done("a", "failed", "fail", carrier="controller",
                                          values={"msg": "no é way"})], {},
                      banner("TASK [fail]") + ERROR.replace("Module failed: non-zero return code",
                                                            "Action failed: no é way")
                      + 'fatal: [a]: FAILED! => {"changed": false, "msg": "no é way"}\n'),
    "assert-failed": ([task("assert"), done("a", "failed", "assert", module="assert", carrier="controller", values={
        "msg": "nope", "assertion": "1 == 2", "evaluated_to": False, "_ansible_verbose_always": True})], {},
        banner("TASK [assert]") + ERROR.replace("Module failed: non-zero return code", "Action failed: nope")
        + 'fatal: [a]: FAILED! => {\n    "assertion": "1 == 2",\n    "changed": false,\n    "evaluated_to": false,\n'
          '    "msg": "nope"\n}\n'),
    "item-failed": ([task("cmd"), item("a", "false", "failed", values=FAILED_VALUES),
                     done("a", "failed", ignored=True, looped=True,
                          values={"results": [{}], "msg": "One or more"})], {},
                    banner("TASK [cmd]") + ERROR + 'failed: [a] (item=false) => {"ansible_loop_var": "item", '
                    '"changed": true, "cmd": ["echo", "hi"], "delta": "0:00:00.006", "item": "false", '
                    + JSON_FAILED.partition('"delta": "0:00:00.006", ')[2] + "\n...ignoring\n"),
    "unreachable": ([task("ping"), done("gone", "unreachable", "ping", values={"msg": "refused"})], {},
                    banner("TASK [ping]") + ERROR.replace("Module failed: non-zero return code", "refused")
                    + 'fatal: [gone]: UNREACHABLE! => {"changed": false, "msg": "refused", "unreachable": true}\n'),
    "unreachable-item": ([task("cmd"), item("a", "1", "unreachable", values={"msg": "refused", "changed": False}),
                          done("a", "unreachable", ignored=True, looped=True,
                               values={"results": [{}], "msg": "All items completed", "changed": False})], {},
                         banner("TASK [cmd]") + ERROR.replace("Module failed: non-zero return code", "refused")
                         + 'failed: [a] (item=1) => {"ansible_loop_var": "item", "changed": false, "item": "1", '
                         '"msg": "refused", "unreachable": true}\nfatal: [a]: UNREACHABLE! => {"changed": false, '
                         '"msg": "All items completed", "unreachable": true}\n...ignoring\n'),
    "no-log": ([task("cmd"), done("a", "changed", no_log=True, values=CENSORED)], {},
               banner("TASK [cmd]") + "changed: [a]\n"),
    "no-log-v": ([task("cmd"), done("a", "changed", no_log=True, values={**CENSORED, "rc": 0})], {"verbosity": 1},
                 banner("TASK [cmd]") + 'changed: [a] => {"censored": "the output has been hidden due to the fact that '
                 "'no_log: true' was specified for this result\", \"changed\": true}\n"),
    "retry": ([task("retry"), TaskRetry(result("a", "failed", "retry"), 1, 2, 0.0)], {},
              banner("TASK [retry]") + "FAILED - RETRYING: [a]: retry (2 retries left).\n"),
    "included": ([task("inc", module="include_tasks"), Included("tasks", "inc.yml", ("a", "b")),
                  done("a", task="inc", module="include_tasks")], {},
                 banner("TASK [inc]") + "included: inc.yml for a, b\n"),
    "included-but-for-an-item": ([task("inc", module="include_tasks"), item("a", "1", "skipped", "inc",
                                                                            module="include_tasks"),
                                  item("a", "2", task="inc", module="include_tasks"),
                                  Included("tasks", "inc.yml", ("a",), "2")], {},
                                 banner("TASK [inc]") + "skipping: [a] => (item=1) \n"
                                 "included: inc.yml for a => (item=2)\n"),
    "included-item": ([Included("tasks", "inc.yml", ("a",), "p")], {}, "included: inc.yml for a => (item=p)\n"),
    "diff-new": ([task("cmd"), done("a", "changed", diff=[
        {"before": "", "after": "one\ntwo\n", "after_header": "/tmp/x"}])], {"diff": True},
        banner("TASK [cmd]") + "--- before\n+++ after: /tmp/x\n@@ -0,0 +1,2 @@\n+one\n+two\n\nchanged: [a]\n"),
    "diff-no-newline": ([task("cmd"), done("a", "changed", diff=[{
        "before": "one\nthree\n", "after": "one\nthree", "before_header": "/tmp/x", "after_header": "/tmp/x"}])],
        {"diff": True}, banner("TASK [cmd]") + "--- before: /tmp/x\n+++ after: /tmp/x\n@@ -1,2 +1,2 @@\n one\n-three\n"
        "+three\n\\ No newline at end of file\n\nchanged: [a]\n"),
    "diff-data": ([task("cmd"), done("a", "changed", diff=[
        {"before": {"path": "/x", "mode": "0644"}, "after": {"path": "/x", "mode": "0600"}}])], {"diff": True},
        banner("TASK [cmd]") + '--- before\n+++ after\n@@ -1,4 +1,4 @@\n {\n-    "mode": "0644",\n'
        '+    "mode": "0600",\n     "path": "/x"\n }\n\nchanged: [a]\n'),
    "diff-not-asked": ([task("cmd"), done("a", "changed", diff=[{"before": "", "after": "x\n"}])], {},
                       banner("TASK [cmd]") + "changed: [a]\n"),
    "recap": ([ended(b=HostRecap(ok=5, changed=2, skipped=1), a=HostRecap(failed=1, rescued=12))], {},
              banner("PLAY RECAP")
              + "a                          : ok=0    changed=0    unreachable=0    failed=1    skipped=0    "
                "rescued=12   ignored=0   \n"
              + "b                          : ok=5    changed=2    unreachable=0    failed=0    skipped=1    "
                "rescued=0    ignored=0   \n\n"),
    "recap-long-name": ([ended(**{"web01.dmz.example.com.internal": HostRecap(ok=1)})], {}, banner("PLAY RECAP")
                        + "web01.dmz.example.com.internal : ok=1    changed=0    unreachable=0    failed=0    "
                          "skipped=0    rescued=0    ignored=0   \n\n"),
    "recap-lost": ([ended(a=HostRecap(failed=1, lost=1))], {}, banner("PLAY RECAP")
                   + "a                          : ok=0    changed=0    unreachable=0    failed=1    skipped=0    "
                     "rescued=0    ignored=0    lost=1   \n\n"),
}


@pytest.mark.parametrize(("events", "options", "expected"), CASES.values(), ids=CASES)
def test_output_is_ansibles(events: Events, options: dict[str, Any], expected: str) -> None:
    assert shown(events, **options) == (expected, "")


def test_a_failure_shows_the_lines_around_its_task_once(tmp_path: Path) -> None:
    path = tmp_path / "site.yml"
    path.write_text("- hosts: all\n  tasks:\n    - name: cmd\n      command: 'false'\n")
    failed = {"task_origin": f"{path}:3:7", "values": {"msg": "non-zero return code"}, "hint": "look at stderr",
              "trail": ("include_tasks at top.yml:4:5",)}
    out, _ = shown([task("cmd"), done("a", "failed", **failed), done("b", "failed", **failed)])
    assert out.count("[ERROR]") == 1
    assert (f"Origin: {path}:3:7\n\n1 - hosts: all\n2   tasks:\n3     - name: cmd\n        ^ column 7\n\n"
            "Included from include_tasks at top.yml:4:5\nHint: look at stderr\n\nfatal: [a]: FAILED! => ") in out


def test_the_place_of_the_error_itself_stands_before_that_of_the_task() -> None:
    out, _ = shown([task("cmd"), done("a", "failed", error_code="undefined", message="'x' is undefined", values={
        "msg": "'x' is undefined", "origin": "vars.yml:2:4"})])
    assert "[ERROR]: Task failed: 'x' is undefined\nOrigin: vars.yml:2:4\n" in out
    assert 'FAILED! => {"changed": false, "msg": "\'x\' is undefined"}' in out


def test_a_secret_of_no_log_is_nowhere() -> None:
    values = {**CENSORED, "stdout": "s3cret"}
    out, err = shown([task("cmd"), done("a", "failed", no_log=True, message="s3cret", values=values, diff=[
        {"before": "", "after": "s3cret\n"}])], verbosity=3, diff=True)
    assert "s3cret" not in out + err


def test_free_strategy_says_which_task_a_result_is_of() -> None:
    out, _ = shown([task("one", "a", id="1"), task("one", "b", id="1"), task("two", "a", id="2"), done("b", task="1"),
                    done("a", task="2")])
    heads = [line.split(" *")[0] for line in out.splitlines() if line.startswith(("TASK", "ok"))]
    assert heads == ["TASK [one]", "TASK [two]", "TASK [1]", "ok: [b]", "TASK [2]", "ok: [a]"]


def test_the_same_task_run_again_gets_its_banner_again() -> None:
    out, _ = shown([task("inc", "a"), done("a", task="inc"), task("inc", "a"), done("a", task="inc")])
    assert out.count("TASK [inc]") == 2


def test_warnings_go_to_standard_error_once_each() -> None:
    out, err = shown([Notice("warning", "careful", "web1", Origin("nowhere.yml", 3, 1)), Notice("warning", "again"),
                      Notice("warning", "again"), task("cmd"), done("a", warnings=["odd", "again"])])
    assert err == ("[WARNING]: web1: careful\nOrigin: nowhere.yml:3:1\n\n\n[WARNING]: again\n[WARNING]: odd\n")
    assert "WARNING" not in out


def test_what_is_left_running_is_said_after_the_recap() -> None:
    _, err = shown([ended(130, ["web1: did not confirm that its task has ended"], a=HostRecap())])
    assert err == "[WARNING]: web1: did not confirm that its task has ended\n"


def test_a_resumed_run_says_so() -> None:
    from datetime import UTC, datetime

    _, err = shown([RunStarted("r1", ("site.yml",), (), False, True, datetime.now(UTC))])
    assert "resuming run r1" in err


HOSTILE = "\x1b]0;owned\x07\x1b[2J\u202egnp.exe\x9b31m\udcff\x7f"


def test_host_text_cannot_drive_the_terminal() -> None:
    out, err = shown([
        task(f"t{HOSTILE}"), done(f"h{HOSTILE}", "changed", delegated_to=HOSTILE, warnings=[HOSTILE],
                                  diff=[{"before": "", "after": HOSTILE}]),
        item("a", HOSTILE, "failed", message=HOSTILE, values={"msg": HOSTILE, HOSTILE: HOSTILE}, hint=HOSTILE),
        debug("a", {"msg": HOSTILE}), Included("tasks", HOSTILE, ("a",), HOSTILE), Notice("info", HOSTILE),
        TaskRetry(result("a", task=HOSTILE), 1, 1, 0.0), ended(**{HOSTILE: HostRecap()}),
    ], diff=True, verbosity=1)
    allowed = {"\n", "\t"}
    assert {c for c in out + err if not c.isprintable()} <= allowed
    assert r'"msg": "\u001b]0;owned\u0007' in out


def test_a_reader_that_goes_away_does_not_end_the_run() -> None:
    class Gone(io.StringIO):
        def flush(self) -> None:
            raise BrokenPipeError

    display = PlainDisplay(Gone(), io.StringIO())
    display.on(play("p"))
    display.on(task("t"))
    display.close()


def test_an_ascii_terminal_gets_escapes_and_no_crash() -> None:
    raw = io.BytesIO()
    display = PlainDisplay(io.TextIOWrapper(raw, "ascii"), io.StringIO())
    display.on(done("a", "failed", values={"msg": "é"}))
    assert b"\\xe9" in raw.getvalue()


def test_colours_are_ansibles_and_only_where_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "ANSIBLE_NOCOLOR", "FORCE_COLOR", "ANSIBLE_FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    events: Events = [task("cmd"), done("a", "changed"), ended(a=HostRecap(ok=1, changed=1))]
    assert "\x1b[" not in shown(events)[0]
    monkeypatch.setenv("ANSIBLE_FORCE_COLOR", "1")
    out = shown(events)[0]
    assert "\x1b[0;33mchanged: [a]\x1b[0m\n" in out
    assert "\x1b[0;33ma\x1b[0m                          : \x1b[0;32mok=1   \x1b[0m \x1b[0;33mchanged=1" in out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in shown(events)[0]
