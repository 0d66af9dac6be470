"""The way of one job: invited, enrolled, posted, offered, claimed, started, reported, finished, read, acknowledged."""

from __future__ import annotations

from orchestrator.agents.envelope import from_text, verify
from orchestrator.agents.records import Incomplete, Stored
from tests.agents.conftest import Place, der_of, digest_of, envelope, heads


def test_a_job_goes_to_its_host_and_comes_back(place: Place, openssl_csr: str) -> None:
    desk, post = place.desk, place.post
    invitation = desk.invite("web1", {"role": "web"}, by="ann")
    enrolled = desk.enrol(invitation.token, openssl_csr, {
        "machine_id": "m1", "instance_id": "i" * 32, "python": [3, 11, 2], "platform": "linux", "facts": {},
        "protocols": [1], "version": "1"}, address="192.0.2.1")
    assert enrolled.certificate and enrolled.host == "web1"
    caller = desk.identify_certificate(der_of(enrolled.certificate))
    desk.seen(caller)
    agent = post.agent_for("web1")
    assert agent is not None and agent.id == enrolled.agent_id and post.online(agent)

    data = b"x" * 600_000
    digest = digest_of([data.decode()])
    posted = post.post(envelope(blobs=[(digest, len(data))], secrets={"s1": "hush"}), {digest: data})
    assert posted.state == "queued"
    (offer,) = desk.offers(caller)
    assert (offer.job, offer.attempt) == ("j1", 1)
    claimed = desk.claim(caller, "j1", 1)
    key = bytes.fromhex(enrolled.job_key)
    assert verify(claimed.envelope, claimed.signature, key)
    taken = from_text(claimed.envelope)
    assert (taken.agent, taken.host, taken.attempt, taken.secrets) == (agent.id, "web1", 1, {"s1": "hush"})
    assert desk.offers(caller) == []
    desk.start(caller, "j1", 1)
    assert desk.blob(caller, digest, 0, 300_000) + desk.blob(caller, digest, 300_000, 500_000) == data
    lines = heads(count=5)
    assert desk.add_events(caller, "j1", 1, 1, lines[:3]) == 4
    assert desk.put_upload(caller, "j1", 1, "u1", 0, False, b"abc", {"path": "/etc/x"}) == 3
    assert desk.put_upload(caller, "j1", 1, "u1", 3, True, b"def") == 6
    assert desk.finish(caller, "j1", 1, "ok", 5, digest_of(lines)) == Incomplete(4)
    assert desk.add_events(caller, "j1", 1, 4, lines[3:]) == 6
    assert desk.finish(caller, "j1", 1, "ok", 5, digest_of(lines)) == Stored("finished")

    state = post.state_of("j1")
    assert (state.state, state.status, state.digest_ok, state.event_count) == ("finished", "ok", True, 5)
    assert [event["seq"] for event in post.events_after("j1", 1, 1)] == [2, 3, 4, 5]
    (uploaded,) = post.uploads("j1", 1)
    assert (uploaded.stream, uploaded.size, uploaded.complete, uploaded.meta) == ("u1", 6, True, {"path": "/etc/x"})
    assert b"".join(post.upload("j1", 1, "u1")) == b"abcdef"
    post.ack("j1", 1)
    assert post.events_after("j1", 1) == []
    assert post.state_of("j1").acked
