"""Settings: one row for each group of them, read as a record with defaults for whatever is not stored."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from orchestrator.store.books import Books, refuse_stale

SettingT = TypeVar("SettingT", bound=Struct)


class StoredSetting(Struct):
    key: str
    value: dict[str, Any]
    version: int
    changed_by: str
    changed: datetime


class StoredSettings:
    """What is stored, without knowledge of what there may be: `orchestrator.control.settings` has the list.

    Fields that a record's class names in ``secret`` are sealed under the master key.
    """

    def __init__(self, books: Books) -> None:
        self._books = books
        self._rows = books.table("settings", StoredSetting)

    def read(self, key: str, kind: type[SettingT]) -> SettingT:
        """Fields that are unknown by now are passed over."""
        row = self.stored(key)
        if row is None:
            return kind()
        value = {name: one for name, one in row.value.items() if name in kind.__struct_fields__}
        for name in secret_fields(kind):
            if value.get(name):
                opened = self._books.unseal("setting", f"{key}.{name}", base64.b64decode(value[name]))
                value[name] = opened["value"]
        return msgspec.convert(value, kind)

    def stored(self, key: str) -> StoredSetting | None:
        return self._rows.find('"key" = ?', key)

    def sealed(self, key: str, kind: type[Struct], value: dict[str, Any]) -> dict[str, Any]:
        """``value`` as it is stored."""
        made = dict(value)
        for name in secret_fields(kind):
            if made.get(name):
                sealed = self._books.seal("setting", f"{key}.{name}", {"value": made[name]})
                made[name] = base64.b64encode(sealed).decode()
        return made

    def write(self, key: str, value: dict[str, Any], version: int | None, actor: str) -> StoredSetting:
        """Within the caller's transaction. ``version``: 0 where nothing is stored. Raises `Stale`."""
        row = self._rows.find('"key" = ?', key, lock=True)
        refuse_stale(row.version if row else 0, version, "setting")
        made = StoredSetting(key, value, row.version + 1 if row else 1, actor, self._books.clock())
        fields = {name: getattr(made, name) for name in made.__struct_fields__}
        if row is None:
            self._rows.insert(fields)
        else:
            self._rows.change(fields, '"key" = ?', key)
        return made


    def put(self, key: str, value: dict[str, Any], actor: str) -> None:
        """Whatever is stored; of several processes at once the last counts. Within the caller's transaction."""
        write = self._books.database.write
        self._books.database.execute(
            'INSERT INTO settings ("key", "value", "version", "changed_by", "changed") VALUES (?, ?, 1, ?, ?)'
            ' ON CONFLICT ("key") DO UPDATE SET "value" = excluded."value", "version" = settings."version" + 1,'
            ' "changed_by" = excluded."changed_by", "changed" = excluded."changed"',
            (write["text"](key), write["json"](value), write["text"](actor), write["time"](self._books.clock())))


def secret_fields(kind: type[Struct]) -> tuple[str, ...]:
    found: tuple[str, ...] = getattr(kind, "secret", ())
    return found
