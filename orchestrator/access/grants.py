"""Grants: a role for a part of the fleet."""

from __future__ import annotations

from orchestrator.access import rights
from orchestrator.access.records import GrantRecord
from orchestrator.access.rights import CREDENTIAL, EVERYTHING, GRANT_KINDS, GRANTED_ROLES, INVENTORY, PLAYBOOK, Identity
from orchestrator.refusals import Malformed, NotFound, wrong
from orchestrator.store.books import Books, new_id
from orchestrator.store.paging import Page, PageRequest, page_of

SORTS = {"created": ("created", "id"), "role": ("role", "id")}
LONGEST_PATTERN = 500
TABLES = {INVENTORY: ("inventories", "inventory"), PLAYBOOK: ("projects", "project"),
          CREDENTIAL: ("credentials", "credential")}
"""Of each kind of grant: the table of what it is for, and its word."""
MOST_PER_USER = 500


class Grants:
    def __init__(self, books: Books) -> None:
        self._books = books
        self._rows = books.table("grants", GrantRecord)

    def list(self, by: Identity, page: PageRequest, user_id: str | None = None,
             scope_id: str | None = None) -> Page[GrantRecord]:
        rights.refuse_unless(by, "user.view")
        where, values = ["1 = 1"], []
        for column, value in (("user_id", user_id), ("scope_id", scope_id)):
            if value is not None:
                where.append(f'"{column}" = ?')
                values.append(value)
        return page_of(self._rows, page, SORTS, " AND ".join(where), *values)

    def add(self, by: Identity, user_id: str, kind: str, scope_id: str, pattern: str, role: str) -> GrantRecord:
        """Raises `Malformed`; `NotFound` when there is no such user, inventory, project or credential."""
        rights.refuse_unless(by, "user.change")
        if kind not in GRANT_KINDS:
            raise wrong("kind", f"a grant is of the kind {' or '.join(GRANT_KINDS)}")
        if role not in GRANTED_ROLES:
            raise wrong("role", f"a grant gives {', '.join(GRANTED_ROLES)}")
        if not pattern or len(pattern) > LONGEST_PATTERN or not pattern.isprintable():
            raise wrong("pattern", "a grant has a pattern: a group, a host, or * for all")
        if kind == CREDENTIAL and pattern not in EVERYTHING:
            raise wrong("pattern", "a credential is granted as a whole: *")
        if kind == CREDENTIAL and role == GRANTED_ROLES[0]:
            raise wrong("role", "a credential is used, and not looked at: operator at least")
        database, (table, word) = self._books.database, TABLES[kind]
        is_any = kind == CREDENTIAL and scope_id == "*"
        if not is_any and not database.select(f'SELECT 1 FROM {table} WHERE "id" = ?', [scope_id]):
            raise NotFound(f"there is no {word} {scope_id!r}")
        record = GrantRecord(new_id(), user_id, kind, scope_id, pattern, role, self._books.clock())
        with self._books.transaction():
            names = database.select('SELECT "name" FROM users WHERE "id" = ?', [user_id])
            if not names:
                raise NotFound(f"there is no user {user_id!r}")
            if self._rows.count('"user_id" = ?', user_id) >= MOST_PER_USER:
                raise Malformed(f"nobody has more than {MOST_PER_USER} grants", hint="a glob covers many")
            self._rows.insert({name: getattr(record, name) for name in record.__struct_fields__})
            self._books.audit.write(by.name, "grant.add", names[0][0], address=by.address, grant=record.id, kind=kind,
                                    scope=scope_id, pattern=pattern, role=role)
        return record

    def remove(self, by: Identity, grant_id: str) -> None:
        rights.refuse_unless(by, "user.change")
        with self._books.transaction():
            record = self._rows.find('"id" = ?', grant_id)
            if record is None:
                raise NotFound(f"there is no grant {grant_id!r}")
            self._rows.delete('"id" = ?', grant_id)
            self._books.audit.write(by.name, "grant.remove", grant_id, address=by.address, user=record.user_id,
                                    kind=record.kind, scope=record.scope_id, pattern=record.pattern, role=record.role)
