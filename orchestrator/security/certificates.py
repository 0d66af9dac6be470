"""X.509 as orch needs it: roots, what they sign, and the check of a request. Builders only; no files, no state.

EC P-256 throughout: every TLS library since Python 3.6's OpenSSL takes it, and signing costs 30 µs.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
from collections.abc import Sequence
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from orchestrator.errors import UsageError

BACKDATED = timedelta(minutes=15)
"""Of NotBefore: clocks of hosts differ."""
CA_LIFE = timedelta(days=3650)
Key = ec.EllipticCurvePrivateKey
MAX_CSR_BYTES = 16 * 1024
RSA_BITS = 2048


def new_key() -> Key:
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: Key) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


def load_key(pem: bytes) -> Key:
    key = serialization.load_pem_private_key(pem, None)
    assert isinstance(key, Key)
    return key


def cert_pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def cert_digest(certificate: x509.Certificate) -> str:
    """SHA-256 hex of the DER: what a certificate is recognised by."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def serial_hex(certificate: x509.Certificate) -> str:
    return f"{certificate.serial_number:x}"


def pin(key: Key) -> str:
    """The public key as curl's ``--pinnedpubkey`` has it: ``sha256//`` and base64 of the SPKI's SHA-256."""
    spki = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return "sha256//" + base64.b64encode(hashlib.sha256(spki).digest()).decode()


def make_root(name: str, key: Key, now: datetime) -> x509.Certificate:
    """A self-signed authority."""
    return _authority(_named(name), key.public_key(), _named(name), key, now, now + CA_LIFE)


def cross_sign(root: x509.Certificate, by: x509.Certificate, by_key: Key,
               now: datetime) -> x509.Certificate:
    """The key of ``root`` vouched for by an older authority: who trusts only that one trusts what ``root`` signs."""
    key = root.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    end = min(root.not_valid_after_utc, by.not_valid_after_utc)
    return _authority(root.subject, key, by.subject, by_key, now, end)


def _authority(subject: x509.Name, key: ec.EllipticCurvePublicKey, issuer: x509.Name,
               issuer_key: Key, now: datetime, end: datetime) -> x509.Certificate:
    usage = x509.KeyUsage(digital_signature=False, content_commitment=False, key_encipherment=False,
                          data_encipherment=False, key_agreement=False, key_cert_sign=True, crl_sign=True,
                          encipher_only=False, decipher_only=False)
    return (_builder(subject, key, issuer, issuer_key, now, end)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .sign(issuer_key, hashes.SHA256()))


def make_leaf(
    subject: str, names: Sequence[x509.GeneralName], key: ec.EllipticCurvePublicKey, *, server: bool,
    issuer: x509.Certificate, issuer_key: Key, now: datetime, life: timedelta,
) -> x509.Certificate:
    """A certificate for one end of TLS: for the server's, or for a client's; never for both."""
    purpose = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
    usage = x509.KeyUsage(digital_signature=True, content_commitment=False, key_encipherment=False,
                          data_encipherment=False, key_agreement=False, key_cert_sign=False, crl_sign=False,
                          encipher_only=False, decipher_only=False)
    end = min(now + life, issuer.not_valid_after_utc)
    return (_builder(_named(subject), key, issuer.subject, issuer_key, now, end)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(issuer_key, hashes.SHA256()))


def _builder(subject: x509.Name, key: ec.EllipticCurvePublicKey, issuer: x509.Name,
             issuer_key: Key, now: datetime, end: datetime) -> x509.CertificateBuilder:
    return (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
            .serial_number(x509.random_serial_number()).not_valid_before(now - BACKDATED).not_valid_after(end)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
                           critical=False))


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def server_names(names: Sequence[str]) -> list[x509.GeneralName]:
    """Host names and addresses as a certificate has them. Raises `UsageError` for what is neither."""
    found: list[x509.GeneralName] = []
    for name in dict.fromkeys(names):
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            if not name.isascii() or not name or any(c.isspace() or c in "/:@" for c in name):
                raise UsageError(f"{name!r} is no host name or address", code="server_name",
                                 hint="as agentlets will call it, without https:// and port") from None
            found.append(x509.DNSName(name))
    return found


def requested_key(csr: str) -> ec.EllipticCurvePublicKey:
    """The public key of a certificate request, whose signature proves that the sender has the private one.

    Nothing else of the request is looked at. Raises `UsageError` for what is no request, is not signed by its own key,
    or is weak.
    """
    try:
        if len(csr) > MAX_CSR_BYTES:
            raise ValueError("it is too large")
        request = x509.load_pem_x509_csr(csr.encode("ascii"))
        key = request.public_key()
        signed = request.is_signature_valid
    except (ValueError, TypeError, InvalidSignature) as error:
        raise _bad_request(f"it cannot be read: {error}") from None
    except Exception as error:  # an algorithm that the library knows by no name has an exception of its own
        raise _bad_request(f"it cannot be used: {type(error).__name__}") from None
    if not signed:
        raise _bad_request("its signature is not by its own key")
    strong = (isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in ("secp256r1", "secp384r1")
              or isinstance(key, ed25519.Ed25519PublicKey)
              or isinstance(key, rsa.RSAPublicKey) and key.key_size >= RSA_BITS)
    if not strong:
        raise _bad_request("its key is weak or of a kind that is not taken")
    return key  # type: ignore[return-value]  # the builder takes each of the three


def _bad_request(reason: str) -> UsageError:
    return UsageError(f"the certificate request is refused: {reason}", code="csr",
                      hint="openssl ecparam -name prime256v1 -genkey; openssl req -new -sha256")
