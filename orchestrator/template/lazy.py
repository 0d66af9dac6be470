"""Containers that render an entry when it is asked for: what a scope's mappings and lists look like to a template.

``dict`` and ``list`` underneath, so everything that takes those takes these. Every way to read an entry goes through
rendering; an entry that turns out undefined comes out as `Undefined` and fails only when it is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from orchestrator.template.types import Map, Sealed, Seq, Template

if TYPE_CHECKING:
    from orchestrator.template.evaluation import Evaluation

PENDING: frozenset[type] = frozenset({Template, Map, Seq, Sealed})
"""Types of entries that are not what they will be; anything else is data as it stands."""


class LazyMap(dict[Any, Any]):
    __slots__ = ("_orch_done", "_orch_eval")

    def __init__(self, raw: dict[Any, Any], evaluation: Evaluation) -> None:
        super().__init__(raw)
        self._orch_eval = evaluation
        self._orch_done = False

    def __getitem__(self, key: Any) -> Any:
        value = dict.__getitem__(self, key)
        if type(value) in PENDING:
            value = self._orch_eval.entry(value, key)
            dict.__setitem__(self, key, value)
        return value

    def _orch_all(self) -> LazyMap:
        if not self._orch_done:
            for key in list(dict.keys(self)):
                self[key]
            self._orch_done = True
        return self

    def __iter__(self) -> Iterator[Any]:
        return dict.__iter__(self)

    def get(self, key: Any, default: Any = None) -> Any:
        return self[key] if key in self else default

    def items(self) -> Any:
        return dict.items(self._orch_all())

    def values(self) -> Any:
        return dict.values(self._orch_all())

    def pop(self, key: Any, *default: Any) -> Any:
        if key in self:
            self[key]
        return dict.pop(self, key, *default)

    def popitem(self) -> Any:
        return dict.popitem(self._orch_all())

    def setdefault(self, key: Any, default: Any = None) -> Any:
        dict.setdefault(self, key, default)
        return self[key]

    def copy(self) -> dict[Any, Any]:
        return dict(self.items())

    def __eq__(self, other: object) -> bool:
        return dict.__eq__(self._orch_all(), other._orch_all() if isinstance(other, LazyMap) else other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None

    def __or__(self, other: Any) -> Any:
        return self.copy() | dict(other)

    def __ror__(self, other: Any) -> Any:
        return dict(other) | self.copy()

    def __repr__(self) -> str:
        return dict.__repr__(self._orch_all())

    __str__ = __repr__

    def __reduce__(self) -> Any:
        return dict, (self.copy(),)


class LazySeq(list[Any]):
    __slots__ = ("_orch_done", "_orch_eval")

    def __init__(self, raw: list[Any], evaluation: Evaluation) -> None:
        super().__init__(raw)
        self._orch_eval = evaluation
        self._orch_done = False

    def _orch_all(self) -> LazySeq:
        if not self._orch_done:
            for index in range(len(self)):
                self[index]
            self._orch_done = True
        return self

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return list.__getitem__(self._orch_all(), index)
        value = list.__getitem__(self, index)
        if type(value) in PENDING:
            value = self._orch_eval.entry(value, index)
            list.__setitem__(self, index, value)
        return value

    def __iter__(self) -> Iterator[Any]:
        if self._orch_done:
            yield from list.__iter__(self)
            return
        index = 0
        while index < len(self):
            yield self[index]
            index += 1

    def __reversed__(self) -> Iterator[Any]:
        return list.__reversed__(self._orch_all())

    def __contains__(self, item: object) -> bool:
        return list.__contains__(self._orch_all(), item)

    def index(self, *args: Any) -> int:
        return list.index(self._orch_all(), *args)

    def count(self, item: Any) -> int:
        return list.count(self._orch_all(), item)

    def pop(self, index: Any = -1) -> Any:
        self[index]
        return list.pop(self, index)

    def remove(self, item: Any) -> None:
        list.remove(self._orch_all(), item)

    def sort(self, **options: Any) -> None:
        list.sort(self._orch_all(), **options)

    def copy(self) -> list[Any]:
        return list(self)

    def __add__(self, other: Any) -> Any:
        return list(self) + list(other) if isinstance(other, list) else NotImplemented

    def __radd__(self, other: Any) -> Any:
        return list(other) + list(self) if isinstance(other, list) else NotImplemented

    def __mul__(self, count: Any) -> Any:
        return list(self) * count

    __rmul__ = __mul__

    def _compare(self, name: str, other: object) -> Any:
        other = other._orch_all() if isinstance(other, LazySeq) else other
        return getattr(list, name)(self._orch_all(), other)

    def __eq__(self, other: object) -> Any:
        return self._compare("__eq__", other)

    def __ne__(self, other: object) -> Any:
        return self._compare("__ne__", other)

    def __lt__(self, other: Any) -> Any:
        return self._compare("__lt__", other)

    def __le__(self, other: Any) -> Any:
        return self._compare("__le__", other)

    def __gt__(self, other: Any) -> Any:
        return self._compare("__gt__", other)

    def __ge__(self, other: Any) -> Any:
        return self._compare("__ge__", other)

    __hash__ = None

    def __repr__(self) -> str:
        return list.__repr__(self._orch_all())

    __str__ = __repr__

    def __reduce__(self) -> Any:
        return list, (self.copy(),)
