"""What is mounted (/proc/self/mountinfo), and what fstab(5) says: reading both, and editing the latter's lines."""

import os
import re

FIELDS = ("src", "path", "fstype", "opts", "dump", "passno")
DEFAULTS = {"opts": "defaults", "dump": "0", "passno": "0"}
SPECIAL = {" ": "\\040", "\t": "\\011", "\n": "\\012", "\\": "\\134"}


class Mounted(object):
    """One mount: where, of what, and which part of it (``root``, another than / for a bind mount)."""

    __slots__ = ("path", "root", "fstype", "source")

    def __init__(self, path, root, fstype, source):
        self.path = path
        self.root = root
        self.fstype = fstype
        self.source = source


def mounted(text, path):
    """The mounts at ``path`` in a mountinfo text, the one on top last; see proc_pid_mountinfo(5)."""
    found = []
    for line in text.splitlines():
        words, _, tail = line.partition(" - ")
        fields, after = words.split(" "), tail.split(" ")
        if len(fields) > 4 and len(after) > 1 and unescape(fields[4]) == path:
            found.append(Mounted(path, unescape(fields[3]), after[0], unescape(after[1])))
    return found


def escape(text):
    """A field as fstab has it: blanks as octal numbers."""
    return "".join(SPECIAL.get(char, char) for char in text)


def unescape(text):
    """A field as it was meant."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), text)


def entry_of(line):
    """field -> value of a line that mounts something, else None."""
    words = line.split()
    if len(words) < 3 or words[0].startswith("#"):
        return None
    entry = dict(DEFAULTS)
    entry.update((name, unescape(word)) for name, word in zip(FIELDS, words))
    return entry


def is_for(entry, wanted):
    """Whether a line is the one that ``wanted`` (path, src, fstype) means; swap is told apart by its device."""
    if entry is None or _plain(entry["path"]) != _plain(wanted["path"]):
        return False
    if wanted["path"] in ("none", "swap"):
        return wanted.get("src") is None or entry["src"] == wanted["src"]
    return True


def with_entry(text, wanted):
    """The text in which the place is mounted as ``wanted``; other lines stay byte for byte."""
    line = " ".join(escape(wanted[name]) for name in FIELDS) + "\n"
    lines, done = [], False
    for old in text.splitlines(True):
        entry = entry_of(old)
        if not is_for(entry, wanted):
            lines.append(old)
        elif not done:
            lines.append(old if entry == {name: wanted[name] for name in FIELDS} else line)
            done = True
    if done:
        return "".join(lines)
    return text + ("" if not text or text.endswith("\n") else "\n") + line


def without_entry(text, wanted):
    """The text without the lines of the place."""
    return "".join(line for line in text.splitlines(True) if not is_for(entry_of(line), wanted))


def _plain(path):
    return os.path.normpath(path) if path.startswith("/") else path
