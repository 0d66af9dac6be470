"""An agentlet that slept while the gateway's authority was replaced: it finds out by itself, says what to do, and
comes back without anybody at the host."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agentlet.pull.conftest import Host, command
from tests.agentlet.pull.gateway_double import Asked, Fault, GatewayDouble
from tests.agentlet.pull.test_real_gateway import Real

SENTENCE = "the gateway takes this host's certificate no longer: its authority was retired."


@pytest.fixture
def real(tmp_path: Path) -> Iterator[Real]:
    made = Real(tmp_path / "server")
    yield made
    made.close()


def replace_authority(real: Real, times: int = 1) -> None:
    for _ in range(times):
        real.served.authority.rotate()
    real.served.authority.retire()
    real.served.tls.refresh()  # type: ignore[union-attr]


def test_who_slept_through_it_comes_back_when_the_operator_approves(any_host: Host, real: Real) -> None:
    """On each Python: they differ in how they tell that the other side hung up."""
    come_back(any_host, real, 1)


def test_who_slept_through_several_comes_back_as_well(host: Host, real: Real) -> None:
    come_back(host, real, 3)


def come_back(host: Host, real: Real, times: int) -> None:
    real.enroll(host)
    host.run()
    real.await_over(real.offer([command(1, "echo one")]))
    host.kill(15)
    replace_authority(real, times)
    host.run()
    host.await_said(SENTENCE)
    host.await_said("renewal: the certificate is over (on the controller: orch agents approve web1)")
    (listed,) = real.served.desk.registry.listed()
    assert listed.agent.recovery_asked is not None
    real.served.desk.registry.approve("web1")
    host.await_said("renewed its keys")
    assert real.await_over(real.offer([command(1, "echo two")], "job-2")).status == "ok"
    assert host.said().count(SENTENCE) == 1
    authorities = real.served.authority.authorities()
    assert real.served.desk.registry.behind(authorities) == []
    assert (host.state / "ca.pem").read_text() == real.served.authority.bundle()


def test_who_is_awake_follows_before_anybody_is_cut_off(host: Host, real: Real) -> None:
    real.enroll(host)
    host.run()
    real.await_over(real.offer([command(1, "echo one")]))
    real.served.authority.rotate()
    real.served.tls.refresh()  # type: ignore[union-attr]
    authorities = real.served.authority.authorities()
    assert [one.agent.host for one in real.served.desk.registry.behind(authorities)] == ["web1"]
    real.served.desk.registry.rotate("web1")
    end = time.monotonic() + 30
    while real.served.desk.registry.behind(authorities):
        assert time.monotonic() < end, host.said()
        time.sleep(0.1)
    real.served.authority.retire()
    real.served.tls.refresh()  # type: ignore[union-attr]
    assert real.await_over(real.offer([command(1, "echo two")], "job-2")).status == "ok"
    assert SENTENCE not in host.said()


def test_one_by_token_is_not_touched_by_it(host: Host, real: Real) -> None:
    real.enroll(host, "--token-only")
    host.run()
    real.await_over(real.offer([command(1, "echo one")]))
    replace_authority(real)
    assert real.await_over(real.offer([command(1, "echo two")], "job-2")).status == "ok"


def test_a_gateway_that_hangs_up_for_another_reason_is_not_taken_for_that(host: Host, gateway: GatewayDouble) -> None:
    def hang_up(asked: Asked) -> Fault | None:
        return Fault() if asked.verb == "poll" and asked.number < 6 else None

    host.enroll()
    gateway.faults.append(hang_up)
    host.run()
    gateway.await_true(lambda: gateway.count("poll") > 6)
    gateway.offer([command(1, "echo hi")])
    gateway.await_finished()
    assert gateway.count("config") and not gateway.count("renew") and SENTENCE not in host.said()


def test_a_gateway_of_another_authority_is_not_believed_and_it_says_what_to_do(
    host: Host, gateway: GatewayDouble, tmp_path: Path
) -> None:
    """With the same name and address: only enrolling anew makes it the gateway, never what it says of itself."""
    host.enroll()
    gateway.stop()
    other = GatewayDouble(tmp_path / "other")
    other.port = gateway.port
    other.start()
    try:
        host.run()
        host.await_said("orch agents invite HOST")
        assert not other.asked and not gateway.count("renew")
    finally:
        other.stop()
