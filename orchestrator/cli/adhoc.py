"""A playbook of one task, made from `orch exec`'s options and run like any other."""

from __future__ import annotations

import json
from typing import Any

from modules import registry
from orchestrator.errors import UsageError


def run_module(pattern: str, module: str, args: str, given: dict[str, Any]) -> int:
    """Run it and return the exit code. Raises `UsageError` for a module that does not exist, with the nearest name."""
    import tempfile
    from pathlib import Path

    from orchestrator.cli import running
    from orchestrator.engine.actions import register_all

    register_all()
    if registry.canonical(module) is None:
        near = registry.nearest(module)
        raise UsageError(f"there is no module {module!r}", hint=f"did you mean {near!r}?" if near else "see `orch doc`")
    with tempfile.TemporaryDirectory(prefix="orch-exec-") as folder:
        path = Path(folder, "exec.yml")
        path.write_text(json.dumps([_play(pattern, module, args)]))
        return running.run_playbooks((str(path),), given)


def _play(pattern: str, module: str, args: str) -> dict[str, Any]:
    task: dict[str, Any] = {"name": module, module: _arguments(args)}
    return {"name": "orch exec", "hosts": pattern, "gather_facts": False, "tasks": [task]}


def _arguments(args: str) -> Any:
    text = args.strip()
    if text.startswith("{"):
        try:
            return json.loads(text)
        except ValueError as error:
            raise UsageError(f"-a: {error}") from None
    return text or None
