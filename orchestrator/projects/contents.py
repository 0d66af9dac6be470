"""What a project holds: playbooks and roles, found by reading its files. Nothing of it is run or rendered."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from orchestrator.content.yaml import load_yaml
from orchestrator.errors import OrchError
from orchestrator.projects.paths import Tree
from orchestrator.projects.surveys import SurveyField, from_prompts, merged, read_fields

MOST_FILES = 20_000
MOST_BYTES = 1 << 20
YAML = (".yml", ".yaml")
SURVEY = (".survey.yml", ".survey.yaml")
UNRELATED = frozenset({"molecule", "node_modules", "venv", "tasks", "handlers", "defaults", "vars", "meta", "templates",
                       "group_vars", "host_vars", "collections", "files"})
ROLE_PARTS = ("tasks", "meta", "handlers", "defaults", "vars", "files", "templates")
HINTS = (b"hosts:", b"import_playbook")


class PlayHead(Struct):
    """``hosts`` as it is written, a template as its source."""

    name: str
    hosts: str


class PlaybookHead(Struct):
    path: str
    plays: list[PlayHead]
    has_survey: bool = False
    """A file asks, or plays do."""


class Playbook(Struct):
    path: str
    plays: list[PlayHead]
    survey: list[SurveyField]
    fault: str = ""
    """Why its survey cannot be asked; then it cannot be launched by the page."""


class Role(Struct):
    name: str
    path: str
    description: str = ""


class Contents(Struct):
    """``truncated``: there are more files than are looked at."""

    playbooks: list[PlaybookHead] = field(default_factory=list)
    roles: list[Role] = field(default_factory=list)
    truncated: bool = False


def read_contents(tree: Tree) -> Contents:
    """All playbooks and roles of a tree, by path."""
    found, count = Contents(), 0
    for folder, inner, names in os.walk(tree.root):
        inner[:] = sorted(name for name in inner if not name.startswith(".") and name not in UNRELATED
                          and tree.holds(os.path.join(folder, name)))
        if os.path.basename(folder) == "roles":
            found.roles += [role for name in inner if (role := _role(tree, os.path.join(folder, name)))]
            inner[:] = []
            continue
        for name in sorted(names):
            if name.endswith(YAML) and not name.endswith(SURVEY) and not name.startswith("."):
                count += 1
                head = _head(tree, os.path.join(folder, name))
                if head:
                    found.playbooks.append(head)
        if count > MOST_FILES:
            found.truncated = True
            break
    found.playbooks.sort(key=lambda one: (one.path.count("/"), one.path))
    found.roles.sort(key=lambda one: one.path)
    return found


def read_playbook(tree: Tree, path: str) -> Playbook:
    """One playbook with what it asks. Raises `NotFound`, `Malformed`, and `OrchError` when it cannot be read."""
    full = tree.file(path)
    document = load_yaml(full, on_duplicate=lambda message: None)
    plays = list(_plays(document))
    prompts = from_prompts([entry for play in plays for entry in _listed(play.get("vars_prompt"))])
    try:
        survey = _survey(tree, full)
    except OrchError as error:
        return Playbook(path, [_play_head(play) for play in plays], prompts, error.message)
    return Playbook(path, [_play_head(play) for play in plays], merged(prompts, survey))


def _survey(tree: Tree, playbook: Path) -> list[SurveyField]:
    found = survey_file(tree, playbook)
    if found is None:
        return []
    if found.stat().st_size > MOST_BYTES:
        raise OrchError(f"{found.name} is larger than {MOST_BYTES >> 20} MiB", code="survey")
    return read_fields(load_yaml(found, on_duplicate=lambda message: None), found.name)


def survey_file(tree: Tree, playbook: Path) -> Path | None:
    """The file beside ``site.yml`` that says what it asks: ``site.survey.yml``."""
    for ending in SURVEY:
        beside = playbook.with_name(playbook.stem + ending)
        if beside.is_file() and tree.holds(beside):
            return beside
    return None


def _head(tree: Tree, full: str) -> PlaybookHead | None:
    try:
        if not tree.holds(full) or os.path.getsize(full) > MOST_BYTES:
            return None
        with open(full, "rb") as file:
            data = file.read()
        if not any(hint in data for hint in HINTS):
            return None
        document = load_yaml(Path(full), on_duplicate=lambda message: None)
    except (OrchError, OSError):
        return None  # no YAML, or somebody else's: no playbook that could be run
    plays = list(_plays(document))
    if not plays and not _imports(document):
        return None
    asks = any("vars_prompt" in play for play in plays) or survey_file(tree, Path(full)) is not None
    return PlaybookHead(tree.relative(full), [_play_head(play) for play in plays], asks)


def _plays(document: Any) -> Iterator[Mapping[str, Any]]:
    for entry in _listed(document):
        if isinstance(entry, Mapping) and "hosts" in entry:
            yield entry


def _imports(document: Any) -> bool:
    return any(isinstance(entry, Mapping) and any(str(key).rpartition(".")[2] == "import_playbook" for key in entry)
               for entry in _listed(document))


def _play_head(play: Mapping[str, Any]) -> PlayHead:
    hosts = _shown(play["hosts"])
    return PlayHead(str(_shown(play.get("name")) or hosts)[:200], hosts[:200])


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(_shown, value))
    return "" if value is None else str(getattr(value, "source", value))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _role(tree: Tree, folder: str) -> Role | None:
    if not any(os.path.isdir(os.path.join(folder, part)) for part in ROLE_PARTS):
        return None
    description = ""
    for ending in YAML:
        path = os.path.join(folder, "meta", f"main{ending}")
        if os.path.isfile(path) and tree.holds(path):
            try:
                meta = load_yaml(Path(path), on_duplicate=lambda message: None)
                info = meta.get("galaxy_info") if isinstance(meta, Mapping) else None
                description = _shown(info.get("description"))[:500] if isinstance(info, Mapping) else ""
            except OrchError:
                pass  # a role whose meta cannot be read is a role still; a lint tells
    return Role(os.path.basename(folder), tree.relative(folder), description)
