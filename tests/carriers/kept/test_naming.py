"""A kept line bears the name of all that decides who talks to whom."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.carriers.base import Settings
from orchestrator.carriers.host_trust import HostTrust
from orchestrator.carriers.kept.naming import line_name
from orchestrator.carriers.ssh_dial import dialer
from orchestrator.security.host_keys import enrol, scan

from ..sshd import Sshd
from .conftest import Runs

NAMES = [
    ("the user", {"ansible_user": "somebody"}),
    ("the address", {"ansible_host": "127.0.0.2"}),
    ("the key file", {"ansible_ssh_private_key_file": "/nowhere"}),
    ("the alias", {"ansible_ssh_common_args": "-o HostKeyAlias=other"}),
    ("the way", {"ansible_ssh_common_args": "-J jump"}),
    ("the known hosts", {"ansible_ssh_common_args": "-o UserKnownHostsFile=/elsewhere"}),
    ("the pin", {"orch_host_fingerprint": "SHA256:" + "a" * 43}),
]


@pytest.mark.parametrize("variables", [row[1] for row in NAMES], ids=[row[0] for row in NAMES])
async def test_what_decides_who_talks_to_whom_is_in_the_name(
    server: Sshd, runs: Runs, variables: dict[str, Any]
) -> None:
    assert name_of(runs, server) == name_of(runs, server)
    assert name_of(runs, server, **variables) != name_of(runs, server)


async def test_a_host_key_that_is_not_trusted_any_more_has_another_name(
    server: Sshd, runs: Runs, settings: Settings
) -> None:
    file = f"{settings.state_dir}/known_hosts"
    enrol(file, "127.0.0.1", server.port, await scan("127.0.0.1", server.port))
    before = name_of(runs, server, orch_host_fingerprint=None)
    with open(file, "a", encoding="ascii") as known:
        known.write(f"@revoked [127.0.0.1]:{server.port} {server.public_key(0)}\n")
    assert name_of(runs, server, orch_host_fingerprint=None) != before


def name_of(runs: Runs, server: Sshd, **variables: Any) -> str:
    run = runs.run()
    target = runs.target(server, **variables)
    plan = dialer(run).plan(target.address, target.ssh_options)
    return line_name(plan, HostTrust("web1", plan, target.host_fingerprints, run), run)
