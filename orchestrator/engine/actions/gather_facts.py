"""Gathers facts, as the start of a play does.

Example:

    - gather_facts:

Returns: ``ansible_facts``.
"""

from __future__ import annotations

from modules.api import Arg
from orchestrator.engine.call import Call
from orchestrator.engine.outcome import Value

ARGS = {"parallel": Arg("bool", help="Accepted for compatibility; one runtime gathers all.")}
ALLOW_UNKNOWN = True


async def run(call: Call) -> Value:
    args = {k: v for k, v in call.args.items() if k != "parallel"}
    return await call.execute("setup", args)
