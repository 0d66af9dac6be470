"""What an expression gets for a name that does not exist: it may be asked about and passed on, never used."""

from __future__ import annotations

from typing import Any, NoReturn

from jinja2 import StrictUndefined
from jinja2.runtime import Undefined as JinjaUndefined
from jinja2.utils import missing

from orchestrator.errors import UndefinedVariable

_TYPE_NAMES = {"LazyMap": "dict", "LazySeq": "list", "Map": "dict", "Seq": "list"}


class Undefined(StrictUndefined):
    """Attributes and items of it are undefined too; anything that needs a value raises `UndefinedVariable`."""

    __slots__ = ("cause",)

    def __init__(
        self, hint: str | None = None, obj: Any = missing, name: Any = None, exc: Any = None, *,
        cause: UndefinedVariable | None = None,
    ) -> None:
        super().__init__(hint, obj, name)
        self.cause = cause

    @property
    def _undefined_message(self) -> str:
        if self._undefined_hint:
            return self._undefined_hint
        if self._undefined_obj is missing:
            return f"{self._undefined_name!r} is undefined"
        lacks = getattr(type(self._undefined_obj), "_orch_lacks", None)
        if lacks is not None:
            return str(lacks(self._undefined_obj, self._undefined_name))
        kind = type(self._undefined_obj).__name__
        if isinstance(self._undefined_obj, list) and not self._undefined_obj and isinstance(self._undefined_name, int):
            return f"list object has no element {self._undefined_name}"  # as Ansible says it of an empty one alone
        return f"object of type {_TYPE_NAMES.get(kind, kind)!r} has no attribute {self._undefined_name!r}"

    def fault(self) -> UndefinedVariable:
        """The error to raise when a value is needed after all."""
        if self.cause is not None:
            return self.cause
        error = NamedUndefined(self._undefined_message)
        if self._undefined_obj is missing:
            error.name = self._undefined_name
        else:
            error.owner = self._undefined_obj
            error.name = self._undefined_name
        return error

    def _fail(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise self.fault()

    def __getattr__(self, name: str) -> Any:
        if name[:2] == "__":
            raise AttributeError(name)
        return self

    def __getitem__(self, key: Any) -> Any:
        return self


class NamedUndefined(UndefinedVariable):
    """``name`` is what was looked for; ``owner`` the object that lacks it, None for a variable."""

    name: Any = None
    owner: Any = None


_NEEDS_VALUE = [
    name
    for name in dir(StrictUndefined)
    if getattr(StrictUndefined, name, None) is JinjaUndefined._fail_with_undefined_error
    and name not in ("__getitem__", "__getattr__")
]
for _name in (*_NEEDS_VALUE, "_fail_with_undefined_error"):
    setattr(Undefined, _name, Undefined._fail)
