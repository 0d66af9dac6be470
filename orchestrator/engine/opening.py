"""What opens the sealed rows of the store for a run: the master key's file, or what a server has given its process."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from orchestrator.errors import StoreError

if TYPE_CHECKING:
    from orchestrator.security.master import MasterKey


class Opening(Struct, eq=False):
    """Of a server's run: it looks for no key itself. ``repr`` shows nothing."""

    master: MasterKey | None = None
    """Where agentlets are enrolled."""
    inventory: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By place, the secret variables of a managed inventory, as they were when the process was started."""

    def __repr__(self) -> str:
        return "Opening()"

    def variables(self, place: str, sealed: bytes) -> dict[str, Any]:
        """Raises `StoreError` for secrets that came to be since."""
        if place not in self.inventory:
            raise StoreError(f"{place.rpartition(':')[2] or 'the inventory'} was given its first secret since this run"
                             " began", code="store_sealed", hint="launch it again")
        return dict(self.inventory[place])


class FromFile:
    """Of the command line: the key is read when a row is sealed, and not before."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._environ = environ
        self._master: MasterKey | None = None

    def variables(self, place: str, sealed: bytes) -> dict[str, Any]:
        """Raises `StoreError` and `UsageError`."""
        import json

        from orchestrator.security.master import MasterKey
        from orchestrator.store.managed_inventory import SEAL

        if self._master is None:
            self._master = MasterKey.load(self._folder, self._environ)
        opened: dict[str, Any] = json.loads(self._master.open(sealed, f"{SEAL}:{place}"))
        return opened
