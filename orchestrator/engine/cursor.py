"""Where one host stands in a play's tree of blocks: what comes next, and what a failure leads to. Pure.

A cursor is a stack of frames, one per block entered. A frame works through its block's ``tasks``, then ``rescue`` if a
failure came up, then ``always``. A failure climbs the stack until some block takes it; if none does, the host has
failed, though every ``always`` on the way is still run. Includes and handler flushes push frames of their own.

Steps are ordered by a key, the path through the tree as written: in a linear play the hosts with the smallest key go
next, so that a host in a ``rescue`` catches up with the others before they go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from orchestrator.model import Block, Task

TASKS, RESCUE, ALWAYS = 0, 1, 2
Key = tuple[int, ...]
Nodes = Sequence[Task | Block]


class Frame(Struct):
    nodes: Nodes
    block: Block | None
    key: Key
    ordinals: Sequence[int] | None = None
    """Numbers for the nodes that differ from their index: includes are numbered across all hosts of a batch."""
    phase: int = TASKS
    index: int = 0
    failing: bool = False
    """A failure passed through this frame and goes on upward when its ``always`` has ended."""

    def here(self) -> Key:
        number = self.ordinals[self.index] if self.ordinals else self.index
        return (*self.key, self.phase, number)


class Step(Struct, frozen=True):
    task: Task
    key: Key


class Cursor:
    """One host's way through ``nodes``.

    ``enter`` decides whether a block is entered at all (a role that has run already is not); ``wanted`` whether a task
    takes part (tags, ``--start-at-task``). Both must be deterministic for the time between two calls of `advance`.
    """

    def __init__(
        self,
        nodes: Nodes,
        *,
        enter: Callable[[Block], bool] | None = None,
        wanted: Callable[[Task], bool] | None = None,
        left: Callable[[Block], None] | None = None,
    ) -> None:
        self._frames = [Frame(nodes, None, ())]
        self._enter = enter
        self._wanted = wanted
        self._left = left
        self._step: Step | None = None
        self.failed = False

    def peek(self) -> Step | None:
        """The next task for this host, or None at the end. Idempotent until `advance`, `fail`, `push` or `finish`."""
        if self._step is None:
            self._step = self._seek()
        return self._step

    def ahead(self, limit: int) -> list[Task]:
        """The tasks that come next if each ends well, at most ``limit``; this cursor stays where it is.

        They are all inside a block with ``rescue``, or all outside: a result tells whether it was rescued by where
        this cursor stands.
        """
        scout = Cursor((), wanted=self._wanted, enter=self._enter)
        scout._frames = [replace(frame) for frame in self._frames]
        found: list[Task] = []
        while len(found) < limit and (step := scout.peek()) is not None:
            if not found:
                rescued = scout.rescuing_blocks()
            elif scout.rescuing_blocks() != rescued:
                break
            found.append(step.task)
            scout.advance()
        return found

    def advance(self) -> None:
        """The task of `peek` has ended well (or was ignored, or skipped)."""
        self._step = None
        self._frames[-1].index += 1

    def push(self, nodes: Nodes, ordinals: Sequence[int] | None = None) -> None:
        """The task of `peek` brought in ``nodes``: they come next, then what follows that task."""
        key = self._frames[-1].here()
        self.advance()
        self._frames.append(Frame(nodes, None, key, ordinals))

    def rescuing_blocks(self) -> bool:
        """True when a failure now would be taken by some block's ``rescue``."""
        return any(f.block is not None and f.phase == TASKS and f.block.rescue for f in self._frames)

    def in_rescue(self) -> bool:
        return any(f.phase == RESCUE for f in self._frames)

    def fail(self) -> bool:
        """The task of `peek` failed. True when something is left to run (a rescue or an always), False at the end."""
        self._step = None
        while self._frames:
            frame = self._frames[-1]
            block = frame.block
            if block is not None and frame.phase == TASKS and block.rescue:
                self._turn(frame, RESCUE)
                return True
            if block is not None and frame.phase != ALWAYS and block.always:
                frame.failing = True
                self._turn(frame, ALWAYS)
                return True
            self._frames.pop()
        self.failed = True
        return False

    def finish(self) -> None:
        """Nothing more is run for this host in this play (``end_host``, unreachable, cancelled)."""
        self._step = None
        self._frames.clear()

    def forgive(self) -> None:
        """``meta: clear_host_errors``: what failed before counts no more, and no failure climbs on behind an always."""
        self.failed = False
        for frame in self._frames:
            frame.failing = False

    def leave_role(self) -> None:
        """``meta: end_role``: go on behind the innermost role's tasks."""
        self._step = None
        while self._frames:
            block = self._frames.pop().block
            if block is not None and self._left is not None:
                self._left(block)
            if block is not None and block.role_start:
                break
        if self._frames:
            self._frames[-1].index += 1

    def roles(self) -> Iterator[Block]:
        """The role blocks this host is inside of, outermost first."""
        return (f.block for f in self._frames if f.block is not None and f.block.role_start)

    def _turn(self, frame: Frame, phase: int) -> None:
        assert frame.block is not None
        frame.phase, frame.index = phase, 0
        frame.nodes = frame.block.rescue if phase == RESCUE else frame.block.always
        frame.ordinals = None

    def _seek(self) -> Step | None:
        while self._frames:
            frame = self._frames[-1]
            if frame.index >= len(frame.nodes):
                self._close(frame)
                continue
            node = frame.nodes[frame.index]
            if isinstance(node, Task):
                if self._wanted is None or self._wanted(node):
                    return Step(node, frame.here())
                frame.index += 1
            elif self._enter is None or self._enter(node):
                self._frames.append(Frame(node.tasks, node, frame.here()))
            else:
                frame.index += 1
        return None

    def _close(self, frame: Frame) -> None:
        """The frame's phase has ended: always comes next, or the parent goes on, or its failure climbs."""
        block = frame.block
        if block is not None and frame.phase != ALWAYS and block.always:
            self._turn(frame, ALWAYS)
            return
        self._frames.pop()
        if frame.failing:
            self.fail()
            return
        if block is not None and self._left is not None:
            self._left(block)
        # A frame made by push() stands behind its task, which advance() has left already.
        if self._frames and block is not None:
            self._frames[-1].index += 1
