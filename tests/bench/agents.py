"""Agents on one gateway process: idle long polls, wake-ups, and the storm of a restart. Real TLS, real certificates.

The server is `orch serve`; the agents are connections of a second process, from addresses in 127.0.0.0/8, each with a
certificate of its own, retrying as the agentlet does (`agentlet.pull.backoff`).
"""

from __future__ import annotations

import json
import os
import queue
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import Struct

from orchestrator.agents.bundle import build_pyz
from orchestrator.agents.envelope import Envelope
from orchestrator.agents.opening import open_desk, open_post
from orchestrator.agents.records import ACTIVE, TLS
from tests.bench.measure import _descendants, _pss, _stat

ORCH = str(Path(sys.executable).with_name("orch"))
HELD_LIMIT_S, STORM_LIMIT_S, WAKE_LIMIT_S = 180.0, 120.0, 10.0
WAKES = 200
WAKES_LIMIT_S = 60.0
UNRELATED_S = 0.1
"""The next post comes at any moment: right after the last one it would always wait for the gateway's next look."""
IDLE_S = 20.0
SETTLE_S = 5.0
SETTLED_LIMIT_S, SETTLED_BYTES = 60, 1 << 20
UNIT_ENVIRONMENT = {"LANG": "C.UTF-8", "MALLOC_ARENA_MAX": "1"}
"""As its systemd unit has it (agentlet/pull/services.py)."""
KEY_FILE = "agents.key"
ROOM = 500
"""Rows in one statement's batch."""


class Figures(Struct):
    agents: int
    waiting: int
    bytes_per_poll: float = 0.0
    idle_cpu: float = 0.0
    """Share of one core that the server uses while all wait and nothing happens."""
    connect_s: float = 0.0
    wake_s: list[float] = []
    storm_s: float | None = None
    """From the server's restart until every agent waits again; None: not within the limit."""

    def wake(self, share: float) -> float:
        ordered = sorted(self.wake_s)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def measure(agents: int, waiting: int) -> Figures:
    """All figures, one after the other; within about six minutes for 5,000 agents, whatever happens."""
    with tempfile.TemporaryDirectory() as scratch:
        state = Path(scratch, "state")
        state.mkdir(mode=0o700)
        with _server(state, 0) as (_, port):
            pass  # authority, keys and store are there now, and a free port is known
        figures = Figures(agents, min(waiting, agents))
        ids = _enrol(state, max(agents, waiting))
        with _server(state, port) as (server, _), _clients(state, port, ids[:figures.waiting]) as clients:
            clients.until_held(figures.waiting, HELD_LIMIT_S)
            _settled_pss(server.pid)
            figures.wake_s = _wake_ups(state, clients, figures.waiting)
        with ExitStack() as stack:
            with _server(state, port) as (server, _):
                before = _settled_pss(server.pid)  # before the first of them connects
                clients = stack.enter_context(_clients(state, port, ids[:agents]))
                began = time.monotonic()
                clients.begin()
                clients.until_held(agents, HELD_LIMIT_S)
                figures.connect_s = time.monotonic() - began
                figures.idle_cpu = _idle_cpu(server.pid)
                figures.bytes_per_poll = (_pss(server.pid) - before) / agents
                server.kill()
                server.wait()
            with _server(state, port):
                began = time.monotonic()
                if clients.until_held(agents, STORM_LIMIT_S):
                    figures.storm_s = time.monotonic() - began
        return figures


def _settled_pss(pid: int) -> int:
    """What the server has when all of it has started: the page, the worker and its library come after the gateway."""
    sizes = [_pss(pid)]
    end = time.monotonic() + SETTLED_LIMIT_S
    while time.monotonic() < end and (len(sizes) < 8 or max(sizes[-8:]) - min(sizes[-8:]) > SETTLED_BYTES):
        time.sleep(1)
        sizes.append(_pss(pid))
    return sizes[-1]


@contextmanager
def _server(state: Path, port: int) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """`orch serve`, listening; ended at the end."""
    command = [ORCH, "serve", "--agents-host", "127.0.0.1", "--agents-port", str(port), "--name", "127.0.0.1"]
    process = subprocess.Popen(command, env={**os.environ, "ORCH_STATE_DIR": str(state)}, cwd=state, text=True,
                               stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        if not said.startswith("agents: "):
            raise RuntimeError("orch serve did not start")
        yield process, int(said.partition(",")[0].rpartition(":")[2])
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _enrol(state: Path, count: int) -> list[str]:
    """Agents straight in the store, each with a certificate; they share one key, which makes no odds to the server."""
    desk = open_desk(state)
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    text = request.public_bytes(serialization.Encoding.PEM).decode()
    now, agents, certificates = datetime.now(UTC), [], []
    folder = state / "agents"
    folder.mkdir()
    (folder / KEY_FILE).write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    for number in range(count):
        agent_id = f"{number:016x}"
        issued = desk.office.ca.sign_agent(text, agent_id)
        (folder / agent_id).write_text(issued.pem)
        agents.append({
            "id": agent_id, "seal": desk.office.agent_seal(agent_id, f"host{number}"), "host": f"host{number}",
            "state": ACTIVE, "machine_id": agent_id, "instance_id": agent_id,
            "mode": TLS, "version": "0", "platform": "linux", "clone_of": None, "note": "", "generation": 1,
            "next_generation": None, "protocol": 1, "interval_s": 30, "ring": None, "config": 1, "python": [3, 11],
            "labels": {}, "facts": {}, "renew": False, "enrolled": now, "last_seen": now, "recovery_asked": None,
            "recovery_approved": None})
        certificates.append({
            "serial": issued.serial, "agent_id": agent_id, "digest": issued.digest, "generation": 1,
            "seal": desk.office.certificate_seal(issued.digest, agent_id, 1),
            "not_before": issued.not_before, "not_after": issued.not_after, "issued": now, "first_used": now,
            "revoked": None})
    with desk.database.transaction():
        for start in range(0, count, ROOM):
            desk.office.agents.insert(*agents[start:start + ROOM])
            desk.office.certificates.insert(*certificates[start:start + ROOM])
    desk.close()
    desk.database.close()
    (folder / "authorities.pem").write_text(desk.office.ca.bundle())
    return [agent["id"] for agent in agents]


class IdleAgentlet(Struct):
    """The real agentlet, enrolled and waiting."""

    file_bytes: int
    resident_bytes: int
    cpu: float
    """Share of one core."""


def measure_agentlet() -> IdleAgentlet:
    with tempfile.TemporaryDirectory() as scratch:
        state, own = Path(scratch, "state"), Path(scratch, "agentlet")
        state.mkdir(mode=0o700)
        program = Path(scratch, "agentlet.pyz")
        program.write_bytes(build_pyz())
        agentlet = [sys.executable, "-IS", str(program)]
        with _server(state, 0) as (_, port):
            desk = open_desk(state)
            token, pin = desk.invite("bench").token, desk.office.ca.pin()
            desk.close()
            desk.database.close()
            subprocess.run([*agentlet, "enroll", f"https://127.0.0.1:{port}", "--pin", pin, "--state", str(own)],
                           input=f"{token}\n", text=True, check=True, stdout=subprocess.DEVNULL, timeout=60)
            process = subprocess.Popen([*agentlet, "run", "--state", str(own)], stderr=subprocess.DEVNULL,
                                       env={**os.environ, **UNIT_ENVIRONMENT})
            try:
                time.sleep(SETTLE_S)
                pids = [process.pid, *_descendants(process.pid)]
                cpu = _idle_cpu(*pids)
                return IdleAgentlet(program.stat().st_size, sum(map(_resident_bytes, pids)), cpu)
            finally:
                process.terminate()
                process.wait(10)


def _resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Clients:
    """The second process, by what it prints."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.woken: queue.Queue[tuple[str, float]] = queue.Queue()
        self._held = 0
        threading.Thread(target=self._read, daemon=True).start()

    def begin(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("begin\n")
        self.process.stdin.flush()

    def until_held(self, count: int, limit_s: float) -> bool:
        """Whether so many polls are held at once within the limit, and still are a second later."""
        end = time.monotonic() + limit_s
        while time.monotonic() < end:
            if self._held >= count:
                time.sleep(1)
                if self._held >= count:
                    return True
            time.sleep(0.05)
        return False

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            said: dict[str, Any] = json.loads(line)
            if "held" in said:
                self._held = said["held"]
            else:
                self.woken.put((said["woken"], said["at"]))


@contextmanager
def _clients(state: Path, port: int, ids: list[str]) -> Iterator[Clients]:
    (state / "agents" / "ids").write_text("\n".join(ids))
    process = subprocess.Popen([sys.executable, "-m", "tests.bench.agents_clients", str(state / "agents"), str(port)],
                               text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield Clients(process)
    finally:
        process.kill()
        process.wait()


def _wake_ups(state: Path, clients: Clients, waiting: int) -> list[float]:
    """Seconds from a job's commit, in this process, to the answer at the agent; each at another agent."""
    post, database = open_post(state)
    found: list[float] = []
    end = time.monotonic() + WAKES_LIMIT_S
    for number in random.sample(range(waiting), min(WAKES, waiting)):
        if found and time.monotonic() > end:
            break
        agent = f"{number:016x}"
        post.post(Envelope(host=f"host{number}", run="bench", job=f"bench-{agent}",
                           tasks=[{"id": "t1", "module": "ping", "args": {}}]))
        posted_at = time.time()
        try:
            while (said := clients.woken.get(timeout=WAKE_LIMIT_S))[0] != agent:
                pass
            found.append(max(said[1] - posted_at, 0.0))
        except queue.Empty:
            found.append(WAKE_LIMIT_S)
        post.cancel(f"bench-{agent}")
        time.sleep(random.random() * UNRELATED_S)
    database.close()
    return found


def _idle_cpu(*pids: int) -> float:
    def used_s() -> float:
        found = [_stat(pid) for pid in pids]
        return sum(int(fields[11]) + int(fields[12]) for fields in found if fields) / os.sysconf("SC_CLK_TCK")

    before = used_s()
    time.sleep(IDLE_S)
    return (used_s() - before) / IDLE_S
