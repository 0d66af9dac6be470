"""Variables of managed inventories, of which the secret ones are sealed under the master key, as credentials are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from orchestrator.projects.masking import parted
from orchestrator.store.books import Books
from orchestrator.store.managed_inventory import GROUP, HOST, SEAL, place_of


class _Kept(Struct):
    vars: dict[str, Any]
    sealed: bytes | None


class SealedVars:
    def __init__(self, books: Books) -> None:
        self._books = books

    def columns(self, inventory_id: str, kind: str, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """What a row stores of its variables. ``kind`` and ``name`` are empty for the inventory's own."""
        shown, secret = parted(values)
        place = place_of(inventory_id, kind, name)
        return {"vars": shown, "sealed": self._books.seal(SEAL, place, secret) if secret else None}

    def of_inventory(self, inventory_id: str) -> dict[str, Any]:
        return self._opened("inventories", place_of(inventory_id), '"id" = ?', inventory_id)

    def of_host(self, inventory_id: str, name: str) -> dict[str, Any]:
        return self._opened("inventory_hosts", place_of(inventory_id, HOST, name),
                            '"inventory_id" = ? AND "name" = ?', inventory_id, name)

    def of_group(self, inventory_id: str, name: str) -> dict[str, Any]:
        return self._opened("inventory_groups", place_of(inventory_id, GROUP, name),
                            '"inventory_id" = ? AND "name" = ?', inventory_id, name)

    def unseal(self, place: str, sealed: bytes) -> dict[str, Any]:
        return self._books.unseal(SEAL, place, sealed)

    def _opened(self, table: str, place: str, where: str, *values: str) -> dict[str, Any]:
        """As they were written; empty where there is no such row."""
        row = self._books.table(table, _Kept).find(where, *values)
        if row is None:
            return {}
        return {**row.vars, **(self.unseal(place, row.sealed) if row.sealed is not None else {})}
