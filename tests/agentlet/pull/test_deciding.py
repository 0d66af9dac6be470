"""What decides and does nothing: the rest of a job, the owner's policy, the guard, the quarantine, the cache."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import pytest

from agentlet.pull import blobs, guard, holding, plan, policy
from agentlet.pull.faults import Answered
from agentlet.pull.quarantine import Quarantine
from agentlet.pull.settings import Settings
from agentlet.pull.state import State
from agentlet.pull.transfers import why_not


def task(name: str, module: str = "copy", **fields: Any) -> dict[str, Any]:
    return {"id": name, "module": module, "args": {}, **fields}


NO = plan.Refused("policy", "no")
TASKS = [task("a"), task("b"), task("c", "bad"), task("d")]
LENIENT = [task("a"), task("b"), task("c", "bad", continue_on_failure=True), task("d")]


@pytest.mark.parametrize(
    ("tasks", "results", "parts"),
    [
        (TASKS[:2], {}, [("ab", False)]),
        (TASKS, {}, [("ab", False), ("c", True)]),
        (LENIENT, {}, [("ab", False), ("c", True), ("d", False)]),
        (LENIENT, {"a": "ok"}, [("b", False), ("c", True), ("d", False)]),
        (LENIENT, {"a": "ok", "b": "failed"}, []),
        (LENIENT, {"a": "ok", "b": "interrupted"}, []),
        (LENIENT, {"a": "ok", "b": "changed", "c": "failed"}, [("d", False)]),
        (LENIENT, {"a": "ok", "b": "ok", "c": "failed", "d": "ok"}, []),
        ([], {}, []),
    ],
    ids=["all", "up to a refusal", "behind one that may fail", "one is done", "one failed", "one was interrupted",
         "what may fail has failed", "all are done", "none"],
)
def test_what_is_left_of_a_job(tasks: list[Any], results: dict[str, str], parts: list[tuple[str, bool]]) -> None:
    found = plan.remaining(tasks, results, lambda one: NO if one["module"] == "bad" else None)
    assert [("".join(one["id"] for one in part), refused is NO) for part, refused in found] == parts


@pytest.mark.parametrize(
    ("results", "status"),
    [({}, "ok"), ({"a": "changed", "b": "skipped"}, "ok"), ({"a": "failed", "b": "ok"}, "failed"),
     ({"a": "failed", "b": "interrupted"}, "interrupted")],
)
def test_what_a_job_has_come_to(results: dict[str, str], status: str) -> None:
    assert plan.status_of(results) == status


@pytest.mark.parametrize(
    ("uncertain", "refused", "said"),
    [(True, None, ("interrupted", "interrupted")), (True, NO, ("interrupted", "interrupted")),
     (False, NO, ("failed", "policy")), (False, None, None)],
    ids=["it must not run twice", "nor does the policy matter", "it may, and is refused", "it may"],
)
def test_what_is_said_of_a_task_that_had_begun(
    uncertain: bool, refused: plan.Refused | None, said: tuple[str, str] | None
) -> None:
    result = plan.result_of_begun(task("a"), uncertain, refused, 1.0)
    assert (result and (result["status"], result["error"]["code"])) == said


@pytest.mark.parametrize(
    ("error", "why"),
    [(OSError(errno.ENOSPC, "No space left on device"), "the disk of the agentlet's cache, on this host, is full: No"),
     (OSError(errno.EIO, "Input/output error"), "the agentlet's cache, on this host, fails: "),
     (Answered(404, "blob_unknown", "there is no such file"), "the server cannot send it: there is no such file"),
     (KeyError("x"), "the job names no such file")],
    ids=["full", "broken", "refused", "unknown"],
)
def test_why_a_file_cannot_be_had_is_said_of_who_cannot(error: Exception, why: str) -> None:
    assert why_not(error).startswith(why)


LETTER = {"job": "j", "attempt": 1, "created": 5, "host": "web1", "tasks": []}


@pytest.mark.parametrize(
    ("other", "same"),
    [(LETTER, True), ({**LETTER, "host": "web9"}, True), ({**LETTER, "created": 6}, False),
     ({**LETTER, "tasks": [1]}, False), ({**LETTER, "attempt": 2}, False), ([], False)],
    ids=["itself", "the host was renamed", "posted again", "other tasks", "another attempt", "none"],
)
def test_a_letter_is_told_from_another_of_its_name(other: Any, same: bool) -> None:
    assert holding.is_same_letter(json.dumps(LETTER), json.dumps(other)) is same
    assert not holding.is_same_letter(None, json.dumps(other))


def test_a_place_is_this_boot_and_this_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "copy").mkdir()
    here = holding.place_of(str(tmp_path))
    assert here == holding.place_of(str(tmp_path)) != holding.place_of(str(tmp_path / "copy"))
    monkeypatch.setattr(holding.processes, "boot_id", lambda: "another")
    assert holding.place_of(str(tmp_path)) != here


def judge(rules: dict[str, Any], one: dict[str, Any]) -> str | None:
    """The rule that refuses, or None. Links lead where the table says."""
    links = {"/srv/link/x": "/etc/x"}
    refused = policy.Policy(rules, lambda path: links.get(path, policy.os.path.normpath(path))).refusal(one)
    return None if refused is None else refused.message.rpartition("(rule ")[2][:-1]


SUDO = {"method": "sudo", "user": "root"}


@pytest.mark.parametrize(
    ("rules", "one", "rule"),
    [
        ({}, task("a", "shell", args={"cmd": "rm -rf /"}), None),
        ({"modules": {"deny": ["shell"]}}, task("a", "shell"), "modules.deny"),
        ({"modules": {"deny": ["ansible.builtin.shell"]}}, task("a", "shell"), "modules.deny"),
        ({"modules": {"allow": ["copy"]}}, task("a"), None),
        ({"modules": {"allow": ["copy"]}}, task("a", "file"), "modules.allow"),
        ({"modules": {"allow": []}}, task("a"), "modules.allow"),
        ({"modules": {"deny": ["ping"]}}, task("a", "bridged", args={"module": "acme.net.ping"}), "modules.deny"),
        ({"modules": {"allow": ["bridged"]}}, task("a", "bridged", args={"module": "acme.net.ping"}), "modules.allow"),
        ({"commands": {"deny": ["^rm"]}}, task("a", "command", args={"argv": ["rm", "-r", "x"]}), "commands.deny ^rm"),
        ({"commands": {"deny": ["^rm"]}}, task("a", "command", args={"_raw_params": "ls rm"}), None),
        ({"paths": {"deny": ["/etc"]}}, task("a", args={"dest": "/etc/passwd"}), "paths.deny /etc"),
        ({"paths": {"deny": ["/etc"]}}, task("a", args={"dest": "/etcetera"}), None),
        ({"paths": {"deny": ["/etc"]}}, task("a", args={"dest": "/srv/../etc/passwd"}), "paths.deny /etc"),
        ({"paths": {"deny": ["/etc"]}}, task("a", args={"dest": "/srv/link/x"}), "paths.deny /etc"),
        ({"paths": {"deny": ["/etc"]}}, task("a", args={"deep": [{"x": "/etc/x"}]}), "paths.deny /etc"),
        ({"paths": {"deny": ["/etc"]}}, task("a", cwd="/etc"), "paths.deny /etc"),
        ({"paths": {"deny": ["/etc"]}}, task("a", args={"dest": "etc/passwd"}), "paths.deny /etc"),
        ({"paths": {"deny": ["/etc"]}}, task("a", args={"anything": "../etc/passwd"}, cwd="/srv"), "paths.deny /etc"),
        ({"paths": {"deny": ["/etc"]}}, task("a", args={"dest": "${NOWHERE-}/etc/x"}), None),
        ({"paths": {"deny": ["/etc"]}}, task("a", "bridged", args={"module": "x", "args": {"dest": "/etc/x"}}),
         "paths.deny /etc"),
        ({"commands": {"deny": ["rm"]}}, task("a", "bridged", args={"module": "x", "args": {"cmd": "rm"}}),
         "commands.deny rm"),
        ({"paths": {"allow": ["/srv"]}}, task("a", args={"dest": "x", "content": "a/b"}, cwd="/srv"), None),
        ({"paths": {"allow": ["/srv"]}}, task("a", args={"dest": "x"}), "paths.allow"),
        ({"paths": {"allow": ["/srv"]}}, task("a", args={"dest": "/srv/a", "content": "text"}), None),
        ({"paths": {"allow": ["/srv"]}}, task("a", args={"dest": "/srv/link/x"}), "paths.allow"),
        ({"paths": {"allow": ["/srv"]}}, task("a", args={"dest": "/etc/x"}), "paths.allow"),
        ({"become_users": []}, task("a"), None),
        ({"become_users": []}, task("a", become=SUDO), "become_users"),
        ({"become_users": ["root"]}, task("a", become=SUDO), None),
        ({"become_users": ["www"]}, task("a", become={"method": "sudo", "user": None}), "become_users"),
    ],
)
def test_the_policy_names_its_rule(rules: dict[str, Any], one: dict[str, Any], rule: str | None) -> None:
    assert judge(rules, one) == rule


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"module": {}}', '{"modules": {"forbid": []}}', '{"modules": {"deny": "shell"}}',
     '{"commands": {"deny": ["("]}}', '{"become_users": [1]}', '{"paths": []}'],
)
def test_a_policy_that_is_none_allows_nothing(tmp_path: Path, text: str) -> None:
    path = tmp_path / "policy.json"
    path.write_text(text)
    path.chmod(0o600)
    refused = policy.load(str(path)).refusal(task("a"))
    assert refused is not None and "cannot be read" in refused.message


def test_a_policy_that_others_can_write_allows_nothing(tmp_path: Path) -> None:
    path = tmp_path / "policy.json"
    path.write_text("{}")
    path.chmod(0o620)
    assert policy.load(str(path)).refusal(task("a")) is not None
    path.chmod(0o644)
    assert policy.load(str(path)).refusal(task("a")) is None
    assert policy.load(str(tmp_path / "none")).refusal(task("a")) is None


MIB = 1 << 20


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        ([], None),
        ([(0, 300 * MIB, 0)], None),
        ([(0, 300 * MIB, 0), (11, 300 * MIB, 0)], None),
        ([(0, 300 * MIB, 0), (12, 300 * MIB, 0)], "MiB"),
        ([(0, 300 * MIB, 0), (6, 100 * MIB, 0), (12, 300 * MIB, 0)], None),
        ([(0, MIB, 0), (12, MIB, 1.1)], None),
        ([(0, MIB, 5), (12, MIB, 6.3)], "of a processor"),
    ],
)
def test_the_guard_wants_more_than_a_moment(samples: list[Any], said: str | None) -> None:
    why = guard.judge(samples, 12, 200 * MIB, 0.10)
    assert (why is None) if said is None else (why is not None and said in why)


def test_the_guard_looks_at_a_window_that_moves() -> None:
    busy = iter([(MIB, cpu) for cpu in (0, 0.1, 0.2, 0.3, 0.4, 3, 6, 9, 12)])
    looking = guard.Guard(Settings(), lambda: next(busy))
    said = [looking.look(now) for now in range(0, 36, 4)]
    assert [at for at, why in zip(range(0, 36, 4), said) if why] == [20]


def test_two_deaths_within_a_day_are_enough(tmp_path: Path) -> None:
    now = [0.0]
    state = State(str(tmp_path))
    quarantine = Quarantine(state, lambda: now[0])
    bad, other = task("a", args={"x": 1}), task("a", args={"x": 2})
    quarantine.blame(bad)
    assert not quarantine.holds(bad)
    now[0] = 3600.0
    quarantine.blame(bad)
    assert quarantine.holds(bad) and quarantine.holds({**bad, "id": "another"}) and not quarantine.holds(other)
    assert Quarantine(state, lambda: now[0]).holds(bad)
    now[0] += 86_400
    assert not quarantine.holds(bad)
    quarantine.blame(bad)
    assert not quarantine.holds(bad)
    quarantine.forgive(bad)  # it came to a good end
    quarantine.blame(bad)
    assert not quarantine.holds(bad)
    quarantine.blame(bad)
    assert quarantine.holds(bad)


@pytest.mark.parametrize(("limit", "gone"), [(60, []), (59, ["b"]), (31, ["b", "a"]), (0, ["b", "a", "c"])])
def test_the_least_used_blobs_go(limit: int, gone: list[str]) -> None:
    assert blobs.oldest([(2, 10, "a"), (1, 20, "b"), (3, 30, "c")], limit) == gone
