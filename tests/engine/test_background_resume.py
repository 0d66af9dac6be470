"""A controller that dies while it waits for a job finds that job again: nothing is begun twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

PLAYBOOK = """\
- hosts: all
  gather_facts: false
  tasks:
    - name: long
      shell: echo begun >> {{ playbook_dir }}/begun; while [ ! -e {{ playbook_dir }}/go ]; do sleep 0.1; done; echo end
      async: 60
      poll: 0.2
      register: job
      vars: {ansible_async_dir: "{{ playbook_dir }}/jobs"}
    - debug: {msg: "{{ job.stdout }} {{ job.ansible_job_id }}"}
"""
ORCH = str(Path(sys.executable).with_name("orch"))


def _orch(folder: Path, *args: str) -> subprocess.Popen[str]:
    environ = {**os.environ, "ORCH_STATE_DIR": str(folder / "state"), "HOME": str(folder)}
    return subprocess.Popen([ORCH, *args], cwd=folder, env=environ, text=True, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def _await(holds, what: str) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def test_a_resumed_run_waits_for_the_job_that_was_begun(tmp_path: Path) -> None:
    (tmp_path / "site.yml").write_text(PLAYBOOK)
    first = _orch(tmp_path, "run", "site.yml", "-i", "near,", "-c", "local")
    _await((tmp_path / "begun").exists, "the job did not begin")
    _await(lambda: "ASYNC POLL" in first.stdout.readline(), "it was not polled")
    first.send_signal(signal.SIGKILL)
    first.communicate()
    listed, _ = _orch(tmp_path, "runs", "list").communicate(timeout=60)
    (tmp_path / "go").touch()
    out, err = _orch(tmp_path, "run", "--resume", listed.splitlines()[1].split()[0]).communicate(timeout=60)
    assert "ASYNC OK on near" in out and '"msg": "end j' in out, out + err
    assert (tmp_path / "begun").read_text() == "begun\n"
    assert list((tmp_path / "jobs").iterdir()) == []
