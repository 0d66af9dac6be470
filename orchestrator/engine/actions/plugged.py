"""Runs an action plugin of people's own in a thread: what it asks of the run is done in the run's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping
from typing import Any, TypeVar

from msgspec.structs import replace

from orchestrator.bridge import action_plugins
from orchestrator.engine.call import Call
from orchestrator.engine.outcome import Value, failure
from orchestrator.template.plain import as_data
from orchestrator.template.types import Template

T = TypeVar("T")


async def run_plugin(call: Call, path: str) -> Value:
    """The plugin's result as a value; what it raises is the task's failure."""
    call.run.notice(f"{call.task.action} is an action plugin, run on the controller from {path}", level="info",
                    origin=call.task.origin)
    try:
        value = await asyncio.to_thread(action_plugins.run, path, _TaskSide(call, asyncio.get_running_loop()))
    except action_plugins.PluginSkip as skip:
        return {**skip.result, "changed": False, "skipped": True, "msg": skip.message}
    except action_plugins.NotHere as missing:
        return failure(missing.message, "plugin_unsupported", "a module in library/ runs on the host as it is")
    except action_plugins.PluginError as error:
        return {**failure(f"Task failed: {error.message}", "action_failed"), **error.result}
    except Exception as error:  # the plugin is foreign code: whatever goes wrong in it fails its task
        return failure(f"Task failed: {error}", "action_crashed")
    value.setdefault("changed", False)
    if value.get("failed"):
        value.setdefault("msg", "the action plugin failed")
    return value


class _TaskSide:
    """The task as its plugin sees it; lives in the plugin's thread."""

    def __init__(self, call: Call, loop: asyncio.AbstractEventLoop) -> None:
        self._call = call
        self._loop = loop
        self.action = call.task.action_written or call.task.action
        self.args = as_data(call.args)
        self.check, self.diff, self.no_log = call.check, call.diff, call.no_log
        self.async_s = int(call.keyword(call.task.async_s) or 0) if call.task.async_s is not None else 0
        self.templated = isinstance(call.task.args.get("_raw_params"), Template)
        self.variables: Mapping[str, Any] = _Variables(call, self._do)

    def execute(self, module: str, args: Mapping[str, Any]) -> dict[str, Any]:
        return self._wait(self._execute(module, dict(args)))

    def render(self, value: Any) -> Any:
        return self._do(lambda: self._call.render(value))

    async def _execute(self, module: str, args: dict[str, Any]) -> dict[str, Any]:
        from orchestrator.engine.actions import action_for
        from orchestrator.engine.actions.bridged import run_found

        call = self._call
        meant = call.run.loader.module(module, task=call.task, play=call.play.play)
        found = meant.bridged if meant else call.task.bridged
        if found is not None and found.path:
            return await run_found(call, found, args)
        name = meant.name if meant is not None and found is None else module
        inner = replace(call, task=replace(call.task, action=name, bridged=None), args=args)
        return await action_for(name)(inner)

    def _do(self, act: Callable[[], T]) -> T:
        async def once() -> T:
            return act()

        return self._wait(once())

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


class _Variables(Mapping[str, Any]):
    """The task's variables, each rendered when it is asked for."""

    def __init__(self, call: Call, do: Callable[[Callable[[], Any]], Any]) -> None:
        self._call = call
        self._do = do

    def __getitem__(self, name: str) -> Any:
        return self._do(lambda: self._call.render(self._call.scope.lookup(name)))

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._do(lambda: set(self._call.scope.names()))))

    def __len__(self) -> int:
        return len(self._do(lambda: set(self._call.scope.names())))
