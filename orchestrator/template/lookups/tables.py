"""Lookups of single values in INI and CSV files on the controller."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from typing import Any

from orchestrator.errors import TemplateError
from orchestrator.template.filters.values import to_bool
from orchestrator.template.lookups.call import LookupCall, text

_INI = frozenset({"type", "file", "section", "re", "default", "encoding", "case_sensitive", "allow_none",
                  "allow_no_value", "interpolation"})
_CSV = frozenset({"file", "delimiter", "col", "keycol", "default", "encoding"})
_OPTION = re.compile(r"""\s(\w+)=("(?:[^"\\]|\\.)*"|'[^']*'|\S*)""")


def _split(term: Any, names: frozenset[str]) -> tuple[str, dict[str, str]]:
    """A key (quotes in it are its own) and the ``name=value`` behind it."""
    source = f" {term}"
    found = list(_OPTION.finditer(source))
    options: dict[str, str] = {}
    for one in found:
        if one[1] not in names:
            raise TemplateError(f"{one[1]!r} is not a valid option", hint=f"there are: {', '.join(sorted(names))}")
        options[one[1]] = one[2][1:-1] if len(one[2]) > 1 and one[2][0] == one[2][-1] in "\"'" else one[2]
    return source[:found[0].start() if found else None].strip(), options


def ini_value(terms: list[Any], call: LookupCall, **given: Any) -> list[Any]:
    """Values of an INI or properties file."""
    found: list[Any] = []
    for term in terms:
        key, named = _split(term, _INI)
        options = {"file": "ansible.ini", "section": "global", "type": "ini", "default": "", **given, **named}
        if not key:
            raise TemplateError(f"No key to look up was provided as first term within string inline options: {term}")
        found += _ini_values(_parsed(options, call), options, key)
    return found


def _parsed(options: dict[str, Any], call: LookupCall) -> Any:
    import configparser

    if options["type"] not in ("ini", "properties"):
        raise TemplateError(f"ini: there is no type {options['type']!r}", hint="there are: ini, properties")
    path = call.find(options["file"], "files", "file")
    allow_none = options.get("allow_no_value", options.get("allow_none", False))
    interpolation = configparser.BasicInterpolation() if to_bool(options.get("interpolation", True)) else None
    parser = configparser.ConfigParser(allow_no_value=to_bool(allow_none), interpolation=interpolation)
    if to_bool(options.get("case_sensitive", False)):
        parser.optionxform = str  # type: ignore[assignment,method-assign]
    source = _decoded(call.read(path), options)
    if options["type"] == "properties":
        options["section"], source = "java_properties", "[java_properties]\n" + source
    try:
        parser.read_string(source)
    except configparser.DuplicateOptionError as error:
        raise TemplateError(f"Duplicate option in {path!r}: {error}") from error
    except configparser.Error as error:
        raise TemplateError(f"ini: {path}: {' '.join(str(error).split())}") from error
    return parser


def _ini_values(parser: Any, options: dict[str, Any], key: str) -> list[Any]:
    import configparser

    section = str(options["section"])
    if not parser.has_section(section):
        raise TemplateError(
            f"No section {section!r} in {options['file']!r}", hint="a default stands for a missing key only",
        )
    try:
        if to_bool(options.get("re", False)):
            return [value or "" for name, value in parser.items(section) if re.match(key, name)]
        value = parser.get(section, key, fallback=options["default"])
    except configparser.InterpolationError as error:
        raise TemplateError(f"ini: {options['file']}: {' '.join(str(error).split())}",
                            hint="a % of a value's own is %%, or give interpolation=false") from error
    return [] if value is None else [value]  # a key without a value


def csvfile(terms: list[Any], call: LookupCall, **given: Any) -> list[Any]:
    """The column of the row whose first column is the key."""
    if not terms:
        raise TemplateError("Search key is required but was not found")
    found: list[Any] = []
    for term in terms:
        key, named = _split(term, _CSV)
        if not key:
            raise TemplateError("Search key is required but was not found")
        options = {"file": "ansible.csv", "delimiter": "TAB", "col": 1, "keycol": 0, **given, **named}
        value = _cell(_rows(options, call), key, options)
        found += value if isinstance(value, list) else [] if value is None else [value]
    return found


def _rows(options: dict[str, Any], call: LookupCall) -> Iterable[list[str]]:
    delimiter = str(options["delimiter"])
    delimiter = "\t" if delimiter in ("TAB", "\\t") else delimiter
    if re.fullmatch(r"\\x[0-9a-f]{2}", delimiter):
        delimiter = chr(int(delimiter[2:], 16))
    if len(delimiter) != 1:
        raise TemplateError(f"csvfile: delimiter is one character, or TAB, not {delimiter!r}")
    return csv.reader(io.StringIO(_decoded(call.read(call.find(options["file"], "files", "file")), options)),
                      delimiter=delimiter)


def _decoded(data: bytes, options: dict[str, Any]) -> str:
    if not options.get("encoding"):
        return text(data)
    try:
        return data.decode(str(options["encoding"]))
    except (LookupError, UnicodeDecodeError) as error:
        raise TemplateError(f"{options['file']} cannot be read as {options['encoding']}: {error}") from error


def _cell(rows: Iterable[list[str]], key: str, options: dict[str, Any]) -> Any:
    col, keycol = _column(options, "col"), _column(options, "keycol")
    row = next((row for row in rows if len(row) > keycol and row[keycol] == key), None)
    if row is None:
        return options.get("default")
    if col >= len(row):
        raise TemplateError(f"csvfile: the row of {key!r} has no column {col}", hint="columns count from 0")
    return row[col]


def _column(options: dict[str, Any], name: str) -> int:
    try:
        return int(options[name])
    except (TypeError, ValueError):
        raise TemplateError(f"csvfile: {name} has an invalid value: {options[name]!r}") from None
