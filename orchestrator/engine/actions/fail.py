"""Fails with a message of the author's own.

Example:

    - fail:
        msg: "unsupported release {{ ansible_distribution_release }}"
      when: ansible_distribution_release not in releases
"""

from __future__ import annotations

from modules.api import Arg
from orchestrator.engine.call import Call
from orchestrator.engine.outcome import Value

ARGS = {"msg": Arg("any", default="Failed as requested from task", help="Why it fails.")}


async def run(call: Call) -> Value:
    return {"failed": True, "changed": False, "msg": call.args.get("msg", "Failed as requested from task"),
            "error_code": "fail"}
