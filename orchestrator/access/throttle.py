"""How often somebody may try to log in: counted in the store, so that all processes count together.

A try is counted before the password is looked at, and forgiven when it was right: tries at once gain nothing. By name
and address together the pauses grow long; by the name alone they stay short, so that nobody locks another out.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address

from msgspec import Struct

from orchestrator.refusals import Throttled
from orchestrator.store.books import Books

FORGOTTEN = timedelta(hours=1)
"""After that long without a try, the count begins anew."""


class Rule(Struct, frozen=True):
    """``free`` tries without a pause; then 1 s, doubled by each, ``longest_s`` at most."""

    free: int
    longest_s: int


PAIR, ADDRESS, NAME = Rule(5, 900), Rule(30, 900), Rule(40, 30)


def pause_s(count: int, rule: Rule) -> int:
    """How long after the ``count``-th failed try none is heard."""
    return 0 if count < rule.free else min(2 ** min(count - rule.free, 30), rule.longest_s)


class _Row(Struct):
    key: str
    count: int
    first: datetime
    last: datetime
    refused_until: datetime | None


class Throttle:
    def __init__(self, books: Books) -> None:
        self._books = books
        self._rows = books.table("login_failures", _Row)

    def begin(self, name: str, address: str) -> None:
        """Count a try that is about to be made. Raises `Throttled` when it is too early; that one is not counted."""
        now, keys = self._books.clock(), self._keys(name, address)
        with self._books.transaction():
            rows = {key: self._row(key, now) for key in keys}
            waits = [(row.refused_until - now).total_seconds() for row in rows.values()
                     if row.refused_until is not None and row.refused_until > now]
            if waits:
                raise Throttled("too many tries to log in", max(waits), code="login_throttled", hint="wait a little")
            for key, rule in keys.items():
                row = rows[key]
                wait_s = pause_s(row.count + 1, rule)
                self._rows.change({
                    "count": row.count + 1, "first": row.first, "last": now,
                    "refused_until": now + timedelta(seconds=wait_s) if wait_s else None}, '"key" = ?', key)

    def forgive(self, name: str, address: str) -> None:
        """It was right: within the caller's transaction. An address keeps what others' names it has tried."""
        pair, by_address, by_name = self._keys(name, address)
        self._rows.delete('"key" = ? OR "key" = ?', pair, by_name)
        row = self._rows.find('"key" = ?', by_address, lock=True)
        if row is not None:
            self._rows.change({"count": max(row.count - 1, 0), "refused_until": None}, '"key" = ?', by_address)

    def forgive_name(self, name: str) -> None:
        """An admin has unlocked it."""
        self._rows.delete('"key" = ?', f"name:{self._hidden(name)}")

    def forget(self) -> int:
        return self._rows.delete('"last" < ?', self._books.clock() - FORGOTTEN)

    def _row(self, key: str, now: datetime) -> _Row:
        """The key's row, locked; made where there is none."""
        self._books.database.execute(
            'INSERT INTO login_failures ("key", "count", "first", "last", "refused_until") VALUES (?, 0, ?, ?, NULL)'
            ' ON CONFLICT ("key") DO NOTHING', [key, *2 * [self._books.database.write["time"](now)]])
        row = self._rows.find('"key" = ?', key, lock=True)
        assert row is not None
        if now - row.last > FORGOTTEN:
            return _Row(key, 0, now, now, None)
        return row

    def _keys(self, name: str, address: str) -> dict[str, Rule]:
        """In one order for all, so that no two transactions wait for each other."""
        network, hidden = network_of(address), self._hidden(name)
        return {f"pair:{network} {hidden}": PAIR, f"address:{network}": ADDRESS, f"name:{hidden}": NAME}

    def _hidden(self, name: str) -> str:
        """What is typed as a name may be a password."""
        return self._books.hashed("login-name", name)[:32]


def network_of(address: str) -> str:
    """The address; of IPv6 its /64, which is one customer's."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return f"{IPv6Address(int(found) >> 64 << 64)}/64"
    return str(found)
