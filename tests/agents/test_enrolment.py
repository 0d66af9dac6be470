"""An invitation makes one identity, for the host it names; a later one of that host replaces it, never doubles it."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography import x509

from orchestrator.errors import UsageError
from orchestrator.refusals import Conflict, Malformed, Refused, Unidentified
from tests.agents.conftest import Clock, Place, claims_of, der_of, envelope, make_csr


def test_an_invitation_is_good_once(place: Place) -> None:
    token = place.desk.invite("web1").token
    place.desk.check_invitation(token)
    place.desk.enrol(token, make_csr(), claims_of("web1"))
    for instance in ("another-instance", "random-instance-of-web1-again"):
        with pytest.raises(Unidentified) as refused:
            place.desk.enrol(token, make_csr(), claims_of("web1", instance_id=instance), address="198.51.100.7")
        assert refused.value.code == "invitation_used" and "orch agents invite" in str(refused.value.hint)
    with pytest.raises(Unidentified):
        place.desk.check_invitation(token)
    assert ("agent.enrol", "refused", "invitation_used") in place.audited()
    assert len(place.desk.registry.listed()) == 1


def test_the_same_instance_may_ask_again_when_its_answer_was_lost(place: Place, clock: Clock) -> None:
    token, claims = place.desk.invite("web1").token, claims_of("web1")
    first = place.desk.enrol(token, make_csr(), claims)
    second = place.desk.enrol(token, make_csr(), claims)
    assert (second.agent_id, second.token, second.job_key) == (first.agent_id, first.token, first.job_key)
    place.desk.seen(place.caller(second))
    with pytest.raises(Unidentified):
        place.desk.enrol(token, make_csr(), claims)
    token = place.desk.invite("web2").token
    place.desk.enrol(token, make_csr(), claims_of("web2"))
    clock.tick(601)
    with pytest.raises(Unidentified):
        place.desk.enrol(token, make_csr(), claims_of("web2"))


def test_an_invitation_grows_old(place: Place, clock: Clock) -> None:
    token = place.desk.invite("web1", valid_s=3600).token
    clock.tick(3600)
    with pytest.raises(Unidentified) as refused:
        place.desk.enrol(token, make_csr(), claims_of("web1"))
    assert refused.value.code == "invitation_expired"


@pytest.mark.parametrize("token", ["", "x", "../../etc/passwd", "a" * 43, "\x00", "\udcff"])
def test_a_token_that_was_never_given_is_refused(place: Place, token: str) -> None:
    with pytest.raises(Unidentified) as refused:
        place.desk.enrol(token, make_csr(), claims_of("web1"), address="198.51.100.7")
    assert refused.value.code == "invitation_unknown"
    assert place.audited("agent.enrol") == [("agent.enrol", "refused", "invitation_unknown")]


def test_the_host_is_the_invitations_whatever_the_caller_claims(place: Place) -> None:
    enrolled = place.enrol("web1", name="db1", facts={"hostname": "db1"})
    assert enrolled.host == "web1"
    assert place.post.agent_for("db1") is None


@pytest.mark.parametrize("changes", [
    {"instance_id": ""}, {"instance_id": "short"}, {"instance_id": 5}, {"machine_id": "x" * 300}, {"python": "3.11"},
    {"python": [True, 1]}, {"python": [3, 1, 1, 1]}, {"facts": []}, {"facts": {"x": "y" * 300_000}}, {"version": {}},
    {"token_only": True},
], ids=lambda changes: str(changes)[:40])
def test_claims_that_make_no_sense_use_up_nothing(place: Place, changes: dict[str, Any]) -> None:
    token = place.desk.invite("web1").token
    with pytest.raises(Malformed):
        place.desk.enrol(token, make_csr(), claims_of("web1", **changes))
    place.desk.check_invitation(token)


@pytest.mark.parametrize("spoken", [[0], [2, 99], ["1"], "1"])
def test_an_older_or_newer_protocol_is_refused(place: Place, spoken: Any) -> None:
    with pytest.raises(Refused) as refused:
        place.desk.enrol(place.desk.invite("web1").token, make_csr(), claims_of("web1", protocols=spoken))
    assert refused.value.code == "protocol"


def test_a_bad_certificate_request_uses_up_nothing(place: Place) -> None:
    token = place.desk.invite("web1").token
    with pytest.raises(Malformed) as refused:
        place.desk.enrol(token, "-----BEGIN", claims_of("web1"))
    assert refused.value.code == "csr"
    place.desk.check_invitation(token)
    assert place.desk.registry.listed() == []


def test_a_host_that_was_installed_anew_has_one_agentlet_and_keeps_its_waiting_jobs(place: Place) -> None:
    """Faults 8: duplicates of a host after re-install."""
    old = place.enrol("web1")
    caller = place.caller(old)
    for job in ("waits", "claimed", "started"):
        place.post.post(envelope(job, tasks=[{"id": "t", "module": "stat", "retry_safe": True}]))
    place.desk.claim(caller, "claimed", 1)
    place.desk.claim(caller, "started", 1)
    place.desk.start(caller, "started", 1)
    new = place.enrol("web1", instance_id="instance-after-reinstall")
    assert [one.agent.id for one in place.desk.registry.listed()] == [new.agent_id]
    with pytest.raises(Unidentified) as refused:
        place.caller(old)
    assert refused.value.code == "agent_removed"
    fresh = place.caller(new)
    assert {(offer.job, offer.attempt) for offer in place.desk.offers(fresh)} == {("waits", 1), ("claimed", 2)}
    lost = place.post.state_of("started")
    assert lost.state == "lost" and lost.offer_after is not None and lost.agent_id == new.agent_id


def test_a_copy_of_a_machine_is_flagged_and_never_merged(place: Place) -> None:
    first = place.enrol("web1")
    second = place.enrol("web2", machine_id="machine-web1", instance_id="instance-of-the-copy")
    assert first.agent_id != second.agent_id
    flagged = {one.agent.host: one.agent.clone_of for one in place.desk.registry.listed()}
    assert flagged == {"web1": None, "web2": first.agent_id}
    place.post.post(envelope("j1", "web1"))
    assert place.desk.offers(place.caller(second)) == []
    assert [offer.job for offer in place.desk.offers(place.caller(first))] == ["j1"]


def test_a_machine_without_an_id_is_no_copy_of_another(place: Place) -> None:
    place.enrol("web1", machine_id="")
    place.enrol("web2", machine_id="")
    assert {one.agent.clone_of for one in place.desk.registry.listed()} == {None}


def test_two_processes_with_one_identity_meet_at_the_claim(place: Place) -> None:
    """A disk that was copied after the enrolment: one of them works, the other is refused, and it is written down."""
    caller = place.agent()
    place.post.post(envelope())
    place.desk.claim(caller, "j1", 1, "one")
    with pytest.raises(Conflict):
        place.desk.claim(caller, "j1", 1, "two")
    with pytest.raises(Conflict, match="another process") as refused:
        place.desk.start(caller, "j1", 1, "two")
    place.desk.start(caller, "j1", 1, "one")
    assert ("agent.start", "refused", refused.value.code) in place.audited()


def test_without_openssl_an_agentlet_signs_its_requests(place: Place) -> None:
    enrolled = place.enrol("web1", token_only=True)
    assert enrolled.certificate is None and len(bytes.fromhex(enrolled.token)) == 32
    agent = place.post.agent_for("web1")
    assert agent is not None and agent.mode == "token"


def test_an_enrolment_hands_over_all_that_an_agentlet_needs(place: Place, openssl_csr: str) -> None:
    enrolled = place.desk.enrol(place.desk.invite("web1", {"site": "b"}).token, openssl_csr, claims_of("web1"))
    assert enrolled.certificate is not None
    made = x509.load_pem_x509_certificate(enrolled.certificate.encode())
    assert made.subject.rfc4514_string() == f"CN={enrolled.agent_id}"
    assert enrolled.ca == place.ca.bundle()
    assert enrolled.config["labels"] == {"site": "b"} and enrolled.config["max_jobs"] == 2
    assert len({enrolled.token, enrolled.job_key}) == 2
    assert len(der_of(enrolled.certificate)) > 300


@pytest.mark.parametrize("host", ["", "-oProxyCommand=x", "a b", "a\nb", "x" * 300])
def test_a_name_that_no_host_can_have_is_not_invited(place: Place, host: str) -> None:
    with pytest.raises(UsageError):
        place.desk.invite(host)


@pytest.mark.parametrize("valid_s", [0, 59, 31 * 86_400, float("nan")])
def test_an_invitation_is_good_for_a_sensible_time(place: Place, valid_s: float) -> None:
    with pytest.raises(UsageError):
        place.desk.invite("web1", valid_s=valid_s)
