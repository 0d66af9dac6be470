"""What a run is given of credentials gets it in, and is nowhere afterwards: everything that was written is searched."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestrator.control.control import Control
from orchestrator.credentials.materials import texts, to_json
from tests.agents.conftest import Clock
from tests.carriers.conftest import new_server  # noqa: F401  fixtures are found by name
from tests.carriers.sshd import Sshd, make_key
from tests.projects.conftest import ADMIN

PASSWORDS = {kind: f"canary-{kind}-41b7-never-to-be-seen" for kind in ("passphrase", "become", "vault", "s3")}
PLAYBOOK = """\
- hosts: all
  gather_facts: false
  tasks:
    - command: id -un
      register: who
    - debug:
        msg: "{{ given }} {{ orch_credentials['store'].access_key_id }}"
    - assert:
        that:
          - who.stdout == expected
          - orch_credentials['store'].secret_access_key == wanted
      no_log: true
      vars:
        wanted: "{{ ['canary-s3-41b7', 'never-to-be-seen'] | join('-') }}"
    - command: cat /proc/self/environ
    - shell: cat /etc/hostname; sleep 3
    - command: "false"
      ignore_errors: true
"""


@pytest.fixture
def store_url() -> None:
    """SQLite alone: its file is searched."""


def processes() -> str:
    """Arguments and environments of every process but this one."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and entry.name != str(os.getpid()):
            for name in ("cmdline", "environ"):
                try:
                    found.append((entry / name).read_bytes().decode("utf-8", "replace"))
                except OSError:
                    pass
    return "\n".join(found)


@pytest.mark.parametrize("kind", ["ssh_key", "ssh_certificate"])
def test_a_run_gets_in_and_nothing_secret_is_left_anywhere(
        kind: str, control: Control, clock: Clock, new_server: Callable[..., Sshd],  # noqa: F811
        tmp_path: Path) -> None:
    clock.now = datetime.now(UTC)  # sshd's own
    control.credentials._authority.create()  # type: ignore[union-attr]
    trusted = tmp_path / "trusted_ca"
    trusted.write_text(control.credentials._authority.public_line())  # type: ignore[union-attr]
    server = new_server("server", f"TrustedUserCAKeys {trusted}")
    key = make_key(tmp_path / "key", passphrase=PASSWORDS["passphrase"])
    server.authorized_keys.write_text("")
    if kind == "ssh_key":
        server.authorize(key.with_name("key.pub"))
    values = {"ssh_key": {"private_key": key.read_text(), "passphrase": PASSWORDS["passphrase"]},
              "ssh_certificate": {"principals": [server.user]}}[kind]
    key.unlink()
    wanted = [(kind, {"username": server.user, **values}), ("become", {"password": PASSWORDS["become"]}),
              ("vault", {"password": PASSWORDS["vault"]}),
              ("s3", {"access_key_id": "AKIA7", "secret_access_key": PASSWORDS["s3"]})]
    ids = [control.credentials.create(ADMIN, "store" if one == "s3" else one, one, given).id for one, given in wanted]
    materials = control.credentials.materials(ids, run_id="run-1", timeout_s=60)

    folder = tmp_path / "content"
    folder.mkdir()
    (folder / "site.yml").write_text(PLAYBOOK)
    (folder / "hosts.yml").write_text(
        f"all: {{hosts: {{web1: {{ansible_host: 127.0.0.1, ansible_port: {server.port}, expected: {server.user},"
        f" orch_host_fingerprint: '{server.fingerprint()}'}}}}}}\n")
    state = tmp_path / "run-state"
    home = tmp_path / "home"
    home.mkdir()
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.credentials.child", str(folder / "site.yml"), str(folder / "hosts.yml"),
         str(state)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(home), "PYTHONPATH": os.getcwd()})
    assert child.stdin is not None and child.stdout is not None
    child.stdin.write(to_json(materials))
    child.stdin.close()
    seen = b""
    for line in child.stdout:
        seen += line
        if b"/proc/self/environ" in line:
            break
    time.sleep(0.5)
    said = processes()
    seen += child.stdout.read()
    assert child.wait(60) == 0, seen.decode()
    assert server.user in seen.decode() and "{{ not_rendered }} AKIA7" in seen.decode()
    written = b"".join(path.read_bytes() for below in (state, home, tmp_path / "state", server.folder)
                       for path in below.rglob("*") if path.is_file() and path.name != "user_ca_ed25519")
    for secret in [*texts(materials), *PASSWORDS.values()]:
        for part in (secret, secret.strip().splitlines()[len(secret.strip().splitlines()) // 2]):
            assert part not in said, "in a process's arguments or environment"
            assert part.encode() not in seen, "in an event or an error"
            assert part.encode() not in written, "in a file"


def test_keys_that_cannot_be_read_open_no_other_door(control: Control, new_server: Callable[..., Sshd],  # noqa: F811
                                                     tmp_path: Path) -> None:
    """Neither the server's own keys nor its agent step in for a credential."""
    import asyncio

    from orchestrator.carriers.base import Settings
    from orchestrator.carriers.ssh_config import SshConfig
    from orchestrator.carriers.ssh_keys import KeyRing
    from orchestrator.carriers.ssh_plan import plan_ssh
    from orchestrator.credentials.materials import KeyMaterial

    own = make_key(tmp_path / "own")
    config = SshConfig.read("")

    async def pairs(*keys: KeyMaterial, options: tuple[tuple[str, str], ...] = ()) -> int:
        ring = KeyRing(Settings(keys=keys))
        return len(await ring.pairs_for(plan_ssh("127.0.0.1", options, config)))

    broken, good = KeyMaterial("broken", "no key"), KeyMaterial("good", make_key(tmp_path / "good").read_text())
    named = (("identityfile", str(own)),)
    assert asyncio.run(pairs(broken)) == 0
    assert asyncio.run(pairs(good)) == 1
    assert asyncio.run(pairs(good, options=named)) == 2
