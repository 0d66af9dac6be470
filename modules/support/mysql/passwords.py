"""What MySQL and MariaDB keep of a password, and whether a given one is it. Pure.

mysql_native_password keeps SHA-1 of SHA-1; caching_sha2_password and sha256_password keep SHA-crypt with SHA-256
(Ulrich Drepper's description; MySQL's salt has 20 bytes, 5000 rounds).
"""

import hashlib

ITOA64 = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ORDER = ((0, 10, 20), (21, 1, 11), (12, 22, 2), (3, 13, 23), (24, 4, 14), (15, 25, 5), (6, 16, 26), (27, 7, 17),
         (18, 28, 8), (9, 19, 29))


def native(password):
    """``*`` and forty capitals; nothing for no password."""
    if not password:
        return ""
    once = hashlib.sha1(password.encode("utf-8", "surrogateescape")).digest()
    return "*" + hashlib.sha1(once).hexdigest().upper()


def is_password(password, plugin, stored):
    """Whether what the server keeps is this password; None when it cannot be told (as of unix_socket)."""
    if plugin in ("", None, "mysql_native_password", "mysql_old_password"):
        return native(password) == (stored or "").upper()
    if plugin in ("caching_sha2_password", "sha256_password"):
        return is_sha2(password, stored or "")
    return None


def is_sha2(password, stored):
    if not password:
        return not stored
    if stored.startswith("$A$") and len(stored) >= 3 + 3 + 1 + 20 + 43:
        rounds, salt, kept = int(stored[3:6], 16) * 1000, stored[7:27], stored[27:]
    elif stored.startswith("$5$"):
        rounds, (salt, _, kept) = 5000, stored[3:].rpartition("$")
    else:
        return False
    return sha_crypt(password, salt, rounds) == kept


def sha_crypt(password, salt, rounds=5000):
    """The 43 characters of SHA-crypt with SHA-256."""
    key, salt = (text.encode("utf-8", "surrogateescape") for text in (password, salt))
    second = hashlib.sha256(key + salt + key).digest()
    first = key + salt + stretched(second, len(key))
    bits = len(key)
    while bits:
        first += second if bits & 1 else key
        bits >>= 1
    digest = hashlib.sha256(first).digest()
    p = stretched(hashlib.sha256(key * len(key)).digest(), len(key))
    s = stretched(hashlib.sha256(salt * (16 + digest[0])).digest(), len(salt))
    for number in range(rounds):
        part = p if number & 1 else digest
        part += s if number % 3 else b""
        part += p if number % 7 else b""
        digest = hashlib.sha256(part + (digest if number & 1 else p)).digest()
    return encoded(digest)


def stretched(data, size):
    return (data * (size // len(data) + 1))[:size]


def encoded(digest):
    """SHA-crypt's own base64, of the bytes in its own order."""
    out = bytearray()
    for a, b, c in ORDER:
        out += _digits(digest[a] << 16 | digest[b] << 8 | digest[c], 4)
    return bytes(out + _digits(digest[31] << 8 | digest[30], 3)).decode()


def _digits(value, count):
    return bytes(ITOA64[value >> 6 * position & 63] for position in range(count))
