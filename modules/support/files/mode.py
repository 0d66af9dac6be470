"""Permissions as people write them, octal or symbolic, as a number. Pure."""

import os
import re
import stat

from modules.api import Failed

CLAUSE = re.compile(r"([ugo]*|a)((?:[-+=](?:[rwxXst]*|[ugo]))+)\Z")
ACTION = re.compile(r"([-+=])([rwxXst]*|[ugo])(?=[-+=]|\Z)")
SHIFT = {"u": 6, "g": 3, "o": 0}
SPECIAL = {"u": stat.S_ISUID, "g": stat.S_ISGID, "o": stat.S_ISVTX}


def umask():
    """The umask of this process (it can only be read by setting it)."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def parse_mode(value, current, is_dir, mask=None):
    """The permission bits that ``value`` means for a file that now has ``current``.

    A number is taken as it is; ``"0644"``, ``"644"`` and ``"0o644"`` are octal; ``u=rwX,g-w`` is symbolic, where a
    clause without a who spares the bits of ``mask``, as chmod(1) does. Raises `Failed` with code ``bad_mode``.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    else:
        text = str(value).strip()
        if not re.match(r"(0o)?[0-7]+\Z", text):
            return symbolic(text, current & 0o7777, is_dir, umask() if mask is None else mask)
        number = int(text.replace("0o", ""), 8)
    if not 0 <= number <= 0o7777:
        raise Failed("bad_mode", "mode must be in octal or symbolic form", "Quote it in YAML: mode: '0644'",
                     details="{} is out of the range 0000 to 7777".format(oct(number)))
    return number


def symbolic(text, current, is_dir, mask):
    """The bits after applying the clauses of ``text`` in their order to ``current``."""
    mode = current
    for clause in text.split(","):
        match = CLAUSE.match(clause)
        if not match:
            raise Failed("bad_mode", "mode must be in octal or symbolic form",
                         details="bad symbolic permission for mode: {}".format(text))
        who = match.group(1)
        people = "ugo" if not who or "a" in who else "".join(sorted(set(who)))
        for operator, letters in ACTION.findall(match.group(2)):
            bits = [_bits(person, letters, mode, is_dir or bool(current & 0o111)) for person in people]
            mode = _apply(operator, mode, people, bits, 0 if who else mask)
    return mode


def octal(mode):
    """``0644``, and ``1777`` for a sticky one: as `stat` and `find` show it."""
    return "%04o" % (mode & 0o7777)


def leading_zero(mode):
    """``0644``, and ``01777`` for a sticky one: as the modules that set a mode show it."""
    return "0%03o" % (mode & 0o7777)


def _apply(operator, mode, people, bits, spared):
    for person, wanted in zip(people, bits):
        wanted &= ~spared
        if operator == "+":
            mode |= wanted
        elif operator == "-":
            mode &= ~wanted
        else:
            mode = (mode & ~((7 << SHIFT[person]) | SPECIAL[person])) | wanted
    return mode


def _bits(person, letters, mode, may_execute):
    if letters in ("u", "g", "o"):
        return ((mode >> SHIFT[letters]) & 7) << SHIFT[person]
    bits = 0
    for letter in letters:
        if letter == "s" and person != "o" or letter == "t" and person == "o":
            bits |= SPECIAL[person]
        elif letter in "rwx" or letter == "X" and may_execute:
            bits |= {"r": 4, "w": 2, "x": 1, "X": 1}[letter] << SHIFT[person]
    return bits
