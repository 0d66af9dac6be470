"""Modules for tests of the carriers: small, and each does one thing that a carrier must bring across."""

from __future__ import annotations

from typing import Any

from modules import registry

SOURCES = {
    "probe_take": """
from modules.api import Arg
ARGS = {"src": Arg("any"), "dest": Arg("str")}
CHECK_MODE = "run"

def run(args, host):
    import os, resource
    path = host.blob_file(args["src"], os.path.dirname(args["dest"]))
    os.rename(path, args["dest"])
    return {"changed": True, "rss_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}
""",
    "probe_give": """
from modules.api import Arg
ARGS = {"src": Arg("str")}
CHECK_MODE = "run"

def run(args, host):
    import resource
    sent = host.send(args["src"])
    return dict(sent, changed=False, rss_kib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
""",
    "probe_say": """
from modules.api import Arg
ARGS = {"text": Arg("str"), "times": Arg("int", default=1)}
CHECK_MODE = "run"

def run(args, host):
    for number in range(args["times"]):
        host.log(args["text"] + str(number))
        host.progress(done=number)
    return {"changed": False, "said": args["text"]}
""",
    "probe_sleep": """
from modules.api import Arg
ARGS = {"path": Arg("str"), "seconds": Arg("float", default=60)}
CHECK_MODE = "run"

def run(args, host):
    import os, time
    with open(args["path"], "w") as file:
        file.write(str(os.getpid()))
    time.sleep(args["seconds"])
    return {"changed": False}
""",
}


def sources(module: str) -> list[tuple[str, str]]:
    if module in SOURCES:
        return [(f"modules.{module}", SOURCES[module])]
    found: list[tuple[str, str]] = registry.sources(module)
    return found


def task(module: str, task_id: str = "t1", **args: Any) -> dict[str, Any]:
    """A task as docs/interfaces.md has it."""
    return {
        "id": task_id, "module": module, "args": args, "become": None, "environment": {}, "check": False, "diff": False,
        "timeout_s": None, "retry_safe": True, "receipt": False, "no_log": False, "continue_on_failure": False,
        "cwd": None,
    }  # fmt: skip
