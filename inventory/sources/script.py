"""Executable inventories: ``--list`` prints groups as JSON. What they print is data and never a template."""

from __future__ import annotations

import json
import os
import time
from typing import Any

from inventory.errors import InventoryError
from inventory.inventory import Inventory
from inventory.model import Place
from inventory.sources.bounded import run_bounded
from inventory.sources.context import Context
from inventory.sources.dynamic import read_dynamic


def read_script(inventory: Inventory, path: str, context: Context) -> None:
    """Run ``path --list``, and ``--host NAME`` for each host when ``_meta.hostvars`` is missing.

    Raises InventoryError when the script fails, prints something else than an inventory, prints more than
    ``context.max_bytes``, or has not ended after ``context.script_timeout_s`` for all its calls together.
    """
    script = _Script(os.path.abspath(path), path, context)
    read_dynamic(inventory, script.json("--list"), Place(path), lambda name: script.json("--host", name))


class _Script:
    def __init__(self, path: str, shown: str, context: Context) -> None:
        self.path = path
        self.shown = shown
        self.context = context
        self.deadline = time.monotonic() + context.script_timeout_s

    def json(self, *arguments: str) -> dict[str, Any]:
        left = self.deadline - time.monotonic()
        ended = run_bounded([self.path, *arguments], timeout_s=left, max_bytes=self.context.max_bytes)
        call = " ".join([self.shown, *arguments])
        if ended.problem:
            raise InventoryError(f"the inventory script {ended.problem}: {call}", self.shown,
                                 hint=_tail(ended.stderr) or "run it by hand to see what it does")
        if ended.returncode != 0:
            raise InventoryError(f"the inventory script ended with {ended.returncode}: {call}", self.shown,
                                 hint=_tail(ended.stderr))
        try:
            data = json.loads(ended.stdout.decode("utf-8") or "{}")
        except (ValueError, RecursionError) as error:
            raise InventoryError(f"the inventory script printed no JSON: {error}", self.shown,
                                 hint=f"see for yourself: {call}") from error
        if not isinstance(data, dict):
            raise InventoryError("the inventory script must print a JSON object", self.shown,
                                 hint=f"see for yourself: {call}")
        return data


def _tail(stderr: bytes) -> str | None:
    lines = [line.strip() for line in stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    return "".join(c if c.isprintable() else "?" for c in lines[-1])[:500] if lines else None
