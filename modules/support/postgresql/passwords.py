"""What PostgreSQL keeps of a password, and whether a given one is it. Pure.

MD5: ``md5`` and the digest of password and role. SCRAM-SHA-256 (RFC 5802, RFC 7677):
``SCRAM-SHA-256$ITERATIONS:SALT$STORED_KEY:SERVER_KEY``, in base64.
"""

import base64
import hashlib
import hmac
import re

KEPT = re.compile(r"md5[0-9a-f]{32}\Z|SCRAM-SHA-256\$\d+:[A-Za-z0-9+/=]+\$[A-Za-z0-9+/=]+:[A-Za-z0-9+/=]+\Z")


def is_kept(text):
    """Whether this is what PostgreSQL keeps rather than a password."""
    return KEPT.match(text) is not None


def is_password(password, role, stored):
    """Whether what is kept for a role is this password."""
    if stored.startswith("md5"):
        plain = (password + role).encode("utf-8", "surrogateescape")
        return stored == "md5" + hashlib.md5(plain).hexdigest()
    match = re.match(r"SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):(.+)\Z", stored)
    return bool(match) and scram_stored_key(password, match.group(2), int(match.group(1))) == match.group(3)


def scram_stored_key(password, salt, iterations):
    """STORED_KEY in base64, for a salt in base64."""
    secret = prepared(password).encode("utf-8", "surrogateescape")
    salted = hashlib.pbkdf2_hmac("sha256", secret, base64.b64decode(salt), iterations)
    key = hmac.new(salted, b"Client Key", hashlib.sha256).digest()
    return base64.b64encode(hashlib.sha256(key).digest()).decode()


def prepared(password):
    """SASLprep as far as it matters: ASCII stays, anything else is put into its compatible composed form."""
    if all(ord(char) < 128 for char in password):
        return password
    import unicodedata  # few passwords
    return unicodedata.normalize("NFKC", password)
