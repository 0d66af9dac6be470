"""Offer, claim, start, heartbeat: how a job gets to its agentlet, and how long it is believed to be there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from orchestrator.agents.envelope import from_text, sign, to_text
from orchestrator.agents.identity import Caller
from orchestrator.agents.office import Office
from orchestrator.agents.records import Agent, Claimed, Held, Offer, Orders
from orchestrator.agents.rows import JobRow
from orchestrator.agents.states import WITH_AGENT, Event, State, after, is_fenced
from orchestrator.refusals import Conflict, Malformed, NotFound
from orchestrator.store.table import marks

TWIN = "job_claimed_by_twin"
"""Two machines with one identity, as when a disk was copied: nothing refuses both, but they meet here."""
MOST_NAMED = 100
MOST_VERSION_CHARS = 40
GONE = frozenset({State.CANCELLED, State.EXPIRED, State.INTERRUPTED, State.FINISHED})


class Jobs:
    def __init__(self, office: Office) -> None:
        self._office = office
        self.update_for: Callable[[Agent], str | None] = lambda agent: None
        """The version an agentlet should have; set by the server that has one to give."""

    def offers(self, caller: Caller, running: Iterable[str] = ()) -> list[Offer]:
        """What waits for it, the highest priority first, then the oldest; no more than it may run besides."""
        office, now = self._office, self._office.clock()
        room = office.timing.max_jobs - len(set(running))
        if room <= 0:
            return []
        rows = office.database.select(
            'SELECT "id", "attempt", "priority" FROM mailbox_jobs WHERE "agent_id" = ? AND "state" = ?'
            ' AND "expires" > ? ORDER BY "priority" DESC, "created", "id" LIMIT ?',
            (caller.agent.id, State.QUEUED.value, office.database.write["time"](now), room))
        return [Offer(str(job), int(attempt), int(priority)) for job, attempt, priority in rows]

    def due(self) -> set[str]:
        """Agents that have something to be told: a job that waits, or one to cancel. For waking those who poll."""
        rows = self._office.database.select(
            'SELECT DISTINCT "agent_id" FROM mailbox_jobs WHERE "state" = ?'
            ' OR ("state" IN (?, ?) AND "cancel" = ?)',
            (State.QUEUED.value, State.CLAIMED.value, State.STARTED.value, True))
        return {str(row[0]) for row in rows}

    def claim(self, caller: Caller, job: str, attempt: int, key: str = "") -> Claimed:
        """Take an offered job: one caller wins, the others get `Conflict`.

        ``key`` is the claimant's own random text. Who claims again with the same one (its answer was lost) gets the
        same answer, as long as it has not started; without one every claim counts as another's.
        """
        office, now = self._office, self._office.clock()
        with office.database.transaction():
            row = self.held(caller, job, attempt)
            if State(row.state) is State.CLAIMED and self._is_same(row, key):
                pass  # nothing changes, and the answer is the same
            elif row.expires <= now:
                raise Conflict("the job is too old to begin", code="job_expired", hint="drop this attempt")
            else:
                new = after(State(row.state), Event.CLAIM)
                office.jobs.change({"state": new, "claim_key": key, "claimed": now, **self.renewed()},
                                   '"id" = ?', job)
            body: bytes = office.jobs.value("body", '"id" = ?', job)
            envelope = from_text(office.master.open(body, office.body_purpose(job)).decode("ascii"))
        text = to_text(replace(envelope, agent=caller.agent.id, host=caller.agent.host, attempt=attempt))
        signature = sign(text, office.job_key(caller.agent.id, caller.agent.generation))
        return Claimed(text, signature, office.timing.lease_s)

    def start(self, caller: Caller, job: str, attempt: int, key: str = "") -> None:
        """The agentlet has it in its journal and may begin when this returns. With its key it may be sent twice."""
        office, now = self._office, self._office.clock()
        cancelled = False
        with office.database.transaction():
            row = self.held(caller, job, attempt)
            state = State(row.state)
            if state is State.STARTED and self._is_same(row, key):
                return
            if state is State.CLAIMED and row.claim_key != key:
                raise _twin("another process with this identity has claimed the job")
            new = after(state, Event.START)
            cancelled = row.cancel
            if cancelled:  # nothing has happened yet, and now nothing will
                office.jobs.change({"state": after(state, Event.FINISH_CANCELLED), "ended": now, "lease_until": None},
                                   '"id" = ?', job)
            else:
                office.jobs.change({"state": new, "started": now, **self.renewed()}, '"id" = ?', job)
        if cancelled:
            raise Conflict("the job was cancelled before it began", code="job_cancelled", hint="drop this attempt")

    def resume(self, caller: Caller, job: str, attempt: int, key: str, next_key: str, count: int) -> None:
        """What has begun goes on in another place: the host has booted again, or it is a copy of the host.

        The key is exchanged: of two copies one goes on, and what the other reports from then on is refused as a
        twin's. So is a copy that knows of ``count`` events only, when more are stored. May be sent twice.
        """
        with self._office.database.transaction():
            row = self.held(caller, job, attempt)
            if self._is_same(row, next_key):
                return
            after(State(row.state), Event.REPORT)
            if not self._is_same(row, key):
                raise _twin("another machine with this identity goes on with the job")
            if row.next_seq - 1 > count:
                raise _twin(f"{row.next_seq - 1} events of the job are stored, and this copy of the host has {count}")
            self.report(row)
            self._office.jobs.change({"claim_key": next_key}, '"id" = ?', job)

    def heartbeat(self, caller: Caller, running: Sequence[Held] = (), version: str = "") -> Orders:
        """It has these jobs: their leases go on, and lost ones are taken up again within the grace.

        Of a job that another copy of the host goes on with the lease does not, and it is told that it is gone.
        ``version``: of the agentlet, which may have updated itself since it enrolled; empty where it does not say.
        """
        if len(running) > MOST_NAMED:
            raise Malformed(f"{MOST_NAMED} jobs are named at most", code="running")
        agent, office, named = caller.agent, self._office, {held.job: held for held in running}
        if version and version != agent.version:
            with office.database.transaction():
                office.agents.change({"version": version[:MOST_VERSION_CHARS]}, '"id" = ?', agent.id)
        rows = self._named(agent, named)
        if any(_is_alive(row, named[row.id]) for row in rows.values()):
            with office.database.transaction():
                for row in self._named(agent, named, lock=True).values():
                    if _is_alive(row, named[row.id]):
                        self.report(row)
        return self.orders(caller, gone=[job for job, held in named.items() if _is_gone(rows.get(job), held)])

    def orders(self, caller: Caller, gone: Sequence[str] = ()) -> Orders:
        agent = caller.agent
        rows = self._office.database.select(
            'SELECT "id" FROM mailbox_jobs WHERE "agent_id" = ? AND "state" IN (?, ?, ?) AND "cancel" = ?',
            (agent.id, State.CLAIMED.value, State.STARTED.value, State.LOST.value, True))
        return Orders([str(row[0]) for row in rows], list(gone), agent.config, self.update_for(agent), agent.renew)

    @staticmethod
    def _is_same(row: JobRow, key: str) -> bool:
        return bool(key) and row.claim_key == key

    # ---- within a transaction

    def held(self, caller: Caller, job: str, attempt: int, key: str = "") -> JobRow:
        """The caller's own job in its present attempt. Raises `NotFound` for another's, `Conflict` for an older one.

        ``key``: what the caller claimed or resumed it with, if it says so; a copy of it is refused by that.
        """
        row = self._office.jobs.find('"id" = ?', job, lock=True)
        if row is None or row.agent_id != caller.agent.id or row.seal != self._office.job_seal(job, caller.agent.host):
            raise NotFound("there is no such job for this agentlet", code="job_unknown", hint="drop this attempt")
        if is_fenced(row.attempt, attempt):
            raise Conflict(f"attempt {attempt} was given up; the job is at attempt {row.attempt}", code="job_fenced",
                           hint="drop this attempt")
        if _is_twins(row, key):
            raise _twin("another machine with this identity goes on with the job")
        return row

    def report(self, row: JobRow) -> State:
        """A sign of life of an attempt: its lease goes on; a lost one is taken up again within the grace."""
        office, now = self._office, self._office.clock()
        state = State(row.state)
        if state is State.LOST and row.lost is not None and self._in_grace(row, now):
            new = after(state, Event.RECLAIM)
            office.jobs.change({"state": new, "lost": None, "offer_after": None, **self.renewed()},
                               '"id" = ?', row.id)
            office.audit.write(row.agent_id, "job.reclaim", row.id, attempt=row.attempt)
            office.database.notify(row.id)
            return new
        new = after(state, Event.REPORT)
        if new is not State.LOST:
            office.jobs.change(self.renewed(), '"id" = ?', row.id)
        return new

    def _in_grace(self, row: JobRow, now: Any) -> bool:
        return row.lost is not None and now - row.lost <= timedelta(seconds=self._office.timing.grace_s)

    def renewed(self) -> dict[str, Any]:
        """The change that lets an attempt's lease go on."""
        return {"lease_until": self._office.clock() + timedelta(seconds=self._office.timing.watchdog_s)}

    def _named(self, agent: Agent, named: dict[str, Held], lock: bool = False) -> dict[str, JobRow]:
        if not named:
            return {}
        found = self._office.jobs.all(f'"agent_id" = ? AND "id" IN ({marks(named)}) ORDER BY "id"', agent.id, *named,
                                      lock=lock)
        return {row.id: row for row in found}


def _is_its(row: JobRow, held: Held) -> bool:
    """Whether the attempt is with whoever names it: not given up for a later one, and not another copy's."""
    return not is_fenced(row.attempt, held.attempt) and not _is_twins(row, held.key)


def _is_alive(row: JobRow, held: Held) -> bool:
    return _is_its(row, held) and State(row.state) in (*WITH_AGENT, State.LOST)


def _is_gone(row: JobRow | None, held: Held) -> bool:
    return row is None or not _is_its(row, held) or State(row.state) in GONE


def _is_twins(row: JobRow, key: str) -> bool:
    """Whether the job is with another copy of the host than the one that shows this key."""
    return bool(key and row.claim_key) and row.claim_key != key


def _twin(message: str) -> Conflict:
    return Conflict(message, code=TWIN,
                    hint="is this host a copy of another? then enrol it anew: orch agents invite HOST")
