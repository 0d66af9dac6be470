"""Events as the engine sends them, in the few words that a display's test needs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from orchestrator.errors import Origin
from orchestrator.events import (
    Event,
    HostRecap,
    ItemDone,
    PlayStarted,
    RunEnded,
    TaskDone,
    TaskResult,
    TaskStarted,
)

COMMAND = {"cmd": ["echo", "hi"], "delta": "0:00:00.006", "msg": "", "rc": 0, "stderr": "", "stderr_lines": [],
           "stdout": "hi", "stdout_lines": ["hi"]}
CENSORED = {"censored": "the output has been hidden due to the fact that 'no_log: true' was specified for this result",
            "changed": True}


def play(name: str, *hosts: str) -> PlayStarted:
    return PlayStarted("p0", name, hosts, Origin("site.yml", 1, 3))


def task(name: str, *hosts: str, id: str = "", origin: Origin | None = None, **more: Any) -> TaskStarted:
    place = origin or Origin("site.yml", 5, 7)
    return TaskStarted(id or name, name, more.pop("module", "command"), place, hosts, **more)


def result(host: str, status: str = "ok", task: str = "cmd", **more: Any) -> TaskResult:
    values = {"changed": status == "changed", "failed": status == "failed", **more.pop("values", {})}
    fields: dict[str, Any] = {"task_origin": "site.yml:5:7", "module": "command", "carrier": "ssh",
                              "task_id": task, "message": values.get("msg", ""), **more}
    return TaskResult(run_id="r", play_id="p0", play_name="p", task_name=task, host=host, status=status,
                      values=values, **fields)


def done(host: str, status: str = "ok", task: str = "cmd", **more: Any) -> TaskDone:
    looped = more.pop("looped", False)
    return TaskDone(result(host, status, task, **more), looped=looped)


def item(host: str, label: str, status: str = "ok", task: str = "cmd", **more: Any) -> ItemDone:
    values = {"ansible_loop_var": "item", "item": label, **more.pop("values", {})}
    return ItemDone(result(host, status, task, item_index=0, item_label=label, values=values, **more), label)


def debug(host: str, values: dict[str, Any], **more: Any) -> TaskDone:
    shown = {"changed": False, "_ansible_verbose_always": True, **values}
    return done(host, task="debug", module="debug", carrier="controller", values=shown, **more)


def ended(code: int = 0, left: Iterable[str] = (), **recap: HostRecap) -> RunEnded:
    return RunEnded("r", "ok", recap, 1.0, code, tuple(left))


Events = list[Event]
