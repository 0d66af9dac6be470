"""Public keys in OpenPGP's form (RFC 4880, RFC 9580): fingerprints and key rings without gpg, which hosts may lack.

A key ring is one key after the other, binary or armored. Nothing is verified here but the form: whoever trusts a key
compares its fingerprint.
"""

import base64
import binascii
import re

from agentlet import digests
from modules.api import Failed

LIMIT_BYTES = 4 << 20
BLOCK = re.compile(br"-----BEGIN PGP PUBLIC KEY BLOCK-----[ \t]*\r?\n(.*?)-----END PGP PUBLIC KEY BLOCK-----",
                   re.DOTALL)
PUBLIC_KEY, SECRET_KEY, PUBLIC_SUBKEY = 6, 5, 14
HASHES = {4: ("sha1", b"\x99", 2), 5: ("sha256", b"\x9a", 4), 6: ("sha256", b"\x9b", 4)}
"""Version of a key -> algorithm, first byte and bytes of length of what is hashed."""


class Key(object):
    """One key of a ring: upper-case hex ``fingerprint``, those of its ``subkeys``, and its bytes (``data``)."""

    __slots__ = ("fingerprint", "subkeys", "data")

    def __init__(self, fingerprint):
        self.fingerprint = fingerprint
        self.subkeys = []
        self.data = b""

    @property
    def key_id(self):
        return key_id(self.fingerprint)

    def is_called(self, name):
        """Whether ``name`` (upper-case hex, any length) means this key or one of its subkeys."""
        return any(each.endswith(name) or key_id(each) == name for each in [self.fingerprint] + self.subkeys)


def key_id(fingerprint):
    """The 16 digits that stand for a fingerprint: its end, or its beginning for the long ones of RFC 9580."""
    return fingerprint[-16:] if len(fingerprint) <= 40 else fingerprint[:16]


def keys(data):
    """The keys of a ring, binary or armored. `Failed` with ``bad_key`` when it is none."""
    found = []
    for tag, body, packet in packets(binary(data)):
        if tag == SECRET_KEY:
            raise Failed("bad_key", "this is a secret key; give its public part")
        if tag == PUBLIC_KEY:
            found.append(Key(fingerprint_of(body)))
        if not found:
            continue  # a marker in front of the first key
        if tag == PUBLIC_SUBKEY:
            found[-1].subkeys.append(fingerprint_of(body))
        found[-1].data += packet
    if not found:
        raise Failed("bad_key", "no valid OpenPGP data found")
    return found


def fingerprint_of(body):
    """Upper-case hex, of the body of a key's packet."""
    if not body or body[0] not in HASHES:
        raise Failed("bad_key", "a key of a version that is not known")
    algorithm, mark, width = HASHES[body[0]]
    data = mark + len(body).to_bytes(width, "big") + body
    hashed = digests.new(algorithm, len(data))
    hashed.update(data)
    return hashed.hexdigest().upper()


def packets(data):
    """(tag, body, whole packet) of each packet."""
    place = 0
    while place < len(data):
        start = place
        first = data[place]
        if not first & 0x80:
            raise Failed("bad_key", "no valid OpenPGP data found")
        if first & 0x40:
            tag, (size, place) = first & 0x3f, new_length(data, place + 1)
        else:
            tag, (size, place) = (first >> 2) & 0x0f, old_length(data, place + 1, first & 3)
        if place + size > len(data):
            raise Failed("bad_key", "the OpenPGP data is cut off")
        yield tag, data[place:place + size], data[start:place + size]
        place += size


def new_length(data, place):
    """(length of the body, where it begins)."""
    first = number(data, place, 1)
    if first < 192:
        return first, place + 1
    if first < 224:
        return ((first - 192) << 8) + number(data, place + 1, 1) + 192, place + 2
    if first == 255:
        return number(data, place + 1, 4), place + 5
    raise Failed("bad_key", "an OpenPGP key does not come in parts")


def old_length(data, place, kind):
    """As `new_length`, for packets of the old form; ``kind`` 3 is all that follows."""
    if kind == 3:
        return len(data) - place, place
    return number(data, place, 1 << kind), place + (1 << kind)


def number(data, place, size):
    if place + size > len(data):
        raise Failed("bad_key", "the OpenPGP data is cut off")
    return int.from_bytes(data[place:place + size], "big")


def is_armored(data):
    return BLOCK.search(data) is not None


def binary(data):
    """The packets of a ring; every armored block is decoded, other text around them is passed over."""
    if len(data) > LIMIT_BYTES:
        raise Failed("bad_key", "more than {} bytes are no key".format(LIMIT_BYTES))
    blocks = BLOCK.findall(data)
    return b"".join(dearmored(block) for block in blocks) if blocks else data


def dearmored(block):
    """The bytes of one armored block: behind its headers, without the checksum."""
    lines = [line.strip() for line in block.splitlines()]
    if b"" in lines:
        lines = lines[lines.index(b"") + 1:]
    try:
        return base64.b64decode(b"".join(line for line in lines if not line.startswith(b"=")), validate=True)
    except binascii.Error as error:
        raise Failed("bad_key", "the armored key is damaged: {}".format(error))


def armored(data):
    """Packets as text, in one block."""
    text = base64.b64encode(data)
    lines = [text[place:place + 64] for place in range(0, len(text), 64)]
    check = b"=" + base64.b64encode(crc24(data).to_bytes(3, "big"))
    return b"\n".join([b"-----BEGIN PGP PUBLIC KEY BLOCK-----", b""] + lines
                      + [check, b"-----END PGP PUBLIC KEY BLOCK-----", b""])


def crc24(data):
    """The armor's checksum (RFC 4880, 6.1)."""
    value = 0xb704ce
    for byte in bytearray(data):
        value ^= byte << 16
        for _ in range(8):
            value <<= 1
            if value & 0x1000000:
                value ^= 0x1864cfb
    return value
