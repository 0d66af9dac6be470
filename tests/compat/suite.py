"""Run cases: each on its own host and in its own folder, a few side by side, by one engine or by both."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from tests.bench.measure import measure
from tests.compat import engines, source
from tests.compat.cases import Case
from tests.compat.hosts import fresh_host
from tests.compat.invocation import host_variables, local_variables, prepare
from tests.compat.recap import plain
from tests.compat.tree import Tree
from tests.compat.verdict import Ended, fault
from tests.lab.hosts import LabHost

LOGS = source.FOLDER / "logs"
OUTPUT_LIMIT = 8 * 1024 * 1024


@dataclass(frozen=True)
class Outcome:
    """What one engine did with one case. ``fault`` is empty when it did as recorded."""

    id: str
    group: str
    engine: str
    fault: str
    wall_s: float
    cpu_s: float

    @property
    def passed(self) -> bool:
        return not self.fault


@contextmanager
def trees(names: Sequence[str]) -> Iterator[dict[str, Tree]]:
    """A copy of the tests for each engine. Raises `source.Unavailable`."""
    tests = source.tests()
    with tempfile.TemporaryDirectory(prefix="orch-compat-") as folder:
        yield {name: Tree.make(tests, Path(folder, name), engines.ENGINES[name].command()) for name in names}


def run(cases: Sequence[Case], names: Sequence[str], jobs: int, tell: Callable[[Outcome], None]) -> list[Outcome]:
    """All outcomes, in the order in which they came; ``tell`` is called with each. Logs go to `LOGS`."""
    outcomes = []
    with trees(names) as copies, ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        pending = [pool.submit(run_case, case, name, copies[name]) for case in cases for name in names]
        for done in as_completed(pending):
            outcomes.append(done.result())
            tell(outcomes[-1])
    return outcomes


def run_case(case: Case, name: str, tree: Tree) -> Outcome:
    """One case, on a host of its own when it needs one. What is wrong with the lab is a fault of the case, too."""
    try:
        with fresh_host() if case.needs_host else nullcontext() as host:
            ended = attempt(case, name, tree, host)
    except Exception as error:  # one broken host is no reason to lose the other cases
        return Outcome(case.id, case.group, name, f"not run: {error}", 0.0, 0.0)
    return Outcome(case.id, case.group, name, fault(case, ended), ended.wall_s, ended.cpu_s)


def attempt(case: Case, name: str, tree: Tree, host: LabHost | None) -> Ended:
    """Call the engine; its whole output is in ``LOGS/ENGINE/CASE.log`` afterwards."""
    variables = host_variables(host.variables()) if host else local_variables()
    log = LOGS / name / f"{case.slug}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="orch-case-"))
    try:
        call = prepare(case, tree, scratch, engines.ENGINES[name].command(), variables)
        cost = measure(call.argv, cwd=call.cwd, env=call.env, log=log, timeout_s=case.limit_s)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return Ended(cost.exit_code, read_output(log), cost.wall_s, cost.cpu_s)


def read_output(log: Path) -> str:
    """The output without colours; of an endless one the last `OUTPUT_LIMIT` bytes."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - OUTPUT_LIMIT))
        return plain(file.read().decode(errors="replace"))
