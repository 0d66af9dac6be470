"""Errors for people: the sentence, the place with its line and a caret, how it got there, and what to do."""

from __future__ import annotations

import linecache

from orchestrator.errors import Faults, OrchError, Origin

CONTEXT_LINES = 2


def render_error(error: OrchError) -> str:
    """All of an error as text. `Faults` are numbered, in the order of their places."""
    if not isinstance(error, Faults):
        return "\n".join(["ERROR: " + error.message, *_details(error, "  ")]) + "\n"
    blocks = []
    for number, fault in enumerate(error.errors, 1):
        head = f"{number}. {_place(fault.origin)}{fault.message}"
        blocks.append("\n".join([head, *_details(fault, "   ", place=False)]))
    count = len(error.errors)
    return "\n\n".join(blocks) + f"\n\nERROR: {count} fault{'' if count == 1 else 's'}; no host was touched\n"


def _place(origin: Origin | None) -> str:
    return f"{origin}: " if origin else ""


def _details(error: OrchError, indent: str, *, place: bool = True) -> list[str]:
    lines = []
    if place and error.origin:
        lines.append(f"at {error.origin}")
    if error.origin:
        lines += source_lines(str(error.origin))
    lines += [f"via {step}" for step in error.trail]
    if error.hint:
        lines.append(f"hint: {error.hint}")
    return [indent + line for line in lines]


def source_lines(place: str) -> list[str]:
    """The line at ``file:line:column`` with two before it and a caret below; nothing when it cannot be read."""
    file, line, column = _parts(place)
    if not line:
        return []
    shown = []
    for number in range(max(1, line - CONTEXT_LINES), line + 1):
        text = linecache.getline(file, number).rstrip("\n")
        if not text and number == line:
            return []
        shown.append(f"{number:>5}  {text}")
    if column:
        shown.append(" " * (6 + column) + "^")
    return shown


def _parts(place: str) -> tuple[str, int, int]:
    words = place.rsplit(":", 2)
    if len(words) == 3 and words[1].isdigit() and words[2].isdigit():
        return words[0], int(words[1]), int(words[2])
    words = place.rsplit(":", 1)
    if len(words) == 2 and words[1].isdigit():
        return words[0], int(words[1]), 0
    return place, 0, 0
