"""How the tests are spread over processes (pytest-xdist, ``-n``), and what is seen of it meanwhile.

A file's tests stay together, since its fixtures are made once per process, and so do files that use the same thing of
this machine. What takes longest begins first, so that no process is left with it in the end. Hosts, databases and
servers of a session are each process's own.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Generator, Iterable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from xdist.scheduler import LoadScopeScheduling

TOGETHER = {
    "tests/bench/test_mixes.py": "this machine's accounts",
    "tests/contract/test_become.py": "this machine's accounts",
}
"""File -> what it uses that this machine has once. Files with the same word run in one process, one after the other."""

LONGEST = (
    "tests/e2e/test_servers.py", "tests/e2e/test_unprivileged.py", "tests/e2e/test_takeover.py",
    "tests/chaos/test_rounds.py", "tests/ui/test_journey.py", "tests/ui/test_journey_postgresql.py",
    "tests/ui/test_content.py",
    "tests/e2e/test_units.py", "tests/e2e/outside/test_provider.py",
    "tests/conformance/test_conformance.py", "tests/e2e/test_faults.py",
    "tests/agentlet/pull/test_updating.py", "tests/e2e/test_kept.py", "tests/e2e/test_recovery.py",
    "tests/modules/test_lab_more_system.py", "tests/modules/test_lab_system.py", "tests/agentlet/pull/test_network.py",
    "tests/agentlet/pull/test_crashes.py", "tests/runs/test_driving.py", "tests/e2e/test_pull.py",
    "tests/e2e/test_webserver.py", "tests/ui/test_acts.py", "tests/api/operator/test_answers.py",
)
"""By how long they take, measured; what is not here takes seconds. One that is missing costs time, never a result."""


def group_of(test: str) -> str:
    """What stays in one process, as a name; ``test`` is a test's id."""
    return TOGETHER.get(file_of(test), file_of(test))


def file_of(test: str) -> str:
    return test.partition("::")[0]


def in_order(tests: Iterable[str]) -> list[int]:
    """The places of ``tests`` in the order in which they begin: the longest groups first, else as they are."""
    names = [group_of(test) for test in tests]
    ranks = {group_of(file): rank for rank, file in reversed(list(enumerate(LONGEST)))}
    return sorted(range(len(names)), key=lambda place: ranks.get(names[place], len(LONGEST)))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        items[:] = [items[place] for place in in_order(item.nodeid for item in items)]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Hands out whole groups, whatever ``--dist`` says: no other way is safe here."""
    from xdist.scheduler import LoadScopeScheduling

    progress = Progress(config.pluginmanager.get_plugin("terminalreporter"))
    if config.option.verbose <= 0:
        config.pluginmanager.register(progress)

    class ByGroup(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

        def schedule(self) -> None:
            super().schedule()
            progress.expect(self.collection or [])

        def mark_test_complete(self, node: Any, item_index: int, duration: float = 0) -> None:
            progress.ended(self.registered_collections[node][item_index], duration)
            super().mark_test_complete(node, item_index, duration)

    config.option.loadscopereorder = False  # the order is ours
    return ByGroup(config, log)


class Progress:
    """A line for each file that is through, and at once for each test that failed: dots of several files in one line
    would say nothing. With ``-v`` pytest's own lines stay."""

    def __init__(self, terminal: Any) -> None:
        self._terminal = terminal
        self._tests: Counter[str] = Counter()
        self._left: Counter[str] = Counter()
        self._took_s: defaultdict[str, float] = defaultdict(float)
        self._is_over = False

    def expect(self, tests: Iterable[str]) -> None:
        """Everything that will run; only the first call counts, since a process that died is replaced by one more."""
        if not self._tests:
            self._tests.update(map(file_of, tests))
            self._left.update(self._tests)

    def ended(self, test: str, duration_s: float) -> None:
        file = file_of(test)
        self._left[file] -= 1
        self._took_s[file] += duration_s
        if not self._left[file]:
            share = 100 - 100 * sum(self._left.values()) // sum(self._tests.values())
            self._terminal.write_line(f"[{share:3}%] {file}: {self._tests[file]} in {self._took_s[file]:.1f} s")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            message = str(crash.message if crash else report.longrepr).partition("\n")[0][:200]
            where = "" if report.when == "call" else f"in {report.when}: "
            self._terminal.write_line(f"FAILED {where}{report.nodeid}: {message}", red=True)

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(self) -> Generator[None, Any, tuple[str, str, str]]:
        """No letters meanwhile; the summaries in the end have their words."""
        category, letter, word = yield
        return (category, letter, word) if self._is_over else (category, "", "")

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        self._is_over = True
