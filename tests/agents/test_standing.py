"""Whose certificate ends with an authority: judged by the one that is shown, not by what was handed out."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from orchestrator.agents.rows import Certificate
from orchestrator.agents.standing import UNKNOWN, behind
from orchestrator.security.authorities import Authority
from tests.agents.conftest import Clock, Place, make_csr

NOW = Clock()()
OLD = Authority("ca-old", NOW.timestamp() - 1000, NOW.timestamp() + 1000)
NEW = Authority("ca-new", NOW.timestamp() - 100)


def certificate(authority: str | None, age_s: float = 50, *, used: bool = True, left_s: float = 1000) -> Certificate:
    issued: datetime = NOW - timedelta(seconds=age_s)
    return Certificate("1", "a", "d", "s", 1, issued, NOW + timedelta(seconds=left_s), issued,
                       issued if used else None, None, authority)


@pytest.mark.parametrize(("held", "found"), [
    pytest.param([certificate("ca-new")], None, id="the newest signed it"),
    pytest.param([certificate("ca-old", 200)], "ca-old", id="an older one signed it"),
    pytest.param([certificate("ca-old", 200), certificate("ca-new", 10)], None, id="it has renewed"),
    pytest.param([certificate("ca-old", 200), certificate("ca-new", 10, used=False)], "ca-old",
                 id="the answer of its renewal may be lost"),
    pytest.param([certificate("ca-old", 200, used=False)], "ca-old", id="it has never called"),
    pytest.param([certificate("ca-old", 200, left_s=0)], None, id="it is over anyway"),
    pytest.param([], None, id="it has none"),
    pytest.param([certificate(None, 200)], "ca-old", id="not written down: before the rotation"),
    pytest.param([certificate(None, 50)], None, id="not written down: after the rotation"),
    pytest.param([certificate(None, 5000)], UNKNOWN, id="not written down: before all that are known"),
    pytest.param([certificate("ca-gone", 5000)], "ca-gone", id="it was retired"),
])
def test_who_is_behind(held: list[Certificate], found: str | None) -> None:
    assert behind(held, [OLD, NEW], NOW) == found


def test_without_authorities_nobody_is_behind() -> None:
    assert behind([certificate("ca-old")], [], NOW) is None


def test_a_fleet_follows_one_by_one(place: Place, clock: Clock) -> None:
    """Renewed and seen under the new authority, revoked, without certificates: these do not hold a retirement up."""
    renews, late, gone = (place.enrol(host) for host in ("web1", "web2", "web3"))
    for one in (renews, late, gone):
        place.caller(one)
    place.enrol("web4", token_only=True)
    place.desk.registry.revoke("web3")
    assert place.desk.registry.behind(place.ca.authorities()) == []
    first = place.ca.authorities()[-1].name
    clock.tick(60)
    place.ca.rotate()
    place.enrol("web5")

    def named() -> list[str]:
        return [one.agent.host for one in place.desk.registry.behind(place.ca.authorities())]

    assert named() == ["web1", "web2"]
    renewed = place.desk.renew(place.caller(renews), make_csr())
    assert named() == ["web1", "web2"]
    place.caller(renewed)
    assert named() == ["web2"]
    (one,) = place.desk.registry.behind(place.ca.authorities())
    assert one.behind == first and one.agent.id == late.agent_id
    clock.tick(7 * 86_400)
    assert named() == []
