"""`./dev demo`: the quickstart playbook through the local carrier and over real SSH, twice; then what happened.

The SSH hosts are three addresses of a private sshd on loopback with a key of its own, started here and stopped at the
end. Everything is written below a temporary folder. Exit 1 when the second run changed anything.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from devtools import system
from tests.lab import loopback

ROOT = Path(__file__).resolve().parents[1]
ORCH = Path(sys.executable).with_name("orch")
PLAYBOOK = Path("playbooks", "quickstart.yml")
RUN_TIMEOUT_S = 120
SSH_HOSTS = 3


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="./dev demo", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args(arguments)
    system.install({"openssh-server": "sshd", "openssh-client": "ssh"})
    reason = loopback.missing()
    if reason:
        print(f"demo: {reason}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="orch-demo-") as scratch, loopback.LoopbackSshd() as sshd:
        return _demo(Path(scratch), sshd)


def _demo(scratch: Path, sshd: loopback.LoopbackSshd) -> int:
    inventory = scratch / "inventory.ini"
    inventory.write_text(_inventory(scratch, sshd))
    print(f"The inventory:\n\n{_shortened(inventory.read_text())}")
    for round_name in ("first", "second"):
        print(f"--- the {round_name} run")
        code, output = _orch(scratch, "run", str(PLAYBOOK), "-i", str(inventory))
        if code:
            print(f"demo: orch run ended with {code}", file=sys.stderr)
            return 1
    changed = re.findall(r"changed=(\d+)", output)
    if len(changed) != SSH_HOSTS + 1 or set(changed) != {"0"}:
        print("demo: the second run was to change nothing on any of the hosts", file=sys.stderr)
        return 1
    print("--- what is stored of it")
    code, _ = _orch(scratch, "runs", "show")
    if code == 0:
        print(f"\nThe second run changed nothing on {len(changed)} hosts. "
              f"Yours next: .venv/bin/orch run {PLAYBOOK} -i HOST,")
    return code


def _inventory(scratch: Path, sshd: loopback.LoopbackSshd) -> str:
    place = f"quickstart_folder={scratch}/hosts"
    python = f"ansible_python_interpreter={sys.executable}"
    lines = [f"here ansible_connection=local {python}", "", sshd.inventory(SSH_HOSTS, "over_ssh"),
             "[all:vars]", place, ""]
    return "\n".join(lines)


def _shortened(inventory: str) -> str:
    """Without the key files and options that nobody wants to read on a screen."""
    return re.sub(r" ansible_(?:ssh\w+|python_interpreter)=(?:'[^']*'|\S+)", "", inventory)


def _orch(scratch: Path, *arguments: str) -> tuple[int, str]:
    """Run orch with its state below ``scratch``, showing and returning its output."""
    print(f"$ orch {shlex.join(arguments)}", flush=True)
    environment = {**os.environ, "ORCH_STATE_DIR": str(scratch / "state")}
    done = subprocess.run([ORCH, *arguments], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=RUN_TIMEOUT_S)
    print(done.stdout, flush=True)
    return done.returncode, done.stdout
