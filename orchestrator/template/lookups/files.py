"""Lookups in files on the controller, and of what programs there print."""

from __future__ import annotations

import glob
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator.errors import TemplateError
from orchestrator.template.filters.values import to_bool
from orchestrator.template.lookups.call import LookupCall, text

PIPE_TIMEOUT_S = 600.0
MAX_OUTPUT = 64 * 1024 * 1024


def read_file(terms: list[Any], call: LookupCall, rstrip: Any = True, lstrip: Any = False) -> list[Any]:
    """The text of files; a vault is opened."""
    found = []
    for term in terms:
        content = text(call.read(call.find(term, "files", "file")))
        content = content.rstrip() if to_bool(rstrip) else content
        found.append(content.lstrip() if to_bool(lstrip) else content)
    return found


def unvault(terms: list[Any], call: LookupCall) -> list[Any]:
    return [text(call.read(call.find(term, "files", "file"))) for term in terms]


def template_file(terms: list[Any], call: LookupCall, **options: Any) -> list[Any]:
    """Templates, rendered: a text, or the value of one that is a single expression."""
    return [_template(str(term), call, dict(options)) for term in terms]


def _template(name: str, call: LookupCall, options: dict[str, Any]) -> Any:
    from orchestrator.template.managed import file_names

    path = call.find(name, "templates", "template")
    extra = {**file_names(call.scope, path), **(options.pop("template_vars", None) or {})}
    for ours in ("convert_data", "jinja2_native"):
        options.pop(ours, None)
    folders = [folder for base in call.folders() for folder in (os.path.join(base, "templates"), base)]
    return call.engine.render_file_value(
        text(call.read(path)), call.scope, path, search=[os.path.dirname(path), *folders],
        locals=dict(extra), **options,
    )


def fileglob(terms: list[Any], call: LookupCall) -> list[Any]:
    """Paths of files (no folders) that match, in the first folder of the search path that has any."""
    found: list[Any] = []
    for term in terms:
        for pattern in call.places(str(term), "files"):
            paths = sorted(path for path in glob.glob(pattern) if os.path.isfile(path))
            if paths:
                for path in paths:
                    sys.audit("orch.content", path)
                found += paths
                break
    return found


def first_found(
    terms: list[Any], call: LookupCall, files: Any = None, paths: Any = None, skip: Any = False,
    _subfolder: str = "files",
) -> list[Any]:
    """The first file that exists; with ``skip``, nothing instead of a fault."""
    tried: list[str] = []
    for names, folders, quiet in _groups(terms, files, paths):
        skip = to_bool(skip) or quiet
        for name in _names(names, folders):
            tried.append(name)
            for path in map(os.path.normpath, _first_places(name, call, _subfolder)):  # files/../vars, without files
                if os.path.exists(path):
                    sys.audit("orch.content", path)
                    return [path]
    if to_bool(skip):
        return []
    raise TemplateError(
        f"none of these files exists: {', '.join(tried)}", hint="give skip: true when it may be that there is none",
    )


def _groups(terms: list[Any], files: Any, paths: Any) -> Iterator[tuple[list[Any], list[Any], bool]]:
    flat = [item for term in terms for item in (term if isinstance(term, list) else [term])]
    if files:
        yield _words(files), _words(paths, "[,;:]"), False
    for term in flat:
        if isinstance(term, Mapping):
            yield _words(term.get("files")), _words(term.get("paths"), "[,;:]"), to_bool(term.get("skip", False))
        elif not isinstance(term, str):
            raise TemplateError(f"first_found: a term is a file name or a mapping, not {type(term).__name__!r}")
        else:
            yield [term], _words(paths, "[,;:]") if not files else [], False


def _words(value: Any, separators: str = "[,;]") -> list[Any]:
    """A list, or a text parted at , and ; (paths: and :)."""
    if value is None:
        return []
    if isinstance(value, str):
        return [word.strip() for word in re.split(separators, value) if word.strip()]
    return [word for item in value for word in (_words(item, separators) if isinstance(item, str) else [item])]


def _names(names: list[Any], folders: list[Any]) -> list[str]:
    if not folders:
        return [str(name) for name in names]
    return [os.path.join(str(folder), str(name)) for folder in folders for name in names]


def _first_places(name: str, call: LookupCall, first: str) -> Iterator[str]:
    expanded = os.path.expandvars(os.path.expanduser(name))
    if os.path.isabs(expanded):
        yield expanded
        return
    everywhere = dict.fromkeys((first, "files", "templates", "vars", "tasks", ""))
    for index, folder in enumerate(call.folders()):
        # A role that depends on this one has files for it, but its own vars and tasks are none of its business.
        for subfolder in everywhere if index == 0 else (first, ""):
            yield os.path.join(folder, subfolder, expanded) if subfolder else os.path.join(folder, expanded)


def filetree(terms: list[Any], call: LookupCall, exclude: str | None = None) -> list[Any]:
    """Every file, folder and link below a folder, with its mode and place."""
    pattern = re.compile(exclude) if exclude else None
    found = []
    for term in terms:
        root = call.find(str(term).rstrip("/"), "files", "folder")
        for folder, folders, files in os.walk(root):
            for name in sorted(folders) + sorted(files):
                if pattern is None or not pattern.match(name):
                    found.append(_entry(root, os.path.join(folder, name)))
    return found


def _entry(root: str, path: str) -> dict[str, Any]:
    import grp
    import pwd
    import stat

    about = os.lstat(path)
    entry: dict[str, Any] = {
        "root": root, "path": os.path.relpath(path, root), "uid": about.st_uid, "gid": about.st_gid,
        "mode": f"0{stat.S_IMODE(about.st_mode):o}", "size": about.st_size, "mtime": about.st_mtime,
        "ctime": about.st_ctime,
    }
    for key, table, number in (("owner", pwd.getpwuid, about.st_uid), ("group", grp.getgrgid, about.st_gid)):
        try:
            entry[key] = table(number)[0]
        except KeyError:
            entry[key] = number
    if stat.S_ISLNK(about.st_mode):
        return {**entry, "state": "link", "src": os.readlink(path)}
    if stat.S_ISDIR(about.st_mode):
        return {**entry, "state": "directory"}
    return {**entry, "state": "file", "src": path}


def lines(terms: list[Any], call: LookupCall) -> list[Any]:
    """Lines that a command on the controller prints."""
    return [line for term in terms for line in _output(str(term), call).splitlines()]


def pipe(terms: list[Any], call: LookupCall) -> list[Any]:
    """What a command on the controller prints. It is run by the shell: that is what this lookup is for."""
    return [_output(str(term), call).rstrip() for term in terms]


def _output(command: str, call: LookupCall) -> str:
    """Errors do not show the command: rendered, it may hold a secret. The template's source is shown with them."""
    folder = call.variable("playbook_dir")
    try:
        ended = subprocess.run(
            command, shell=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=PIPE_TIMEOUT_S,
            cwd=folder if isinstance(folder, str) and os.path.isdir(folder) else None, check=False,
        )
    except subprocess.TimeoutExpired:
        raise TemplateError(f"the command took longer than {PIPE_TIMEOUT_S:.0f} s") from None
    if ended.returncode:
        raise TemplateError(f"the command ended with {ended.returncode}")
    if len(ended.stdout) > MAX_OUTPUT:
        raise TemplateError(f"the command printed more than {MAX_OUTPUT // 2**20} MiB")
    return text(ended.stdout)
