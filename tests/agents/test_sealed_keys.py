"""The next job key is for who has the present one: an agentlet that is not root passes it on unread."""

from __future__ import annotations

from agentlet.pull.signing import unseal_key
from tests.agents.conftest import Place, make_csr


def test_a_renewed_job_key_comes_sealed_with_the_present_one(place: Place) -> None:
    present = place.enrol()
    renewed = place.desk.renew(place.caller(present), make_csr())
    key = place.desk.office.job_key(present.agent_id, 2).hex()
    assert key not in renewed.job_key and unseal_key(renewed.job_key, [present.job_key]) == key
    place.caller(renewed)
    third = place.desk.renew(place.caller(renewed), make_csr())
    assert unseal_key(third.job_key, [key]) == place.desk.office.job_key(present.agent_id, 3).hex()
