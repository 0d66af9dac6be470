"""Checksums, with Python's own code for what is small: loading OpenSSL costs as much as hashing 2 MB without it."""

try:
    from _sha2 import sha256
except ImportError:
    try:
        from _sha256 import sha256
    except ImportError:  # some distributions build Python without its own
        from hashlib import sha256

SMALL_BYTES = 1 << 20


def new(algorithm, size=None):
    """A hash object; ``size``: how many bytes it is for, if that is known. `ValueError` for one the host has not."""
    if size is not None and size <= SMALL_BYTES:
        own = _own(algorithm)
        if own is not None:
            return own()
    import hashlib
    return hashlib.new(algorithm)


def hex_of(algorithm, data):
    """The hex digest of bytes."""
    hashed = new(algorithm, len(data))
    hashed.update(data)
    return hashed.hexdigest()


def _own(algorithm):
    """Python's own constructor, or None."""
    if algorithm == "sha256":
        return sha256
    try:
        if algorithm == "sha1":
            from _sha1 import sha1
            return sha1
        if algorithm == "md5" and not _is_fips():
            from _md5 import md5
            return md5
    except ImportError:
        pass  # a Python built without its own
    return None


def _is_fips():
    """Whether the system refuses what is no longer approved: OpenSSL is to say so then, as it does for others."""
    try:
        with open("/proc/sys/crypto/fips_enabled") as opened:
            return opened.read(1) == "1"
    except OSError:
        return False
