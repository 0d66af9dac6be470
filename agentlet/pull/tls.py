"""Whom the agentlet believes to be its gateway: the key's pin while enrolling, our certificate authorities after it."""

import base64
import ssl
import time

from agentlet.digests import sha256
from agentlet.pull.faults import Untrusted
from agentlet.pull.mac import same

NO_CHECK_TIME = 0x200000
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME: see `check_dates`."""
TOLERANCE_S = 26 * 3600


def pinned_context():
    """For a connection whose peer is judged by `check_pin` alone, right after the handshake."""
    context = _context(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def verified_context(ca_file=None, client_file=None):
    """Checks the gateway's name and chain against ``ca_file``, or the system's authorities without one.

    ``client_file`` holds this agentlet's key and certificate.
    """
    context = _context(ssl.PROTOCOL_TLS_CLIENT)
    if ca_file is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    else:
        context.load_verify_locations(ca_file)
        context.verify_flags |= NO_CHECK_TIME
    if client_file is not None:
        context.load_cert_chain(client_file)
    return context


def check_pin(der, pin):
    """`Untrusted` unless the certificate's public key is the pinned one."""
    if not same(pin_of(der).encode(), pin.encode("ascii", "replace")):
        raise Untrusted("The gateway's key is %s, not the pinned %s" % (pin_of(der), pin),
                        "Take a new line from orch agents invite; if it differs too, somebody is between you and orch")


def check_dates(der, now):
    """`Untrusted` for a certificate that is over or not begun by more than a day at ``now``, the server's time.

    OpenSSL would judge by this host's clock alone, and a host whose clock is an hour behind, as after a boot without
    a battery, could never call in to learn so.
    """
    begins, ends = validity(der)
    if not begins - TOLERANCE_S <= now <= ends + TOLERANCE_S:
        raise Untrusted("The gateway's certificate holds from %s to %s; here it is %s"
                        % tuple(time.asctime(time.gmtime(when)) for when in (begins, ends, now)),
                        "Is this host's clock right?")


def first_certificate(pem):
    """The DER of the first certificate in a PEM text."""
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    at = pem.find(begin)
    if at < 0:
        raise ValueError("There is no certificate")
    return ssl.PEM_cert_to_DER_cert(pem[at:pem.index(end, at) + len(end)] + "\n")


def pin_of(der):
    """``sha256//BASE64`` of the certificate's public key (RFC 7469's SPKI, as curl prints and takes it)."""
    return "sha256//" + base64.b64encode(sha256(public_key(der)).digest()).decode()


def public_key(der):
    """The SubjectPublicKeyInfo of an X.509 certificate (RFC 5280, 4.1), as it stands there; ValueError for rubbish."""
    start, end = _field(der, 5)
    return der[start:end]


def validity(der):
    """(not before, not after) of a certificate, in epoch seconds."""
    start, _ = _field(der, 3)
    _, inside, _ = _element(der, start)
    tag, at, end = _element(der, inside)
    next_tag, next_at, next_end = _element(der, end)
    return _time(tag, der[at:end]), _time(next_tag, der[next_at:next_end])


def _field(der, number):
    """Where the element begins and ends that is so many after the serial number: 3 validity, 5 the key."""
    _, inside, _ = _element(der, 0)
    _, start, _ = _element(der, inside)
    tag, _, end = _element(der, start)
    # An optional version comes before the serial number, algorithm, issuer, validity, subject, key.
    for _ in range(number + (1 if tag == 0xA0 else 0)):
        start = end
        _, _, end = _element(der, start)
    return start, end


def _time(tag, text):
    """UTCTime (two digits for the year) or GeneralizedTime. `calendar` and `strptime` would cost half a MiB."""
    digits = text.decode("ascii", "replace").rstrip("Z")
    if tag == 0x17:
        digits = ("20" if digits[:2] < "50" else "19") + digits
    if len(digits) != 14 or not digits.isdigit():
        raise ValueError("This is no certificate")
    year, month, day, hour, minute, second = [int(digits[:4])] + [int(digits[at:at + 2]) for at in range(4, 14, 2)]
    return _days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second


def _days(year, month, day):
    """Days since 1970 of a date in the Gregorian calendar."""
    year, month = (year, month - 3) if month > 2 else (year - 1, month + 9)
    return year * 365 + year // 4 - year // 100 + year // 400 + (153 * month + 2) // 5 + day - 1 - 719468


def _element(der, at):
    """(tag, where its contents begin, where it ends) of the DER element at ``at``."""
    try:
        tag, size, at = der[at], der[at + 1], at + 2
        if size & 0x80:
            count = size & 0x7F
            size, at = int.from_bytes(der[at:at + count], "big"), at + count
    except IndexError:
        raise ValueError("This is no certificate")
    if at + size > len(der):
        raise ValueError("This is no certificate")
    return tag, at, at + size


def _context(protocol):
    context = ssl.SSLContext(protocol)
    if hasattr(ssl, "TLSVersion") and ssl.HAS_TLSv1_3:
        context.minimum_version = ssl.TLSVersion.TLSv1_3
    else:
        context.options |= ssl.OP_NO_SSLv2 | ssl.OP_NO_SSLv3 | ssl.OP_NO_TLSv1 | ssl.OP_NO_TLSv1_1
    return context
