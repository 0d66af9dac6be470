"""`./dev bench`: what orch costs, beside ansible-core, Ansible with Mitogen, and pyinfra, in one run.

Every engine does the same twenty mixed tasks on 1, 10 and 100 hosts (addresses of an sshd on loopback), each time on
hosts it has not seen. There are two mixes: `plain` works as the one who logs in; `sudo` logs in as an ordinary user,
made for the run and removed after it, and does everything through sudo, as most fleets are run (it needs root). Costs
are those of the controller: wall time, CPU of all its processes, peak memory. What the hosts used is shown apart.
Whether the work was done is checked on each host.

`./dev bench start` measures what comes before the first host: `orch --help`, start to first connect, 10,000 hosts.
`./dev bench api` measures the control plane: results ingested, list routes over a full store, viewers of one run.
`./dev bench agents` measures the gateway for agentlets: idle polls, wake-ups, a restart's storm; and the agentlet idle.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from devtools import system
from tests.bench import compare, engines, start
from tests.bench.compare import Outcome
from tests.bench.mixes import MIXES, Mix
from tests.lab import loopback

EXPECTED = {"ansible": (30, 80), "mitogen": (5, 50), "pyinfra": (12, 10), "pyinfra-serial": (12, 10)}
"""At least so many times less wall time and CPU on 50 hosts."""

PACKAGES = {"openssh-server": "sshd", "openssh-client": "ssh", "sudo": "sudo", "git": "git", "curl": "curl",
            "python3-apt": "/usr/lib/python3/dist-packages/apt"}
"""What the hosts' side needs: the last four for the mix through sudo, which is skipped without them."""

KIB = 1024
VERDICTS = {True: "holds", False: "OVER", None: "not measured"}
CONSOLE = Console(width=None if sys.stdout.isatty() else 120, highlight=False)


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    if options.what == "start":
        return report_start()
    if options.what == "agents":
        return report_agents(options.agents)
    if options.what == "api":
        return report_api(options.results, options.viewers)
    system.install(PACKAGES)
    reason = loopback.missing()
    if reason:
        print(f"bench: {reason}", file=sys.stderr)
        return 1
    if set(options.engines) - {"orch"}:
        engines.install()
    chosen = runnable(list(MIXES.values()) if options.mix == "both" else [MIXES[options.mix]])
    if not chosen:
        return 1
    compare.warm_up(chosen[0])
    outcomes = compare.compare(options.engines, options.hosts, options.limit, chosen)
    CONSOLE.print(costs_table(outcomes))
    if "orch" in options.engines:
        CONSOLE.print(ratios_table(outcomes))
        for mix in chosen:
            CONSOLE.print(budgets_table([o for o in outcomes if o.mix == mix.name], mix, options.limit))
    return 0 if all(outcome.is_complete for outcome in outcomes) else 1


def runnable(mixes: Sequence[Mix]) -> list[Mix]:
    """Those that can run here; of the others the reason is said."""
    reasons = {mix.name: mix.missing() for mix in mixes}
    for name, reason in reasons.items():
        if reason:
            print(f"bench: mix {name} is skipped: {reason}", file=sys.stderr)
    return [mix for mix in mixes if not reasons[mix.name]]


def report_start() -> int:
    rows = [("orch --help, CPU", "150 ms", start.help_cpu_s(), 0.150),
            ("orch run, start to first connect, CPU", "400 ms", start.first_connect_cpu_s(), 0.400)]
    for form in ("ini", "yaml"):
        wall, cpu = start.inventory_wall_s(form)
        rows.append((f"10,000 hosts from {form}, loaded and matched (CPU {cpu:.2f} s)", "2 s", wall, 2.0))
    CONSOLE.print(_budgets([(name, budget, _time(seconds), seconds <= limit) for name, budget, seconds, limit in rows]))
    return 0


def report_agents(count: int) -> int:
    """The gateway's and the agentlet's budgets. Bounded: about six minutes for 5,000 agents."""
    from tests.bench import agents

    found, idle = agents.measure(count, min(count, 1000)), agents.measure_agentlet()
    p50, p99 = found.wake(0.5), found.wake(0.99)
    settled = found.storm_s is not None and found.storm_s <= 60
    rows = [
        (f"memory per idle poll over mutual TLS, {count} of them", "60 KiB", f"{found.bytes_per_poll / KIB:.1f} KiB",
         found.bytes_per_poll <= 60 * KIB),
        (f"queued job to waiting agent, p99, {found.waiting} waiting (p50 {_time(p50)})", "50 ms", _time(p99),
         p99 <= 0.050),
        (f"{count} agents wait again after the server was killed and restarted", "60 s",
         _time(found.storm_s) if found.storm_s is not None else "not settled", settled),
        (f"server's CPU while all wait; connecting them took {_time(found.connect_s)}", "",
         f"{found.idle_cpu * 100:.1f} %", True),
        ("idle agentlet, memory", "20 MiB", f"{idle.resident_bytes / KIB**2:.1f} MiB",
         idle.resident_bytes <= 20 * KIB**2),
        ("idle agentlet, CPU", "0.1 %", f"{idle.cpu * 100:.2f} %", idle.cpu <= 0.001),
        ("the agentlet's one file", "300 KB", f"{idle.file_bytes / 1000:.0f} KB", idle.file_bytes <= 300_000),
    ]
    CONSOLE.print(_budgets(rows))
    return 0 if all(holds for *_, holds in rows) else 1


def report_api(results: int, viewers: int) -> int:
    """The control plane's budgets on SQLite, and on PostgreSQL where its programs are installed."""
    import tempfile

    from tests.lab import postgresql

    reason = postgresql.missing()
    if reason:
        print(f"bench: SQLite alone: {reason}", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="orch-bench-api-") as folder:
        held = _report_api("SQLite", Path(folder) / "state", None, results, viewers)
    if not reason:
        with postgresql.Cluster() as cluster, tempfile.TemporaryDirectory(prefix="orch-bench-api-") as folder:
            url = cluster.url("postgres", driver="postgresql")
            held = _report_api("PostgreSQL", Path(folder) / "state", url, results, viewers) and held
    return 0 if held else 1


def _report_api(label: str, state: Path, url: str | None, results: int, viewers: int) -> bool:
    import asyncio

    from orchestrator.store import Store
    from tests.bench import api, page

    store_url = url or str(state / "orch.db")
    ingested = api.ingest(store_url)
    api.fill(store_url, results)
    with api.serving(state, url) as server:
        routed = api.routes(server)
        seen = page.looked_at(server) if (reason := page.missing()) is None else None
        with Store(store_url) as store:
            viewed = asyncio.run(api.viewers(server, store, viewers))
    rows: list[tuple[str, str, str, bool | None]] = [
            (f"results ingested per second, 100 to a transaction ({ingested.cpu_us:.0f} µs CPU each)", "5,000",
             f"{ingested.per_s:,.0f}", ingested.per_s >= 5_000)]
    rows += [(f"GET {one.name}, p99 (p50 {_time(one.p50_s)})", "100 ms", _time(one.p99_s), one.p99_s <= 0.100)
             for one in routed]
    rows += [(f"from a result stored to a viewer, p99 of {viewed.viewers} on one run (p50 {_time(viewed.p50_s)})",
              "500 ms", _time(viewed.p99_s), viewed.p99_s <= 0.500),
             ("viewers that got every result", str(viewed.viewers), str(viewed.served),
              viewed.served == viewed.viewers)]
    rows += [("page weight of the first view", "250 KiB", f"{seen.weight_bytes / KIB:.0f} KiB",
              seen.weight_bytes <= 250 * KIB),
             ("first of 50 runs in the browser", "1 s", _time(seen.run_list_s), seen.run_list_s <= 1),
             ("first host of a run in the browser", "1 s", _time(seen.run_grid_s), seen.run_grid_s <= 1),
             ] if seen else [("the page in a browser", "", reason, None)]
    CONSOLE.print(_budgets(rows, title=f"{label}, {results:,} task results stored"))
    return all(holds is not False for *_, holds in rows)


def costs_table(outcomes: Sequence[Outcome]) -> Table:
    table = Table(title=f"{compare.TASKS} mixed tasks, first run on fresh hosts")
    for name in ("mix", "hosts", "engine", "wall", "controller CPU", "peak memory", "hosts' CPU", "done"):
        table.add_column(name, justify="left" if name in ("mix", "engine") else "right")
    for outcome in outcomes:
        cost = outcome.cost
        table.add_row(outcome.mix, str(outcome.hosts), engines.ENGINES[outcome.engine].label, _time(cost.wall_s),
                      _time(cost.cpu_s), f"{cost.peak_bytes / KIB**2:.0f} MiB", _time(outcome.hosts_cpu_s),
                      "all" if outcome.is_complete else f"{outcome.done} of {outcome.hosts}")
    return table


def ratios_table(outcomes: Sequence[Outcome]) -> Table:
    """How many times more the others cost than orch; of an incomplete run nothing is said."""
    table = Table(title="times what orch costs (expected on 50 hosts: at least)")
    for name in ("mix", "hosts", "engine", "wall", "controller CPU", "peak memory", "expected wall", "expected CPU"):
        table.add_column(name, justify="left" if name in ("mix", "engine") else "right")
    ours = {(o.mix, o.hosts): o.cost for o in outcomes if o.engine == "orch" and o.is_complete}
    for outcome in outcomes:
        base = ours.get((outcome.mix, outcome.hosts))
        if outcome.engine == "orch" or base is None or not outcome.is_complete:
            continue
        wall, cpu = EXPECTED.get(outcome.engine, ("", ""))
        table.add_row(outcome.mix, str(outcome.hosts), engines.ENGINES[outcome.engine].label,
                      f"{outcome.cost.wall_s / base.wall_s:.1f}", f"{outcome.cost.cpu_s / base.cpu_s:.1f}",
                      f"{outcome.cost.peak_bytes / base.peak_bytes:.1f}", str(wall), str(cpu))
    return table


def budgets_table(outcomes: Sequence[Outcome], mix: Mix, limit_s: float) -> Table:
    """The design's budgets in one mix, from the differences between runs of orch: a run's fixed cost cancels out."""
    runs = sorted((o for o in outcomes if o.engine == "orch" and o.is_complete), key=lambda outcome: outcome.hosts)
    if len(runs) < 2 or runs[0].hosts == runs[-1].hosts:
        return _budgets([("per host and per task", "", "needs orch on two numbers of hosts", None)], mix.name)
    few, many = runs[0], runs[-1]
    added = many.hosts - few.hosts
    single = compare.run_once(engines.ENGINES["orch"], many.hosts, limit_s, mix, extra=("--tags", "first"))
    per_host = (many.cost.cpu_s - few.cost.cpu_s) / added
    per_task = (many.cost.cpu_s - single.cost.cpu_s) / (many.hosts * (compare.TASKS - 1))
    memory = (many.cost.main_bytes - few.cost.main_bytes) / added
    on_host = single.hosts_cpu_s / many.hosts
    small_task = (many.hosts_cpu_s - single.hosts_cpu_s) / (many.hosts * (compare.TASKS - 1))
    rows = [
        ("controller CPU per host: connect, boot, 20 tasks, stored", "10 ms", _time(per_host), per_host <= 0.010),
        ("controller CPU per task-host beyond the first", "0.5 ms", _time(per_task), per_task <= 0.0005),
        ("memory per connected host", "64 KiB", f"{memory / KIB:.0f} KiB", memory <= 64 * KIB),
    ]
    if mix.is_through_sudo:  # gathers facts first, reads package lists, clones: no budget is about those
        return _budgets(rows, mix.name)
    return _budgets([
        *rows,
        ("host CPU: sshd's session, runtime boot, one task", "80 ms", _time(on_host), on_host <= 0.080),
        ("host CPU: a task after it (one in five starts programs)", "3 ms", _time(small_task), small_task <= 0.003),
    ], mix.name)


def _budgets(rows: Sequence[tuple[str, str, str, bool | None]], mix: str = "", title: str = "") -> Table:
    """What was measured, and whether it holds; None: nothing was measured."""
    table = Table(title=title or (f"budgets, mix {mix}" if mix else "budgets"))
    for name in ("what", "budget", "measured", ""):
        table.add_column(name, justify="right" if name in ("budget", "measured") else "left")
    for what, budget, measured, holds in rows:
        table.add_row(what, budget, measured, VERDICTS[holds])
    return table


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.{0 if seconds >= 0.1 else 2}f} ms"


def _list_of(kind: type, allowed: Sequence[str] = ()) -> object:
    def parse(text: str) -> list[object]:
        values = [kind(part) for part in text.split(",") if part]
        unknown = [value for value in values if allowed and value not in allowed]
        if unknown or not values:
            raise argparse.ArgumentTypeError(f"choose from {', '.join(allowed)}" if allowed else "numbers, as in 1,10")
        return values

    return parse


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=["compare", "start", "agents", "api"], default="compare")
    parser.add_argument("--agents", type=int, default=5000, metavar="N", help="of `agents`: how many (default: 5000)")
    parser.add_argument("--results", type=int, default=1_000_000, metavar="N",
                        help="of `api`: task results stored (default: %(default)s)")
    parser.add_argument("--viewers", type=int, default=500, metavar="N",
                        help="of `api`: who follow one run (default: %(default)s)")
    parser.add_argument("--engines", type=_list_of(str, tuple(engines.ENGINES)), default=list(engines.ENGINES),
                        metavar="LIST", help=f"of {','.join(engines.ENGINES)} (default: all)")
    parser.add_argument("--mix", choices=[*MIXES, "both"], default="both", help="which twenty tasks (default: both)")
    parser.add_argument("--hosts", type=_list_of(int), default=[1, 10, 100], metavar="LIST",
                        help="numbers of hosts (default: 1,10,100; ansible-core needs some 10 s a host)")
    parser.add_argument("--limit", type=float, default=1800, metavar="SECONDS",
                        help="stop an engine after this long (default: %(default)s)")
    return parser
