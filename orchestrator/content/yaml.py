"""YAML with a memory: every mapping, sequence and template knows its file, line and column.

Built on libyaml's events with a stack of our own, so nesting is bounded and nothing recurses. Aliases share their
value; what all of them would expand to is bounded as well.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import yaml

from orchestrator.content import scalars
from orchestrator.content.yaml_hints import describe, unhashable_hint
from orchestrator.errors import ContentError, Origin
from orchestrator.template.faults import source_fault
from orchestrator.template.types import Map, Sealed, Seq, Template, TrustedText

MAX_BYTES = 16 * 1024 * 1024
MAX_DEPTH = 100
MAX_NODES = 2_000_000
"""Nodes of one file after every alias is followed."""

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_STANDARD = "tag:yaml.org,2002:"
_MERGE_KEY = object()


def is_template(text: str) -> bool:
    """Whether a trusted string holds Jinja: it has ``{{``, ``{%`` or ``{#``."""
    return "{" in text and ("{{" in text or "{%" in text or "{#" in text)


def load_yaml(
    source: str | os.PathLike[str],
    *,
    file: str | None = None,
    vault: object | None = None,
    trusted: bool = True,
    first_line: int = 1,
    on_duplicate: Callable[[str], None] | None = None,
) -> Any:
    """Read one YAML document. A path object is read; a ``str`` is the text itself, and ``file`` names its origin.

    Mappings are `Map`, sequences `Seq`, trusted strings `Template` when they hold Jinja, else `TrustedText`; an empty
    document is None. ``trusted=False`` gives data alone: no trusted string is made. ``!vault`` becomes `Sealed`, which
    whoever renders opens (``vault`` is taken for symmetry with the loader, and is not needed here). ``first_line``: the
    line at which the text stands in the file. ``on_duplicate`` is told of a key given twice in a mapping, of which the
    later one holds; without it that is a fault. Raises `SyntaxFault` with line and caret, ContentError for what cannot
    be read.
    """
    text, name = _text_of(source, file)
    if len(text) > MAX_BYTES:
        raise ContentError(f"{name} is larger than {MAX_BYTES // 2**20} MiB", origin=Origin(name))
    return _Document(text, name, trusted, first_line - 1, on_duplicate).read()


def _text_of(source: str | os.PathLike[str], file: str | None) -> tuple[str, str]:
    if isinstance(source, str):
        return source, file or "<text>"
    path = Path(source)
    name = file or str(path)
    try:
        return decode(path.read_bytes(), name), name
    except OSError as error:
        raise ContentError(f"cannot read {name}: {error.strerror}", origin=Origin(name), code="unreadable") from error


def decode(data: bytes, name: str) -> str:
    """Bytes of a trusted file as text: UTF-8, a byte order mark removed. Raises `ContentError` naming the line."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ContentError(
            f"{name} is not UTF-8 text", origin=Origin(name, line),
            hint=f"byte 0x{data[error.start]:02x}; convert the file, for example with iconv",
        ) from error


class _Frame:
    """One open collection. ``value`` is the Map or Seq; ``key`` is set while a mapping waits for a value."""

    __slots__ = ("anchor", "key", "key_mark", "merges", "nodes", "value", "waiting")

    def __init__(self, value: Any, anchor: str | None) -> None:
        self.value = value
        self.anchor = anchor
        self.key: Any = None
        self.key_mark = (0, 0)
        self.waiting = False
        self.merges: list[Any] = []
        self.nodes = 1


class _Document:
    def __init__(self, text: str, file: str, trusted: bool, line_shift: int,
                 on_duplicate: Callable[[str], None] | None) -> None:
        self.on_duplicate = on_duplicate
        self.text = text
        self.file = file
        self.trusted = trusted
        self.shift = line_shift + 1
        self.stack: list[_Frame] = []
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.root: Any = None
        self.total = 0

    def read(self) -> Any:
        loader = None
        try:
            loader = _Loader(self.text)
            self._events(loader)
        except yaml.YAMLError as error:
            self._syntax(error)
        finally:
            if loader is not None:
                loader.dispose()
        return self.root

    def _events(self, loader: Any) -> None:
        handlers: dict[type, Callable[[Any], None]] = {
            yaml.ScalarEvent: self._scalar,
            yaml.MappingStartEvent: self._start_mapping,
            yaml.MappingEndEvent: self._end,
            yaml.SequenceStartEvent: self._start_sequence,
            yaml.SequenceEndEvent: self._end,
            yaml.AliasEvent: self._alias,
        }
        documents = 0
        while True:
            event = loader.get_event()
            handler = handlers.get(type(event))
            if handler is not None:
                handler(event)
            elif isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._fail("a second document begins here", self._mark(event), "one file holds one document")
            elif isinstance(event, yaml.StreamEndEvent):
                return

    # Places and faults

    def _mark(self, event: Any) -> tuple[int, int]:
        mark = event.start_mark
        return mark.line + self.shift, mark.column + 1

    def _fail(self, message: str, mark: tuple[int, int], hint: str | None = None) -> NoReturn:
        place = Origin(self.file, *mark)
        fault = source_fault(message, self.text, Origin(self.file, mark[0] - self.shift + 1, mark[1]), hint)
        fault.origin = place
        raise fault

    def _syntax(self, error: yaml.YAMLError) -> NoReturn:
        problem = describe(error, self.text)
        line, column = problem.line + self.shift - 1, problem.column
        self._fail(problem.message, (line, column), problem.hint)

    # Values

    def _scalar(self, event: Any) -> None:
        text = event.value
        frame = self.stack[-1] if self.stack else None
        if event.tag is not None and not event.implicit[0] and not event.implicit[1]:
            value = self._tagged(event)
        elif event.implicit[0]:
            if text == "<<" and frame is not None and not frame.waiting and type(frame.value) is Map:
                value = _MERGE_KEY
            else:
                try:
                    value = scalars.plain(text)
                except ValueError as error:
                    self._fail(str(error), self._mark(event), "quote it when it is meant as text")
        else:
            value = text
        self._add(value, event, event.anchor, 1)

    def _tagged(self, event: Any) -> Any:
        tag, text = event.tag, event.value
        if tag == "!unsafe":
            return Verbatim(text)
        if tag in ("!vault", "!vault-encrypted"):
            return Sealed(text, Origin(self.file, *self._mark(event)))
        try:
            return scalars.tagged(tag, text)
        except KeyError:
            shown = tag.removeprefix(_STANDARD)
            known = "known are !vault, !unsafe and YAML's own !!int, !!str …"
            self._fail(f"unknown tag {shown}", self._mark(event), known)
        except ValueError as error:
            self._fail(str(error), self._mark(event))

    def _alias(self, event: Any) -> None:
        if event.anchor not in self.anchors:
            hint = "an alias (*name) needs &name before it"
            self._fail(f"no anchor is named {event.anchor}", self._mark(event), hint)
        value, nodes = self.anchors[event.anchor]
        self._add(value, event, None, nodes)

    def _start_mapping(self, event: Any) -> None:
        self._open(Map(origin=Origin(self.file, *self._mark(event))), event)

    def _start_sequence(self, event: Any) -> None:
        self._open(Seq(origin=Origin(self.file, *self._mark(event))), event)

    def _open(self, value: Any, event: Any) -> None:
        if event.tag is not None and not event.implicit and not event.tag.startswith(_STANDARD):
            if event.tag != "!unsafe":
                self._fail(f"unknown tag {event.tag}", self._mark(event))
            self.stack.append(_Frame(value, event.anchor))
            self.stack[-1].merges.append(_UNSAFE)
        else:
            self.stack.append(_Frame(value, event.anchor))
        if len(self.stack) > MAX_DEPTH:
            self._fail(f"nested deeper than {MAX_DEPTH} levels", self._mark(event))

    def _end(self, event: Any) -> None:
        frame = self.stack.pop()
        merges = frame.merges
        if merges and merges[0] is _UNSAFE:
            frame.value = _untrusted(frame.value)
            merges = merges[1:]
        if merges:
            self._merge(frame, merges)
        self._add(frame.value, event, frame.anchor, frame.nodes, opened=True)

    # Putting a value where it belongs

    def _add(self, value: Any, event: Any, anchor: str | None, nodes: int, opened: bool = False) -> None:
        if opened:
            origin = value.origin
            mark = (origin.line, origin.column)
        else:
            mark = self._mark(event)
        if anchor:
            self.anchors[anchor] = (value, nodes)
        frame = self.stack[-1] if self.stack else None
        if frame is None:
            self.root = self._text(value, mark)
            return
        frame.nodes += nodes
        if frame.nodes > MAX_NODES:
            self._fail(f"the aliases expand to more than {MAX_NODES} values", mark)
        target = frame.value
        if type(target) is Seq:
            target.append(self._text(value, mark))
            target.marks.append(mark)
        elif frame.waiting:
            self._put(frame, self._text(value, mark), mark)
        else:
            frame.key, frame.key_mark, frame.waiting = self._key(value, mark), mark, True

    def _text(self, value: Any, mark: tuple[int, int]) -> Any:
        if not self.trusted or type(value) is not str:  # a Verbatim stays one
            return value
        return Template(value, Origin(self.file, *mark)) if is_template(value) else TrustedText(value)

    def _key(self, value: Any, mark: tuple[int, int]) -> Any:
        if isinstance(value, (Map, Seq)):
            self._fail("a mapping or list cannot be a key", mark, unhashable_hint(value))
        if isinstance(value, Sealed):
            self._fail("an encrypted text cannot be a key", mark)
        return str(value) if type(value) is Verbatim else value

    def _put(self, frame: _Frame, value: Any, mark: tuple[int, int]) -> None:
        target, key = frame.value, frame.key
        frame.waiting = False
        if key is _MERGE_KEY:
            frame.merges.append((value, mark))
            return
        if key in target:
            self._duplicate(key, target.key_marks[key], frame.key_mark)
        target[key] = value
        target.key_marks[key] = frame.key_mark
        target.value_marks[key] = mark

    def _duplicate(self, key: Any, first: tuple[int, int], second: tuple[int, int]) -> None:
        already = f"{self.file}:{first[0]}:{first[1]}"
        if self.on_duplicate is None:
            self._fail(f"Found duplicate mapping key {key!r}", second,
                       f"it stands at {already} already; remove one of the two")
        here = f"{self.file}:{second[0]}:{second[1]}"
        self.on_duplicate(f"Found duplicate mapping key {key!r} at {here}; it stands at {already} already, "
                          "and the later one holds")

    def _merge(self, frame: _Frame, merges: list[Any]) -> None:
        """``<<``: keys of the merged mappings that the mapping itself lacks; the first mapping named wins."""
        target = frame.value
        for value, mark in merges:
            for source in value if isinstance(value, list) else [value]:
                if not isinstance(source, Map):
                    self._fail("<< needs a mapping or a list of mappings", mark)
                for key, item in source.items():
                    if key not in target:
                        target[key] = item
                        target.key_marks[key] = source.key_marks.get(key, mark)
                        target.value_marks[key] = source.value_marks.get(key, mark)


class Verbatim(str):
    """A ``!unsafe`` string: text that its author says is none of ours to render, even where text is trusted."""

    __slots__ = ()


_UNSAFE = object()


def _untrusted(value: Any) -> Any:
    """``value`` with every trusted text as one that is not."""
    if isinstance(value, Template):
        return Verbatim(value.source)
    if type(value) is TrustedText:
        return Verbatim(value)
    if isinstance(value, Map):
        for key in value:
            value[key] = _untrusted(value[key])
    elif isinstance(value, Seq):
        value[:] = [_untrusted(item) for item in value]
    return value
