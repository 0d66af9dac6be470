"""One module on one host: what its functions return becomes one result, whatever happens."""

from __future__ import annotations

import json
import types
from pathlib import Path
from typing import Any

import pytest

from agentlet.execute import DIFF_LIMIT_BYTES, NO_LOG_TEXT, execute
from agentlet.host import Act, Look, local_host
from modules.api import Arg, Change, Failed, Same


def module(**parts: Any) -> Any:
    made = types.ModuleType("modules.sample")
    made.__dict__.update({"ARGS": {"path": Arg("path"), "token": Arg(no_log=True)}, **parts})
    return made


def raises(error: BaseException) -> Any:
    def run(args: Any, host: Any) -> None:
        raise error

    return run


RETURNED = [
    ("nothing", None, "ok", {}),
    ("same", Same(a=1), "ok", {"a": 1}),
    ("values", {"a": 1}, "ok", {"a": 1}),
    ("changed", {"changed": True, "a": 1}, "changed", {"a": 1}),
    ("skipped", {"skipped": True, "msg": "creates exists"}, "skipped", {"skipped": True, "msg": "creates exists"}),
    ("a change", Change(values={"a": 1}), "changed", {"a": 1}),
]


@pytest.mark.parametrize(("returned", "status", "values"), [r[1:] for r in RETURNED], ids=[r[0] for r in RETURNED])
def test_what_run_returns_is_the_result(returned: Any, status: str, values: dict[str, Any]) -> None:
    result = execute(module(run=lambda args, host: returned), {}, local_host())
    assert result == {"status": status, "values": values, "diff": [], "warnings": [], "error": None}


def test_a_state_module_looks_then_acts() -> None:
    seen: list[str] = []

    def check(args: Any, host: Look) -> Change:
        assert not isinstance(host, Act) and not hasattr(host, "write") and not hasattr(host, "run")
        host.warn("seen")
        seen.append("check")
        return Change(before="a\n", after="b\n", values={"path": args["path"]}, data=7)

    def apply(args: Any, change: Change, host: Act) -> dict[str, Any]:
        assert isinstance(host, Act) and change.data == 7
        seen.append("apply")
        return {"mode": "0644"}

    result = execute(module(check=check, apply=apply), {"path": "/x"}, local_host(diff=True))
    assert result["values"] == {"path": "/x", "mode": "0644"} and result["warnings"] == ["seen"]
    assert result["diff"] == [{"before": "a\n", "after": "b\n"}]
    predicted = execute(module(check=check, apply=apply), {"path": "/x"}, local_host(check_mode=True))
    assert predicted["status"] == "changed" and predicted["diff"] == []
    assert seen == ["check", "apply", "check"]


@pytest.mark.parametrize("returned", [None, Same()], ids=["None", "Same"])
def test_nothing_to_do_is_ok_and_applies_nothing(returned: Any) -> None:
    result = execute(module(check=lambda args, host: returned, apply=raises(AssertionError())), {}, local_host())
    assert result["status"] == "ok"


@pytest.mark.parametrize(("setting", "status"), [(None, "skipped"), ("skip", "skipped"), ("run", "ok"), ("own", "ok")])
def test_check_mode_of_a_module_that_acts_is_as_it_says(setting: str | None, status: str) -> None:
    parts = {} if setting is None else {"CHECK_MODE": setting}
    result = execute(module(run=lambda args, host: {}, **parts), {}, local_host(check_mode=True))
    assert result["status"] == status
    assert bool(result["values"].get("skipped")) is (status == "skipped")


FAILURES = [
    ("failed", Failed("nonzero_rc", "rc 1", "look", rc=1), "nonzero_rc"),
    ("crash", KeyError("x"), "module_crashed"),
    ("exit", SystemExit(1), "module_crashed"),
    ("memory", MemoryError(), "out_of_memory"),
    ("full disk", OSError(28, "No space left on device", "/x"), "no_space"),
    ("forbidden", PermissionError(13, "Permission denied", "/x"), "permission_denied"),
    ("read-only", OSError(30, "Read-only file system", "/x"), "read_only"),
]


@pytest.mark.parametrize(("error", "code"), [f[1:] for f in FAILURES], ids=[f[0] for f in FAILURES])
def test_a_failure_has_a_code_and_a_message(error: BaseException, code: str) -> None:
    result = execute(module(run=raises(error)), {}, local_host())
    assert result["status"] == "failed" and result["error"]["code"] == code
    assert result["values"]["msg"] == result["error"]["message"]
    json.dumps(result)


def test_a_failure_keeps_its_values_and_hint() -> None:
    result = execute(module(run=raises(Failed("nonzero_rc", "rc 1", "look", rc=1, stdout="x"))), {}, local_host())
    assert (result["values"]["rc"], result["values"]["stdout"], result["error"]["hint"]) == (1, "x", "look")


def test_a_crash_shows_its_trace_unless_no_log() -> None:
    crash = module(run=raises(ValueError("hunter2")))
    assert "Traceback" in execute(crash, {}, local_host())["values"]["exception"]
    assert "hunter2" not in json.dumps(execute(crash, {}, local_host(no_log=True)))


def test_a_secret_argument_is_taken_out_of_everything() -> None:
    def run(args: Any, host: Act) -> dict[str, Any]:
        host.warn(f"with {args['token']}")
        return {
            "plain": args["token"],
            "deep": [{"in": f"<{args['token']}>"}],
            "diff": {"before": "", "after": args["token"]},
        }

    result = execute(module(run=run), {"token": "hunter2"}, local_host(diff=True))
    assert "hunter2" not in json.dumps(result)
    assert result["values"]["plain"] == NO_LOG_TEXT and result["values"]["deep"][0]["in"] == "<********>"


def test_a_secret_that_is_a_word_of_ours_changes_no_status() -> None:
    assert execute(module(run=lambda args, host: {}), {"token": "ok"}, local_host())["status"] == "ok"


def test_a_diff_is_bounded_on_each_side() -> None:
    def check(args: Any, host: Look) -> Change:
        return Change(before="é" * DIFF_LIMIT_BYTES, after={"k": "x" * DIFF_LIMIT_BYTES}, before_header="old")

    (entry,) = execute(module(check=check, apply=lambda *a: None), {}, local_host(diff=True))["diff"]
    assert len(entry["before"].encode("utf-8", "surrogateescape")) < DIFF_LIMIT_BYTES + 100
    assert len(entry["after"]) < DIFF_LIMIT_BYTES + 100 and entry["before_header"] == "old"


def test_temp_files_are_gone_afterwards(tmp_path: Path) -> None:
    def run(args: Any, host: Act) -> None:
        Path(host.tempfile(dir=str(tmp_path))).write_text("x")
        raise Failed("x", "x")

    execute(module(run=run), {}, local_host())
    assert list(tmp_path.iterdir()) == []


def test_a_module_that_is_not_there_is_a_failure() -> None:
    assert execute("no_such_module", {}, local_host())["error"]["code"] == "no_module"
