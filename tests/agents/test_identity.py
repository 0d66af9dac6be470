"""Who calls is looked up on every request: revoked, over, unknown, replayed, forged are refused, and written down."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import pytest

from orchestrator.agents.identity import Caller
from orchestrator.agents.records import Enrolled
from orchestrator.refusals import Malformed, Refused, Unidentified
from orchestrator.security.ca import CertificateAuthority
from tests.agents.conftest import Clock, Place, der_of, make_csr

DAY = 86_400


def signed(place: Place, enrolled: Enrolled, *, nonce: str = "nonce-01", path: str = "/agent/v1/poll?wait=45",
           at: float | None = None, tamper: dict[str, Any] | None = None, behind_proxy: bool = True) -> Caller:
    """A request as an agentlet signs it, by docs alone; ``tamper`` changes it on its way."""
    time = str(int(place.clock().timestamp() if at is None else at))
    body = hashlib.sha256(b"").hexdigest()
    text = f"GET\n{path}\n{body}\n{time}\n{nonce}"
    signature = hmac.new(bytes.fromhex(enrolled.token), text.encode(), hashlib.sha256).hexdigest()
    values = {"agent_id": enrolled.agent_id, "time": time, "nonce": nonce, "method": "GET", "path": path,
              "body_sha256": body, "signature": signature, **(tamper or {})}
    return place.desk.identify_signature(**values, address="192.0.2.9", behind_proxy=behind_proxy)


def refusal(act: Any, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(Unidentified) as refused:
        act(*args, **kwargs)
    assert refused.value.hint
    return refused.value.code


# ---- by certificate

def test_a_certificate_is_recognised(place: Place) -> None:
    enrolled = place.enrol()
    caller = place.caller(enrolled)
    assert (caller.agent.id, caller.agent.host, caller.via, caller.recovering) == (
        enrolled.agent_id, "web1", "certificate", False)


def test_a_certificate_that_was_not_issued_here_is_refused(place: Place, tmp_path: Any, clock: Clock) -> None:
    """Another authority's, and one of our own that the store knows nothing of."""
    agent = place.enrol().agent_id
    other = CertificateAuthority(tmp_path / "other", clock)
    other.create()
    for authority in (other, place.ca):
        pem = authority.sign_agent(make_csr(), agent).pem
        assert refusal(place.desk.identify_certificate, der_of(pem), address="198.51.100.7") == "certificate_unknown"
    assert refusal(place.desk.identify_certificate, b"") == "certificate_unknown"
    assert ("agent.identify", "refused", "certificate_unknown") in place.audited()


def test_a_revoked_agentlet_is_refused_on_its_next_request(place: Place) -> None:
    """Invariant 8."""
    enrolled, token_only = place.enrol("web1"), place.enrol("web2", token_only=True)
    place.caller(enrolled)
    signed(place, token_only)
    place.desk.registry.revoke("web1", "ann")
    place.desk.registry.revoke("web2", "ann")
    assert refusal(place.caller, enrolled) == "agent_revoked"
    assert refusal(signed, place, token_only, nonce="nonce-02") == "agent_revoked"
    assert ("agent.revoke", "ok", "") in place.audited()
    (entry,) = [e for e in place.desk.office.audit.entries() if e.detail.get("code") == "agent_revoked"
                and e.subject == enrolled.agent_id]
    assert entry.outcome == "refused"


def test_a_certificate_is_over_when_the_servers_clock_says_so(place: Place, clock: Clock) -> None:
    enrolled = place.enrol()
    clock.tick(7 * DAY - 1)
    place.caller(enrolled)
    clock.tick(1)
    assert refusal(place.caller, enrolled) == "certificate_expired"


def test_the_old_certificate_is_good_until_the_new_one_is_used(place: Place, clock: Clock) -> None:
    old = place.enrol()
    renewed = place.desk.renew(place.caller(old), make_csr())
    clock.tick(DAY)
    assert place.caller(old).agent.generation == 1
    assert place.caller(renewed).agent.generation == 2
    place.caller(old)  # what is under way on another connection
    clock.tick(60)
    assert refusal(place.caller, old) == "certificate_revoked"
    assert place.caller(renewed).agent.next_generation is None


def test_a_renewal_whose_answer_was_lost_may_be_asked_for_again(place: Place) -> None:
    old = place.enrol()
    first = place.desk.renew(place.caller(old), make_csr())
    second = place.desk.renew(place.caller(old), make_csr())
    assert first.job_key == second.job_key and first.certificate != second.certificate
    place.caller(second)
    assert place.caller(second).agent.generation == 2


def test_a_renewal_of_a_certificate_needs_a_request(place: Place) -> None:
    with pytest.raises(Malformed):
        place.desk.renew(place.caller(place.enrol()), None)


def test_keys_change_with_each_generation(place: Place) -> None:
    old = place.enrol()
    new = place.desk.renew(place.caller(old), make_csr())
    assert len({old.token, new.token, old.job_key, new.job_key}) == 4
    assert old.agent_id == new.agent_id


# ---- by signature

def test_a_signed_request_is_recognised(place: Place) -> None:
    enrolled = place.enrol(token_only=True)
    assert signed(place, enrolled, behind_proxy=False).agent.id == enrolled.agent_id


@pytest.mark.parametrize("tamper", [
    {"path": "/agent/v1/poll?wait=46"}, {"path": "/agent/v1/poll"}, {"method": "POST"}, {"body_sha256": "0" * 64},
    {"nonce": "nonce-99"}, {"time": "1"}, {"signature": ""}, {"signature": "0" * 64}, {"signature": "ü" * 64},
    {"agent_id": "somebody"}, {"agent_id": ""},
], ids=str)
def test_whatever_is_altered_the_signature_fits_no_more(place: Place, tamper: dict[str, Any]) -> None:
    assert refusal(signed, place, place.enrol(token_only=True), tamper=tamper) == "signature"
    assert ("agent.identify", "refused", "signature") in place.audited()


def test_another_agentlets_token_is_no_good(place: Place) -> None:
    one, other = place.enrol("web1", token_only=True), place.enrol("web2", token_only=True)
    assert refusal(signed, place, one, tamper={"agent_id": other.agent_id}) == "signature"


def test_a_request_is_good_once(place: Place, clock: Clock) -> None:
    enrolled, at = place.enrol(token_only=True), place.clock().timestamp()
    signed(place, enrolled, at=at)
    assert refusal(signed, place, enrolled, at=at) == "nonce"
    clock.tick(299)
    signed(place, enrolled, nonce="nonce-02")  # remembered as long as its time is good, whatever comes between
    assert refusal(signed, place, enrolled, at=at) == "nonce"
    clock.tick(2)
    assert refusal(signed, place, enrolled, at=at) == "time"


@pytest.mark.parametrize("off_s", [-3600, -301, 301, 3600, float("1e300")])
def test_a_request_of_another_time_is_refused_with_the_time(place: Place, clock: Clock, off_s: float) -> None:
    clock.tick(600)
    with pytest.raises(Unidentified) as refused:
        signed(place, place.enrol(token_only=True), at=clock().timestamp() + off_s)
    assert refused.value.code == "time" and str(int(clock().timestamp())) in str(refused.value.hint)


@pytest.mark.parametrize("time", ["nan", "inf", "", "soon", "-1"])
def test_what_is_no_time_is_refused(place: Place, time: str) -> None:
    enrolled = place.enrol(token_only=True)
    text = f"GET\n/p\n\n{time}\nnonce-01"
    signature = hmac.new(bytes.fromhex(enrolled.token), text.encode(), hashlib.sha256).hexdigest()
    with pytest.raises(Unidentified) as refused:
        place.desk.identify_signature(enrolled.agent_id, time, "nonce-01", "GET", "/p", "", signature)
    assert refused.value.code == "time"


def test_what_was_signed_before_a_restart_is_refused(place: Place, clock: Clock) -> None:
    """The nonces of then are forgotten: a request that was heard then could be played again."""
    enrolled = place.enrol(token_only=True)
    at = clock().timestamp()
    signed(place, enrolled, at=at)
    clock.tick(20)
    place.desk = place.new_desk()
    assert refusal(signed, place, enrolled, at=at) == "time"
    signed(place, enrolled, nonce="nonce-02")


@pytest.mark.parametrize("nonce", ["", "short", "x" * 65, "white space", "a\nb-a\nb-a\nb"])
def test_a_nonce_is_a_short_word(place: Place, nonce: str) -> None:
    assert refusal(signed, place, place.enrol(token_only=True), nonce=nonce) == "nonce"


def test_old_tokens_end_when_the_new_one_is_used(place: Place) -> None:
    old = place.enrol(token_only=True)
    new = place.desk.renew(signed(place, old), None)
    assert new.certificate is None
    signed(place, old, nonce="nonce-02")
    assert signed(place, new, nonce="nonce-03").agent.generation == 2
    assert refusal(signed, place, old, nonce="nonce-04") == "signature"


def test_who_has_a_certificate_must_show_it_where_tls_ends_here(place: Place) -> None:
    enrolled = place.enrol()
    assert refusal(signed, place, enrolled, behind_proxy=False) == "certificate_needed"
    assert signed(place, enrolled, nonce="nonce-02", behind_proxy=True).via == "signature"


# ---- back after a long time

def test_who_comes_back_after_its_certificate_needs_an_approval(place: Place, clock: Clock) -> None:
    enrolled = place.enrol()
    clock.tick(30 * DAY)
    assert refusal(place.caller, enrolled) == "certificate_expired"
    caller = signed(place, enrolled, path="/agent/v1/renew", behind_proxy=False)
    assert caller.recovering
    with pytest.raises(Refused) as refused:
        place.desk.renew(caller, make_csr())
    assert refused.value.code == "certificate_expired" and "orch agents approve web1" in str(refused.value.hint)
    (listed,) = place.desk.registry.listed()
    assert listed.agent.recovery_asked is not None
    place.desk.registry.approve("web1", "ann")
    for nonce in ("nonce-02", "nonce-03"):  # the first answer may be lost
        caller = signed(place, enrolled, path="/agent/v1/renew", nonce=nonce, behind_proxy=False)
        renewed = place.desk.renew(caller, make_csr())
    assert place.caller(renewed).agent.recovery_approved is None
    clock.tick(120)
    with pytest.raises(Unidentified):
        signed(place, enrolled, path="/agent/v1/renew", nonce="nonce-04", behind_proxy=False)


def test_an_approval_is_good_for_a_day(place: Place, clock: Clock) -> None:
    enrolled = place.enrol()
    clock.tick(30 * DAY)
    place.desk.registry.approve("web1", "ann")
    clock.tick(DAY + 1)
    caller = signed(place, enrolled, path="/agent/v1/renew", behind_proxy=False)
    with pytest.raises(Refused):
        place.desk.renew(caller, make_csr())


def test_an_approval_does_not_bring_a_revoked_agentlet_back(place: Place) -> None:
    enrolled = place.enrol()
    place.desk.registry.revoke("web1")
    with pytest.raises(Refused, match="revoked"):
        signed(place, enrolled, path="/agent/v1/renew", behind_proxy=False)


# ---- seen

def test_when_an_agentlet_called_is_written_now_and_then(place: Place, clock: Clock) -> None:
    caller = place.agent()
    first = clock()
    assert place.post.agent_for("web1").last_seen == first  # type: ignore[union-attr]
    clock.tick(1)
    place.desk.seen(caller)
    assert place.post.agent_for("web1").last_seen == first  # type: ignore[union-attr]
    clock.tick(5)
    place.desk.seen(caller)
    assert place.post.agent_for("web1").last_seen == clock()  # type: ignore[union-attr]
    clock.tick(1)
    place.desk.seen(caller)
    place.desk.close()
    assert place.post.agent_for("web1").last_seen == clock()  # type: ignore[union-attr]
