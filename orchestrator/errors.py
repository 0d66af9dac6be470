"""The one error tree of the controller.

Every error that a person may see has a stable ``code``, one sentence, the place it comes from and, where there is
one, a hint that says what to do. Code that finds several faults in one go raises them together as `Faults`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import copy
from typing import Self

from msgspec import Struct


class Origin(Struct, frozen=True):
    """A place in a trusted file. ``line`` and ``column`` count from 1; 0 means unknown."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        if not self.line:
            return self.file
        return f"{self.file}:{self.line}:{self.column}" if self.column else f"{self.file}:{self.line}"


class OrchError(Exception):
    """A fault with a stable code; ``str()`` is the sentence alone, without place or hint."""

    code = "error"

    def __init__(
        self,
        message: str,
        *,
        origin: Origin | None = None,
        hint: str | None = None,
        code: str | None = None,
        trail: Sequence[str] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.origin = origin
        self.hint = hint
        self.trail = tuple(trail)
        """How execution got there, outermost first: ``include_tasks at site.yml:12:5`` …"""
        if code is not None:
            self.code = code

    def within(self, words: str) -> Self:
        """The same error, told as part of something larger: ``words`` before its sentence. This one stays as it is."""
        other = copy(self)
        other.message = words + self.message
        other.args = (other.message,)
        other.__cause__ = self.__cause__
        return other


class Faults(OrchError):
    """Several faults found together, in the order of their place."""

    code = "faults"

    def __init__(self, errors: Iterable[OrchError]) -> None:
        self.errors: tuple[OrchError, ...] = tuple(errors)
        count = len(self.errors)
        super().__init__(f"{count} fault{'' if count == 1 else 's'}")


class UsageError(OrchError):
    """The command line cannot be carried out as given."""

    code = "usage"


class ContentError(OrchError):
    """A trusted file (playbook, role, vars, inventory) cannot be read or means nothing."""

    code = "content"


class SyntaxFault(ContentError):
    """Malformed YAML, INI or Jinja."""

    code = "syntax"


class VaultError(ContentError):
    """A vault text cannot be opened: no secret, wrong secret, damaged."""

    code = "vault"


class TemplateError(OrchError):
    """An expression or template failed to render. ``expression`` is the innermost one, in one line."""

    code = "template"
    expression: str | None = None


class UndefinedVariable(TemplateError):
    """An expression needs a variable, attribute or item that does not exist."""

    code = "undefined"


class ConditionError(TemplateError):
    """A conditional did not give a boolean."""

    code = "condition"


class InventoryFault(ContentError):
    """An inventory source or a host pattern cannot be used."""

    code = "inventory"


class Unreachable(OrchError):
    """A host could not be reached, or was lost; nothing is known to have failed on it."""

    code = "unreachable"


class HostKeyError(Unreachable):
    """The host's key is unknown or has changed. The hint shows the fingerprints and `orch trust`."""

    code = "host_key"


class ProtocolError(Unreachable):
    """What came over the carrier is not what the runtime may send."""

    code = "protocol"


class Pending(OrchError):
    """A host's job lies in the mailbox and the host has not called for it yet; the run goes on without the host."""

    code = "pending"


class TaskFault(OrchError):
    """A task failed on the controller's side, before or after the host took part."""

    code = "task"


class StoreError(OrchError):
    """The store cannot be opened, is of another schema version, or refused a write."""

    code = "store"


class Cancelled(OrchError):
    """The run was stopped by the operator or by its deadline."""

    code = "cancelled"
