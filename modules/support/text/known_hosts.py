"""Lines of a known_hosts file: sshd(8), SSH_KNOWN_HOSTS FILE FORMAT. Pure."""

import base64
import binascii
import hashlib
import hmac

HASHED = "|1|"


class Entry(object):
    """One line: ``marker`` (@revoked …, or empty), ``hosts`` as written, ``kind``, ``key``, ``comment``."""

    def __init__(self, marker, hosts, kind, key, comment=""):
        self.marker = marker
        self.hosts = hosts
        self.kind = kind
        self.key = key
        self.comment = comment

    @property
    def is_hashed(self):
        return self.hosts.startswith(HASHED)

    def is_for(self, name):
        """Whether this line names the host, in the open or hashed."""
        if not self.is_hashed:
            return name in (host.lower() for host in self.hosts.split(","))
        try:
            salt, digest = [base64.b64decode(part) for part in self.hosts[len(HASHED):].split("|")]
        except (ValueError, binascii.Error):
            return False
        return hmac.compare_digest(_digest(salt, name), digest)

    def is_same(self, other):
        """Whether it is the same key with the same marker, whatever host it is for."""
        return (self.marker, self.kind, self.key) == (other.marker, other.kind, other.key)

    def line(self):
        return " ".join(word for word in (self.marker, self.hosts, self.kind, self.key, self.comment)
                        if word) + "\n"


def parse(line):
    """The `Entry` of a line, or None: a comment, or nothing that ssh would read."""
    words = line.split()
    marker = words.pop(0) if words and words[0].startswith("@") else ""
    if len(words) < 3 or words[0].startswith("#"):
        return None
    return Entry(marker, words[0], words[1], words[2], " ".join(words[3:]))


def hashed(name, salt):
    """The host field that does not tell which host it is; ``salt``: 20 random bytes."""
    parts = (base64.b64encode(part).decode("ascii") for part in (salt, _digest(salt, name)))
    return HASHED + "|".join(parts)


def with_key(text, name, entry):
    """The text in which the host has this key and no other of its kind; a new line goes to the end.

    Of authorities and of revoked keys a host may have several.
    """
    lines, found = [], False
    for line in text.splitlines(True):
        now = parse(line)
        if now is None or (now.marker, now.kind) != (entry.marker, entry.kind) or not now.is_for(name) or (
                entry.marker and now.key != entry.key):
            lines.append(line)
        elif now.key == entry.key and now.is_hashed == entry.is_hashed and not found:
            lines.append(line)
            found = True
    text = "".join(lines)
    return text if found else text + ("" if not text or text.endswith("\n") else "\n") + entry.line()


def without_key(text, name, entry=None):
    """The text without the host's keys; with ``entry``, without that key of it."""
    kept = []
    for line in text.splitlines(True):
        now = parse(line)
        if now is None or not now.is_for(name) or (entry and not now.is_same(entry)):
            kept.append(line)
    return "".join(kept)


def _digest(salt, name):
    return hmac.new(salt, name.encode("utf-8"), hashlib.sha1).digest()
