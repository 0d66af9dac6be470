"""What content uses, read from its files alone: modules, filters, tests, lookups, with the places.

A survey follows playbooks into their roles and the files of tasks they include, whole roles at a time, whatever
conditions stand before them. It renders nothing, so a name that is made by a template is listed as not followed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import Struct, field

from orchestrator.content.yaml import load_yaml
from orchestrator.errors import ContentError, OrchError, Origin
from orchestrator.playbook.action import is_loop_key
from orchestrator.playbook.jinja_names import Named, names_in, names_in_condition
from orchestrator.playbook.keywords import allowed
from orchestrator.playbook.role_search import RoleSearch
from orchestrator.template.types import Map, Seq, Template

YAML = (".yml", ".yaml")
ROLE_PARTS = ("tasks", "handlers", "defaults", "vars", "meta", "templates")
UNRELATED = frozenset({"molecule", "node_modules", "venv", "docs", "tests"})
"""Folders that a walk leaves out; named on the command line, they are read."""
MAX_FILES = 20_000
MAX_TEMPLATE_BYTES = 4 * 1024 * 1024
CONDITIONS = frozenset({"when", "changed_when", "failed_when", "until", "break_when", "that"})
BLOCKS, TASK_LISTS = ("block", "rescue", "always"), ("pre_tasks", "tasks", "post_tasks", "handlers")
_PREFIXES = ("ansible.builtin.", "ansible.legacy.")


class Use(NamedTuple):
    kind: str
    """module, filter, test or lookup."""
    name: str
    origin: Origin


class Survey(Struct):
    """What was found. ``plugin_folders``: where content brings filters, tests, lookups and modules of its own."""

    uses: list[Use] = field(default_factory=list)
    not_followed: list[tuple[str, Origin]] = field(default_factory=list)
    faults: list[OrchError] = field(default_factory=list)
    files: int = 0
    plugin_folders: set[str] = field(default_factory=set)


def survey(paths: Sequence[str], roles: RoleSearch) -> Survey:
    """Survey playbooks, files of tasks, roles, or folders that hold any of them."""
    surveyor = _Surveyor(roles)
    for path in paths:
        surveyor.add(path)
    return surveyor.run()


class _Surveyor:
    def __init__(self, roles: RoleSearch) -> None:
        self._roles = roles
        self._found = Survey()
        self._seen: set[str] = set()
        self._queue: list[tuple[str, str | None, bool]] = []

    def run(self) -> Survey:
        while self._queue and self._found.files < MAX_FILES:
            path, role, surely = self._queue.pop(0)
            self._found.files += 1
            try:
                self._file(path, role, surely)
            except OrchError as fault:
                self._found.faults.append(fault)
        return self._found

    # What to read

    def add(self, path: str) -> None:
        if not os.path.isdir(path):
            return self._enqueue(path, None)
        for folder, inner, names in os.walk(path):
            inner[:] = sorted(name for name in inner if not name.startswith(".") and name not in UNRELATED)
            if _is_role(folder):
                self._role(folder)
                inner[:] = [name for name in inner if name not in ROLE_PARTS]
            for name in sorted(names):
                if name.endswith(YAML) and not name.startswith("."):
                    self._enqueue(os.path.join(folder, name), None, surely=False)
        return None

    def _enqueue(self, path: str, role: str | None, *, surely: bool = True) -> None:
        """``surely``: it was named as content; else it may be any YAML, and counts when it holds plays."""
        real = os.path.realpath(path)
        if real not in self._seen:
            self._seen.add(real)
            self._queue.append((path, role, surely))

    def _role(self, path: str) -> None:
        """All of a role: which of its files will run is decided by conditions."""
        for part in ROLE_PARTS:
            for file in _files_below(os.path.join(path, part)):
                if part == "templates" or file.endswith(YAML):
                    self._enqueue(file, path)

    def _plugins(self, folder: str) -> None:
        for kind in ("filter", "test", "lookup"):
            self._found.plugin_folders.add(os.path.join(folder, f"{kind}_plugins"))

    # One file

    def _file(self, path: str, role: str | None, surely: bool) -> None:
        self._plugins(role or os.path.dirname(path))
        if role and f"{os.sep}templates{os.sep}" in path:
            return self._template(path)
        try:
            document = load_yaml(Path(path), on_duplicate=lambda message: None)
        except OrchError:
            if surely:
                raise
            return  # somebody else's YAML: several documents, tags of its own
        if isinstance(document, list):
            if surely or any(_is_play(entry) for entry in document):
                for entry in document:
                    self._entry(entry, path, role)
        elif isinstance(document, Map):
            self._values(document)
            if role and os.path.basename(os.path.dirname(path)) == "meta":
                self._role_entries(document.get("dependencies") or [], path, role)

    def _template(self, path: str) -> None:
        if os.path.getsize(path) > MAX_TEMPLATE_BYTES:
            return
        with open(path, "rb") as stream:
            text = stream.read().decode("utf-8", "replace")
        self._note(names_in(text), Origin(path, 1), follows_lines=True)

    def _entry(self, entry: Any, path: str, role: str | None) -> None:
        if not isinstance(entry, Map):
            return
        imported = next((key for key in entry if _bare(key) == "import_playbook"), None)
        if imported is not None:
            self._follow(entry[imported], entry.value_origin(imported), [os.path.dirname(path)], None)
        elif "hosts" in entry and not role:
            self._play(entry, path)
        else:
            self._task(entry, path, role)

    def _play(self, play: Map, path: str) -> None:
        for key, value in play.items():
            if key in TASK_LISTS:
                for task in value or []:
                    self._entry(task, path, None)
            elif key == "roles":
                self._role_entries(value or [], path, None)
            else:
                self._values(value)

    def _role_entries(self, entries: Iterable[Any], path: str, role: str | None) -> None:
        for index, entry in enumerate(entries):
            name = entry.get("role", entry.get("name")) if isinstance(entry, Map) else entry
            self._find_role(name, path, role, entries.item_origin(index) if isinstance(entries, Seq) else Origin(path))
            if isinstance(entry, Map):
                self._values(entry)

    def _find_role(self, name: Any, path: str, role: str | None, origin: Origin | None) -> None:
        if not isinstance(name, str):
            self._found.not_followed.append((f"role {getattr(name, 'source', name)}", origin or Origin(path)))
            return
        try:
            found = self._roles.find(name, base_dirs=(os.path.dirname(path),), beside=role, origin=origin)
        except ContentError as fault:
            self._found.faults.append(fault)
            return
        self._role(found.path)

    # One task

    def _task(self, task: Map, path: str, role: str | None) -> None:
        for part in BLOCKS:
            for inner in task.get(part) or [] if isinstance(task.get(part), list) else []:
                self._entry(inner, path, role)
        keywords = allowed("task") | allowed("handler") | allowed("block")
        for key, value in task.items():
            if key in BLOCKS:
                continue
            if is_loop_key(key):
                self._use("lookup", key[5:], task.origin_of(key))
            elif key in ("action", "local_action"):
                self._spelled_out(value, task.origin_of(key))
            elif key not in keywords and isinstance(key, str):
                self._module(key, value, task, path, role)
            if key in CONDITIONS:
                self._conditions(value, task.value_origin(key))
            else:
                self._values(value)

    def _module(self, key: str, value: Any, task: Map, path: str, role: str | None) -> None:
        self._use("module", key, task.origin_of(key))
        bare, origin = _bare(key), task.value_origin(key)
        if bare in ("include_role", "import_role"):
            name = value.get("name", value.get("role")) if isinstance(value, Map) else _word(value, "name")
            self._find_role(name, path, role, origin)
        elif bare in ("include_tasks", "import_tasks", "include"):
            file = value.get("file") if isinstance(value, Map) else value
            folders = [os.path.dirname(path), *([os.path.join(role, "tasks"), role] if role else [])]
            if not role or isinstance(file, str):
                self._follow(file, origin, folders, role)
        elif bare == "assert" and isinstance(value, Map):
            self._conditions(value.get("that"), value.value_origin("that"))

    def _spelled_out(self, value: Any, origin: Origin | None) -> None:
        name = value.get("module") if isinstance(value, Map) else str(getattr(value, "source", value)).split(" ")[0]
        if isinstance(name, str) and "{" not in name:
            self._use("module", name, origin)

    def _follow(self, name: Any, origin: Origin | None, folders: list[str], role: str | None) -> None:
        if not isinstance(name, str):
            source = getattr(name, "source", name)
            self._found.not_followed.append((f"file {source}", origin or Origin(folders[0])))
            return
        for folder in folders:
            candidate = os.path.join(folder, name.split(" ")[0])
            if os.path.isfile(candidate):
                return self._enqueue(candidate, role)
        self._found.faults.append(ContentError(f"the file {name} was not found", origin=origin))

    # Jinja

    def _conditions(self, value: Any, origin: Origin | None) -> None:
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, str):
                self._note(names_in_condition(one), origin)
            else:
                self._values(one)

    def _values(self, value: Any) -> None:
        for template in _templates(value):
            self._note(names_in(template.source), template.origin)

    def _note(self, names: Iterable[Named], origin: Origin | None, *, follows_lines: bool = False) -> None:
        for kind, name, line in names:
            at = Origin(origin.file, line) if follows_lines and origin is not None else origin
            self._use(kind, name, at)

    def _use(self, kind: str, name: str, origin: Origin | None) -> None:
        self._found.uses.append(Use(kind, name, origin or Origin("<unknown>")))


def _templates(value: Any) -> Iterator[Template]:
    stack = [value]
    while stack:
        one = stack.pop()
        if isinstance(one, Template):
            yield one
        elif isinstance(one, dict):
            stack += one.values()
        elif isinstance(one, list):
            stack += one


def _is_role(folder: str) -> bool:
    return any(os.path.isfile(os.path.join(folder, "tasks", f"main{suffix}")) for suffix in (*YAML, ""))


def _is_play(entry: Any) -> bool:
    return isinstance(entry, Map) and ("hosts" in entry or any(_bare(key) == "import_playbook" for key in entry))


def _files_below(folder: str) -> list[str]:
    return sorted(os.path.join(at, name) for at, _, names in os.walk(folder) for name in names)


def _bare(key: object) -> str:
    text = str(key)
    for prefix in _PREFIXES:
        text = text.removeprefix(prefix)
    return text


def _word(text: Any, name: str) -> Any:
    """The value of ``name=`` in an action written as text."""
    if not isinstance(text, str):
        return text
    return next((part.partition("=")[2] for part in text.split() if part.startswith(f"{name}=")), text)
