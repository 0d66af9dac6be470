"""Which lines a run gives away, and which it is given."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.carriers.base import Settings
from orchestrator.carriers.host_trust import HostTrust
from orchestrator.carriers.kept.lines import MAX_LINES, KeptLines, Offer
from orchestrator.carriers.ssh import KEPT_REASON
from orchestrator.carriers.ssh_config import SshConfig
from orchestrator.carriers.ssh_dial import Owner
from orchestrator.carriers.ssh_plan import plan_ssh
from orchestrator.security.host_keys import enrol, scan
from orchestrator.security.known_hosts import fingerprint
from orchestrator.security.ssh_library import asyncssh

from ..sshd import Sshd
from .conftest import Runs, kept, logins

Servers = Callable[..., Sshd]


REFUSED = [
    ("a login with a password", {"ansible_password": "x"}),
    ("ControlPersist=no", {"ansible_ssh_common_args": "-o ControlPersist=no"}),
    ("ControlMaster=no", {"ansible_ssh_args": "-o ControlMaster=no"}),
]


@pytest.mark.parametrize("variables", [row[1] for row in REFUSED], ids=[row[0] for row in REFUSED])
async def test_what_is_never_kept_and_gets_none(server: Sshd, runs: Runs, variables: dict[str, Any]) -> None:
    run = runs.run()
    connection = runs.connect(run, server, **variables)
    await connection.raw("true")
    assert await runs.end(run, connection) == 0
    await kept(runs, server)
    other = runs.connect(runs.run(), server, **variables)
    await other.raw("true")
    assert KEPT_REASON not in other.reason


UNCHECKED = {"orch_host_fingerprint": None, "ansible_host_key_checking": False}


async def test_an_unchecked_host_keeps_its_line_for_runs_that_check_no_more_than_it(server: Sshd, runs: Runs) -> None:
    await kept(runs, server, **UNCHECKED)
    as_careless = runs.connect(runs.run(), server, **UNCHECKED)
    await as_careless.raw("true")
    assert KEPT_REASON in as_careless.reason
    careful = runs.connect(runs.run(), server)
    await careful.raw("true")
    assert KEPT_REASON not in careful.reason


async def test_a_line_through_a_proxy_command_is_not_kept(server: Sshd, runs: Runs, tmp_path: Path) -> None:
    (tmp_path / "relay.py").write_text(
        "import socket, sys, threading, os\n"
        "line = socket.create_connection((sys.argv[1], int(sys.argv[2])))\n"
        "def up():\n    while data := os.read(0, 65536): line.sendall(data)\n    os._exit(0)\n"
        "threading.Thread(target=up, daemon=True).start()\n"
        "while data := line.recv(65536): os.write(1, data)\n"
    )
    relay = f'-o ProxyCommand="python3 {tmp_path}/relay.py %h %p"'
    run = runs.run()
    connection = runs.connect(run, server, ansible_ssh_common_args=relay)
    assert (await connection.raw("true")).rc == 0
    assert await runs.end(run, connection) == 0


async def test_a_line_by_way_of_a_jump_host_keeps_that_too(
    server: Sshd, new_server: Servers, runs: Runs, settings: Settings
) -> None:
    jump = new_server("jump")
    shutil.copy(jump.folder / "id", os.path.expanduser("~/.ssh/id_ed25519"))
    enrol(f"{settings.state_dir}/known_hosts", "127.0.0.1", jump.port, await scan("127.0.0.1", jump.port))
    await kept(runs, server, ansible_ssh_common_args=f"-J 127.0.0.1:{jump.port}")
    before = (logins(server), logins(jump))
    connection = runs.connect(runs.run(), server, ansible_ssh_common_args=f"-J 127.0.0.1:{jump.port}")
    assert (await connection.raw("echo by way of")).stdout == b"by way of\n"
    assert (logins(server), logins(jump)) == before == (before[0], 1)


async def test_a_line_with_an_error_is_not_kept(server: Sshd, runs: Runs) -> None:
    run = runs.run()
    connection = runs.connect(run, server)
    info = await connection.open()
    os.kill(info.pid, signal.SIGKILL)
    await asyncio.sleep(1)
    assert await runs.end(run, connection) == 0


def test_no_more_lines_are_kept_than_a_process_should_hold(short: Path) -> None:
    kept_lines = KeptLines({"XDG_RUNTIME_DIR": str(short)})
    line: Any = object()
    taken = [kept_lines.offer(Offer(f"{number:032x}", line, (), 60.0)) for number in range(MAX_LINES + 1)]
    assert taken == [True] * MAX_LINES + [False]


def test_a_line_that_was_given_away_knows_its_host_by_the_key_that_it_had(settings: Settings) -> None:
    """Keys are exchanged anew on a line that lives long, and nobody is there to judge the host again."""
    plan = plan_ssh("web1", (), SshConfig())
    key, other = (asyncssh.generate_private_key("ssh-ed25519").convert_to_public() for _ in range(2))
    trust = HostTrust("web1", plan, (fingerprint(key),), settings)
    owner = Owner(trust, None, lambda: None, lambda exc: None)
    assert owner.validate_host_public_key("web1", "", 22, key)
    owner.release()
    assert owner.validate_host_public_key("web1", "", 22, key)
    assert not owner.validate_host_public_key("web1", "", 22, other)
