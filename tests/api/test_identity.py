"""Who is believed to be an agent, and who is not; each refusal is audited and says what to do."""

from __future__ import annotations

import os
import ssl
import time
from datetime import UTC, datetime, timedelta
from http.client import RemoteDisconnected
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from orchestrator.security.ca import CertificateAuthority
from tests.api.conftest import Serve
from tests.api.gateway import Client, Member, Served, claims, csr, key_pem, signature_headers

BROKEN_OFF = (RemoteDisconnected, ssl.SSLError, ConnectionError)


def certificate(folder: Path, authority: CertificateAuthority, agent: str, days: float = 7) -> Path:
    """A PEM file with a new key and a certificate of ``authority``, of which the desk knows nothing."""
    key = ec.generate_private_key(ec.SECP256R1())
    path = folder / f"made-{os.urandom(4).hex()}.pem"
    path.write_bytes(key_pem(key) + authority.sign_agent(csr(key), agent, days).pem.encode())
    return path


def test_a_certificate_is_an_identity(served: Served, member: Member) -> None:
    with served.client(member) as client:
        reply = client.get("config")
    assert reply.status == 200
    assert reply.json["config"]["host"] == "web1"
    assert set(reply.json) == {"config", "orders", "time"}
    assert set(reply.json["orders"]) == {"cancel", "gone", "config", "update", "renew"}


def test_a_revoked_identity_fails_on_the_next_request_of_an_open_connection(served: Served, member: Member) -> None:
    with served.client(member) as client:
        assert client.get("config").status == 200
        served.desk.registry.revoke("web1")
        reply = client.get("config")
    assert reply.status == 401
    assert "orch agents invite" in reply.json["hint"]


def test_a_certificate_of_our_authority_that_was_never_issued_is_refused(served: Served, member: Member) -> None:
    """A stolen authority, or one restored from a backup, makes no agents by itself."""
    with Client(served, certificate(served.state, served.authority, member.id)) as client:
        reply = client.get("config")
    assert (reply.status, reply.code) == (401, "certificate_unknown")


def test_an_expired_certificate_is_told_so_in_words(serve_gateway: Serve, tmp_path: Path) -> None:
    served = serve_gateway()
    key = ec.generate_private_key(ec.SECP256R1())
    past = CertificateAuthority(served.state / "ca", lambda: datetime.now(UTC) - timedelta(days=8))
    issued = past.sign_agent(csr(key), "a1", days=7)
    member = served.enrol("web1")
    office = served.desk.office
    office.certificates.insert({
        "serial": issued.serial, "agent_id": member.id, "digest": issued.digest, "generation": 1,
        "seal": office.certificate_seal(issued.digest, member.id, 1),
        "not_before": issued.not_before, "not_after": issued.not_after, "issued": issued.not_before,
        "first_used": issued.not_before, "revoked": None})
    with Client(served, served.write_pem("old", key, issued.pem)) as client:
        reply = client.get("config")
    assert (reply.status, reply.code) == (401, "certificate_expired")
    assert "renew" in reply.json["hint"]


def test_another_authoritys_certificate_ends_the_handshake(served: Served, member: Member, tmp_path: Path) -> None:
    other = CertificateAuthority(tmp_path / "other")
    other.create()
    with Client(served, certificate(served.state, other, member.id)) as client:
        with pytest.raises(BROKEN_OFF):
            client.get("config")


def test_a_retired_authoritys_certificates_end_without_a_restart(served: Served, member: Member) -> None:
    served.authority.rotate()
    served.tls.refresh()  # type: ignore[union-attr]
    with served.client(member) as client:
        assert client.get("config").status == 200, "the older authority is trusted still"
    newer = served.enrol("web2")
    served.authority.retire()
    served.tls.refresh()  # type: ignore[union-attr]
    with served.client(newer) as client:
        assert client.get("config").status == 200
    with served.client(member) as client, pytest.raises(BROKEN_OFF):
        client.get("config")


SPOOFED = {
    "agent id alone": {"Orch-Agent": "{id}"},
    "certificate in a header": {"X-SSL-Client-Cert": "-----BEGIN CERTIFICATE-----", "X-Client-Cert-Dn": "CN={id}"},
    "verified by a proxy": {"X-SSL-Client-Verify": "SUCCESS", "X-SSL-Client-S-DN": "CN={id}",
                            "X-Forwarded-Client-Cert": "By=x;Subject=\"CN={id}\""},
    "bearer": {"Authorization": "Bearer {id}"},
    "user of a proxy": {"X-Remote-User": "{id}", "X-Forwarded-User": "{id}", "Remote-User": "{id}"},
    "signature of nothing": {"Orch-Agent": "{id}", "Orch-Time": "{now}", "Orch-Nonce": "0123456789abcdef",
                             "Orch-Signature": "0" * 64},
}


@pytest.mark.parametrize("is_behind_proxy", [False, True], ids=["tls", "proxy"])
@pytest.mark.parametrize("headers", SPOOFED.values(), ids=SPOOFED.keys())
def test_no_header_makes_an_identity(serve_gateway: Serve, headers: dict[str, str], is_behind_proxy: bool) -> None:
    served = serve_gateway(is_behind_proxy=is_behind_proxy)
    member = served.enrol("web1", token_only=is_behind_proxy)
    sent = {name: value.format(id=member.id, now=int(time.time())) for name, value in headers.items()}
    with served.client() as client:
        assert client.request("GET", "config", headers=sent).status == 401


def test_behind_a_proxy_a_signed_request_is_an_identity_for_either_kind(serve_gateway: Serve) -> None:
    served = serve_gateway(is_behind_proxy=True)
    for member in (served.enrol("web1"), served.enrol("web2", token_only=True)):
        with served.client(member) as client:
            assert client.get("config").json["config"]["host"] == member.host


def test_an_agent_with_a_certificate_cannot_leave_it_away(served: Served, member: Member) -> None:
    """A stolen token alone opens nothing where certificates are asked for."""
    with Client(served, agent=member.id, token=member.token) as client:
        reply = client.get("config")
    assert (reply.status, reply.code) == (401, "certificate_needed")


SIGNATURES = {
    "another method": ("OPTIONS", "config", b"", {}),
    "another path": ("GET", "poll?wait=0", b"", {}),
    "another query": ("GET", "config?x=1", b"", {}),
    "another body": ("GET", "config", b"{}", {}),
    "another time": ("GET", "config", b"", {"Orch-Time": "1"}),
    "another nonce": ("GET", "config", b"", {"Orch-Nonce": "f" * 32}),
    "another agent": ("GET", "config", b"", {"Orch-Agent": "0000000000000000"}),
}


@pytest.mark.parametrize(("method", "path", "body", "changed"), SIGNATURES.values(), ids=SIGNATURES.keys())
def test_a_signature_is_for_one_request(serve_gateway: Serve, method: str, path: str, body: bytes,
                                        changed: dict[str, str]) -> None:
    served = serve_gateway(is_behind_proxy=True)
    member = served.enrol("web1", token_only=True)
    sent = signature_headers(member.id, member.token, "GET", "/agent/v1/config", b"") | changed
    with served.client() as client:
        assert client.request(method, path, body or None, headers=sent).status == 401


def test_a_request_that_is_repeated_is_refused(serve_gateway: Serve) -> None:
    served = serve_gateway(is_behind_proxy=True)
    member = served.enrol("web1", token_only=True)
    sent = signature_headers(member.id, member.token, "GET", "/agent/v1/config", b"")
    with served.client() as client:
        assert client.request("GET", "config", headers=sent).status == 200
        again = client.request("GET", "config", headers=sent)
    assert (again.status, again.code) == (401, "nonce")


@pytest.mark.parametrize("off_s", [-3600, -301, 302, 3600])
def test_a_wrong_clock_is_told_the_right_time(serve_gateway: Serve, off_s: int) -> None:
    served = serve_gateway(is_behind_proxy=True)
    member = served.enrol("web1", token_only=True)
    sent = signature_headers(member.id, member.token, "GET", "/agent/v1/config", b"", at=time.time() + off_s)
    with served.client() as client:
        reply = client.request("GET", "config", headers=sent)
    assert (reply.status, reply.code) == (401, "time")
    assert abs(reply.json["time"] - time.time()) < 5


@pytest.mark.parametrize("protocol", [None, "0", "99", "1.0", "", "1, 2"])
def test_a_protocol_that_is_not_spoken_is_426_with_those_that_are(served: Served, member: Member,
                                                                  protocol: str | None) -> None:
    with served.client(member) as client:
        for method, path in (("GET", "config"), ("POST", "enrol")):
            reply = client.request(method, path, protocol=protocol)
            assert (reply.status, reply.json["protocols"]) == (426, [1])


def test_a_token_enrols_once(served: Served) -> None:
    token = served.desk.invite("web1").token
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    with served.client() as client:
        replies = [client.post("enrol", claims(token, csr(key))) for key in keys]
        unknown = client.post("enrol", claims("x" * 43, csr(keys[0])))
    assert [reply.status for reply in replies] == [200, 401]
    assert replies[1].code == "invitation_used" and "orch agents invite" in replies[1].json["hint"]
    assert unknown.code == "invitation_unknown"


@pytest.mark.parametrize("request_text", ["", "rubbish", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA", "x" * 20_000],
                         ids=["empty", "rubbish", "truncated", "long"])
def test_what_is_no_certificate_request_enrols_nobody(served: Served, request_text: str) -> None:
    token = served.desk.invite("web1").token
    with served.client() as client:
        assert client.post("enrol", claims(token, request_text)).status == 400
        assert client.post("enrol", claims(token, csr(ec.generate_private_key(ec.SECP256R1())))).status == 200


def test_enrolling_is_limited_by_address(served: Served) -> None:
    served.service.gateway.tries._per_minute = 5
    with served.client() as client:
        replies = [client.post("enrol", claims("x" * 43, None)) for _ in range(7)]
        spoofed = client.post("enrol", claims("x" * 43, None), headers={"X-Forwarded-For": "192.0.2.7"})
    assert [reply.status for reply in replies] == [401] * 5 + [429] * 2
    assert int(replies[-1].headers["retry-after"]) >= 1
    assert spoofed.status == 429, "what a header says of the address does not count"


def test_a_renewed_certificate_takes_over_when_it_is_used(served: Served, member: Member) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    with served.client(member) as client:
        renewed = client.post("renew", {"csr": csr(key)})
        assert renewed.status == 200
        assert client.get("config").status == 200, "the older one is good until the newer is used"
    assert renewed.json["agent"] == member.id and renewed.json["job_key"] != member.job_key.hex()
    with Client(served, served.write_pem("next", key, renewed.json["certificate"])) as client:
        assert client.get("config").status == 200


def test_whoever_may_only_renew_reaches_nothing_else(served: Served, member: Member) -> None:
    """Names of streams and files are the caller's: one that is called renew is no renewal."""
    with Client(served, agent=member.id, token=member.token) as client:
        for method, path in (("PUT", "jobs/j/uploads/renew?attempt=1&offset=0"), ("GET", "blobs/renew"),
                             ("GET", "update/renew")):
            assert client.request(method, path).status == 401, path

