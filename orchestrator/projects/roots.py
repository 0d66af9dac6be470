"""Below which folders projects may lie: what admins have set, and what the server's start names."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct, field

from orchestrator.refusals import Malformed, wrong
from orchestrator.store.settings import StoredSettings
from orchestrator.store.state import DIRECTORY

KEY = "projects"
VARIABLE = "ORCH_PROJECT_ROOTS"
Root = Annotated[str, Meta(pattern="^/", max_length=500)]


class ProjectSettings(Struct, forbid_unknown_fields=True):
    """``roots``: absolute folders."""

    roots: Annotated[list[Root], Meta(max_length=50)] = field(default_factory=list)


def roots_of(stored: StoredSettings, state_dir: Path,
             environ: Mapping[str, str] = os.environ) -> Callable[[], Sequence[Path]]:
    """The settings' folders and those of ``ORCH_PROJECT_ROOTS`` (with colons between them).

    Where the state directory is a project's own ``.orch``, that project's folder is one as well.
    """
    def roots() -> Sequence[Path]:
        found = [Path(root) for root in stored.read(KEY, ProjectSettings).roots]
        found += [Path(root) for root in environ.get(VARIABLE, "").split(":") if root.startswith("/")]
        absolute = Path(state_dir).absolute()
        return [*found, absolute.parent] if absolute.name == DIRECTORY else found

    return roots


def folder_below(path: str, roots: Sequence[Path], state_dir: Path, field: str = "path") -> Path:
    """The folder in truth, all links followed. Raises `Malformed` for one below no root, or within the state."""
    real = Path(os.path.realpath(path)) if path.startswith("/") else None
    allowed = [Path(os.path.realpath(root)) for root in roots]
    if real is None or not any(real == root or root in real.parents for root in allowed):
        shown = ", ".join(map(str, allowed)) or "there is none yet"
        raise Malformed("this folder is not below one that the server may read", code="project_root",
                        hint=f"roots: {shown}; an admin names them in the settings, or at the server's start",
                        fields=[(field, f"an absolute path below: {shown}")])
    if not real.is_dir() or real.is_relative_to(os.path.realpath(state_dir)):
        raise wrong(field, "there is no such folder", code="project_root")
    return real
