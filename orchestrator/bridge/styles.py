"""How a module wants to be run, told by its text as Ansible's developer guide says. Pure."""

from __future__ import annotations

import re

NEW, JSON_ARGS, WANT_JSON, OLD, BINARY, POWERSHELL, NO_INTERPRETER = (
    "new", "json_args", "want_json", "old", "binary", "powershell", "no_interpreter")

REPLACED = b"<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>"
"""What stands for the arguments, as a JSON text, in modules that carry them in their own source."""
_FORMER_REPLACER = b"#<<INCLUDE_ANSIBLE_MODULE_COMMON>>"
_NEW_PYTHON = re.compile(
    rb"^\s*(?:from\s+(?:ansible\.module_utils|ansible_collections|\.+[\w.]*)[\w.]*\s+import\s"
    rb"|from\s+ansible\s+import\s+module_utils|import\s+ansible\.module_utils|import\s+ansible_collections\.)",
    re.MULTILINE)
_POWERSHELL = (b"#!powershell", b"#Requires -Module", b"#AnsibleRequires", b"# POWERSHELL_COMMON", b"# WANT_JSON_PS")
_BINARY_HEAD_BYTES = 8192


def style_of(data: bytes) -> str:
    """One of the constants above, for the bytes of a module's file."""
    if b"\0" in data[:_BINARY_HEAD_BYTES]:
        return BINARY
    if _FORMER_REPLACER in data or _NEW_PYTHON.search(data):
        return NEW
    if any(mark in data for mark in _POWERSHELL):
        return POWERSHELL
    if not data.startswith(b"#!"):
        return NO_INTERPRETER
    if REPLACED in data:
        return JSON_ARGS
    return WANT_JSON if b"WANT_JSON" in data else OLD


def shebang(data: bytes) -> list[str]:
    """The words of the first line: an interpreter and its one argument; empty when it names none."""
    if not data.startswith(b"#!"):
        return []
    line = data[2:].split(b"\n", 1)[0].decode("utf-8", "surrogateescape")
    words = line.strip().split(None, 1)
    return [*words[:1], *(word.strip() for word in words[1:])]


def program(words: list[str]) -> str:
    """The bare name of the interpreter: ``bash`` for ``/bin/bash``, ``ruby`` for ``/usr/bin/env ruby``."""
    if not words:
        return ""
    first = words[0].rpartition("/")[2]
    if first == "env" and len(words) > 1:
        named = [word for word in words[1].split() if not word.startswith("-") and "=" not in word]
        return named[0].rpartition("/")[2] if named else first
    return first
