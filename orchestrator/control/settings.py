"""The settings of the server that admins change while it runs: each group a record, with its defaults.

A new group is one Struct whose fields all have defaults, and one line in KINDS.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from orchestrator.access import rights
from orchestrator.access.oidc import OidcSettings
from orchestrator.access.rights import Identity
from orchestrator.control.retention import RetentionSettings
from orchestrator.notify.settings import NotifySettings
from orchestrator.plans import plans
from orchestrator.projects import roots as projects
from orchestrator.refusals import NotFound, wrong
from orchestrator.store.books import Books
from orchestrator.store.settings import StoredSettings, secret_fields

KINDS: dict[str, type[Struct]] = {
    "retention": RetentionSettings,
    plans.KEY: plans.PlanSettings,
    "oidc": OidcSettings,
    projects.KEY: projects.ProjectSettings,
    "notify": NotifySettings,
}


class SettingGroup(Struct):
    """One group; ``version`` 0: the defaults."""

    key: str
    value: dict[str, Any]
    version: int
    changed_by: str
    changed: datetime | None
    is_set: dict[str, bool] = {}
    """Of what is secret and not shown: whether there is something."""


class Settings:
    def __init__(self, books: Books) -> None:
        self._books = books
        self._stored = StoredSettings(books)
        self.read = self._stored.read

    def list(self, by: Identity) -> list[SettingGroup]:
        rights.refuse_unless(by, "settings.view")
        return [self._shown(key) for key in KINDS]

    def show(self, by: Identity, key: str) -> SettingGroup:
        rights.refuse_unless(by, "settings.view")
        return self._shown(key)

    def change(self, by: Identity, key: str, version: int | None, value: dict[str, Any]) -> SettingGroup:
        """Replace a group; what is secret and left empty stays as it is. Raises `Malformed`, `Stale`, `NotFound`."""
        rights.refuse_unless(by, "settings.change")
        kind = _kind(key)
        checked = msgspec.to_builtins(_checked(key, value))
        with self._books.transaction():
            old = msgspec.to_builtins(self._stored.read(key, kind))
            for name in secret_fields(kind):
                checked[name] = checked[name] or old[name]
            self._stored.write(key, self._stored.sealed(key, kind, checked), version, by.name)
            changed = sorted(name for name in checked if checked[name] != old.get(name))
            self._books.audit.write(by.name, "settings.change", key, address=by.address, changed=changed)
        return self._shown(key)

    def _shown(self, key: str) -> SettingGroup:
        value = msgspec.to_builtins(self._stored.read(key, _kind(key)))
        secret = {name: bool(value[name]) for name in secret_fields(_kind(key))}
        value |= dict.fromkeys(secret, "")
        row = self._stored.stored(key)
        if row is None:
            return SettingGroup(key, value, 0, "", None, secret)
        return SettingGroup(key, value, row.version, row.changed_by, row.changed, secret)


def _kind(key: str) -> type[Struct]:
    if key not in KINDS:
        raise NotFound(f"there is no setting {key!r}", hint=f"there are {', '.join(KINDS)}")
    return KINDS[key]


def _checked(key: str, value: dict[str, Any]) -> Struct:
    try:
        return msgspec.convert(value, _kind(key))
    except msgspec.ValidationError as error:
        text = str(error)
        message, _, path = text.partition(" - at `$")
        raise wrong(path.strip("`.") or key, message, code="setting") from None
