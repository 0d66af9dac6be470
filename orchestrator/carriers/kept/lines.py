"""The lines of earlier runs that a run may use, and those of its own that are to outlive it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

from orchestrator.carriers.kept import places

if TYPE_CHECKING:
    from orchestrator.carriers.kept.line import KeptLine
    from orchestrator.security.ssh_library import asyncssh

MAX_LINES = 256


class Offer(Struct, frozen=True):
    """A line that its run has done with, and that is as good as new."""

    name: str
    connection: asyncssh.SSHClientConnection
    jumps: tuple[str, ...]
    idle_s: float


class KeptLines:
    """One run's. Made only where the process may fork at its end: by the `orch` command, not by who imports it.

    It costs nothing until an SSH host is reached.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self.offers: dict[str, Offer] = {}
        self._environ = environ

    @cached_property
    def folder(self) -> str | None:
        return places.folder(self._environ) if places.supported else None

    @cached_property
    def names(self) -> frozenset[str]:
        """What earlier runs had left when this one began to look."""
        return frozenset(os.listdir(self.folder)) if self.folder else frozenset()

    async def find(self, name: str) -> KeptLine | None:
        """The line of this name, if an earlier run left it and its keeper lives."""
        if name not in self.names:
            return None
        from orchestrator.carriers.kept.line import KeptLine

        return await KeptLine.attach(self.path(name))

    def offer(self, offer: Offer) -> bool:
        """Take a line over, to be kept behind the run's end. False when it is not taken: then it is to be closed."""
        if self.folder is None or len(self.offers) >= MAX_LINES or offer.name in self.offers:
            return False
        self.offers[offer.name] = offer
        return True

    def passes(self, jumps: tuple[str, ...]) -> bool:
        """Whether a line that is taken over goes by way of these jump hosts."""
        return any(offer.jumps[: len(jumps)] == jumps for offer in self.offers.values())

    def path(self, name: str) -> str:
        assert self.folder is not None
        return os.path.join(self.folder, name)
