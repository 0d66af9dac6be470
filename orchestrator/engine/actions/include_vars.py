"""Reads variables from files of the playbook's into the host's scope.

Example:

    - include_vars: "{{ ansible_os_family }}.yml"

Returns: ``ansible_facts`` (the variables), ``ansible_included_var_files``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from modules.api import Arg, exclusive
from orchestrator.engine.call import LEAD, Call
from orchestrator.engine.outcome import Value, failure
from orchestrator.errors import ContentError, OrchError
from orchestrator.variables.merging import laid_over

ARGS = {
    "file": Arg("path", aliases=("_raw_params",), help="The file to read."),
    "dir": Arg("path", help="A directory to read all files of."),
    "name": Arg("str", help="Put the variables under this name instead of the top."),
    "depth": Arg("int", default=0, help="How deep to go into the directory; 0 means all the way."),
    "files_matching": Arg("str", help="Only files whose name matches this regular expression."),
    "ignore_files": Arg("raw", default=[], help="File names to leave out."),
    "extensions": Arg("raw", default=["yaml", "yml", "json"], help="Only files with these endings."),
    "ignore_unknown_extensions": Arg("bool", default=False, help="Pass over other endings instead of failing."),
    "hash_behaviour": Arg("str", choices=["replace", "merge"], help="Merge dictionaries with those already there."),
}
RULES = (exclusive("file", "dir"),)
FREE_FORM = "file"


async def run(call: Call) -> Value:
    args = call.args
    name = args.get("file") or args.get("_raw_params")
    try:
        if args.get("dir"):
            files = _listed(call, args)
        elif not name:
            raise ContentError("Could not find file: include_vars was given no name", origin=call.task.origin)
        else:
            files = [call.find("vars", str(name))]
        found: dict[str, Any] = {}
        for file in files:
            found.update(_read(call, file))
    except OrchError as error:
        # Ansible's module has its reason in `message` alone, and says only this; playbooks match on either.
        value = failure(f"{LEAD}Action failed: Unknown error. {error.message}", error.code, error.hint,
                        ansible_facts={}, ansible_included_var_files=[])
        return {**value, "message": error.message}
    if args.get("hash_behaviour", "merge" if call.run.variables.merges_mappings else "replace") == "merge":
        found = {k: _merged(call, k, v) for k, v in found.items()}
    facts = {args["name"]: found} if args.get("name") else found
    # The values stay templates: they are trusted content, resolved when they are used.
    return {"changed": False, "ansible_facts": facts, "ansible_included_var_files": [str(f) for f in files]}


def _read(call: Call, file: Path) -> Mapping[str, Any]:
    content = call.run.loader.content.read_vars(file)
    if not isinstance(content, Mapping):
        raise ContentError(f"{file} must be stored as a dictionary/hash")
    return content


def _listed(call: Call, args: Mapping[str, Any]) -> list[Path]:
    folder = _folder(call, str(args["dir"]))
    extensions = {e.strip(".") for e in _list(args.get("extensions", ["yaml", "yml", "json"]))}
    ignored = [re.compile(p) for p in _list(args.get("ignore_files", []))]
    matching = re.compile(args["files_matching"]) if args.get("files_matching") else None
    depth = int(args.get("depth") or 0)
    files = []
    for path in _files_below(folder):
        level = len(path.relative_to(folder).parts)
        if (depth and level > depth) or any(i.search(path.name) for i in ignored):
            continue
        if matching and not matching.search(path.name):
            continue
        if path.suffix.strip(".") not in extensions:
            if args.get("ignore_unknown_extensions") or matching:
                continue
            raise ContentError(f"{path} does not have a valid extension: {', '.join(sorted(extensions))}")
        files.append(path)
    return files


def _files_below(folder: Path) -> Iterator[Path]:
    """In the order of their names; links to folders are followed, each folder once on the way down."""
    above = [os.path.realpath(folder)]

    def below(directory: Path) -> Iterator[Path]:
        for path in sorted(directory.iterdir()):
            if not path.is_dir():
                yield path
            elif (real := os.path.realpath(path)) not in above:
                above.append(real)
                yield from below(path)
                above.pop()

    return below(folder)


def _folder(call: Call, name: str) -> Path:
    base = Path(call.task.role.path) / "vars" if call.task.role else Path(call.task.origin.file).parent
    folder = Path(name) if Path(name).is_absolute() else base / name
    if not folder.is_dir() and call.task.role and not Path(name).is_absolute():
        folder = Path(call.task.role.path) / name
    if not folder.is_dir():
        raise ContentError(f"{folder} directory does not exist", origin=call.task.origin)
    return folder


def _merged(call: Call, name: str, value: Any) -> Any:
    try:
        return laid_over(call.scope.lookup(name), value)
    except KeyError:
        return value


def _list(value: Any) -> list[str]:
    return [str(v) for v in value] if isinstance(value, list) else [v.strip() for v in str(value).split(",") if v]
