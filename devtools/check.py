"""`./dev check`: what can be said about the code without running it."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

BIN = Path(sys.executable).parent
CHECKS = {
    "ruff": [str(BIN / "ruff"), "check", "."],
    "mypy": [str(BIN / "mypy")],
    "import contracts": [str(BIN / "lint-imports")],
}


def main(arguments: list[str]) -> int:
    """Run all checks, also when one fails; 1 when any did."""
    parser = argparse.ArgumentParser(prog="./dev check", description=__doc__)
    parser.parse_args(arguments)
    failed = [name for name, command in CHECKS.items() if not _passes(name, command)]
    if failed:
        print(f"\ncheck: failed: {', '.join(failed)}")
    return 1 if failed else 0


def _passes(name: str, command: list[str]) -> bool:
    print(f"== {name}", flush=True)
    started = time.monotonic()
    code = subprocess.run(command).returncode
    print(f"== {name}: {'ok' if code == 0 else 'FAILED'} in {time.monotonic() - started:.1f} s", flush=True)
    return code == 0
