"""The root helper installs a version that the server has signed, and that can do its work; no other."""

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path

import pytest

from agentlet.pull.faults import AgentletError
from orchestrator.agents import envelope as envelopes
from tests.agentlet.pull.gateway_double import JOB_KEY
from tests.agentlet.pull.helper_double import Helpers
from tests.agentlet.pull.test_update import version

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be a root helper")


def manifest_of(data: bytes, key: bytes = JOB_KEY, **values: object) -> tuple[str, str]:
    text = json.dumps({"kind": "orch-agentlet-update", "v": 1, "agent": "a1", "version": "0.2.0", "size": len(data),
                       "sha256": hashlib.sha256(data).hexdigest(), "created": int(time.time()), **values})
    return text, envelopes.sign(text, key)


def test_a_signed_version_is_installed_and_does_the_helpers_work(helpers: Helpers, program: Path) -> None:
    data = version(program, "0.2.0")
    assert helpers.door.install(*manifest_of(data), data, 300.0) == "A"
    assert helpers.custody.slots().trial["slot"] == "A"
    helpers.door.settle("confirm")
    assert helpers.custody.slots().current == "A"
    installed = Path(helpers.custody.slots().path("A"))
    assert (installed.stat().st_uid, installed.stat().st_mode & 0o777) == (os.geteuid(), 0o644)
    marker = helpers.log.parent / "marker"
    text = f"def main(program, arguments):\n    open({str(marker)!r}, 'w').write(program)\n"
    odd = version(program, "0.3.0", serve=text + "    print('fit')\n")
    helpers.door.install(*manifest_of(odd, version="0.3.0"), odd, 300.0)
    helpers.door.settle("confirm")
    with pytest.raises(AgentletError):
        helpers.door.is_signed("", "")
    assert marker.read_text().endswith("/B/agentlet.pyz")


@pytest.mark.parametrize("way", ["another key", "another file", "another agent", "older", "not fit"])
def test_a_version_that_is_not_the_servers_is_not_installed(helpers: Helpers, program: Path, way: str) -> None:
    changed = {"serve": "raise SystemExit(1)"} if way == "not fit" else {}
    data = version(program, "0.2.0", **changed)
    helpers.door.install(*manifest_of(version(program, "0.1.1"), version="0.1.1"), version(program, "0.1.1"), 300.0)
    helpers.door.settle("roll_back")
    values = {"another agent": {"agent": "a2"}, "older": {"created": 1}}.get(way, {})
    text, signature = manifest_of(data, b"x" * 32 if way == "another key" else JOB_KEY, **values)
    with pytest.raises(AgentletError):
        helpers.door.install(text, signature, data + b"x" if way == "another file" else data, 300.0)
    slots = helpers.custody.slots()
    assert slots.trial is None and slots.current is None
