"""`orch lint` of one playbook, in a process of its own: it loads the filters that a project brings, which are code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from msgspec import Struct, field

from orchestrator.errors import OrchError
from orchestrator.projects.paths import Tree

TIME_LIMIT_S = 60.0
MOST_BYTES = 4 << 20
CONFINED = "orchestrator.security.confined"
PASSED = ("PATH", "LANG", "VIRTUAL_ENV", "PYTHONPATH")


class Lint(Struct):
    """``missing``: what orch does not have, each with ``kind, name, count, nearest, places``."""

    files: int = 0
    uses: int = 0
    missing: list[dict[str, Any]] = field(default_factory=list)
    bridged: list[str] = field(default_factory=list)
    faults: list[dict[str, str]] = field(default_factory=list)
    not_followed: list[dict[str, str]] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not self.missing and not self.faults


def lint(tree: Tree, path: str, time_limit_s: float = TIME_LIMIT_S) -> Lint:
    """What the playbook uses that orch does not have.

    Raises `NotFound`, `Malformed`, and `OrchError` when it takes too long.

    The process has no secret of the server in its environment, and is ended with all that it started. Unless the
    project's content may run on the server, its filters are not loaded, and count as missing.
    """
    full = tree.file(path)
    environment = {name: os.environ[name] for name in PASSED if name in os.environ}
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", *(() if tree.runs_here else (CONFINED, str(tree.root))), "orchestrator.cli.main",
         "lint", "--json", "--", os.path.relpath(full, tree.root)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=tree.root,
        env={**environment, "HOME": str(tree.root), "LC_ALL": "C.UTF-8", "PYTHONPATH": _python_path(environment)},
        start_new_session=True)
    try:
        output, _ = process.communicate(timeout=time_limit_s)
        said = json.loads(output[:MOST_BYTES])
    except (subprocess.TimeoutExpired, ValueError):
        raise OrchError(f"{path} could not be looked through", code="lint",
                        hint=f"try it by hand: orch lint {path}") from None
    finally:
        _end(process)
    root = f"{tree.root}{os.sep}"
    text = json.dumps(said).replace(json.dumps(root)[1:-1], "")
    kept = {name: value for name, value in json.loads(text).items() if name in Lint.__struct_fields__}
    return Lint(**kept)


def _python_path(environment: dict[str, str]) -> str:
    """Where this program's own packages are: an installed one needs nothing, a checkout does."""
    import orchestrator

    assert orchestrator.__file__ is not None
    own = os.path.dirname(os.path.dirname(os.path.abspath(orchestrator.__file__)))
    return os.pathsep.join(part for part in (own, environment.get("PYTHONPATH", "")) if part)


def _end(process: subprocess.Popen[bytes]) -> None:
    from orchestrator.projects.git import end

    if process.poll() is None:
        end(process)
    if process.stdout is not None:
        process.stdout.close()
