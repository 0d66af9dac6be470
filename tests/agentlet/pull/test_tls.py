"""Certificates read without a library: the key's pin, and from when to when they hold."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

from agentlet.pull import renewal, tls
from agentlet.pull.faults import Untrusted
from orchestrator.security.ca import CertificateAuthority


@pytest.fixture
def authority(tmp_path: Path) -> CertificateAuthority:
    made = CertificateAuthority(tmp_path / "ca")
    made.create()
    return made


@pytest.fixture
def der(authority: CertificateAuthority) -> bytes:
    return tls.first_certificate(Path(authority.issue_server(["localhost"]).chain_path).read_text())


def test_the_pin_is_the_one_that_the_authority_shows(authority: CertificateAuthority, der: bytes) -> None:
    assert tls.pin_of(der) == authority.pin()
    tls.check_pin(der, authority.pin())


@pytest.mark.parametrize("pin", ["", "sha256//AAAA", "sha256//é", "\udcff"])
def test_another_pin_is_not_trusted(der: bytes, pin: str) -> None:
    with pytest.raises(Untrusted):
        tls.check_pin(der, pin)


def test_validity_is_what_the_certificate_says(der: bytes) -> None:
    known = x509.load_der_x509_certificate(der)
    assert tls.validity(der) == (known.not_valid_before_utc.timestamp(), known.not_valid_after_utc.timestamp())


@pytest.mark.parametrize(
    ("tag", "text", "when"),
    [
        (0x17, b"260101000000Z", datetime(2026, 1, 1)),
        (0x17, b"491231235959Z", datetime(2049, 12, 31, 23, 59, 59)),
        (0x17, b"700101000000Z", datetime(1970, 1, 1)),
        (0x18, b"20500301000000Z", datetime(2050, 3, 1)),
        (0x18, b"20960229120000Z", datetime(2096, 2, 29, 12)),
        (0x18, b"21000301000000Z", datetime(2100, 3, 1)),
    ],
)
def test_times_of_both_kinds(tag: int, text: bytes, when: datetime) -> None:
    assert tls._time(tag, text) == when.replace(tzinfo=UTC).timestamp()


def test_a_clock_a_day_off_is_no_reason_to_stay_away(der: bytes) -> None:
    begins, ends = tls.validity(der)
    for now in (begins - 24 * 3600, begins, ends, ends + 24 * 3600):
        tls.check_dates(der, now)
    for now in (0, begins - 30 * 3600, ends + 30 * 3600):
        with pytest.raises(Untrusted):
            tls.check_dates(der, now)


def test_rubbish_is_no_certificate(der: bytes) -> None:
    for cut in range(0, 400, 7):
        with pytest.raises(ValueError):
            tls.public_key(der[:cut])
    for text in ("", "-----BEGIN CERTIFICATE-----"):
        with pytest.raises(ValueError):
            tls.first_certificate(text)


def test_tls_1_3_it_is_where_python_has_it() -> None:
    assert tls.pinned_context().minimum_version == ssl.TLSVersion.TLSv1_3


def test_a_fleet_renews_between_half_and_three_quarters_of_the_life() -> None:
    shares = [renewal.share_of(f"agent-{number}") for number in range(200)]
    due = [renewal.due_at(0, 1000, share) for share in shares]
    assert min(due) >= 500 and max(due) <= 750 and max(due) - min(due) > 200
    assert renewal.share_of("agent-1") == renewal.share_of("agent-1")
