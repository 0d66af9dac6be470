"""HMAC-SHA256 (RFC 2104) on Python's own SHA-256. The library's module loads OpenSSL's hashes and BLAKE2: 0.7 MiB,
of the 20 that an idle agentlet may take."""

from agentlet.digests import sha256

try:
    from _operator import _compare_digest as same
except ImportError:
    from hmac import compare_digest as same

_BLOCK_BYTES = 64
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))

__all__ = ["hmac_sha256", "same"]


def hmac_sha256(key, data):
    """The MAC in hex. Compare it with `same`, which takes as long for a wrong one as for the right one."""
    if len(key) > _BLOCK_BYTES:
        key = sha256(key).digest()
    key = key.ljust(_BLOCK_BYTES, b"\0")
    inner = sha256(key.translate(_INNER) + data).digest()
    return sha256(key.translate(_OUTER) + inner).hexdigest()
