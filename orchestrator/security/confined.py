"""`python -m orchestrator.security.confined FOLDER MODULE …`: a module as a program, confined to a folder's content."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Sequence

from orchestrator.security.confinement import bounds, confine


def main(arguments: Sequence[str]) -> None:
    folder, module, *rest = arguments
    confine(bounds([folder]))
    sys.argv = [module, *rest]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
