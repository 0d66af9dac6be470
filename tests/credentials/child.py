"""A run's process, as a server starts one: materials on standard input, a playbook and an inventory as arguments."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from msgspec.structs import asdict

from orchestrator.credentials.materials import from_json
from orchestrator.engine.launch import launch
from orchestrator.engine.materials import secrets_of, with_credentials
from orchestrator.engine.options import RunOptions
from orchestrator.engine.setup import prepare


def main() -> None:
    playbook, inventory, state = sys.argv[1:4]
    materials = from_json(sys.stdin.buffer.read())
    options = RunOptions(playbooks=(playbook,), inventory=(inventory,), user=materials.username, diff=True,
                         extra_vars=with_credentials({"given": "{{ not_rendered }}"}, materials), verbosity=3)
    bench = prepare(options, secrets_of(materials))
    ended = asyncio.run(launch(bench, state_dir=Path(state), store_url=None,
                               emit=lambda event: print(type(event).__name__, asdict(event), flush=True)))
    sys.exit(0 if ended.status == "ok" else 1)


if __name__ == "__main__":
    main()
