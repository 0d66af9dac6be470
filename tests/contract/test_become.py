"""Becoming another user: a runtime per user, below the first one, started with sudo or su.

The tests make a user with a password and sudo rules of their own, so they need root, useradd and sudo; otherwise they
are skipped, visibly.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.driver import Runtime, blob_ref, processes_with, task
from tests.contract.programs import teach

USER, OTHER, PASSWORD = "orch-ops", "orch-app", "correct horse é 1"
RULES = Path("/etc/sudoers.d/orch-contract-test")
PYTHON = "/usr/bin/python3"
MISSING = [name for name in ("useradd", "sudo", "su", "chpasswd") if not shutil.which(name)]

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root to make a user"),
    pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)}"),
    pytest.mark.skipif(not Path(PYTHON).exists(), reason="needs a Python that every user may execute"),
]


@pytest.fixture(scope="module", autouse=True)
def users() -> Iterator[None]:
    for name in (USER, OTHER):
        subprocess.run(["useradd", "-m", "-s", "/bin/bash", name], check=False, capture_output=True)
        subprocess.run(["chpasswd"], input=f"{name}:{PASSWORD}\n".encode(), check=True)
    yield
    RULES.unlink(missing_ok=True)
    for name in (USER, OTHER):
        subprocess.run(["userdel", "-r", name], check=False, capture_output=True)


@pytest.fixture
def ops(request: pytest.FixtureRequest) -> Iterator[Runtime]:
    """A runtime that runs as an ordinary user, with the sudo rule that the test asks for."""
    rule = getattr(request, "param", "ALL=(ALL) NOPASSWD: ALL")
    RULES.write_text(f"{USER} {rule}\n" if rule else "")
    RULES.chmod(0o440)
    import pwd

    entry = pwd.getpwnam(USER)
    with Runtime(PYTHON, user=entry.pw_uid, cwd=Path("/"), env={"HOME": entry.pw_dir, "USER": USER}) as runtime:
        teach(runtime, "whoami", "tiny")
        yield runtime


def become(user: str = "root", **fields: object) -> dict[str, object]:
    return {"method": "sudo", "user": user, "secret": None, "flags": None, "exe": None, **fields}


ASKS = "ALL=(ALL) PASSWD: ALL"


def test_without_a_password(ops: Runtime) -> None:
    outcome = ops.run(
        task("whoami"), task("whoami", become=become()), task("whoami", become=become(OTHER)), task("whoami")
    )
    assert [r["values"]["id"] for r in outcome.results] == [USER, "root", OTHER, USER]
    assert [r["values"]["user"] for r in outcome.results] == [USER, "root", OTHER, USER]
    assert [r["values"]["home"] for r in outcome.results][1] == "/root"


def test_a_child_is_started_once(ops: Runtime) -> None:
    ops.run(task("whoami", become=become()))
    before = _children(ops)
    ops.run(task("whoami", become=become()), task("whoami"), task("whoami", become=become()))
    assert _children(ops) == before and len(before) == 1


def test_becoming_oneself_needs_nothing(ops: Runtime) -> None:
    assert ops.run(task("whoami", become=become(USER))).result["values"]["id"] == USER
    assert _children(ops) == []


@pytest.mark.parametrize("ops", [ASKS], indirect=True)
@pytest.mark.parametrize("method", ["sudo", "su"])
def test_with_a_password(ops: Runtime, method: str) -> None:
    ops.send({"t": "secret", "name": "pw", "value": PASSWORD})
    target = "root" if method == "sudo" else OTHER
    outcome = ops.run(task("whoami", become=become(target, method=method, secret="pw")))
    assert outcome.result["values"]["id"] == target, outcome.result


@pytest.mark.parametrize("rules", ["use_pty", "!use_pty", "requiretty", "passprompt_override"])
@pytest.mark.parametrize("ops", [ASKS, "ALL=(ALL) NOPASSWD: ALL"], indirect=True, ids=["asks", "asks not"])
def test_with_the_settings_that_distributions_choose(ops: Runtime, rules: str, request: pytest.FixtureRequest) -> None:
    RULES.write_text(f"Defaults {rules}\n" + RULES.read_text())
    ops.send({"t": "secret", "name": "pw", "value": PASSWORD})
    secret = "pw" if "PASSWD: ALL" in RULES.read_text() and "NOPASSWD" not in RULES.read_text() else None
    outcome = ops.run(task("whoami", become=become(secret=secret)))
    assert outcome.result["values"]["id"] == "root", outcome.result


def test_su_knows_the_user_and_needs_no_password_as_root() -> None:
    with Runtime(PYTHON) as runtime:
        teach(runtime, "whoami")
        outcome = runtime.run(task("whoami", become=become(OTHER, method="su")))
        assert outcome.result["values"]["id"] == OTHER


def test_su_may_ask_in_words_that_only_the_operator_knows(tmp_path: Path) -> None:
    asking = tmp_path / "su"
    asking.write_text("#!/bin/sh\nprintf 'Пароль: '; read -r given; [ \"$given\" = 'open sesame' ] || exit 1\n"
                      'exec su "$@"\n')
    asking.chmod(0o755)
    with Runtime(PYTHON) as runtime:
        teach(runtime, "whoami")
        runtime.send({"t": "secret", "name": "pw", "value": "open sesame"})
        outcome = runtime.run(task("whoami", become=become(
            OTHER, method="su", exe=str(asking), secret="pw", prompts=["Пароль"])))
        assert outcome.result["values"]["id"] == OTHER


FAULTS = {
    "wrong password": (ASKS, {"secret": "wrong"}, "become_password_wrong"),
    "wrong password, su": (ASKS, {"secret": "wrong", "method": "su"}, "become_password_wrong"),
    "no password": (ASKS, {}, "become_password_missing"),
    "no password, su": (ASKS, {"method": "su"}, "become_password_missing"),
    "password not handed over": (ASKS, {"secret": "nobody"}, "become_password_missing"),
    "unknown user": ("ALL=(ALL) NOPASSWD: ALL", {"user": "nobody-here"}, "become_user_unknown"),
    "a user that is an option": ("ALL=(ALL) NOPASSWD: ALL", {"user": "-s"}, "become_user_unknown"),
    "not allowed": (f"ALL=({OTHER}) NOPASSWD: ALL", {}, ("become_not_allowed", "become_password_missing")),
    "no sudo rule": ("", {"secret": "pw"}, "become_not_allowed"),
    "no such program": ("ALL=(ALL) NOPASSWD: ALL", {"exe": "/nowhere/sudo"}, "become_missing"),
    "unknown method": ("ALL=(ALL) NOPASSWD: ALL", {"method": "magic"}, "become_method_unknown"),
    "no shell": (ASKS, {"method": "su", "user": "orch-none"}, ("become_no_shell", "become_user_unknown")),
}


@pytest.mark.parametrize(("ops", "fields", "code"), FAULTS.values(), ids=list(FAULTS), indirect=["ops"])
def test_a_fault_says_what_is_wrong(ops: Runtime, fields: dict[str, object], code: str | tuple[str, ...]) -> None:
    ops.send({"t": "secret", "name": "wrong", "value": "not the password"})
    ops.send({"t": "secret", "name": "pw", "value": PASSWORD})
    outcome = ops.run(task("whoami", become=become(**fields)), task("tiny"))  # type: ignore[arg-type]
    assert outcome.status == "failed" and len(outcome.results) == 1
    codes = (code,) if isinstance(code, str) else code
    assert outcome.code in codes, outcome.result
    assert "not the password" not in str(outcome.events)
    assert ops.run(task("tiny")).status == "ok"


@pytest.mark.parametrize("ops", [ASKS], indirect=True)
def test_a_wrong_password_is_tried_once_and_a_new_one_anew(ops: Runtime) -> None:
    ops.send({"t": "secret", "name": "pw", "value": "not the password"})
    one = task("whoami", become=become(secret="pw"), continue_on_failure=True)
    started = time.monotonic()
    assert [r["status"] for r in ops.run(one, one, one).results] == ["failed"] * 3
    assert ops.run(one).code == "become_password_wrong"
    assert time.monotonic() - started < 20
    ops.send({"t": "secret", "name": "pw", "value": PASSWORD})
    assert ops.run(one).result["values"]["id"] == "root"


@pytest.mark.parametrize("ops", [ASKS], indirect=True)
def test_no_password_in_any_process_list_or_environment(ops: Runtime) -> None:
    ops.send({"t": "secret", "name": "pw", "value": PASSWORD})
    ops.add_module("sleep", "import time\nARGS = {}\n\ndef run(args, host):\n    time.sleep(1)\n")
    job = ops.offer(task("sleep", become=become(secret="pw")))
    ops.await_event("started")
    assert processes_with(PASSWORD) == []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        try:
            assert PASSWORD.encode() not in entry.read_bytes()
        except OSError:
            continue
    assert ops.await_event("finished")["job"] == job


@pytest.mark.parametrize("ops", [ASKS, "ALL=(ALL) NOPASSWD: ALL"], indirect=True, ids=["asks", "asks not"])
def test_cancel_reaches_roots_processes(ops: Runtime, tmp_path: Path) -> None:
    teach(ops, "daemon")
    ops.send({"t": "secret", "name": "pw", "value": PASSWORD})
    secret = "pw" if "NOPASSWD" not in RULES.read_text() else None
    mark = f"mark-{tmp_path}-{time.time_ns()}"
    job = ops.offer(task("daemon", {"mark": mark}, become=become(secret=secret)))
    ops.await_event("started")
    end = time.monotonic() + 20
    while len(processes_with(mark)) < 2 and time.monotonic() < end:
        time.sleep(0.05)
    ops.send({"t": "cancel", "job": job})
    assert ops.await_event("result")["status"] == "cancelled"
    assert ops.await_event("finished")["status"] == "cancelled"
    assert processes_with(mark) == []


@pytest.mark.parametrize("ops", [ASKS, "ALL=(ALL) NOPASSWD: ALL"], indirect=True, ids=["asks", "asks not"])
def test_files_travel_through_it(ops: Runtime, tmp_path: Path) -> None:
    teach(ops, "put", "get")
    ops.send({"t": "secret", "name": "pw", "value": PASSWORD})
    secret = "pw" if "NOPASSWD" not in RULES.read_text() else None
    data, path = os.urandom(3_000_000), tmp_path / "there"
    ref = blob_ref(data)
    ops.run(task("put", {"src": ref, "path": str(path)}, become=become(secret=secret)), blobs={ref["blob"]: data})
    assert path.read_bytes() == data and path.stat().st_uid == 0
    outcome = ops.run(task("get", {"path": str(path)}, become=become(secret=secret)))
    assert bytes(*outcome.uploads.values()) == data


@pytest.mark.parametrize("ops", [ASKS, "ALL=(ALL) NOPASSWD: ALL"], indirect=True, ids=["asks", "asks not"])
def test_a_lost_carrier_lets_roots_task_end_and_it_runs_once(ops: Runtime, tmp_path: Path) -> None:
    job, counter = f"become-{tmp_path}-{time.time_ns()}", tmp_path / "counter"
    secret = "pw" if "NOPASSWD" not in RULES.read_text() else None
    one = task(
        "count", {"path": str(counter), "sleep_s": 1}, receipt=True, retry_safe=False, become=become(secret=secret)
    )
    for number in range(2):
        with Runtime(PYTHON, user=_uid(), cwd=Path("/"), env={"HOME": f"/home/{USER}"}) as runtime:
            teach(runtime, "count")
            runtime.send({"t": "secret", "name": "pw", "value": PASSWORD})
            runtime.offer(one, id=job)
            if number == 0:
                runtime.await_event("started")
                runtime.hang_up()
            else:
                result = runtime.await_event("result")
                assert (result["status"], result["replayed"]) == ("changed", True)
                runtime.await_event("finished")
                runtime.send({"t": "ack", "job": job, "attempt": 1})
    assert counter.read_text() == "x"


def test_the_locale_of_the_login_reaches_the_task() -> None:
    with Runtime(PYTHON, env={"LC_ALL": "", "LANG": "C.UTF-8"}) as runtime:
        teach(runtime, "environment")
        outcome = runtime.run(task("environment", become=become(OTHER), environment={"FLAVOUR": "é"}))
        assert outcome.result["values"]["locale"] in ("", None)
        assert outcome.result["values"]["command"] == "é"


def _uid() -> int:
    import pwd

    return pwd.getpwnam(USER).pw_uid


def _children(runtime: Runtime) -> list[int]:
    """Its children that are somebody else: sudo and su. Its workers are itself."""
    pid = runtime.process.pid
    found = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [child for child in found if Path(f"/proc/{child}").stat().st_uid != Path(f"/proc/{pid}").stat().st_uid]
