"""What a run printed: its recap and its first error. Pure; both engines print like Ansible's default callback."""

from __future__ import annotations

import re

Recap = dict[str, dict[str, int]]
"""Host -> counter -> number."""

COUNTERS = ("ok", "changed", "unreachable", "failed", "skipped", "rescued", "ignored")
TITLE = "PLAY RECAP"
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_HOST = re.compile(r"^(\S+)\s*:\s+(ok=\d+.*)$")
_ERROR = re.compile(r"(1\. (?=\w+ )|fatal:|failed:|\[ERROR\]|ERROR!|Error|error:|Traceback|\S*(Error|Exception):)")


def plain(text: str) -> str:
    """The text without colours."""
    return _COLOUR.sub("", text)


def parse_counters(text: str) -> dict[str, int]:
    """All seven counters; those that the text does not name are 0."""
    found = {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", text)}
    return {name: found.get(name, 0) for name in COUNTERS}


def parse_recap(output: str) -> Recap | None:
    """The last recap that was printed, or None."""
    start = output.rfind(TITLE)
    if start < 0:
        return None
    found = (_HOST.match(line.strip()) for line in output[start:].splitlines()[1:])
    return {match[1]: parse_counters(match[2]) for match in found if match}


def first_error(output: str) -> str:
    """The first line that tells of an error which nobody expected; without one the last line. With its place
    in the playbook, where that is printed; at most 300 characters."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    told = [line for number, line in enumerate(lines) if _ERROR.match(line) and not _is_ignored(lines, number)]
    first = (told or lines[-1:] or [""])[0]
    return f"{first[:220]}{_origin(lines, first)}"[:300]


def _origin(lines: list[str], first: str) -> str:
    """" at FILE:LINE:COLUMN", where one of the next lines says so."""
    following = lines[lines.index(first) + 1:][:6] if first in lines else []
    places = (re.match(r"(?:Origin:|-->) (\S+:\d+):\d+$", line) for line in following)
    return next((f" at {place[1]}" for place in places if place), "")


def _is_ignored(lines: list[str], number: int) -> bool:
    """True when what follows the line, up to the next task or host, is the mark of an ignored error."""
    for line in lines[number:]:
        if line == "...ignoring":
            return True
        if line.startswith(("TASK [", "PLAY ", "RUNNING HANDLER")):
            return False
    return False
