"""What the control plane serves: results ingested, list routes over a full store, viewers of one run.

The server is `orch serve`'s operator application behind uvicorn, in a process of its own; clients are in this one.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import re
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import httpx
from msgspec import Struct

from orchestrator.events import TaskResult
from orchestrator.store import RunRecord, Store

HOSTS_PER_RUN, TASKS_PER_RUN = 50, 10
PER_RUN = HOSTS_PER_RUN * TASKS_PER_RUN
ADDRESS = "127.0.0.1"
STAMP = re.compile(rb"stamp=(\d+\.\d+)")


class Ingested(Struct):
    per_s: float
    cpu_us: float
    """Of this process, per result."""


class Routed(Struct):
    name: str
    p50_s: float
    p99_s: float


class Viewed(Struct):
    viewers: int
    served: int
    """Viewers that got everything."""
    p50_s: float
    p99_s: float
    messages: int


def ingest(url: str, count: int = 20_000, batch: int = 100) -> Ingested:
    """Results recorded and flushed as a run does it: ``batch`` share a transaction."""
    with Store(url) as store:
        store.start_run(RunRecord(id="bench-ingest", playbooks=["site.yml"], hosts=["h1"]))
        wall, cpu = time.perf_counter(), time.process_time()
        for number in range(count):
            store.record(result_of("bench-ingest", f"h{number % 500}", number))
            if number % batch == batch - 1:
                store.flush()
        store.flush()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        store.finish_run("bench-ingest", "ok", {})
    return Ingested(count / wall, cpu / count * 1e6)


def result_of(run_id: str, host: str, number: int, message: str = "all is well") -> TaskResult:
    return TaskResult(run_id, "play1", "a play", f"task{number % 10}", f"Task {number % 10}", "site.yml:10:5",
                      "ansible.builtin.command", host, "changed", carrier="ssh", message=message,
                      values={"rc": 0, "stdout": "x" * 200, "stderr": "", "changed": True, "cmd": ["true"]})


def fill(store_url: str, results: int) -> None:
    """Runs of 50 hosts and 10 tasks each, made by the database itself from one that was stored properly."""
    with Store(store_url) as store:
        store.start_run(RunRecord(id="bench-000000", playbooks=["site.yml"], hosts=[f"h{n}" for n in range(50)]))
        for number in range(PER_RUN):
            store.record(result_of("bench-000000", f"h{number % HOSTS_PER_RUN}", number // HOSTS_PER_RUN))
        store.record_event("bench-000000", "RunStarted", {"hosts": 50})
        store.finish_run("bench-000000", "ok", {f"h{n}": {"ok": 10, "changed": 10} for n in range(HOSTS_PER_RUN)})
        database = store._database
        runs = results // PER_RUN
        if store_url.startswith("postgres"):
            numbers, name = f"generate_series(1, {runs}) AS n(i)", "'bench-' || lpad(i::text, 6, '0')"
            older = "x.started - i * interval '1 minute'"
        else:
            database.execute("CREATE TEMP TABLE bench_numbers AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL"
                             f" SELECT i + 1 FROM n WHERE i < {runs}) SELECT i FROM n")
            numbers, name = "bench_numbers AS n", "printf('bench-%06d', i)"
            older = "strftime('%Y-%m-%d %H:%M:%f000', x.started, '-' || i || ' minutes')"
        copy(database, "runs", numbers, {"id": name, "started": older})
        for table in ("run_hosts", "events", "task_results"):
            copy(database, table, numbers, {"run_id": name} | ({"id": None} if table == "events" else {}))
        if store_url.startswith("postgres"):
            database.execute("ANALYZE")
        else:
            database.execute("ANALYZE")


def copy(database: object, table: str, numbers: str, changed: dict[str, str | None]) -> None:
    from orchestrator.store.columns import TABLES

    key = "id" if table == "runs" else "run_id"
    names = [name for name in TABLES[table] if changed.get(name, "") is not None]
    columns = ", ".join(f'"{name}"' for name in names)
    values = ", ".join(changed.get(name) or f'x."{name}"' for name in names)
    with database.transaction():  # type: ignore[attr-defined]
        database.execute(f"INSERT INTO {table} ({columns}) SELECT {values} FROM {table} x, {numbers}"  # type: ignore
                         f" WHERE x.\"{key}\" = 'bench-000000'")


ROUTES = {
    "the latest 50 runs": "/api/v1/runs",
    "the next 50 runs": "/api/v1/runs?cursor={cursor}",
    "failed runs, where there are none": "/api/v1/runs?status=failed",
    "runs of a host": "/api/v1/runs?host=h7",
    "runs of a host that had none": "/api/v1/runs?host=nowhere",
    "one run": "/api/v1/runs/bench-000100",
    "its first 200 results": "/api/v1/runs/bench-000100/results?limit=200",
    "its results of a host": "/api/v1/runs/bench-000100/results?host=h7",
    "its bad results": "/api/v1/runs/bench-000100/results?status=bad",
    "its feed from the start": "/api/v1/runs/bench-000100/feed",
}


def routes(server: Server, times: int = 100) -> list[Routed]:
    """Each list route, one request after another on one connection."""
    found = []
    with httpx.Client(base_url=server.url, cookies=server.cookies, timeout=60) as client:
        cursor = client.get("/api/v1/runs").json()["next"]
        for name, path in ROUTES.items():
            took = []
            for _ in range(times + 3):
                began = time.perf_counter()
                answer = client.get(path.format(cursor=cursor))
                took.append(time.perf_counter() - began)
                if answer.status_code != 200:
                    raise RuntimeError(f"{path}: {answer.status_code} {answer.text[:200]}")
            took = sorted(took[3:])
            found.append(Routed(name, statistics.median(took), took[min(len(took) - 1, int(len(took) * 0.99))]))
    return found


async def viewers(server: Server, store: Store, count: int, batches: int = 40, pause_s: float = 0.25,
                  per_batch: int = 5) -> Viewed:
    """``count`` streams of one run, which stores ``per_batch`` results every ``pause_s``."""
    store.announces = True
    store.start_run(RunRecord(id="bench-live", playbooks=["site.yml"], hosts=["h1"]))
    delays: list[float] = []
    whole = 0

    async def follow(opened: asyncio.Semaphore, ready: asyncio.Event) -> None:
        nonlocal whole
        async with opened:
            reader, writer = await asyncio.open_connection(ADDRESS, server.port)
            cookies = "; ".join(f"{name}={value}" for name, value in server.cookies.items())
            writer.write(f"GET /api/v1/runs/bench-live/events HTTP/1.1\r\nHost: {ADDRESS}\r\nCookie: {cookies}\r\n"
                         "Accept: text/event-stream\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            if b" 200 " not in head.split(b"\r\n", 1)[0]:
                raise RuntimeError(head.decode(errors="replace")[:200])
            ready.set()
        seen, rest = 0, b""
        while data := await reader.read(1 << 16):
            now, rest = time.time(), rest + data
            for found in STAMP.finditer(rest):
                seen += 1
                delays.append(now - float(found.group(1)))
            if b"event: end" in rest:
                break
            rest = rest[-40:] if not STAMP.search(rest[-60:]) else b""
        writer.close()
        whole += seen >= batches * per_batch

    opened = asyncio.Semaphore(20)
    readies = [asyncio.Event() for _ in range(count)]
    tasks = [asyncio.create_task(follow(opened, ready)) for ready in readies]
    await asyncio.gather(*(ready.wait() for ready in readies))
    await asyncio.sleep(1)

    def write() -> None:
        for batch in range(batches):
            for number in range(per_batch):
                store.record(result_of("bench-live", "h1", batch * per_batch + number, f"stamp={time.time():.6f} "))
            store.flush()
            time.sleep(pause_s)
        store.finish_run("bench-live", "ok", {})

    await asyncio.to_thread(write)
    await asyncio.wait_for(asyncio.gather(*tasks), 120)
    delays.sort()
    return Viewed(count, whole, statistics.median(delays), delays[int(len(delays) * 0.99)], len(delays))


class Server:
    """The operator application in a process of its own, and a session of a viewer."""

    def __init__(self, port: int, cookies: dict[str, str]) -> None:
        self.port, self.cookies = port, cookies
        self.url = f"http://{ADDRESS}:{port}"


@contextmanager
def serving(state_dir: Path, store_url: str | None) -> Iterator[Server]:
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(state_dir, store_url, theirs))
    process.start()
    theirs.close()  # so that its death is an end, and no silence
    try:
        yield Server(*json.loads(ours.recv()))
    finally:
        ours.send("stop")
        process.join(30)
        if process.is_alive():
            process.kill()


def _serve(state_dir: Path, store_url: str | None, pipe: Connection) -> None:
    import uvloop

    from api.operator.app import operator_app
    from api.operator.identity import PLAIN_COOKIE, Limits
    from api.operator.office import Office
    from api.server import Listener, Stop, listen, serve
    from orchestrator.access.identities import by_command_line
    from orchestrator.control.control import open_control

    control = open_control(state_dir, store_url)
    user = control.users.add(by_command_line("bench"), "viewer", "viewer")
    with control.books.transaction():
        session = control.sessions.begin(user, ADDRESS, "bench")
    app = operator_app(Office(lambda: open_control(state_dir, store_url)), limits=Limits(10**9, 10**9))
    socket = listen(ADDRESS, 0)
    pipe.send(json.dumps([socket.getsockname()[1], {PLAIN_COOKIE: session.secret}]))

    async def run() -> None:
        stop = Stop()
        loop = asyncio.get_running_loop()
        loop.run_in_executor(None, pipe.recv).add_done_callback(lambda _: stop.ask())
        await serve([Listener(app, socket)], stop, on_started=lambda: None,
                    on_stopping=lambda: [wake() for wake in app.state.get("wakers", [])] and None)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())
