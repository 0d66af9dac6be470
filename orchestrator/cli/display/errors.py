"""Errors as a person reads them: the sentence, the place with its line, how one got there, what to do."""

from __future__ import annotations

import os
import shutil
import sys

from orchestrator.cli.display.excerpt import MAX_COLUMNS, excerpt
from orchestrator.cli.display.safe import safe
from orchestrator.errors import Faults, OrchError

RED, BOLD, DIM, RESET = "\x1b[31m", "\x1b[1m", "\x1b[2m", "\x1b[0m"


def render_error(error: OrchError, color: bool | None = None) -> str:
    """The text of an error, without a newline at its end. `Faults` come as a numbered list with their count.

    ``color`` None: colours when standard error is a terminal and ``NO_COLOR`` is not set.
    """
    if color is None:
        color = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    if isinstance(error, Faults):
        return _faults(error, color)
    return "\n".join(_lines(error, "error: ", color))


def _faults(faults: Faults, color: bool) -> str:
    if len(faults.errors) == 1:
        return render_error(faults.errors[0], color)
    lines = [_styled(f"{faults.message}; no host was touched", RED + BOLD, color)]
    digits = len(str(len(faults.errors)))
    for number, error in enumerate(faults.errors, 1):
        lines += ["", *_lines(error, f"{number:>{digits}}. ", color)]
    return "\n".join(lines)


def _lines(error: OrchError, lead: str, color: bool) -> list[str]:
    first, *rest = safe(error.message).split("\n")
    lines = [_styled(lead, RED + BOLD, color) + _styled(first, BOLD, color), *rest]
    indent = " " * 2
    if error.origin is not None:
        lines.append(f"{indent}--> {error.origin}")
        lines += [_styled(indent + line, RED, color) if mark else indent + line
                  for line, mark in _marked(excerpt(error.origin, columns=_columns()))]
    expression = getattr(error, "expression", None)
    if expression and not any(expression in line for line in lines):
        lines.append(f"{indent}in: {safe(expression)}")
    lines += [_styled(f"{indent}from {safe(step)}", DIM, color) for step in reversed(error.trail)]
    if error.hint:
        first, *rest = safe(error.hint).split("\n")
        lines += [_styled(f"{indent}hint: ", BOLD, color) + first, *(f"{indent}      {line}" for line in rest)]
    return lines


def _columns() -> int:
    """Room for a line of the file on the terminal where errors go; plenty where that is none."""
    if not sys.stderr.isatty():
        return MAX_COLUMNS
    return max(30, min(MAX_COLUMNS, shutil.get_terminal_size().columns - 10))


def _marked(lines: list[str]) -> list[tuple[str, bool]]:
    return [(line, place == len(lines) - 1) for place, line in enumerate(lines)]


def _styled(text: str, style: str, color: bool) -> str:
    return f"{style}{text}{RESET}" if color else text
