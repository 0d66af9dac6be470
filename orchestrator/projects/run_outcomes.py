"""What a run that has ended says of each host it was on: its newest state, its facts, its measurements."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from orchestrator.projects.host_rows import COLUMNS
from orchestrator.store.books import Books
from orchestrator.store.columns import READ
from orchestrator.store.table import marks

WORST = ("lost", "interrupted", "unreachable", "failed", "cancelled")
"""Of several of these counts in a recap the first is the host's status."""
FACT_MODULES = ("setup", "gather_facts", "ansible.builtin.setup", "ansible.builtin.gather_facts",
                "ansible.legacy.setup", "ansible.legacy.gather_facts")
MOST_FACTS_BYTES = 256 * 1024
LONGEST_MESSAGE = 1_000
AT_ONCE = 500
MIB = 1 << 20


class EndedRun(Protocol):
    """What is asked of a run: the runs room's record has it."""

    @property
    def id(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def check_mode(self) -> bool: ...
    @property
    def started(self) -> datetime: ...
    @property
    def ended(self) -> datetime | None: ...
    @property
    def recap(self) -> Mapping[str, Mapping[str, int]]: ...


def update_from_run(books: Books, run: EndedRun) -> int:
    """Bring the rows of the run's hosts up to date, within the transaction that is open; returns how many there were.

    A run in check mode changes no host, so it tells of its facts only, and when a host could not be reached. A run that
    is older than what a row says leaves it alone.
    """
    hosts = sorted(run.recap)
    slices = books.database.select('SELECT "id" FROM runs WHERE "parent_id" = ?', (run.id,))
    ids = [run.id, *(str(one) for (one,) in slices)]
    for start in range(0, len(hosts), AT_ONCE):
        _update(books, run, ids, hosts[start:start + AT_ONCE])
    return len(hosts)


def status_of(counts: Mapping[str, int]) -> str:
    """The one word for a host's recap. Pure."""
    for word in WORST:
        if counts.get(word):
            return word
    return "changed" if counts.get("changed") else "ok"


def _update(books: Books, run: EndedRun, ids: Sequence[str], hosts: Sequence[str]) -> None:
    database = books.database
    text, moment, to_json = (database.write[kind] for kind in ("text", "time", "json"))
    at = run.ended or books.clock()
    messages, carriers = _messages(books, ids, hosts), _carriers(books, ids, hosts)
    rows, facts_rows, stats_rows = [], [], []
    for host in hosts:
        status = status_of(run.recap[host])
        if not (run.check_mode or run.kind == "plan") or status == "unreachable":
            rows.append((text(host), text(run.id), text(status), text(messages.get(host, "")[:LONGEST_MESSAGE]),
                         text(carriers.get(host, "")), to_json({}), moment(run.started),
                         moment(at) if status in ("ok", "changed") else None))
    for host, facts in _facts(books, ids, hosts).items():
        facts_rows.append((text(host), to_json(facts), moment(at)))
        stats = stats_of(facts)
        if stats:
            stats_rows.append((text(host), moment(at), to_json(stats)))
    database.insert(
        f"INSERT INTO host_states ({COLUMNS}) VALUES (?, ?, ?, ?, ?, NULL, NULL, ?, ?, ?, NULL, NULL)"
        ' ON CONFLICT ("host") DO UPDATE SET "last_run_id" = excluded."last_run_id",'
        ' "last_status" = excluded."last_status", "last_message" = excluded."last_message",'
        ' "last_carrier" = excluded."last_carrier", "last_run" = excluded."last_run",'
        ' "last_ok" = COALESCE(excluded."last_ok", host_states."last_ok")'
        ' WHERE host_states."last_run" IS NULL OR host_states."last_run" <= excluded."last_run"', rows)
    database.insert(
        f"INSERT INTO host_states ({COLUMNS})"
        " VALUES (?, NULL, NULL, '', '', NULL, NULL, ?, NULL, NULL, NULL, ?)"
        ' ON CONFLICT ("host") DO UPDATE SET "facts" = excluded."facts", "facts_seen" = excluded."facts_seen"'
        ' WHERE host_states."facts_seen" IS NULL OR host_states."facts_seen" <= excluded."facts_seen"', facts_rows)
    database.insert('INSERT INTO host_stats ("host", "at", "stats") VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
                    stats_rows)


def _messages(books: Books, ids: Sequence[str], hosts: Sequence[str]) -> dict[str, str]:
    """The last thing that went wrong on each host."""
    text = books.database.write["text"]
    rows = books.database.select(
        'SELECT "host", "task_name", "message" FROM task_results WHERE "run_id" IN (' + marks(ids) + ')'
        f' AND "host" IN ({marks(hosts)}) AND "status" IN ({marks(WORST)}) ORDER BY "seq"',
        (*ids, *map(text, hosts), *WORST))
    read = READ["text"]
    return {read(host): f"{read(task)}: {read(message)}" if message else read(task) for host, task, message in rows}


def _carriers(books: Books, ids: Sequence[str], hosts: Sequence[str]) -> dict[str, str]:
    text, read = books.database.write["text"], READ["text"]
    rows = books.database.select(
        f'SELECT "host", max("carrier") FROM task_results WHERE "run_id" IN ({marks(ids)})'
        f' AND "host" IN ({marks(hosts)})'
        """ AND "carrier" <> 'controller' GROUP BY "host\"""", (*ids, *map(text, hosts)))
    return {read(host): str(carrier) for host, carrier in rows}


def _facts(books: Books, ids: Sequence[str], hosts: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The facts that the run gathered, bounded: what is too large is left out, the largest first."""
    text, read = books.database.write["text"], READ["text"]
    rows = books.database.select(
        f'SELECT "host", "values" FROM task_results WHERE "run_id" IN ({marks(ids)}) AND "host" IN ({marks(hosts)})'
        f' AND "module" IN ({marks(FACT_MODULES)}) AND NOT "no_log" ORDER BY "seq"',
        (*ids, *map(text, hosts), *FACT_MODULES))
    found: dict[str, dict[str, Any]] = {}
    for host, values in rows:
        facts = READ["json"](values).get("ansible_facts")
        if isinstance(facts, dict) and facts:
            found[read(host)] = bounded(facts)
    return found


def bounded(facts: Mapping[str, Any], most: int = MOST_FACTS_BYTES) -> dict[str, Any]:
    """Facts without the largest of them, as far as they are too many. Pure."""
    sizes = {name: len(json.dumps(value, default=str)) + len(name) for name, value in facts.items()}
    total = sum(sizes.values())
    for name in sorted(sizes, key=lambda one: -sizes[one]):
        if total <= most:
            break
        total -= sizes.pop(name)
    return {name: facts[name] for name in facts if name in sizes}


def stats_of(facts: Mapping[str, Any]) -> dict[str, float]:
    """The measurements among facts, under the names that agentlets use. Pure; host data: only finite numbers pass."""
    def number(*names: str) -> float | None:
        for name in names:
            value = facts.get(name)
            if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
                return float(value)
        return None

    found: dict[str, float | None] = {
        "memory_total_mib": number("ansible_memtotal_mb", "memtotal_mb"),
        "memory_free_mib": number("ansible_memfree_mb", "memfree_mb"),
        "swap_free_mib": number("ansible_swapfree_mb", "swapfree_mb"),
        "uptime_s": number("ansible_uptime_seconds", "uptime_seconds"),
    }
    load = facts.get("ansible_loadavg") or facts.get("loadavg")
    if isinstance(load, Mapping):
        value = load.get("1m")
        found["load_1m"] = float(value) if isinstance(value, int | float) and math.isfinite(value) else None
    mounts = facts.get("ansible_mounts") or facts.get("mounts")
    for mount in mounts if isinstance(mounts, list) else ():
        if isinstance(mount, Mapping) and mount.get("mount") == "/":
            for name, key in (("disk_total_mib", "size_total"), ("disk_free_mib", "size_available")):
                size = mount.get(key)
                found[name] = size / MIB if isinstance(size, int | float) and math.isfinite(size) else None
    return {name: round(value, 2) for name, value in found.items() if value is not None}
