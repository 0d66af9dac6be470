"""Reboots a host, and goes on when it is back and answers.

Example:

    - reboot:
        reboot_timeout: 900

The host has rebooted when its boot id is another; a resumed run sees from it that a reboot has already happened.
Returns: ``rebooted``, ``elapsed`` (whole seconds). In check mode nothing happens and a change is foreseen.
"""

from __future__ import annotations

import asyncio
import shlex
import time
from typing import Any

from agentlet.arguments import validate
from modules.api import Arg, Failed
from orchestrator.engine.call import Call
from orchestrator.engine.outcome import Value, failure
from orchestrator.errors import OrchError, Unreachable

ARGS = {
    "boot_time_command": Arg("str", default="cat /proc/sys/kernel/random/boot_id",
                             help="Prints something that is another after a reboot, and only then."),
    "connect_timeout": Arg("int", help="Seconds one attempt to connect may take.", aliases=("connect_timeout_sec",)),
    "msg": Arg("str", default="Reboot initiated by Ansible", help="What logged-in users are told."),
    "post_reboot_delay": Arg("int", default=0, help="Seconds to wait after the command, before looking.",
                             aliases=("post_reboot_delay_sec",)),
    "pre_reboot_delay": Arg("int", default=0, help="Seconds until the reboot, rounded down to minutes.",
                            aliases=("pre_reboot_delay_sec",)),
    "reboot_command": Arg("str", help="What to run instead of shutdown, with its arguments."),
    "reboot_timeout": Arg("int", default=600, help="Seconds for the reboot, and again for test_command.",
                          aliases=("reboot_timeout_sec",)),
    "search_paths": Arg("list", elements="str", help="Where to look for the reboot command.",
                        default=["/sbin", "/bin", "/usr/sbin", "/usr/bin", "/usr/local/sbin"]),
    "test_command": Arg("str", default="whoami", help="Has to succeed on the host before the run goes on."),
}
RETRY_SAFE = False
ATTEMPT_S = 30.0
PAUSES_S = (0.5, 1.0, 2.0, 3.0, 5.0)


class _GaveUp(Exception):
    """The reboot did not happen, or could not be seen to have. ``last``: what the last attempt met with."""

    def __init__(self, message: str, last: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.last = last


async def run(call: Call) -> Value:
    began = time.monotonic()
    try:
        args = validate(call.args, ARGS)
    except Failed as fault:
        return failure(fault.message, "arguments", fault.hint)
    if call.target().carrier == "local":
        return failure("Running reboot with local connection would reboot the control node.", "local", rebooted=False)
    if call.check:
        return {"changed": True, "elapsed": 0, "rebooted": True}
    rebooted = False
    try:
        before = await _boot_id(call, args)
        await _begin(call, args)
        await asyncio.sleep(max(0, args["post_reboot_delay"]))
        await _until(call, args, "last boot time check", lambda: _is_another(call, args, before))
        rebooted = True
        await _until(call, args, "post-reboot test command", lambda: _succeeds(call, args["test_command"]))
    except _GaveUp as gave_up:
        return failure(gave_up.message, "reboot", gave_up.last or None, rebooted=rebooted,
                       elapsed=int(time.monotonic() - began))
    return {"changed": True, "rebooted": True, "elapsed": int(time.monotonic() - began)}


async def _boot_id(call: Call, args: dict[str, Any]) -> str:
    value = await _shell(call, args["boot_time_command"])
    if value.get("failed") or value.get("rc") != 0:
        raise _GaveUp(f"{call.target_name}: failed to get host boot time info, rc: {value.get('rc')}, "
                      f"stdout: {value.get('stdout')}, stderr: {value.get('stderr') or value.get('msg')}")
    return str(value["stdout"]).strip()


async def _begin(call: Call, args: dict[str, Any]) -> None:
    """Give the command. The host may be gone before it has answered: the boot id tells what came of it."""
    try:
        value = await _shell(call, await _command(call, args))
        if value.get("rc") and not args["reboot_command"]:  # no logind: shutdown cannot, and systemd itself can
            systemctl = await _found(call, args, ["systemctl"])
            value = await _shell(call, f"{systemctl} reboot")
    except Unreachable:
        return
    if value.get("rc"):
        raise _GaveUp(f"Reboot command failed. Error was: '{value.get('stdout')}, {value.get('stderr')}'")


async def _command(call: Call, args: dict[str, Any]) -> str:
    if args["reboot_command"]:
        name, _, rest = str(args["reboot_command"]).strip().partition(" ")
        return f"{name if name.startswith('/') else await _found(call, args, [name])} {rest}".strip()
    path = await _found(call, args, ["shutdown", "systemctl"])
    if path.endswith("/systemctl"):
        return f"{path} reboot"
    return f"{path} -r {max(0, args['pre_reboot_delay']) // 60} {shlex.quote(args['msg'])}"


async def _found(call: Call, args: dict[str, Any], names: list[str]) -> str:
    """The first of the programs in the search paths of the host."""
    candidates = " ".join(shlex.quote(f"{folder.rstrip('/')}/{name}") for name in names
                          for folder in args["search_paths"])
    value = await _shell(call, f"for path in {candidates}; do test -x $path && echo $path && break; done; true")
    found = str(value.get("stdout", "")).strip()
    if not found:
        raise _GaveUp(f"Unable to find command \"{names[0]}\" in search paths: {args['search_paths']}")
    return found


async def _is_another(call: Call, args: dict[str, Any], before: str) -> bool:
    return await _boot_id(call, args) != before


async def _succeeds(call: Call, command: str) -> bool:
    return bool((await _shell(call, command)).get("rc") == 0)


async def _until(call: Call, args: dict[str, Any], what: str, holds: Any) -> None:
    """Try until it holds; each attempt has its own deadline, and a line that fails is dropped."""
    deadline = time.monotonic() + args["reboot_timeout"]
    attempt_s, tries, last = float(args["connect_timeout"] or ATTEMPT_S), 0, ""
    while time.monotonic() < deadline:
        try:
            if await asyncio.wait_for(holds(), min(attempt_s, max(0.1, deadline - time.monotonic()))):
                return
        except (TimeoutError, OrchError, _GaveUp) as error:
            last = str(error)
            call.run.links.lost(call.target())
        await asyncio.sleep(PAUSES_S[min(tries, len(PAUSES_S) - 1)])
        tries += 1
    raise _GaveUp(f"Timed out waiting for {what} (timeout={args['reboot_timeout']})", last)


async def _shell(call: Call, command: str) -> Value:
    return await call.execute("shell", {"_raw_params": command})
