"""Events and the finish: stored once each, in order, whole. What was acknowledged is never lost, nor doubled."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from orchestrator.agents.identity import Caller
from orchestrator.agents.jobs import Jobs
from orchestrator.agents.office import Office
from orchestrator.agents.records import Incomplete, Stored
from orchestrator.agents.rows import EventsRow, JobRow
from orchestrator.agents.states import FINISHES, TERMINAL, Event, State, after
from orchestrator.refusals import Conflict, Malformed, Rewind

MOST_HEADS = 1000
LARGEST_HEAD = 8 * 1024 * 1024
STATUSES = frozenset({"ok", "failed", "cancelled", "interrupted", "lost"})


class Results:
    def __init__(self, office: Office, jobs: Jobs) -> None:
        self._office = office
        self._jobs = jobs

    def add_events(self, caller: Caller, job: str, attempt: int, first_seq: int, heads: Sequence[str],
                   key: str = "") -> int:
        """Store the heads from ``first_seq`` on; returns the sequence number that is awaited next.

        What is there already is passed over. Raises `Rewind` when something before ``first_seq`` is missing.
        """
        _check_heads(first_seq, heads)
        office = self._office
        with office.database.transaction():
            row = self._jobs.held(caller, job, attempt, key)
            new = heads[max(row.next_seq - first_seq, 0):]
            if not new and State(row.state) in TERMINAL and first_seq <= row.next_seq:
                return row.next_seq  # the answer to these was lost
            self._jobs.report(row)
            if first_seq > row.next_seq:
                raise Rewind(row.next_seq)
            if not new:
                return row.next_seq
            sealed = office.master.seal("\n".join(new).encode("ascii"),
                                        office.events_purpose(job, attempt, row.next_seq))
            office.events.insert({"job_id": job, "attempt": attempt, "seq": row.next_seq, "count": len(new),
                                  "heads": sealed})
            next_seq = row.next_seq + len(new)
            office.jobs.change({"next_seq": next_seq}, '"id" = ?', job)
            office.database.notify(job)
            return next_seq

    def finish(self, caller: Caller, job: str, attempt: int, status: str, count: int, digest: str,
               evicted: int = 0, key: str = "") -> Stored | Incomplete:
        """The attempt is over: ``count`` heads in all, ``digest`` their SHA-256 in hex, in order, nothing in between.

        `Incomplete` while heads are missing. A digest that does not fit is stored as such, and the run is told.
        """
        if status not in STATUSES or count < 0 or evicted < 0:
            raise Malformed(f"a job cannot end as {status!r} with {count} events", code="finish")
        office, now = self._office, self._office.clock()
        with office.database.transaction():
            row = self._jobs.held(caller, job, attempt, key)
            state = State(row.state)
            if state in TERMINAL and row.digest == digest and row.event_count == count:
                return Stored(state)
            new = after(state, FINISHES.get(status, Event.FINISH))
            if row.next_seq <= count:
                self._jobs.report(row)
                return Incomplete(row.next_seq)
            if row.next_seq - 1 > count:
                raise Conflict(f"there are {row.next_seq - 1} events already, not {count}", code="count",
                               hint="count all events that were sent")
            whole = self.digest(row) == digest
            office.jobs.change({
                "state": new, "status": status, "event_count": count, "digest": digest, "digest_ok": whole,
                "evicted": evicted, "ended": now, "lease_until": None, "offer_after": None}, '"id" = ?', job)
            if not whole:
                office.audit.write(caller.agent.id, "job.digest", job, "refused", caller.address, attempt=attempt)
            office.database.notify(job)
            return Stored(new)

    def digest(self, row: JobRow) -> str:
        """SHA-256 hex over an attempt's heads as they are stored."""
        hashed = hashlib.sha256()
        for _, heads in opened(self._office, row.id, row.attempt):
            hashed.update("".join(heads).encode("ascii"))
        return hashed.hexdigest()


def opened(office: Office, job: str, attempt: int, after_seq: int = 0) -> Iterator[tuple[int, list[str]]]:
    """(sequence number of the first, heads) of each stored batch behind ``after_seq``; one in memory at a time."""
    batch = '"job_id" = ? AND "attempt" = ? AND "seq" '
    row: EventsRow | None = office.events.find(f'{batch}<= ? ORDER BY "seq" DESC', job, attempt, after_seq + 1)
    while row is not None:
        if row.seq + row.count > after_seq + 1:
            text = office.master.open(row.heads, office.events_purpose(job, attempt, row.seq)).decode("ascii")
            skipped = max(after_seq + 1 - row.seq, 0)
            yield row.seq + skipped, text.split("\n")[skipped:]
        row = office.events.find(f"{batch}= ?", job, attempt, row.seq + row.count)


def _check_heads(first_seq: int, heads: Sequence[str]) -> None:
    if first_seq < 1 or not 0 < len(heads) <= MOST_HEADS:
        raise Malformed(f"1 to {MOST_HEADS} events are taken at a time, numbered from 1", code="events")
    for head in heads:
        if not isinstance(head, str) or len(head) > LARGEST_HEAD or not head.isascii() or "\n" in head or not head:
            raise Malformed("an event is one line of ASCII JSON", code="events")
