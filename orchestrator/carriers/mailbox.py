"""The mailbox carrier: a job is left for the host's agentlet, which calls for it; its events come back by the store.

Nothing here knows whether the host is there. A job that nobody calls for waits until its time is over; one that was
begun is waited for as long as the agentlet lets hear from it; one that went silent is `lost`, not failed.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from agentlet import wire
from orchestrator.carriers import large_events
from orchestrator.carriers.base import BlobSource, EventHandler, HostInfo, Job, JobEnd, RawEnd, Settings, Uploads
from orchestrator.carriers.letters import letter_for
from orchestrator.carriers.mailroom import MailRoom
from orchestrator.carriers.running import RunningJob
from orchestrator.errors import Pending, StoreError, Unreachable

if TYPE_CHECKING:
    from orchestrator.agents.post import Post
    from orchestrator.agents.records import Agent, JobState
    from orchestrator.carriers.target import Target

CARRIER = "mailbox"
LOOK_S = 5.0
"""How often a job is looked at although nobody is known to have written."""
ENDED = frozenset({"finished", "cancelled", "interrupted"})
Heard = tuple[dict[str, Any], bytes]
"""An event, and the bytes that its job's digest counts."""
"""The store has every event then, and has judged count and digest."""


class MailboxConnection:
    """`base.Connection` to a host with an agentlet."""

    carrier = CARRIER

    def __init__(self, target: Target, settings: Settings, room: MailRoom, reason: str | None = None) -> None:
        self.name = target.name
        self.reason = target.reason if reason is None else reason
        self.target = target
        self._settings = settings
        self._room = room
        self._secrets: dict[str, str] = {}
        self._left: dict[str, asyncio.Event] = {}
        self._acks: set[asyncio.Task[None]] = set()
        self._attempts: dict[str, int] = {}
        """Of the jobs that ended here: the mailbox counts up by itself when it queues one again."""

    async def open(self, deadline_s: float | None = None) -> HostInfo:
        """What the agentlet said of its host when it enrolled; nobody is reached by this."""
        agent = await self._agent()
        facts = await self._room.ask(lambda post: post.facts(agent))
        return host_info(agent, facts)

    async def run_job(
        self, job: Job, on_event: EventHandler, blobs: BlobSource | None = None, *, uploads: Uploads | None = None
    ) -> JobEnd:
        """Raises besides: `Pending` when the host has not called for the job and `leave` was called."""
        letter = await asyncio.to_thread(letter_for, job, self.name, self._settings, blobs or {}, self._secrets)
        left = self._left[job.id] = asyncio.Event()
        try:
            ttl_s = self._settings.job_ttl_s
            state = await self._room.ask(lambda post: post.post(letter.envelope, letter.blobs, ttl_s))
            return await self._follow(state, job, on_event, uploads, left)
        except StoreError as error:
            raise Unreachable(f"{self.name}: {error.message}", code=error.code, hint=error.hint) from error
        finally:
            del self._left[job.id]

    async def raw(self, command: str, stdin: bytes = b"", timeout_s: float | None = None) -> RawEnd:
        """As a job of the module ``shell``: an agentlet has Python, but no login shell to talk to."""
        if stdin:
            raise Unreachable(f"{self.name}: an agentlet takes no input for a raw command", code="raw_input",
                              hint="use the module command or shell, with become where it is needed")
        task = {"id": "raw", "module": "shell", "args": {"cmd": command, "strip_empty_ends": False}, "become": None,
                "environment": {}, "check": False, "diff": False, "timeout_s": timeout_s, "retry_safe": False,
                "receipt": True, "no_log": False, "continue_on_failure": False, "cwd": None}
        events: list[dict[str, Any]] = []
        job = Job(f"raw-{uuid.uuid4().hex}", 1, [task], timeout_s)
        await self.run_job(job, events.append)
        self.ack(job.id, job.attempt)
        values: dict[str, Any] = next((e["values"] for e in events if e.get("kind") == "result"), {})
        out, err = (str(values.get(name) or "").encode("utf-8", "surrogateescape") for name in ("stdout", "stderr"))
        rc = values.get("rc")
        return RawEnd(rc if isinstance(rc, int) else -1, out, err, timed_out=not isinstance(rc, int))

    def cancel(self, job_id: str) -> None:
        self._soon(self._room.ask(lambda post: post.cancel(job_id)))

    def leave(self, job_id: str) -> None:
        left = self._left.get(job_id)
        if left is not None:
            left.set()

    def ack(self, job_id: str, attempt: int) -> None:
        attempt = self._attempts.pop(job_id, attempt)
        self._soon(self._room.ask(lambda post: post.ack(job_id, attempt)))

    def set_secret(self, name: str, value: str) -> None:
        self._secrets[name] = value

    async def close(self, *, keep: bool = False) -> None:
        await asyncio.gather(*self._acks, return_exceptions=True)

    def abandon(self) -> None:
        """Jobs stay in the mailbox."""

    # --- following a job

    async def _follow(
        self, state: JobState, job: Job, on_event: EventHandler, uploads: Uploads | None, left: asyncio.Event
    ) -> JobEnd:
        changes, told = await self._room.changes(), False
        reading = _Reading(job, state.attempt, on_event, uploads)
        while True:
            mark = changes.mark()
            state, events, files = await self._room.ask(reading.look)
            if state.attempt != reading.attempt:  # it was lost, may run twice, and was offered again
                reading = _Reading(job, state.attempt, on_event, uploads)
                continue
            for stream, meta in files:
                await self._take(reading, stream, meta)
            reading.hear(events)
            if state.state in ENDED:
                self._attempts[job.id] = state.attempt
                return JobEnd(state.status or state.state, state.event_count or 0, state.digest_ok)
            self._judge(state)
            if state.state == "queued" and left.is_set():
                state = await self._room.ask(partial(_state_of, job.id))
                if state.state == "queued":  # it may have been called for since we looked
                    raise await self._pending(state)
                continue
            if state.state == "queued" and not told:
                told = await self._tell(state)
            await self._change(changes.wait(mark, LOOK_S), left if state.state == "queued" else None)

    async def _take(self, reading: _Reading, stream: str, meta: dict[str, Any]) -> None:
        """Hand on a file that the host has sent whole, part by part."""
        part = offset = 0
        while True:
            data = await self._room.ask(partial(reading.part, stream, part))
            reading.upload(stream, {**meta, "offset": offset, "last": not data}, data)
            if not data:
                return
            part, offset = part + 1, offset + len(data)

    def _judge(self, state: JobState) -> None:
        """Raises when no more will come."""
        name = self.name
        if state.state == "expired":
            raise Unreachable(f"{name} did not call for its job in time", code="expired",
                              hint=f"orch agents show {name} says when it was last seen")
        if state.state == "lost" and state.offer_after is None:
            raise Unreachable(f"{name} has begun its job and fell silent", code="lost_unconfirmed",
                              hint="when it comes back it delivers the result: orch run --resume takes it from there")

    async def _pending(self, state: JobState) -> Pending:
        return Pending(f"its job waits in the mailbox until {_local(state.expires)}; "
                       f"orch runs watch {state.run_id} goes on with it")

    async def _tell(self, state: JobState) -> bool:
        agent = await self._agent()
        if not await self._room.ask(lambda post: post.online(agent)) and self._settings.warn is not None:
            seen = f"since {_local(agent.last_seen)}" if agent.last_seen else "and has never called in"
            self._settings.warn(f"{self.name} is away {seen}: its job waits in the mailbox until "
                                f"{_local(state.expires)}. Ctrl-C leaves it there (or begin with --detach)")
        return True

    async def _change(self, change: Any, left: asyncio.Event | None) -> None:
        waiting = {asyncio.ensure_future(change)}
        if left is not None:
            waiting.add(asyncio.ensure_future(left.wait()))
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waiting:
                one.cancel()

    async def _agent(self) -> Agent:
        agent = await self._room.ask(lambda post: post.agent_for(self.name))
        if agent is None:
            raise Unreachable(f"{self.name} has no agentlet", code="agent_unknown",
                              hint=f"orch agents invite {self.name} prints the line that installs one")
        return agent

    def _soon(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._acks.add(task)
        task.add_done_callback(self._acks.discard)
        task.add_done_callback(lambda done: done.cancelled() or done.exception())


class _Reading:
    """How far the events of one attempt have been read, and judged as those of any other carrier."""

    def __init__(self, job: Job, attempt: int, on_event: EventHandler, uploads: Uploads | None) -> None:
        self.attempt = attempt
        self._taken: set[str] = set()
        attempted = Job(job.id, attempt, job.tasks, job.deadline_s, job.check, job.diff)
        self._running = RunningJob(attempted, on_event, {}, uploads, asyncio.get_running_loop().create_future())
        self._running.done.add_done_callback(lambda done: done.cancelled() or done.exception())

    def look(self, post: Post) -> tuple[JobState, list[Heard], list[tuple[str, dict[str, Any]]]]:
        """On the post's thread: where the job stands, the events that are new, and the files that came before them."""
        job = self._running.job.id
        state = post.state_of(job)
        events = post.events_after(job, self.attempt, self._running.digest.count)
        files = post.uploads(job, self.attempt) if events else []
        new = [file for file in files if file.complete and file.stream not in self._taken
               and not large_events.STREAM.fullmatch(file.stream)]
        self._taken.update(file.stream for file in new)
        heard = [(self._whole(post, event), wire.header_bytes(event)) for event in events]
        return state, heard, [(file.stream, {**file.meta, "size": file.size}) for file in new]

    def _whole(self, post: Post, event: dict[str, Any]) -> dict[str, Any]:
        stream = event.get("stream")
        if event.get("kind") != large_events.KIND or not isinstance(stream, str):
            return event
        return large_events.whole(event, b"".join(post.upload(self._running.job.id, self.attempt, stream)))

    def part(self, stream: str, number: int, post: Post) -> bytes:
        """On the post's thread: one part of a file; nothing behind its last."""
        return next(post.upload(self._running.job.id, self.attempt, stream, number), b"")

    def upload(self, stream: str, header: dict[str, Any], data: bytes) -> None:
        self._running.upload(stream, header, data)

    def hear(self, events: list[Heard]) -> None:
        """Hand on what is new. Raises `ProtocolError`."""
        for header, head in events:
            self._running.check(header)
            self._running.hear(header, head)


def host_info(agent: Agent, facts: Mapping[str, Any]) -> HostInfo:
    """As a runtime would say it of itself. The host's word: data, never to be rendered."""
    uid = facts.get("uid")
    return HostInfo(
        protocol=wire.PROTOCOL, python=tuple(agent.python), platform=agent.platform, pid=0,
        user=str(facts.get("user") or ""), uid=uid if isinstance(uid, int) else -1, home=str(facts.get("home") or ""),
        executable=str(facts.get("executable") or ""),
    )


def _state_of(job_id: str, post: Post) -> JobState:
    return post.state_of(job_id)


def _local(moment: datetime) -> str:
    """For people: in their own zone, without the date where it is today's."""
    here, now = moment.astimezone(), datetime.now(UTC).astimezone()
    return here.strftime("%H:%M" if here.date() == now.date() else "%Y-%m-%d %H:%M")
