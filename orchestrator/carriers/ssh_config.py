"""~/.ssh/config and /etc/ssh/ssh_config: read once per process, asked once per host.

What ssh_config(5) says, as far as it has a meaning for orch: Host and Match (all, host, originalhost, user,
localuser), Include, the first value of an option wins, and those that name files add up. ``Match exec`` and
``canonical`` would need ssh's own run; such a block is passed over with a warning.
"""

from __future__ import annotations

import getpass
import glob
import os
import shlex
from collections.abc import Iterator
from fnmatch import fnmatchcase

from msgspec import Struct, field

from orchestrator.carriers.ssh_args import UNDERSTOOD, split_option
from orchestrator.errors import ContentError, Origin

ADDING = frozenset({"identityfile", "certificatefile"})
MAX_INCLUDE_DEPTH = 16

Criterion = tuple[str, bool, tuple[str, ...]]
"""(what is compared, negated, patterns)."""


class Block(Struct):
    """The options under one Host or Match line, and the conditions it stands under (an Include inherits them)."""

    criteria: tuple[Criterion, ...]
    options: list[tuple[str, str]] = field(default_factory=list)


class SshConfig(Struct):
    blocks: list[Block] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, path: str | None) -> SshConfig:
        """``None`` reads the user's and the system's file, an empty string nothing. A named file must exist."""
        config = cls()
        if path is None:
            for default, folder in (("~/.ssh/config", "~/.ssh"), ("/etc/ssh/ssh_config", "/etc/ssh")):
                if os.path.isfile(os.path.expanduser(default)):
                    config._read_file(os.path.expanduser(default), os.path.expanduser(folder), (), 0)
        elif path and path.lower() != "none":
            config._read_file(os.path.expanduser(path), os.path.expanduser("~/.ssh"), (), 0)
        return config

    def _read_file(self, path: str, folder: str, outer: tuple[Criterion, ...], depth: int) -> None:
        if depth > MAX_INCLUDE_DEPTH:
            raise ContentError(f"{path}: Include is nested deeper than {MAX_INCLUDE_DEPTH}")
        try:
            with open(path, encoding="utf-8", errors="surrogateescape") as file:
                lines = file.read().splitlines()
        except OSError as exc:
            raise ContentError(f"the ssh configuration {path} cannot be read: {exc.strerror}") from None
        block = Block(outer)
        self.blocks.append(block)
        for number, line in enumerate(lines, 1):
            block = self._read_line(line, block, outer, (path, folder, number, depth))

    def _read_line(
        self, line: str, block: Block, outer: tuple[Criterion, ...], place: tuple[str, str, int, int]
    ) -> Block:
        path, folder, number, depth = place
        if not line.strip() or line.lstrip().startswith("#"):
            return block
        option, value = split_option(line)
        name = option.lower()
        if name in ("host", "match"):
            block = Block(outer + self._criteria(name, value, path, number))
            self.blocks.append(block)
        elif name == "include":
            for included in _included(value, folder):
                self._read_file(included, folder, block.criteria, depth + 1)
            block = Block(block.criteria)  # what follows the Include comes behind it
            self.blocks.append(block)
        elif name in UNDERSTOOD:
            if not value:
                raise ContentError(f"{option} has no value", origin=Origin(path, number))
            block.options.append((name, value))
        return block

    def _criteria(self, name: str, value: str, path: str, number: int) -> tuple[Criterion, ...]:
        words = _words(value, path, number)
        if name == "host":
            return (("originalhost", False, tuple(word.lower() for word in words)),)
        found: list[Criterion] = []
        queue = iter(words)
        for word in queue:
            what = word.lstrip("!").lower()
            if what in ("all", "final"):
                found.append(("all", word.startswith("!"), ()))
            elif what in ("host", "originalhost", "user", "localuser"):
                found.append((what, word.startswith("!"), tuple(next(queue, "").split(","))))
            else:
                self.warnings.append(f"{path}:{number}: 'Match {what}' is not supported; the block is passed over")
                return (("never", False, ()),)
        return tuple(found)

    def options_for(self, host: str, user: str | None) -> list[tuple[str, str]]:
        """The options that hold for ``host`` as written, in order; whoever reads them takes the first of a name."""
        found: list[tuple[str, str]] = []
        facts = {"originalhost": host.lower(), "host": host.lower(), "user": user, "localuser": None}
        for block in self.blocks:
            if all(_holds(criterion, facts) for criterion in block.criteria):
                for name, value in block.options:
                    found.append((name, value))
                    if name == "hostname" and facts["host"] == host.lower():
                        facts["host"] = value.lower()
                    elif name == "user" and facts["user"] is None:
                        facts["user"] = value
        return found


def _holds(criterion: Criterion, facts: dict[str, str | None]) -> bool:
    what, negated, patterns = criterion
    if what in ("all", "never"):
        return (what == "all") != negated
    value = facts[what]
    if value is None:
        value = getpass.getuser()
    return matches(patterns, value) != negated


def matches(patterns: tuple[str, ...], value: str) -> bool:
    """A pattern list with ``*``, ``?`` and ``!``: a negated match refuses, whatever else matches."""
    found = False
    for pattern in patterns:
        if fnmatchcase(value, pattern.lstrip("!").replace("[", "[[]")):
            if pattern.startswith("!"):
                return False
            found = True
    return found


def _words(text: str, path: str, number: int) -> list[str]:
    try:
        return shlex.split(text, comments=True)
    except ValueError as exc:
        raise ContentError(f"this line cannot be read: {exc}", origin=Origin(path, number)) from None


def _included(value: str, folder: str) -> Iterator[str]:
    for word in shlex.split(value):
        pattern = os.path.expanduser(word)
        yield from sorted(glob.glob(pattern if os.path.isabs(pattern) else os.path.join(folder, pattern)))
