"""A new version is tried; one that is no good is left by itself; never while a job runs."""

from __future__ import annotations

import hashlib
import io
import json
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from agentlet.pull.slots import Slots
from agentlet.pull.state import State
from orchestrator.agents import envelope as envelopes
from tests.agentlet.pull.conftest import Host, command
from tests.agentlet.pull.gateway_double import GatewayDouble
from tests.agentlet.pull.test_crashes import counting


def version(program: Path, number: str, **changed: str) -> bytes:
    """The agentlet's file with another version number, and other texts in place of some of its modules."""
    made = io.BytesIO()
    with zipfile.ZipFile(program) as old, zipfile.ZipFile(made, "w") as new:
        for entry in old.infolist():
            data = old.read(entry)
            if entry.filename == "agentlet/pull/__init__.py":
                data = data.replace(b'VERSION = "0.1.0"', f'VERSION = "{number}"'.encode())
            stem = Path(entry.filename).stem
            if entry.filename.startswith("agentlet/pull/") and stem in changed:
                data = changed[stem].encode()
            new.writestr(entry.filename, data)
    return made.getvalue()


def publish(gateway: GatewayDouble, number: str, data: bytes, **values: Any) -> None:
    manifest = {"kind": "orch-agentlet-update", "v": 1, "agent": gateway.agent, "version": number, "size": len(data),
                "sha256": hashlib.sha256(data).hexdigest(), "created": int(time.time()), **values}
    text = json.dumps(manifest)
    gateway.updates[number] = data
    gateway.manifest = {"manifest": text, "signature": envelopes.sign(text, gateway.job_key)}
    gateway.order(update=number)


def works(gateway: GatewayDouble, name: str) -> None:
    gateway.offer([command(1, "echo hi")], name)
    gateway.await_finished(name)


def test_a_new_version_takes_over_and_stays(host: Host, gateway: GatewayDouble) -> None:
    host.enroll()
    process = host.run()
    publish(gateway, "0.2.0", version(host.program, "0.2.0"))
    host.await_said("the new version has proved itself")
    works(gateway, "job-1")
    assert "version   0.2.0" not in host.call("status").stdout  # the installed file is what it was
    assert process.poll() is None and Slots(State(str(host.state))).current == "A"
    host.kill(15)
    host.run()
    gateway.await_true(lambda: not gateway.orders["update"] or gateway.asked[-1].verb == "poll")
    before = gateway.count("update")
    publish(gateway, "0.3.0", version(host.program, "0.3.0"))
    gateway.await_true(lambda: gateway.count("update") > before)
    gateway.await_true(lambda: Slots(State(str(host.state))).current == "B")
    works(gateway, "job-2")


@pytest.mark.parametrize(
    "changed",
    [
        {"main": "raise SystemExit(1)\n"},
        {"main": "this is no Python"},
        {"main": "import time\ndef main(program, arguments):\n    time.sleep(600)\n"},
        {"poller": "from agentlet.pull.part import Part\nclass Poller(Part):\n"
                   "    def __init__(self, agent, *others):\n        super().__init__(agent, 'poller')\n"
                   "    def work(self):\n        pass\n"},
    ],
    ids=["ends at once", "does not start", "hangs", "never calls"],
)
def test_a_version_that_is_no_good_is_left_by_itself(
    host: Host, gateway: GatewayDouble, changed: dict[str, str]
) -> None:
    host.enroll()
    host.set(update_s=3)
    host.run()
    publish(gateway, "0.2.0", version(host.program, "0.2.0", **changed))
    host.await_said("it is left for the one before", 40)
    works(gateway, "job-1")
    assert gateway.count("update/0.2.0") == 1  # it is not tried again today
    slots = Slots(State(str(host.state)))
    assert slots.current is None and slots.trial is None and slots.is_refused("0.2.0")


@pytest.mark.parametrize("kind", ["unsigned", "older", "damaged", "of another agentlet"])
def test_a_version_that_must_not_be_taken_is_not(host: Host, gateway: GatewayDouble, kind: str) -> None:
    host.enroll()
    data = version(host.program, "0.2.0")
    if kind == "older":
        slots = Slots(State(str(host.state)))
        slots.created = time.time() + 1000
        slots._save()
    publish(gateway, "0.2.0", data, **({"agent": "a2"} if kind == "of another agentlet" else {}))
    assert gateway.manifest
    if kind == "unsigned":
        gateway.manifest["signature"] = "00" * 32
    if kind == "damaged":
        gateway.updates["0.2.0"] = b"#" * len(data)
    host.run()
    gateway.await_true(lambda: any("update: " in line for line in gateway.logs))
    works(gateway, "job-1")
    assert not (host.state / "versions" / "A").exists()


def test_no_update_during_a_job(host: Host, gateway: GatewayDouble, tmp_path: Path) -> None:
    count, gate = tmp_path / "count", tmp_path / "gate"
    host.enroll()
    host.run()
    gateway.offer([counting(1, count, f"while [ ! -e {gate} ]; do sleep 0.05; done")])
    gateway.await_true(count.exists)
    publish(gateway, "0.2.0", version(host.program, "0.2.0"))
    time.sleep(1.5)
    assert not gateway.count("update")
    gate.touch()
    gateway.await_finished()
    host.await_said("the new version has proved itself", 60)


def test_a_slot_that_was_damaged_is_not_run(host: Host, gateway: GatewayDouble) -> None:
    host.enroll()
    host.run()
    publish(gateway, "0.2.0", version(host.program, "0.2.0"))
    host.await_said("the new version has proved itself")
    gateway.await_true(lambda: Slots(State(str(host.state))).current == "A")
    host.kill(15)
    gateway.order(update=None)
    (host.state / "versions" / "A" / "agentlet.pyz").write_bytes(b"damaged")
    host.run()
    host.await_said("slot A is damaged")
    works(gateway, "job-1")
