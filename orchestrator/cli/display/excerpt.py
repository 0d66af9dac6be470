"""The lines around a place in a trusted file, with a mark under the column."""

from __future__ import annotations

from orchestrator.cli.display.safe import safe, width
from orchestrator.errors import Origin

BEFORE = 2
MAX_COLUMNS = 120
MAX_FILE_BYTES = 16 * 1024 * 1024
_files: dict[str, list[str]] = {}


def lines_of(file: str) -> list[str]:
    """The file's lines, read once; none when it cannot be read: an excerpt is a courtesy."""
    lines = _files.get(file)
    if lines is None:
        try:
            with open(file, encoding="utf-8", errors="replace") as stream:
                lines = stream.read(MAX_FILE_BYTES).split("\n")
        except (OSError, ValueError):
            lines = []
        _files[file] = lines
    return lines


def origin_of(text: str) -> Origin:
    """The place that ``file:line:column`` names."""
    file, line, column = text, 0, 0
    parts = text.rsplit(":", 2)
    if len(parts) == 3 and parts[1].isdigit() and parts[2].isdigit():
        file, line, column = parts[0], int(parts[1]), int(parts[2])
    elif len(parts) > 1 and parts[-1].isdigit():
        file, line = text.rpartition(":")[0], int(parts[-1])
    return Origin(file, line, column)


def excerpt(origin: Origin, before: int = BEFORE) -> list[str]:
    """Numbered lines up to the one that ``origin`` names, then a caret; no lines when the file does not have it."""
    lines = lines_of(origin.file) if origin.line else []
    if not 0 < origin.line <= len(lines):
        return []
    digits = len(str(origin.line))
    first = max(1, origin.line - before)
    shown = [f"{number:>{digits}} {_cut(lines[number - 1])}".rstrip() for number in range(first, origin.line + 1)]
    return [*shown, _mark(lines[origin.line - 1], origin.column, digits)]


def _cut(line: str) -> str:
    line = safe(line.replace("\t", " ").rstrip("\r"))
    return line if len(line) <= MAX_COLUMNS else line[:MAX_COLUMNS - 3] + "..."


def _mark(line: str, column: int, digits: int) -> str:
    if not column:
        text = _cut(line)
        indent = len(text) - len(text.lstrip())
        return " " * (digits + 1 + indent) + "^" * max(1, width(text.strip()))
    if column > MAX_COLUMNS:
        return " " * (digits + 1) + f"(column {column})"
    return " " * (digits + 1 + width(safe(line[:column - 1].replace("\t", " ")))) + f"^ column {column}"
