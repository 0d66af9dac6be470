"""One attempt at one task (or one of its items) on one host: what an action is given to work with."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from modules import registry
from orchestrator.engine.discovered import with_python
from orchestrator.engine.outcome import Value, failure, value_of
from orchestrator.engine.raw_become import complaint, unprompted
from orchestrator.errors import (
    ContentError,
    OrchError,
    SyntaxFault,
    TaskFault,
    TemplateError,
    UndefinedVariable,
    Unreachable,
    VaultError,
)
from orchestrator.template.omit import OMIT
from orchestrator.template.types import Template

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.carriers.base import Connection
    from orchestrator.carriers.target import Target
    from orchestrator.engine.context import PlayContext, RunContext
    from orchestrator.engine.hosts import HostState
    from orchestrator.engine.lane import Lane
    from orchestrator.model import Task
    from orchestrator.variables.scope import Scope

LEAD = "Task failed: "
"""How Ansible begins what it says of a task that failed on its own side, and playbooks match on it."""
MAX_TIMEOUT_S = 100_000_000
WITHOUT_PYTHON = frozenset({"no_python", "python_too_old"})
GATHERERS = frozenset({"setup", "gather_facts"})


class Call(Struct, eq=False):
    """What an action sees. ``args`` are rendered; ``check``, ``diff`` and ``no_log`` are settled for this task."""

    run: RunContext
    play: PlayContext
    host: HostState
    task: Task
    scope: Scope
    args: dict[str, Any]
    check: bool
    diff: bool
    no_log: bool
    journal_path: str
    item_index: int | None = None
    attempt: int = 1
    retry: int = 0
    delegate: str | None = None
    carrier: str = "controller"
    carrier_reason: str = ""
    lane: Lane | None = None
    place: int = 0
    detach: dict[str, Any] | None = None
    """Set by `background`: the module is begun as a job that lives on by itself on the host."""
    _jobs: int = 0
    _unsettled: tuple[Connection, str] | None = None
    _python: str = ""
    """The Python that was found on the target, where none is named."""

    @property
    def target_name(self) -> str:
        """The host the module runs on: the delegate, where there is one."""
        return self.delegate or self.host.name

    def render(self, value: Any) -> Any:
        return self.run.engine.render(value, self.scope, self.task.origin)

    def keyword(self, value: Any, default: Any = None) -> Any:
        """A keyword's value for this host, or ``default`` when it is not set, or omitted here."""
        found = None if value is None else self.render(value)
        return default if found is None or found is OMIT else found

    def find(self, kind: str, name: str) -> Path:
        """A file that the task names, searched as Ansible does: role, including file, playbook."""
        try:
            found = self.run.loader.resolve_file(kind, name, task=self.task, play=self.play.play)
            sys.audit("orch.content", os.fspath(found))
            return found
        except ContentError as error:  # in Ansible's words: playbooks match on them
            raise ContentError(f"Could not find or access '{name}': {error.message}", origin=error.origin,
                               hint=error.hint, code=error.code, trail=error.trail) from None

    # Reaching the host

    def variable(self, name: str) -> Any:
        """A connection variable for the host the module runs on, rendered; None when it is not set."""
        scope = self._target_scope()
        try:
            raw = scope.given(name)
        except KeyError:
            return None
        return self.run.engine.render(raw, scope, self.task.origin)

    def _target_scope(self) -> Scope:
        if self.delegate is None:
            return self.scope
        return self.run.variables.scope(self.delegate, self.play.play, self.task, locals=self.scope.locals)

    def target(self) -> Target:
        task, options = self.task, self.run.options
        keywords = {
            "connection": self.keyword(task.connection, options.connection),
            "remote_user": self.keyword(task.remote_user, options.user),
            "port": self.keyword(task.port),
        }
        return self.run.links.target(self.target_name, self.variable, task, keywords, cached=not self._own_variables())

    def _own_variables(self) -> bool:
        """True when the task, its blocks, its role or an include set variables that could say how to connect."""
        layers = [*self.task.vars, *self.task.include_params]
        role = self.task.role
        while role is not None:
            layers += [role.vars, role.params, role.defaults]
            role = role.parents[-1] if role.parents else None
        return self.delegate is not None or any(_names_connection(layer) for layer in layers)

    async def connection(self) -> Connection:
        """The open connection to the host; raises `Unreachable`, or a fault of the task where Python is missing."""
        target = self.target()
        try:
            connection = await self.run.links.connection(target)
        except TaskFault as fault:
            fault.origin = fault.origin or self.task.origin
            raise
        except Unreachable as error:
            if error.code not in WITHOUT_PYTHON:
                raise
            raise self._no_python(error) from error
        self._python = self.run.links.discovered(target)
        self.carrier, self.carrier_reason = connection.carrier, connection.reason
        return connection

    def _no_python(self, error: Unreachable) -> TaskFault:
        """The host answers, so it is the task that failed: ``raw`` and ``script`` would do."""
        named = str(self.variable("ansible_python_interpreter") or "auto")
        message = error.message if named.startswith("auto") else f"The module interpreter '{named}' was not found."
        return TaskFault(message, origin=self.task.origin, code=error.code, hint=error.hint)

    async def execute(
        self,
        module: str,
        args: Mapping[str, Any],
        *,
        blobs: Mapping[str, Path | bytes] | None = None,
        uploads: Callable[..., Any] | None = None,
        become: bool = True,
    ) -> Value:
        """Run a module on the host; returns its value. A module that fails is a value too; a lost host raises."""
        connection = await self.connection()
        entry = self._entry(connection, module, dict(args), become)
        if self.lane is not None and uploads is None:
            event = await self.lane.ask(self.place, self, entry, blobs or {})
            return self._noted(timed(value_of(event, module), entry["timeout_s"]))
        events: list[dict[str, Any]] = []
        await self.run_entries([entry], blobs or {}, events.append, uploads)
        for event in reversed(events):
            if event.get("kind") == "result":
                return self._noted(timed(value_of(event, module), entry["timeout_s"]))
        raise TaskFault(f"{self.target_name} ended the job without a result", code="no_result")

    def _noted(self, value: Value) -> Value:
        python = self._python if self.target_name == self.host.name else ""
        if python and self.lane is not None:  # the facts of a segment's first result are not known to its others yet
            python, self.lane.has_told_python = "" if self.lane.has_told_python else python, True
        return with_python(value, python, self.run.variables.facts.get(self.host.name, {}))

    def _entry(self, connection: Connection, module: str, args: dict[str, Any], become: bool) -> dict[str, Any]:
        """The task as a job has it: fully rendered, passwords by name."""
        info = registry.describe(module)
        if info is None:
            raise TaskFault(f"there is no module {module}", origin=self.task.origin, code="module",
                            hint="`orch doc` lists the modules that are here")
        timeout_s = self.timeout_s()
        retry_safe = self.keyword(self.task.retry_safe, info.retry_safe and self.detach is None)
        entry = {
            "id": self.task.id, "module": module, "args": args, "environment": self.environment(),
            "become": self._become(connection) if become else None,
            "check": self.check, "diff": self.diff, "timeout_s": timeout_s, "no_log": self.no_log,
            "retry_safe": bool(retry_safe), "receipt": not retry_safe and not self.check,
            "continue_on_failure": self.lane is not None and bool(self.keyword(self.task.ignore_errors, False)),
            "cwd": None,
        }
        if self.detach is not None:
            entry["detach"] = self.detach
        return entry

    def timeout_s(self) -> float | None:
        """How long the task may take: its ``timeout``, or what the run allows; None: as it likes."""
        given = self.keyword(self.task.timeout, 0) or 0
        if not 0 <= float(given) <= MAX_TIMEOUT_S:
            raise TaskFault(f"Timeout {given} is invalid, it must be between 0 and {MAX_TIMEOUT_S}.",
                            origin=self.task.origin, code="timeout_value")
        return float(given or self.run.options.task_timeout_s) or None

    async def run_entries(self, entries: list[dict[str, Any]], blobs: Mapping[str, Any],
                          on_event: Callable[[dict[str, Any]], None],
                          uploads: Callable[..., Any] | None = None) -> None:
        """Run one job of these tasks to its end; raises `Unreachable` when the host is lost on the way."""
        from orchestrator.carriers.base import Job

        connection = await self.connection()
        self._jobs += 1
        # The same for the same attempt, whoever asks: a resumed run offers the job again under this name.
        identity = (self.run.run_id, self.host.name, self.task.id, self.journal_path, self.item_index, self.retry,
                    self.attempt, self._jobs)
        job_id = hashlib.blake2b(repr(identity).encode(), digest_size=12).hexdigest()
        deadlines = [entry["timeout_s"] for entry in entries]
        job = Job(id=job_id, attempt=self.attempt, tasks=entries, check=self.run.options.check, diff=self.diff,
                  deadline_s=sum(deadlines) if all(deadlines) else None)
        await self.run.journal.ready()
        watch = self.run.stop.watch(lambda: connection.cancel(job_id))
        left = self.run.stop.watch_leave(lambda: connection.leave(job_id))
        try:
            await connection.run_job(job, on_event, blobs, uploads=uploads)
        except Unreachable:
            self.run.links.lost(self.target())
            raise
        finally:
            watch()
            left()
        if self.detach is not None:
            self._unsettled = connection, job_id
        else:
            self.run.acknowledge(connection, job_id, self.attempt)

    def settle(self) -> None:
        """What was begun in the background is over, or needs nothing more: its receipt goes with the next commit."""
        if self._unsettled is not None:
            connection, job_id = self._unsettled
            self._unsettled = None
            self.run.acknowledge(connection, job_id, self.attempt)

    async def raw(self, command: str, stdin: bytes = b"") -> Value:
        """Run a command line by the login shell, without a runtime: for hosts that have no Python yet."""
        connection = await self.connection_for_raw()
        timeout_s = self.timeout_s()
        await self.run.journal.ready()
        ended = await connection.raw(command, stdin, timeout_s)
        value: Value = {
            "rc": ended.rc, "changed": True,
            "stdout": ended.stdout.decode("utf-8", "surrogateescape"),
            "stderr": unprompted(ended.stderr.decode("utf-8", "surrogateescape")) if stdin else
                      ended.stderr.decode("utf-8", "surrogateescape"),
        }
        if ended.rc != 0:
            why = complaint(stdin, value["stderr"]) if self.become_identity() is not None else None
            value.update(failed=True, msg=why or "non-zero return code")
        return value

    async def connection_for_raw(self) -> Connection:
        """A connection on which no runtime needs to have booted."""
        try:
            connection = await self.run.links.connection(self.target(), boot=False)
        except TaskFault as fault:
            fault.origin = fault.origin or self.task.origin
            raise
        self.carrier, self.carrier_reason = connection.carrier, connection.reason
        return connection

    def environment(self) -> dict[str, str]:
        merged: dict[str, str] = {}
        for layer in self.task.environment:
            with keyword_named("environment"):
                rendered = self._gathering_environment(layer) if self.task.action in GATHERERS else self.render(layer)
            for entry in rendered if isinstance(rendered, list) else [rendered]:
                if entry is OMIT:
                    continue
                if not isinstance(entry, Mapping):
                    raise TaskFault("environment must be a mapping of names to values", origin=self.task.origin,
                                    code="environment")
                merged.update({str(k): str(v) for k, v in entry.items()})
        return merged

    def _gathering_environment(self, layer: Any) -> dict[Any, Any]:
        """What can be known before the facts are: ``PATH: "{{ ansible_env.PATH }}:…"`` has to wait for them."""
        known: dict[Any, Any] = {}
        try:
            entries = self.render(layer) if isinstance(layer, Template) else layer
            for name, value in entries.items() if isinstance(entries, Mapping) else ():
                with contextlib.suppress(UndefinedVariable):
                    known[name] = self.render(value)
        except UndefinedVariable:
            pass
        return {name: value for name, value in known.items() if value is not OMIT}

    def become_identity(self) -> Any:
        """The identity the task runs under, or None; passwords in it are for `Links.name_secret` only."""
        options = self.run.options
        keywords = {
            name: self._become_keyword(name, default) for name, default in (
                ("become", options.become), ("user", options.become_user), ("method", options.become_method),
                ("flags", None), ("exe", None),
            )
        }
        return self.run.links.become(self.target_name, self.variable, keywords, cached=not self._own_variables())

    def _become_keyword(self, name: str, default: Any) -> Any:
        with keyword_named("become" if name == "become" else f"become_{name}"):
            return self.keyword(getattr(self.task.become, name), default)

    def _become(self, connection: Connection) -> dict[str, Any] | None:
        identity = self.become_identity()
        if identity is None:
            return None
        secret = self.run.links.name_secret(connection, identity.password()) if identity.password else None
        return {"method": identity.method, "user": identity.user, "secret": secret, "flags": identity.flags,
                "exe": identity.exe, "prompts": list(identity.prompts)}


@contextlib.contextmanager
def keyword_named(name: str) -> Iterator[None]:
    """What goes wrong in rendering is told as of this keyword, in Ansible's words."""
    try:
        yield
    except TemplateError as error:
        raise error.within(f"Error processing keyword '{name}': ") from error.__cause__


def timed(value: Value, timeout_s: float | None) -> Value:
    """``value``; one that its time limit ended says so in Ansible's words (the test ``timedout`` looks for them)."""
    if value.get("error_code") == "timeout" and timeout_s:
        period = int(timeout_s) if timeout_s == int(timeout_s) else timeout_s
        value.update(msg=f"{LEAD}Timed out after {period} second(s).", timedout={"period": period})
    return value


def _names_connection(layer: Mapping[Any, Any]) -> bool:
    return any(isinstance(key, str) and key.startswith(("ansible_", "orch_")) for key in layer)


def fault_value(error: OrchError) -> Value:
    """The value of a task that an error ended on the controller's side."""
    told_whole = isinstance(error, (TemplateError, SyntaxFault, VaultError)) and not error.message.startswith(LEAD)
    value = failure(LEAD + error.message if told_whole else error.message, error.code, error.hint)
    if error.origin is not None:
        value["origin"] = str(error.origin)
    if isinstance(error, TemplateError) and error.expression:
        value["expression"] = error.expression
    if isinstance(error, Unreachable):
        value.update(unreachable=True)
        value.pop("failed")
    return value
