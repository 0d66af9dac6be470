"""A play's handlers: which task answers to which name, and which of them are due on a host."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from orchestrator.engine.hosts import HostState
from orchestrator.errors import TaskFault
from orchestrator.model import Block, Task


class Handlers:
    """The handlers in order. Of a play's or role's own handlers the first that bears a name answers to it; among
    several lists (of roles, then of the play, then of roles included on the way) the last. A ``listen`` topic is
    answered by all, but once for each name."""

    def __init__(self, nodes: Iterable[Task | Block], name_of: Callable[[Any], str]) -> None:
        self.nodes: list[Task | Block] = []
        self._tasks: list[Task] = []
        self._index: dict[int, int] = {}
        self._name_of = name_of
        self._by_name: dict[str, int] = {}
        self._by_topic: dict[str, dict[object, int]] = {}
        """Topic -> a listener's name (or, without one, its number) -> its number."""
        self.add(nodes)

    def add(self, nodes: Iterable[Task | Block]) -> None:
        """Append handlers (a role included on the way brings its own). The same object twice counts once."""
        for node in nodes:
            if any(node is known for known in self.nodes):
                continue
            self.nodes.append(node)
            for task in flatten(node):
                self._add_task(task)

    def _add_task(self, task: Task) -> None:
        if id(task) in self._index:
            return
        number = self._index[id(task)] = len(self._tasks)
        self._tasks.append(task)
        name = self._name_of(task.name) if task.name is not None else ""
        for known_as in _names(name, task):
            if not self._from_one_list(self._by_name.get(known_as), task):
                self._by_name[known_as] = number
        for topic in task.listen:  # as written: Ansible renders no topic
            for known_as in _names(str(getattr(topic, "source", topic)), task):
                self._listen(self._by_topic.setdefault(known_as, {}), name, number)

    def _listen(self, listeners: dict[object, int], name: str, number: int) -> None:
        key = name or number
        if not self._from_one_list(listeners.get(key), self._tasks[number]):
            listeners[key] = number

    def _from_one_list(self, known: int | None, task: Task) -> bool:
        return known is not None and self._tasks[known].role is task.role

    def notify(self, host: HostState, names: Iterable[str], *, flushing: bool = False) -> list[str]:
        """Call these names on the host; returns those that were found. Which handlers answer is decided at the next
        flush (a role included until then may bring another of that name), or now when a flush is under way.

        Raises `TaskFault` for a name that no handler answers to.
        """
        found = []
        for name in names:
            if not self._answering(name):
                raise TaskFault(
                    f"The requested handler '{name}' was not found in either the main handlers list nor in the "
                    "listening handlers list", code="handler_missing", hint=self._nearest(name),
                )
            host.called[name] = None
            found.append(name)
        if flushing:
            self.summon(host)
        return found

    def summon(self, host: HostState) -> None:
        """Mark as due on the host what answers to the names called there."""
        for name in host.called:
            host.notified.update(dict.fromkeys(self._answering(name)))
        host.called.clear()

    def _answering(self, name: str) -> list[int]:
        numbers = list(self._by_topic.get(name, {}).values())
        if name in self._by_name:
            numbers.insert(0, self._by_name[name])
        return numbers

    def due(self, host: HostState, task: Task) -> bool | None:
        """Whether a handler task is due on the host; None when the task is no handler of this play."""
        number = self._index.get(id(task))
        return None if number is None else number in host.notified

    def taken(self, host: HostState, task: Task) -> None:
        """The handler begins on this host: notified again from now on, it runs again at the next flush."""
        number = self._index.get(id(task))
        if number is not None:
            host.notified.pop(number, None)

    def _nearest(self, name: str) -> str | None:
        import difflib

        close = difflib.get_close_matches(name, [*self._by_name, *self._by_topic], n=1)
        return f"did you mean '{close[0]}'?" if close else None


def flatten(node: Task | Block) -> Iterator[Task]:
    """The tasks below a node, in order."""
    if isinstance(node, Task):
        yield node
        return
    for child in (*node.tasks, *node.rescue, *node.always):
        yield from flatten(child)


def _names(name: str, task: Task) -> Iterator[str]:
    if not name:
        return
    yield name
    if task.role is not None:
        yield f"{task.role.name} : {name}"
        if task.role.fqcn != task.role.name:
            yield f"{task.role.fqcn} : {name}"
