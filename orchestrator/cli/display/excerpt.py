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


def excerpt(origin: Origin, before: int = BEFORE, columns: int = MAX_COLUMNS) -> list[str]:
    """Numbered lines up to the one that ``origin`` names, then a caret; no lines when the file does not have it.

    A line longer than ``columns`` is cut; of the one that is marked, the part around the mark is shown.
    """
    lines = lines_of(origin.file) if origin.line else []
    if not 0 < origin.line <= len(lines):
        return []
    digits = len(str(origin.line))
    first = max(1, origin.line - before)
    shown = [f"{number:>{digits}} {_cut(_shown(lines[number - 1]), columns)}".rstrip()
             for number in range(first, origin.line)]
    line, mark = _marked(lines[origin.line - 1], origin.column, columns)
    return [*shown, f"{origin.line:>{digits}} {line}".rstrip(), " " * (digits + 1) + mark]


def _shown(line: str) -> str:
    return safe(line.replace("\t", " ").rstrip("\r"))


def _cut(text: str, columns: int) -> str:
    return text if len(text) <= columns else text[:columns - 3] + "..."


def _marked(line: str, column: int, columns: int) -> tuple[str, str]:
    """The line, as much of it as fits, and the mark below; without a column the whole line is marked."""
    text = _shown(line)
    if not column:
        text = _cut(text, columns)
        indent = len(text) - len(text.lstrip())
        return text, " " * indent + "^" * max(1, width(text.strip()))
    before = _shown(line[:column - 1])
    if len(before) > columns - 20:
        skipped = len(before) - columns // 2
        before, text = "..." + before[skipped + 3:], "..." + text[skipped + 3:]
    return _cut(text, columns), " " * width(before) + f"^ column {column}"
