"""`agentlet.pyz update`: the person at the host hears what the server has, and what became of it here."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from agentlet.pull.slots import Slots
from agentlet.pull.state import State
from orchestrator.agents.releases import Release
from tests.agentlet.pull.conftest import Host, command
from tests.agentlet.pull.gateway_double import GatewayDouble
from tests.agentlet.pull.test_real_gateway import Real
from tests.agentlet.pull.test_update import publish, version, works

HAS = "The server has version 0.2.0, signed for this host; version 0.1.0 runs here."


def offer(host: Host, gateway: GatewayDouble, **changed: str) -> bytes:
    data = version(host.program, "0.2.0", **changed)
    publish(gateway, "0.2.0", data)
    return data


def test_the_newest_is_here_already(host: Host, gateway: GatewayDouble) -> None:
    host.enroll()
    publish(gateway, "0.1.0", host.program.read_bytes())
    done = host.call("update")
    assert (done.returncode, done.stdout) == (
        0, "The server has version 0.1.0, signed for this host; version 0.1.0 runs here.\n"), done.stderr


@pytest.mark.parametrize("options", [(), ("--token-only",)], ids=["certificate", "token"])
def test_a_service_that_waits_for_work_takes_it_now(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    """Its poll is held, and tells nothing of updates until it is over: who asks at the host does not wait for that."""
    data = version(host.program, "0.2.0")
    release = Release("0.2.0", hashlib.sha256(data).hexdigest(), data, int(time.time()))
    monkeypatch.setattr("api.agents.update.this_release", lambda: release)
    monkeypatch.setattr("orchestrator.agents.rollouts.this_version", lambda: release.version)
    real = Real(tmp_path / "server", rollout=0)
    try:
        real.enroll(host, *options)
        host.set(hold_s=20)  # the new version proves itself by a poll, too
        process = host.run()
        real.await_over(real.offer([command(1, "echo hi")]))
        assert "not this host's turn" in host.call("update").stdout
        real.served.desk.rollouts.change("ann", ring=100)
        time.sleep(5.5)
        done = host.call("update")
        assert done.returncode == 0, done.stdout + done.stderr + host.said()
        assert done.stdout.splitlines() == [
            HAS, f"The service (process {process.pid}) is told.", "The service has fetched it and tries it.",
            "Version 0.2.0 has proved itself and runs."]
        assert real.await_over(real.offer([command(1, "echo hi")], "job-2")).status == "ok"
        assert host.call("update").stdout == HAS.replace("0.1.0", "0.2.0") + "\n"
    finally:
        real.close()


def test_one_that_is_no_good_is_told_as_such(host: Host, gateway: GatewayDouble) -> None:
    host.enroll()
    host.set(update_s=3)
    host.run()
    gateway.await_true(lambda: gateway.count("poll"))
    offer(host, gateway, main="raise SystemExit(1)\n")
    done = host.call("update")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "did not prove itself: the one before runs" in done.stdout
    again = host.call("update")
    assert again.returncode == 1 and "left alone until" in again.stdout


def test_a_job_that_runs_comes_first(host: Host, gateway: GatewayDouble) -> None:
    host.enroll()
    host.run()
    gateway.offer([command(1, "sleep 3")])
    gateway.await_true(lambda: gateway.jobs["job-1"].starts)
    offer(host, gateway)
    done = host.call("update", "--wait", "1")
    assert done.returncode == 3 and "has not fetched it" in done.stdout and "1 jobs are held" in done.stdout
    gateway.await_finished()
    host.await_said("the new version has proved itself", 60)


def test_it_is_not_this_hosts_turn(host: Host, gateway: GatewayDouble) -> None:
    host.enroll()
    offer(host, gateway)
    gateway.order(update=None)
    done = host.call("update")
    assert done.returncode == 0 and "orch agents ring web1 1" in done.stdout
    assert not gateway.count("update/0.2.0") and not (host.state / "versions").exists()


def test_without_a_service_it_is_fetched_and_tried_at_the_next_start(host: Host, gateway: GatewayDouble) -> None:
    host.enroll()
    data = offer(host, gateway)
    done = host.call("update")
    assert done.returncode == 0 and "its next start tries it" in done.stdout, done.stdout + done.stderr
    slots = Slots(State(str(host.state)))
    assert slots.trial is not None and slots.digests["A"] == hashlib.sha256(data).hexdigest()
    host.run()
    host.await_said("the new version has proved itself")
    works(gateway, "job-1")


def _unsigned(gateway: GatewayDouble) -> None:
    assert gateway.manifest
    gateway.manifest["signature"] = "00" * 32


def _damaged(gateway: GatewayDouble) -> None:
    gateway.updates["0.2.0"] = b"#" * len(gateway.updates["0.2.0"])


@pytest.mark.parametrize(("spoil", "told"), [
    (_unsigned, "is not signed with this agentlet's key"), (_damaged, "is not what its manifest says"),
    (GatewayDouble.stop, "The gateway does not answer"),
], ids=["unsigned", "damaged", "away"])
def test_what_must_not_be_taken_is_not(
    host: Host, gateway: GatewayDouble, spoil: Callable[[GatewayDouble], None], told: str
) -> None:
    host.enroll()
    offer(host, gateway)
    spoil(gateway)
    done = host.call("update")
    assert done.returncode == 1 and told in done.stderr, done.stdout + done.stderr
    assert Slots(State(str(host.state))).trial is None


def test_a_host_that_is_not_enrolled_is_told_so(host: Host) -> None:
    done = host.call("update")
    assert done.returncode == 1 and "not enrolled" in done.stderr and "Traceback" not in done.stderr
