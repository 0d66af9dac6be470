"""SSH first; where it does not get in, the host's agentlet, if it has one. The reason says why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.carriers.base import BlobSource, EventHandler, HostInfo, Job, JobEnd, RawEnd, Uploads
from orchestrator.carriers.mailbox import MailboxConnection
from orchestrator.carriers.ssh import SshConnection
from orchestrator.errors import HostKeyError, StoreError, Unreachable

if TYPE_CHECKING:
    from orchestrator.carriers.base import Settings
    from orchestrator.carriers.mailroom import MailRoom
    from orchestrator.carriers.target import Target

REACHED = frozenset({"no_python", "python_too_old"})
"""The host has answered: that it lacks something is no reason to look for another way."""


class AutoConnection:
    """`base.Connection` by whichever way gets in first; it stays with that."""

    def __init__(self, target: Target, settings: Settings, room: MailRoom) -> None:
        self.name = target.name
        self.target = target
        self._settings = settings
        self._room = room
        self._way: SshConnection | MailboxConnection = SshConnection(target, settings)

    @property
    def carrier(self) -> str:
        return self._way.carrier

    @property
    def reason(self) -> str:
        return self._way.reason

    async def open(self, deadline_s: float | None = None) -> HostInfo:
        try:
            return await self._way.open(deadline_s)
        except HostKeyError:
            raise  # somebody may be in between: that is for a person to look into, not to be passed by
        except Unreachable as error:
            if error.code in REACHED or not await self._falls_back(error):
                raise
        return await self._way.open(deadline_s)

    async def _falls_back(self, error: Unreachable) -> bool:
        if isinstance(self._way, MailboxConnection):
            return False
        try:
            agent = await self._room.ask(lambda post: post.agent_for(self.name))
        except StoreError:
            return False  # then what SSH says is the reason
        if agent is None:
            return False
        self._way.abandon()
        reason = f"by SSH: {error.message}; it has an agentlet"
        self._way = MailboxConnection(self.target, self._settings, self._room, reason)
        return True

    async def run_job(
        self, job: Job, on_event: EventHandler, blobs: BlobSource | None = None, *, uploads: Uploads | None = None
    ) -> JobEnd:
        return await self._way.run_job(job, on_event, blobs, uploads=uploads)

    async def raw(self, command: str, stdin: bytes = b"", timeout_s: float | None = None) -> RawEnd:
        return await self._way.raw(command, stdin, timeout_s)

    def cancel(self, job_id: str) -> None:
        self._way.cancel(job_id)

    def leave(self, job_id: str) -> None:
        self._way.leave(job_id)

    def ack(self, job_id: str, attempt: int) -> None:
        self._way.ack(job_id, attempt)

    def set_secret(self, name: str, value: str) -> None:
        self._way.set_secret(name, value)

    async def close(self, *, keep: bool = False) -> None:
        await self._way.close(keep=keep)

    def abandon(self) -> None:
        self._way.abandon()
