"""Steers the run itself.

Example:

    - meta: flush_handlers

The strategy carries these out; the words are known here so that a misspelt one is a fault before any host is touched.
"""

from __future__ import annotations

from modules.api import Arg
from orchestrator.engine.call import Call
from orchestrator.engine.outcome import Value

WORDS = ["flush_handlers", "noop", "clear_facts", "clear_host_errors", "end_play", "end_host", "end_batch", "end_role",
         "refresh_inventory", "reset_connection"]
ARGS = {"free_form": Arg("str", required=True, choices=WORDS, help="What to do.")}
FREE_FORM = "free_form"


async def run(call: Call) -> Value:
    """Only for a ``meta`` that has nothing to do on a host (``noop``); the others never come here."""
    return {"changed": False, "msg": str(call.args.get("free_form"))}
