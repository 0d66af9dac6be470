"""What a task's process is given by the agentlet: a login's surroundings, and nothing of the service's own."""

from __future__ import annotations

import os
import pwd
import sys
from pathlib import Path

import pytest

from agentlet.pull.runtimechild import RuntimeChild, environment

SERVICE = {"INVOCATION_ID": "1", "JOURNAL_STREAM": "8:1", "SYSTEMD_EXEC_PID": "1", "NOTIFY_SOCKET": "/x",
           "MALLOC_ARENA_MAX": "1"}


@pytest.mark.parametrize(("given", "lang"), [
    ({**SERVICE, "LANG": "C.UTF-8"}, None),
    ({**SERVICE, "LANG": "de_AT.UTF-8"}, "de_AT.UTF-8"),
    ({"LANG": "C.UTF-8"}, "C.UTF-8"),
], ids=["our unit's", "somebody's drop-in", "started by hand"])
def test_tasks_see_nothing_of_the_service(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], lang: str | None
) -> None:
    monkeypatch.setattr(os, "environ", {"PATH": "/bin", **given})
    made = environment()
    assert not set(SERVICE) & set(made)
    assert made.get("LANG") == lang
    assert made["HOME"] == pwd.getpwuid(os.geteuid()).pw_dir


def test_a_runtime_begins_where_a_login_does(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    code = f"import os; open({str(tmp_path / 'said')!r}, 'w').write(os.getcwd() + ' ' + os.environ['PWD'])"
    child = RuntimeChild([sys.executable, "-c", code], str(tmp_path / "errors"))
    child.close()
    assert (tmp_path / "said").read_text() == f"{tmp_path} {tmp_path}"
