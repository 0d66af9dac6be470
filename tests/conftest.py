"""What every test may use, and the final count of what was skipped and why."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.distribution import (  # noqa: F401  hooks are found by name
    pytest_collection_modifyitems,
    pytest_xdist_make_scheduler,
)
from tests.lab.fixtures import (  # noqa: F401  fixtures are found by name
    bullseye_host,
    fresh_postgres_url,
    lab,
    lab_host,
    lab_hosts,
    loopback_sshd,
    no_python_host,
    postgres_cluster,
    postgres_store,
    postgres_store_url,
    postgres_url,
    trixie_host,
)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many tests were skipped for each reason: a skip is visible, and counts."""
    reasons: Counter[str] = Counter()
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reasons[reason.removeprefix("Skipped: ")] += 1
    terminalreporter.section(f"skipped: {sum(reasons.values())}", sep="-")
    for reason, count in reasons.most_common():
        terminalreporter.line(f"{count:5} {reason}")
