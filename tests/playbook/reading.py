"""Writes playbooks from a table of texts and reads them with the real loader, content, engine and registry."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modules import registry
from orchestrator.bridge.bridge import Bridge
from orchestrator.content.loader import ContentLoader
from orchestrator.engine.actions import register_all
from orchestrator.errors import Faults, OrchError
from orchestrator.model import Play, Playbook, Task
from orchestrator.playbook.listing import walk
from orchestrator.playbook.loader import PlaybookLoader

register_all()


class Project:
    """A folder of files, and a loader that reads from it with paths relative to it."""

    def __init__(self, folder: Path, monkeypatch: Any, **options: Any) -> None:
        self.folder = folder
        monkeypatch.chdir(folder)
        self.options = options
        self.loader = self._new_loader()

    def _new_loader(self) -> PlaybookLoader:
        return PlaybookLoader(content=ContentLoader(), registry=registry, bridge=Bridge(environ={}), **self.options)

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")

    def load(self, playbook: str = "", *, extra_vars: Mapping[str, Any] | None = None, **files: str) -> Playbook:
        """The playbook in ``playbook`` (as site.yml); without it, site.yml as it was written before."""
        if playbook:
            self.write({"site.yml": playbook})
        self.loader = self._new_loader()
        return self.loader.load(["site.yml"], extra_vars or {})

    def play(self, playbook: str = "", **options: Any) -> Play:
        return self.load(playbook, **options).plays[0]

    def task(self, text: str, **options: Any) -> Task:
        """The one task of a play on all hosts, from the text of its list entry."""
        return tasks(self.tasks(text, **options))[0]

    def tasks(self, text: str, **options: Any) -> Play:
        body = textwrap.indent(textwrap.dedent(text).strip("\n"), "    ")
        return self.play(f"- hosts: all\n  tasks:\n{body}\n", **options)

    def faults(self, playbook: str = "") -> list[str]:
        """Each fault as ``file:line:column message``; empty when there is none."""
        return [f"{error.origin} {error.message}" for error in self.errors(playbook)]

    def errors(self, playbook: str = "") -> tuple[OrchError, ...]:
        try:
            self.load(playbook)
        except Faults as faults:
            return faults.errors
        return ()


def tasks(play: Play) -> list[Task]:
    """The tasks of a play in order, handlers left out."""
    return [task for section in play.sections for node in section for task in walk(node)]


def by_name(play: Play) -> dict[str, Task]:
    return {str(task.name): task for task in tasks(play)}
