"""A playbook of one task, made from `orch exec`'s options and run like any other."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from orchestrator.errors import Faults, OrchError, Origin, UsageError

if TYPE_CHECKING:
    from orchestrator.cli.display import Display
    from orchestrator.engine.setup import Workbench
    from orchestrator.model import Playbook

NEEDS_ARGUMENTS = frozenset({"command", "shell", "script", "raw"})


def run_module(pattern: str, module: str, args: str, given: dict[str, Any]) -> int:
    """Run it and return the exit code. Raises `UsageError` for a module that does not exist, with the nearest name."""
    from orchestrator.cli import running
    from orchestrator.cli.options import workbench

    bench = workbench((), given)
    if given.get("list_hosts"):
        return _list_hosts(bench, pattern)
    task = _task(module, args)
    bench.playbook = _load(bench, pattern, task)
    # What `orch runs list` calls the run. There is no file to go on with: an ad-hoc run is begun again.
    bench.options = replace(bench.options, playbooks=(f"exec {module}",))
    return running.launch(bench, given, make_display=None if given.get("as_json") else lambda: _display(given))


def _display(given: dict[str, Any]) -> Display:
    from orchestrator.cli.display.exec import ExecDisplay

    return ExecDisplay(sys.stdout, sys.stderr, verbosity=int(given.get("verbosity") or 0),
                       diff=bool(given.get("diff")), one_line=bool(given.get("one_line")))


def _list_hosts(bench: Workbench, pattern: str) -> int:
    import click

    hosts = bench.inventory.match(pattern, bench.options.limit)
    click.echo("\n".join([f"  hosts ({len(hosts)}):", *(f"    {host}" for host in hosts)]))
    return 0


def _task(module: str, args: str) -> dict[str, Any]:
    from modules import registry

    canonical = registry.canonical(module)
    if canonical is None and not _is_bridged(module):
        near = registry.nearest(module)
        raise UsageError(f"there is no module {module!r}", hint=f"did you mean {near!r}?" if near else "see `orch doc`")
    if canonical in NEEDS_ARGUMENTS and not args.strip():
        raise UsageError(f"nothing to run: {module} takes its command line with -a",
                         hint="orch exec PATTERN -a 'uptime'")
    return {"name": module, module: _arguments(args)}


def _is_bridged(module: str) -> bool:
    """Whether the bridge has the module from somewhere else."""
    from pathlib import Path

    from orchestrator.bridge.bridge import Bridge
    from orchestrator.engine.setup import content_paths

    here = Path.cwd()
    bridge = Bridge([str(path) for path in content_paths(os.environ, here)[1]])
    return (bridge.own(module, [str(here)]) or bridge.other(module, [str(here)], ())) is not None


def _arguments(args: str) -> Any:
    text = args.strip()
    if text.startswith("{") and not text.startswith("{{"):
        try:
            return json.loads(text)
        except ValueError as error:
            raise UsageError(f"-a is no JSON: {error}") from None
    return text or None


def _load(bench: Workbench, pattern: str, task: dict[str, Any]) -> Playbook:
    """The playbook of this one task, as if it lay in this folder: files that it names are looked for from here."""
    from pathlib import Path

    play = {"name": "orch exec", "hosts": pattern, "gather_facts": False, "tasks": [task]}
    path = Path.cwd() / "orch-exec"
    # There is no such file, and arguments may be secret: the loader is handed the text and nothing is written.
    bench.content.provide(path, json.dumps([play]))
    try:
        return bench.loader.load([path], bench.variables.extra_vars)
    except OrchError as error:
        raise _without_place(error, str(path), task["name"]) from None


def _without_place(error: OrchError, file: str, module: str) -> OrchError:
    """The temporary file means nothing to anybody: what is wrong stands in -m and -a."""
    if isinstance(error, Faults):
        return Faults([_without_place(one, file, module) for one in error.errors])
    if error.origin is not None and error.origin.file == file:
        error.origin = Origin(f"-m {module} -a …")
    return error
