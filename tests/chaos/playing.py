"""Plays a round: all starts, jobs go out, what the plan says goes wrong, all is healed, and the end is awaited."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from orchestrator.agents.bundle import build_pyz
from orchestrator.agents.opening import open_desk, open_post
from orchestrator.carriers.base import Settings
from orchestrator.carriers.mailbox import MailboxConnection
from orchestrator.carriers.mailroom import MailRoom
from orchestrator.carriers.target import target_of
from orchestrator.errors import OrchError
from orchestrator.security.ca import CertificateAuthority
from tests.chaos.evidence import Evidence, Told, Uploaded, with_any
from tests.chaos.plan import MOMENTS, Fault, Plan
from tests.chaos.processes import Host, Server, SmallDisk
from tests.chaos.proxy import Proxy
from tests.chaos.record import Recorder
from tests.chaos.work import Work, jobs_for, kit_in

HOST = "web1"
LIMIT_S = 150.0
"""For each of a round's parts. A machine may be busy with much else, and a round that is well does not wait."""
NEWS_S = 90.0
"""For what a special waits for."""
QUIET_S = 90.0
SHIFT_S = 3600.0


class Round:
    """Its parts live in ``folder``; `close` ends every process that it began."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan, self.folder, self.state = plan, folder, folder / "server"
        is_plain = plan.mode == "proxy"
        self.program = folder / "agentlet.pyz"
        self.program.write_bytes(build_pyz())
        self.server = Server(folder, self.state, is_plain, plan.seed if plan.special == "update" else None)
        self.proxy = Proxy(is_plain, plan.network, plan.seed, folder / "proxy-ca")
        self.proxy.target_port = self.server.port
        host_folder = folder / "host"
        host_folder.mkdir()
        self.disk = SmallDisk(host_folder / "state") if plan.special == "full_disk" else None
        self.hosts = [Host(self.program, host_folder, host_folder / "state", plan.seed, plan.network.repeat)]
        self.recorder = Recorder(self.state / "orch.db")
        self.room = self._new_room()
        self.base = f"https://localhost:{self.proxy.port}"
        self.following: list[asyncio.Task[None]] = []
        self.evidence: Evidence
        self.backup = folder / "backup.db"
        self.one_at_a_time = asyncio.Lock()
        """For whoever ends and starts processes."""

    @property
    def host(self) -> Host:
        return self.hosts[0]

    def begin(self) -> None:
        """Server, enrolled agentlet, and jobs to give it."""
        plan = self.plan
        self.server.start()
        desk = open_desk(self.state)
        try:
            token = desk.invite(HOST).token
        finally:
            desk.close()
            desk.database.close()
        if plan.special == "clock":
            self.host.set_clock(SHIFT_S if plan.seed % 3 else -SHIFT_S)
        if self.proxy.ca_file is not None:
            self.host.enroll(self.base, token, "--token-only", "--ca", str(self.proxy.ca_file))
        else:
            self.host.enroll(self.base, token, "--pin", CertificateAuthority(self.state / "ca").pin())
        self.recorder.install()
        if plan.special == "clone":
            self._clone()
        kit = kit_in(self.folder / "files")
        works = jobs_for(kit, plan.jobs, plan.seed, [host.state for host in self.hosts],
                         is_repeatable=plan.special == "freeze",
                         last_sleeps_s={"cancel": 120.0, "freeze": 1.0}.get(plan.special))
        self.evidence = Evidence(plan, self.folder, self.state, kit, works, self.hosts,
                                 server_port=self.server.port)
        if self.disk is not None and self.disk.missing:
            self.evidence.notes.append(f"no full disk: {self.disk.missing}")
        for host in self.hosts:
            host.start()

    async def play(self) -> Evidence:
        """All of it, after `begin`. Raises `TimeoutError` when the end does not come."""
        watching = asyncio.create_task(self._watch())
        self.proxy.is_rough = True
        for work in self.evidence.works:
            self._follow(work)
        faults = asyncio.create_task(self._go_wrong())
        special = asyncio.create_task(self._special())
        try:
            await asyncio.wait_for(asyncio.gather(faults, special), LIMIT_S)
            self.heal()
            await asyncio.wait_for(asyncio.gather(*self.following), LIMIT_S)
            await asyncio.wait_for(self._until(self._is_quiet), QUIET_S)
        finally:
            watching.cancel()
            for task in self.following:
                task.cancel()
            self._look()
            await self.room.close()
        return self.evidence

    def heal(self) -> None:
        """From here on nothing goes wrong any more."""
        self.proxy.is_rough = False
        self.proxy.restore()
        if self.disk is not None:
            self.disk.clear()
        self.server.start()
        for host in self.hosts:
            host.send(signal.SIGCONT)
            host.start()

    def close(self) -> None:
        for host in self.hosts:
            host.send(signal.SIGCONT)
            host.end()
        self.server.end()
        self.proxy.close()
        if self.disk is not None:
            self.disk.close()

    # ---- the carrier

    def _new_room(self) -> MailRoom:
        return MailRoom(lambda: open_post(self.state))

    def _follow(self, work: Work) -> None:
        told = Told(work.job.id)
        self.evidence.told.append(told)
        self.following.append(asyncio.create_task(self._run(work, told)))

    async def _run(self, work: Work, told: Told) -> None:
        settings = Settings(run_id=f"run-{self.plan.seed}", mailroom=self.room, state_dir=str(self.state))
        connection = MailboxConnection(target_of(HOST, {"ansible_connection": "local"}.get), settings, self.room)
        connection.set_secret("password", self.evidence.kit.canaries[1])

        def sink(*about: Any) -> Uploaded:
            told.files.append(Uploaded())
            return told.files[-1]

        try:
            await connection.open()
            told.end = await connection.run_job(work.job, told.events.append, dict(work.blobs), uploads=sink)
        except OrchError as error:
            told.error = error.code

    # ---- what goes wrong

    async def _go_wrong(self) -> None:
        for fault in self.plan.faults:
            await self._moment(fault.moment, fault.count)
            await asyncio.sleep(fault.wait_s)
            async with self.one_at_a_time:
                await self._do(fault)

    async def _do(self, fault: Fault) -> None:
        self.evidence.notes.append(f"{fault.act} at {time.time():.3f}")
        if fault.act == "cut":
            self.proxy.cut()
        if fault.act in ("kill_agentlet", "kill_both"):
            for host in self.hosts:
                host.end()
        if fault.act in ("kill_server", "kill_both"):
            self.server.end()
        await asyncio.sleep(fault.for_s)
        self.proxy.restore()
        await asyncio.to_thread(self.server.start)
        for host in self.hosts:
            host.start()

    async def _special(self) -> None:
        act = getattr(self, f"_special_{self.plan.special}", None)
        if act is not None:
            await act()

    async def _special_clock(self) -> None:
        """A step in the middle, back to the right time."""
        await self._moment("begin")
        self.host.set_clock(0.0)

    async def _special_full_disk(self) -> None:
        assert self.disk is not None
        await self._moment(MOMENTS[self.plan.seed // 8 % len(MOMENTS)])
        self.disk.fill()
        await asyncio.sleep(1.5)
        self.disk.clear()

    async def _special_update(self) -> None:
        """A version that does not work is offered; then there is more to do."""
        slots = self.host.state / "versions" / "slots.json"
        await asyncio.wait_for(self._until(lambda: slots.exists() and bool(json.loads(slots.read_text())["refused"])),
                               NEWS_S)
        more = jobs_for(self.evidence.kit, 1, self.plan.seed, [self.host.state], is_repeatable=False, tag="after-")
        self.evidence.works += more
        self._follow(more[0])

    async def _special_freeze(self) -> None:
        """The agentlet stands still until its job is another attempt's: it comes back fenced off."""
        await self._moment("begin")
        self.host.send(signal.SIGSTOP)
        await asyncio.wait_for(self._until(lambda: any(move.attempt > 1 for move in self.recorder.moves())), NEWS_S)
        self.host.send(signal.SIGCONT)

    async def _special_cancel(self) -> None:
        work = self.evidence.works[-1]
        self.evidence.cancelled = work.job.id
        with suppress(TimeoutError):
            await asyncio.wait_for(self._until(lambda: self._has_begun(work)), 20)
        await self.room.ask(lambda post: post.cancel(work.job.id))

    async def _special_restored(self) -> None:
        """The store is put back to what it was some moments ago; the run comes back with a new connection."""
        await self._moment(MOMENTS[self.plan.seed // 8 % 4])
        await asyncio.to_thread(self.recorder.copy_to, self.backup)
        await asyncio.sleep(0.3 + self.plan.seed % 5 * 0.2)
        async with self.one_at_a_time:
            await self._restore()

    async def _restore(self) -> None:
        for task in self.following:
            task.cancel()
        await asyncio.gather(*self.following, return_exceptions=True)
        await self.room.close()
        self.server.end()
        for name in ("orch.db-wal", "orch.db-shm", "orch.db"):
            (self.state / name).unlink(missing_ok=True)
        shutil.copy(self.backup, self.state / "orch.db")
        os.chmod(self.state / "orch.db", 0o600)
        await asyncio.to_thread(self.server.start)
        self.room, self.following, self.evidence.told = self._new_room(), [], []
        for work in self.evidence.works:
            self._follow(work)

    def _clone(self) -> None:
        """The disk is copied before there is work: two agentlets with one identity."""
        folder = self.folder / "clone"
        folder.mkdir()
        shutil.copytree(self.host.state, folder / "state")
        self.hosts.append(Host(self.program, folder, folder / "state", self.plan.seed + 1, self.plan.network.repeat))

    # ---- looking

    async def _moment(self, moment: str, count: int = 1) -> None:
        with suppress(TimeoutError):  # such a moment may not come: the job is over, or never begins
            await asyncio.wait_for(self._until(lambda: self._count(moment) >= count), 8)

    async def _until(self, claim: Callable[[], bool]) -> None:
        while not await asyncio.to_thread(claim):
            await asyncio.sleep(0.02)

    def _count(self, moment: str) -> int:
        if moment in ("begin", "end"):
            return Counter(what for what, _, _ in self.evidence.traced())[moment]
        if moment == "posted":
            return len({move.job for move in self.recorder.moves()})
        return len({move.job for move in self.recorder.moves() if move.state == moment})

    def _has_begun(self, work: Work) -> bool:
        return any(mark == work.marks[0] for _, mark, _ in self.evidence.traced())

    def _is_quiet(self) -> bool:
        """The agentlets have delivered everything, and know it."""
        return not any(host.held() for host in self.hosts)

    async def _watch(self) -> None:
        """Argument lists of this machine's processes, for canaries, as often as is cheap."""
        canaries = [canary.encode() for canary in self.evidence.kit.canaries]
        while True:
            self.evidence.seen_arguments |= await asyncio.to_thread(with_any, canaries)
            await asyncio.sleep(0.1)

    def _look(self) -> None:
        evidence = self.evidence
        with suppress(sqlite3.Error):
            evidence.moves, evidence.batches = self.recorder.moves(), self.recorder.batches()
        post, database = open_post(self.state)
        try:
            for work in evidence.works:
                try:
                    state = evidence.states[work.job.id] = post.state_of(work.job.id)
                    evidence.stored[work.job.id] = post.events_after(work.job.id, state.attempt, 0)
                except OrchError:
                    evidence.states[work.job.id] = None
        finally:
            database.close()


def play(plan: Plan, folder: Path) -> tuple[Round, Evidence]:
    """The round is over, and its processes are there still: `Round.close` ends them."""
    made = Round(plan, folder)
    try:
        made.begin()
        return made, asyncio.run(made.play())
    except BaseException:
        made.close()
        raise

