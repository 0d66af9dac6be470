"""`orch runs`: what was run can be read, followed and stopped; `--json` of runs and events is for programs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Orch

PLAYBOOK = """\
- name: mixed
  hosts: web
  gather_facts: false
  tasks:
    - name: fine
      command: printf '\\377\\033[31m'
    - name: breaks
      shell: exit 3
      when: inventory_hostname == 'web2'
"""


@pytest.fixture
def ran(orch: Orch, project: Path) -> Orch:
    (project / "site.yml").write_text(PLAYBOOK)
    assert orch("run", "site.yml", "-i", "inv.yml").code == 2
    return orch


def test_the_latest_run_is_shown(ran: Orch) -> None:
    out = ran("runs", "show").out
    for text in ("failed", "site.yml", "mixed", "fine", "breaks", "web2", "non-zero return code"):
        assert text in out
    assert "\x1b" not in out


def test_failures_alone(ran: Orch) -> None:
    out = ran("runs", "show", "--failed").out
    assert "breaks" in out and "fine" not in out


def test_results_of_one_host_as_objects(ran: Orch) -> None:
    results = [json.loads(line) for line in ran("runs", "show", "--host", "web1", "--json").lines]
    assert [(r["task_name"], r["status"]) for r in results] == [("fine", "changed"), ("breaks", "skipped")]


def test_listed_with_its_state(ran: Orch) -> None:
    head, first = ran("runs", "list").lines
    assert head.split()[0] == "RUN"
    assert "failed" in first and "site.yml" in first
    assert json.loads(ran("runs", "list", "--json").out)["status"] == "failed"


def test_watching_a_run_that_has_ended_tells_its_exit_code(ran: Orch) -> None:
    said = ran("runs", "watch")
    assert said.code == 2
    assert "fine" in said.out and "failed=1" in said.out


def test_cancelling_what_has_ended_says_so(ran: Orch) -> None:
    said = ran("runs", "cancel")
    assert said.code == 1
    assert "has ended already" in said.err


def test_each_event_is_an_object_on_a_line_whatever_hosts_print(orch: Orch, project: Path) -> None:
    (project / "site.yml").write_text(PLAYBOOK)
    said = orch("run", "site.yml", "-i", "inv.yml", "--json")
    events = [json.loads(line) for line in said.lines]
    assert said.out.isascii()
    assert [e["event"] for e in (events[0], events[-1])] == ["run_started", "run_ended"]
    done = [e["result"] for e in events if e["event"] == "task_done"]
    assert {r["host"] for r in done} == {"web1", "web2"}
    assert done[0]["values"]["stdout"] == "\udcff\x1b[31m"
    assert (events[-1]["status"], events[-1]["exit_code"]) == ("failed", 2)


SLOW = """\
- hosts: web1
  gather_facts: false
  tasks:
    - name: slow
      command: sleep 41.{stamp}
    - name: later
      command: touch later
"""


def _begun(folder: Path, *argv: str) -> tuple[subprocess.Popen[str], str]:
    """A run of a slow playbook in a process of its own, once its slow task runs; and what tells that task's process."""
    stamp = str(os.getpid()) + str(time.monotonic_ns())
    (folder / "slow.yml").write_text(SLOW.format(stamp=stamp))
    command = [sys.executable, "-m", "orchestrator.cli.main", "run", "slow.yml", "-i", "inv.yml", *argv]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])})
    deadline = time.monotonic() + 90
    while not _running(stamp):
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        time.sleep(0.05)
    return process, stamp


def _running(stamp: str) -> bool:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if words[:1] == [b"sleep"] and words[1].endswith(stamp.encode()):
            return True
    return False


def test_two_interrupts_end_the_task_and_say_what_is_left(project: Path) -> None:
    process, stamp = _begun(project)
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    assert "Ctrl-C again" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=90)
    assert process.returncode == 130
    assert "cancelled=1" in out
    assert "nothing of them runs on the hosts any more" in err
    assert not _running(stamp)
    assert not (project / "later").exists()


def test_cancel_ends_a_run_from_elsewhere(project: Path, orch: Orch) -> None:
    process, stamp = _begun(project)
    assert orch("runs", "cancel").code == 0
    out, _ = process.communicate(timeout=90)
    assert process.returncode == 130
    assert not _running(stamp)
    assert orch("runs", "watch").code == 130


def test_a_reader_that_goes_away_does_not_stop_the_run(project: Path) -> None:
    (project / "site.yml").write_text(PLAYBOOK.replace("shell: exit 3", "command: touch {{ playbook_dir }}/reached"))
    command = f"{sys.executable} -m orchestrator.cli.main run site.yml -i inv.yml | head -n 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60,
                          env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])})
    assert "Traceback" not in done.stderr
    assert (project / "reached").exists()
