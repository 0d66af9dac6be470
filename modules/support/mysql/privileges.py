"""Privileges of MySQL and MariaDB: as people write them, as SHOW GRANTS says them, and the way between the two.

All pure. A privilege set belongs to a place: ``*.*``, `` `db`.* ``, `` `db`.`table` ``, ``PROCEDURE `db`.`name` ``.
``GRANT`` in a set is the right to pass the others on; ``USAGE`` is none.
"""

import re

from modules.api import Failed
from modules.support.mysql.client import name

SHOWN = re.compile(r"GRANT (.+?) ON (.+?) TO (?:'|`|\").*?(?:'|`|\")(?:@|\s|$)(.*)$", re.DOTALL)
ROUTINES = ("PROCEDURE", "FUNCTION", "PACKAGE BODY", "PACKAGE")
NONE = frozenset(["USAGE"])


def read(priv, case_sensitive=False):
    """place -> set of privileges, of ``db.*:SELECT,INSERT/other.*:ALL`` or a dict; None for None."""
    if priv is None:
        return None
    found = {}
    for place, text in pairs(priv):
        privileges = {normal(part, case_sensitive) for part in split(text)}
        if not privileges:
            raise Failed("bad_arguments", "No privilege is given for {}".format(place))
        found.setdefault(normal_place(place), set()).update(privileges)
    return found


def pairs(priv):
    if isinstance(priv, dict):
        for place, text in priv.items():
            yield str(place), ",".join(map(str, text)) if isinstance(text, (list, tuple)) else str(text)
        return
    for part in str(priv).strip().strip("/").split("/"):
        place, colon, text = part.strip().rpartition(":")
        if not colon:
            raise Failed("bad_arguments", "invalid privileges string: '{}' has no colon; "
                         "write db.table:PRIV1,PRIV2".format(part))
        yield place, text


def split(text):
    """Parts between commas that are not in brackets."""
    parts, depth, word = [], 0, ""
    for char in text:
        depth += (char == "(") - (char == ")")
        if char == "," and depth == 0:
            parts.append(word)
            word = ""
        else:
            word += char
    return [part.strip() for part in parts + [word] if part.strip()]


def normal(privilege, case_sensitive=False):
    """One privilege in capitals; its columns sorted, without quotes."""
    match = re.match(r"([^(]+?)\s*\((.*)\)\s*\Z", privilege, re.DOTALL)
    if match:
        columns = sorted(column.strip().strip("`") for column in match.group(2).split(","))
        if not case_sensitive:
            columns = sorted(column.upper() for column in columns)
        return "{} ({})".format(match.group(1).strip().upper(), ", ".join(columns))
    word = " ".join(privilege.upper().split())
    return {"ALL PRIVILEGES": "ALL", "GRANT OPTION": "GRANT", "WITH GRANT OPTION": "GRANT"}.get(word, word)


def normal_place(place):
    """A place with every name quoted."""
    text = place.strip()
    kind = next((word for word in ROUTINES if text.upper().startswith(word + " ")), "")
    text = text[len(kind):].strip()
    parts = re.findall(r"`(?:[^`]|``)*`|[^.`]+", text)
    if len(parts) == 1:
        parts.append("*")
    if len(parts) != 2:
        raise Failed("bad_arguments", "'{}' is not a place for privileges such as db.table".format(place))
    made = ".".join(part if part == "*" else name(bare(part)) for part in parts)
    return "{} {}".format(kind, made) if kind else made


def bare(part):
    return part[1:-1].replace("``", "`") if part.startswith("`") and part.endswith("`") and len(part) > 1 else part


def shown(lines, case_sensitive=False):
    """place -> set, of the lines of SHOW GRANTS; roles and PROXY are not looked at."""
    found = {}
    for line in lines:
        match = SHOWN.match(line)
        if not match or match.group(1).strip().upper() == "PROXY":
            continue
        privileges = {normal(part, case_sensitive) for part in split(match.group(1))}
        if "WITH GRANT OPTION" in match.group(3).upper():
            privileges.add("GRANT")
        found.setdefault(normal_place(match.group(2)), set()).update(privileges)
    return found


def expected(wanted, have, append=False, subtract=False):
    """What there should be in the end: place -> set, without USAGE."""
    have = {place: real(privileges) for place, privileges in have.items()}
    result = {} if not (append or subtract) else {place: set(there) for place, there in have.items()}
    for place, privileges in wanted.items():
        there = have.get(place, set())
        if subtract:
            result[place] = set() if "ALL" in privileges else there - privileges
            if "GRANT" not in privileges and "ALL" in privileges:
                result[place] |= there & {"GRANT"}
        elif append:
            result[place] = there | (real(privileges) & {"GRANT"} if "ALL" in there else real(privileges))
            if "ALL" in privileges:
                result[place] = {"ALL"} | (result[place] & {"GRANT"})
        else:
            result[place] = real(privileges)
    return {place: privileges for place, privileges in result.items() if privileges}


def real(privileges):
    """Without what says nothing; ALL takes the others in."""
    privileges = set(privileges) - NONE
    return {"ALL"} | (privileges & {"GRANT"}) if "ALL" in privileges else privileges


def whole(have, every):
    """What is there, where a long list that is everything the server knows is ALL, as MySQL 8 shows it."""
    result = {place: set(privileges) for place, privileges in have.items()}
    globally = result.get("*.*", set())
    if every and every <= globally:
        result["*.*"] = {"ALL"} | (globally & {"GRANT"})
    return result


def statements(who, have, after):
    """The GRANTs and REVOKEs that lead from one to the other."""
    made = []
    for place in sorted(set(have) | set(after)):
        now, then = real(have.get(place, set())), after.get(place, set())
        gone, new = now - then, then - now
        if "ALL" in gone and new - {"GRANT"}:
            new = then - {"GRANT"} | (new & {"GRANT"})
        if "GRANT" in gone:
            made.append("REVOKE GRANT OPTION ON {} FROM {}".format(place, who))
        if gone - {"GRANT"} and "ALL" not in new:
            made.append("REVOKE {} ON {} FROM {}".format(words(gone), place, who))
        if new:
            option = " WITH GRANT OPTION" if "GRANT" in new else ""
            made.append("GRANT {} ON {} TO {}{}".format(words(new), place, who, option))
    return made


def words(privileges):
    """Privileges for a statement; columns quoted."""
    made = []
    for privilege in sorted(privileges - {"GRANT"}):
        kind, bracket, columns = privilege.partition(" (")
        if not re.match(r"[A-Z][A-Z_ ]*\Z", kind):
            raise Failed("bad_arguments", "'{}' is not a privilege".format(privilege))
        if bracket:
            kind += " ({})".format(", ".join(name(column) for column in columns.rstrip(")").split(", ")))
        made.append("ALL PRIVILEGES" if kind == "ALL" else kind)
    return ", ".join(made) or "USAGE"
