"""`./dev test`: system packages, the lab's engine and images, the checks, all tests. ARGS go to pytest."""

from __future__ import annotations

import subprocess
import sys
import time

from devtools import check, system
from tests.lab import engine, images
from tests.lab.engine import LabError

USAGE = """usage: ./dev test [ARGS for pytest]

Without ARGS: set everything up, ./dev check, then all tests.
With ARGS: set everything up, then pytest with them and no checks, e.g.  ./dev test -k cut tests/lab
           In one process, unless they have pytest-xdist's -n.
"""
PROCESSES = 2
"""That share all tests (tests/distribution.py); most of them wait most of the time. 0: one after the other, here."""


def main(arguments: list[str]) -> int:
    if arguments[:1] in (["-h"], ["--help"]):
        print(USAGE, end="")
        return 0
    system.install(system.TEST_PACKAGES)
    started_engine = prepare_lab()
    try:
        checked = check.main([]) if not arguments else 0
        tested = subprocess.run([sys.executable, "-m", "pytest", *(arguments or ["-q", f"-n{PROCESSES}"])]).returncode
    finally:
        if started_engine:
            engine.stop()
    return checked or tested


def prepare_lab() -> bool:
    """Engine and images, where they can be had; True when the engine was started here. What is missing is said."""
    was_up = engine.answers()
    reason = engine.missing()
    if reason:
        print(f"dev: lab tests will be skipped: {reason}", file=sys.stderr)
        return False
    for name in images.RECIPES:
        begun = time.monotonic()
        try:
            images.ensure(name)
        except LabError as error:
            print(f"dev: no lab image {name}: {error}", file=sys.stderr)
        if time.monotonic() - begun > 5:
            print(f"dev: built the lab image {name} in {time.monotonic() - begun:.0f} s", file=sys.stderr)
    return not was_up
