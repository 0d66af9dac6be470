"""The credentials: sealed when they come in, opened for a run alone, and written down each time that happens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from orchestrator.access import rights
from orchestrator.access.rights import Identity
from orchestrator.credentials import keys
from orchestrator.credentials.issuing import Issuing, collected
from orchestrator.credentials.kinds import KINDS, Kind, kind_of, merged, parted
from orchestrator.credentials.materials import MOST_CREDENTIALS, Materials
from orchestrator.credentials.users import users_of
from orchestrator.refusals import Conflict, Malformed, NotFound, wrong
from orchestrator.security.ssh_ca import SshAuthority
from orchestrator.store.books import MOST_PER_PAGE, Books, found, new_id, refuse_stale
from orchestrator.store.paging import Page, PageRequest, seen_page

LONGEST_NAME = 100
SEAL = "credential"
USE_RIGHT, CHANGE_RIGHT = "credential.use", "credential.change"
SORTS = {"name": ("name",), "kind": ("kind", "name"), "created": ("created", "id"), "changed": ("changed", "id")}
LIKE = """lower("name") LIKE ? ESCAPE '!'"""
USE = "credential.use"
SHARED_WITH = {"project": "projects", "inventory": "inventories"}


class Credential(Struct):
    """Without its secrets. ``public``: ``values`` that are shown, the names of the secrets that are ``set``, and with
    whom it is ``shared``."""

    id: str
    name: str
    kind: str
    created_by: str
    public: dict[str, Any]
    version: int
    created: datetime
    changed: datetime
    last_used: datetime | None

    @property
    def values(self) -> dict[str, Any]:
        shown: dict[str, Any] = self.public["values"]
        return shown

    @property
    def shared(self) -> list[str]:
        """Who may use it without a grant; nobody but admins, as long as no admin says otherwise."""
        with_whom: list[str] = self.public.get("shared", [])
        return with_whom


class Use(Struct):
    """``what``: the run, or the project that was fetched."""

    at: datetime
    actor: str
    what: str


class Credentials:
    """``authority`` signs the certificates of `ssh_certificate`; without one that kind is refused to runs."""

    def __init__(self, books: Books, authority: SshAuthority | None = None) -> None:
        self._books = books
        self._authority = authority
        self._table = books.table("credentials", Credential)

    # ---- asking

    def list(self, by: Identity, page: PageRequest, *, kind: str | None = None, search: str = "") -> Page[Credential]:
        """Those that whoever asks may use somewhere. ``search``: a part of the name, in any case."""
        rights.refuse_unless_somewhere(by, USE_RIGHT)
        where, values = ["1 = 1"], []
        if kind:
            where.append('"kind" = ?')
            values.append(kind)
        if search:
            where.append(LIKE)
            values.append(like(search))
        return seen_page(self._table, page, SORTS, lambda rows: [
            row for row in rows if rights.may_use_somewhere(by, row.id, row.shared)], " AND ".join(where), *values)

    def show(self, by: Identity, credential_id: str) -> Credential:
        """Raises `NotFound`, for what one may use nowhere too."""
        rights.refuse_unless_somewhere(by, USE_RIGHT)
        row = self._table.find('"id" = ?', credential_id)
        seen = row is not None and rights.may_use_somewhere(by, row.id, row.shared)
        return found(row if seen else None, "credential", credential_id)

    def refuse_unusable(self, by: Identity, ids: Sequence[str], project_id: str | None = None,
                        inventory_id: str | None = None) -> None:
        """Raises `NotFound` for one that a run of this project on this inventory may not be given by ``by``."""
        for one in ids:
            row = self._table.find('"id" = ?', one)
            if row is None or not rights.may_use(by, row.id, row.shared, project_id, inventory_id):
                raise NotFound(f"there is no credential {one!r} that {by.name} may use here", code="credential_refused",
                               hint="an admin can grant it, or share it with this project or inventory")

    def _show(self, credential_id: str) -> Credential:
        return found(self._table.find('"id" = ?', credential_id), "credential", credential_id)

    def uses(self, by: Identity, credential_id: str, limit: int = 50) -> Sequence[Use]:
        """Who used it when, the latest first."""
        rights.refuse_unless(by, CHANGE_RIGHT)
        self._show(credential_id)
        table = self._books.table("audit", _UseEntry)
        rows = table.all('"action" = ? AND "subject" = ? ORDER BY "id" DESC LIMIT ?', USE, credential_id,
                         min(limit, MOST_PER_PAGE))
        return [Use(row.at, row.actor, str(row.detail.get("what", ""))) for row in rows]

    def users(self, by: Identity, credential_id: str) -> Sequence[str]:
        """What needs it, in words: ``schedule 'nightly'``, ``project 'web'``."""
        self.show(by, credential_id)
        return users_of(self._books, credential_id)

    # ---- changing

    def create(self, by: Identity, name: str, kind: str, values: Mapping[str, Any],
               shared: Sequence[str] = ()) -> Credential:
        """``shared``: who may use it without a grant (`rights.OPERATORS`, ``project:ID``, ``inventory:ID``).

        Raises `Malformed` with the fields that are wrong, `Conflict` for a name that is taken.
        """
        rights.refuse_unless(by, CHANGE_RIGHT)
        books, now, made = self._books, self._books.clock(), new_id()
        chosen, sealed = kind_of(kind), self._sealed(made, kind_of(kind), merged(kind_of(kind), values))
        name = checked_name(name)
        sealed["public"]["shared"] = checked_shared(books, shared)
        with books.transaction():
            self._refuse_taken(name, made)
            self._table.insert({"id": made, "name": name, "kind": chosen.name, "created_by": by.name, **sealed,
                                "version": 1, "created": now, "changed": now, "last_used": None})
            books.audit.write(by.name, "credential.create", made, address=by.address, name=name, kind=kind,
                              shared=sealed["public"]["shared"])
        return self._show(made)

    def change(self, by: Identity, credential_id: str, version: int | None, *, name: str | None = None,
               values: Mapping[str, Any] | None = None, shared: Sequence[str] | None = None) -> Credential:
        """Rename it, share it, or replace values (a rotation): those not given stay, those given as None go."""
        rights.refuse_unless(by, CHANGE_RIGHT)
        books = self._books
        with books.transaction():
            before = found(self._table.find('"id" = ?', credential_id, lock=True), "credential", credential_id)
            refuse_stale(before.version, version, "credential")
            changes: dict[str, Any] = {"version": before.version + 1, "changed": books.clock()}
            if name is not None:
                changes["name"] = checked_name(name)
                self._refuse_taken(changes["name"], before.id)
            if values is not None:
                kind = kind_of(before.kind)
                changes |= self._sealed(before.id, kind, merged(kind, values, self._all_values(before)))
            with_whom = before.shared if shared is None else checked_shared(books, shared)
            changes["public"] = {**changes.get("public", before.public), "shared": with_whom}
            self._table.change(changes, '"id" = ?', before.id)
            rotated = sorted(set(values or ()) & set(KINDS[before.kind].secrets))
            books.audit.write(by.name, "credential.rotate" if rotated else "credential.change", before.id,
                              address=by.address, name=changes.get("name", before.name), shared=with_whom,
                              fields=sorted(values or ()))
        return self._show(credential_id)

    def delete(self, by: Identity, credential_id: str, version: int | None) -> None:
        """Raises `Conflict` that names the schedules, projects and waiting runs which need it."""
        rights.refuse_unless(by, CHANGE_RIGHT)
        with self._books.transaction():
            row = found(self._table.find('"id" = ?', credential_id, lock=True), "credential", credential_id)
            refuse_stale(row.version, version, "credential")
            needed = users_of(self._books, credential_id)
            if needed:
                raise Conflict(f"the credential {row.name!r} is used by {', '.join(needed)}", code="credential_used",
                               hint="give them another one first")
            self._books.database.execute(
                """DELETE FROM grants WHERE "kind" = 'credential' AND "scope_id" = ?""", (row.id,))
            self._table.delete('"id" = ?', row.id)
            self._books.audit.write(by.name, "credential.delete", row.id, address=by.address, name=row.name,
                                    kind=row.kind)

    # ---- using

    def kind(self, credential_id: str) -> str:
        """For other services. Raises `Malformed` for one that is not there."""
        row = self._table.find('"id" = ?', credential_id)
        if row is None:
            raise wrong("credential_id", f"there is no credential {credential_id!r}")
        return row.kind

    def check(self, ids: Sequence[str]) -> Sequence[Credential]:
        """Those that a run names, in order. Raises `Malformed` for one that is not there, or two where one is taken."""
        unique = list(dict.fromkeys(ids))
        if len(unique) > MOST_CREDENTIALS:
            raise Malformed(f"a run takes {MOST_CREDENTIALS} credentials at most", fields=[("credential_ids", "")])
        rows = [self._table.find('"id" = ?', one) for one in unique]
        missing = [one for one, row in zip(unique, rows, strict=True) if row is None]
        if missing:
            raise Malformed(f"there is no credential {missing[0]!r}",
                            fields=[("credential_ids", f"unknown: {', '.join(missing)}")])
        present = [row for row in rows if row is not None]
        for kind in ("password", "become"):
            twice = [row.name for row in present if row.kind == kind]
            if len(twice) > 1:
                raise Malformed(f"a run takes one {KINDS[kind].title.lower()}",
                                fields=[("credential_ids", f"{' and '.join(twice)} are both of that kind")])
        return present

    def materials(self, ids: Sequence[str], *, run_id: str = "", timeout_s: float = 0.0, by: str = "") -> Materials:
        """What a run's process is given, once; that it was given is in the audit trail.

        ``timeout_s``: how long the run may take, from now; certificates outlive that by 15 minutes.
        """
        rows = self.check(ids)
        issuing = Issuing(self._authority, run_id, timeout_s)
        made = collected([(row.kind, row.name, self._all_values(row)) for row in rows], issuing)
        if rows:
            with self._books.transaction():
                for row in rows:
                    self._note_use(row, by, run_id)
        return made

    def opened(self, credential_id: str, *, what: str, by: str = "") -> tuple[Credential, dict[str, Any]]:
        """A credential with its secrets, for something that is no run (``what``: ``project web``); written down."""
        row = self._show(credential_id)
        with self._books.transaction():
            self._note_use(row, by, what)
        return row, self._all_values(row)

    # ---- within

    def _note_use(self, row: Credential, by: str, what: str) -> None:
        self._table.change({"last_used": self._books.clock()}, '"id" = ?', row.id)
        self._books.audit.write(by, USE, row.id, name=row.name, what=what)

    def _refuse_taken(self, name: str, own_id: str) -> None:
        if self._table.count('"name" = ? AND "id" <> ?', name, own_id):
            raise Conflict(f"there is a credential {name!r} already", code="name_taken")

    def _sealed(self, credential_id: str, kind: Kind, values: Mapping[str, Any]) -> dict[str, Any]:
        """The columns of its values. The seal holds for this row and this kind only."""
        shown, secret = parted(kind, values)
        if kind.name == "ssh_key":
            shown |= keys.described(values)
        return {"public": {"values": shown, "set": sorted(secret)},
                "sealed": self._books.seal(SEAL, f"{credential_id}:{kind.name}", secret)}

    def _all_values(self, row: Credential) -> dict[str, Any]:
        sealed = self._table.value("sealed", '"id" = ?', row.id)
        known = {field.name for field in KINDS[row.kind].fields}
        shown = {name: value for name, value in row.values.items() if name in known}
        return {**shown, **self._books.unseal(SEAL, f"{row.id}:{row.kind}", sealed)}


class _UseEntry(Struct):
    at: datetime
    actor: str
    detail: dict[str, Any]


def checked_name(name: str) -> str:
    """A name for people: one line of 1 to 100 printable characters. Raises `Malformed`."""
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise Malformed("a name has 1 to 100 printable characters", fields=[("name", "1 to 100 printable characters")])
    return name


def checked_shared(books: Books, shared: Sequence[str]) -> list[str]:
    """Each once, in order. Raises `Malformed` for a word that means nobody, or nothing that is there."""
    for one in shared:
        kind, _, scope = one.partition(":")
        there = one == rights.OPERATORS or (kind in SHARED_WITH and books.database.select(
            f'SELECT 1 FROM {SHARED_WITH[kind]} WHERE "id" = ?', (scope,)))
        if not there:
            raise wrong("shared", f"{one[:80]!r} is neither {rights.OPERATORS}, nor project:ID or inventory:ID of one"
                                  " that is there")
    return sorted(set(shared))


def like(text: str) -> str:
    """What LIKE finds ``text`` by, anywhere and in any case; its escape is ``!``."""
    plain = text.lower().replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return f"%{plain}%"
