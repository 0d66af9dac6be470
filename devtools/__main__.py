"""Hand each subcommand of `./dev` to its file."""

from __future__ import annotations

import importlib
import sys

COMMANDS = ("bench", "chaos", "check", "compat", "demo", "lab", "test")


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] not in COMMANDS:
        named = f"no such command: {arguments[0]}; " if arguments else ""
        sys.exit(f"dev: {named}there are {', '.join(COMMANDS)} and env")
    module = importlib.import_module(f"devtools.{arguments[0]}")
    return int(module.main(arguments[1:]) or 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
