"""What a host looks like, as a set of lines, and what a role changed in it: so that two engines can be compared."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.lab.hosts import LabHost

SCRIPT = Path(__file__).with_name("state.sh")
_NAMES = {"packages": "pkgs", "firewall": "sysctl"}
"""Section -> its name in recordings."""

_VOLATILE = re.compile(
    r"^/etc/(ld\.so\.cache|resolv\.conf|hosts|hostname|machine-id|mtab|\.pwd\.lock|passwd-?|group-?|shadow-?|gshadow-?"
    r"|subuid-?|subgid-?|ssh/ssh_host|ssl/certs/|ssl/private|ca-certificates\.conf|alternatives/|rc\d\.d/|adjtime"
    r"|apt/apt\.conf\.d/01proxy)|/\.lesshst|\.bash_history")
"""Differs from host to host, whoever configured it."""

_BACKUP = re.compile(r"\.\d+\.\d{4}-\d\d-\d\d@\d\d:\d\d:\d\d~")


@dataclass(frozen=True)
class Expected:
    """What a role is to change; ``unstable`` are the starts of entries that differ between two runs of one engine."""

    changes: frozenset[str]
    unstable: tuple[str, ...] = ()

    @classmethod
    def load(cls, path: Path) -> Expected:
        recorded = json.loads(path.read_text())
        unstable = tuple(_stem(_timeless(entry)) for entry in recorded.get("unstable", []))
        return cls(frozenset(_timeless(entry).replace(":  ", ": ", 1) for entry in recorded["state"]), unstable)

    def differences(self, changes: Iterable[str], passing: Iterable[str] = ()) -> list[str]:
        """What is missing, and what is there besides. ``passing``: starts of entries that hold the time of the run."""
        found, passing = set(changes), tuple(passing)
        missing = sorted(entry for entry in self.changes - found if not entry[2:].startswith(passing))
        extra = sorted(entry for entry in found - self.changes if not entry[2:].startswith((*self.unstable, *passing)))
        return [*(f"missing {entry}" for entry in missing), *(f"extra {entry}" for entry in extra)]


def read(host: LabHost) -> frozenset[str]:
    return parse(host.exec(["bash", "-s"], input=SCRIPT.read_bytes(), check=False))


def changes(before: Iterable[str], after: Iterable[str]) -> list[str]:
    """``+ entry`` and ``- entry``."""
    old, new = set(before), set(after)
    return sorted([*(f"+ {entry}" for entry in new - old), *(f"- {entry}" for entry in old - new)])


def parse(text: str) -> frozenset[str]:
    """The script's output as entries. Files that a package brought unchanged count as the package's, not by content."""
    sections = _sections(_timeless(text))
    entries = {f"{_NAMES.get(name, name)}: {line}" for name, lines in sections.items()
               if name not in ("conffiles", "files", "sums") for line in lines}
    packaged = set(sections.get("conffiles", []))
    sums = {line[34:]: line[:32] for line in sections.get("sums", [])}
    known = {path: "pkg" if f"{digest} {path}" in packaged else digest for path, digest in sums.items()}
    return frozenset(entries.union(*(_file_entries(line, known) for line in sections.get("files", []))))


def _sections(text: str) -> dict[str, list[str]]:
    sections: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        if line.startswith("== "):
            lines = sections.setdefault(line[3:], [])
        elif line.strip():
            lines.append(line)
    return sections


def _file_entries(line: str, sums: dict[str, str]) -> Iterator[str]:
    kind, mode, user, group, link, path = line.split("|", 5)
    if _VOLATILE.search(path):
        return
    yield f"file: {kind} {mode} {user}:{group} {path}" + (f" -> {link}" if kind == "l" else "")
    if kind == "f" and path in sums:
        yield f"md5: {path} {sums[path]}"


def _timeless(entry: str) -> str:
    """The entry, with one name for every backup of a file: they carry a process id and the time."""
    return _BACKUP.sub(".BACKUP~", entry)


def _stem(entry: str) -> str:
    """An unstable entry without what makes it so: a file's digest or size."""
    found = re.match(r"(md5: \S+|file: \w \d+ \S+ \S+)", entry)
    return found[1] if found else entry
