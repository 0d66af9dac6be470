"""`Bridge`: one per run; finds modules that orch does not have and makes packages of them that hosts can run."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from orchestrator.bridge import styles
from orchestrator.bridge.action_groups import members
from orchestrator.bridge.found import Found
from orchestrator.bridge.search import ModuleSearch
from orchestrator.errors import TaskFault

_PYTHON = ("python", "python2", "python3")


class Package(Struct, frozen=True):
    """A module ready to be sent. ``interpreter`` is what its first line names; empty: the host's Python."""

    style: str
    data: bytes
    digest: str
    interpreter: tuple[str, ...] = ()
    program: str = ""
    """The interpreter's bare name, by which a variable may name another (``ansible_bash_interpreter``)."""

    @property
    def blob(self) -> dict[str, object]:
        return {"blob": self.digest, "size": len(self.data)}


class Bridge:
    """``collection_paths``: where collections lie besides the folders of playbooks and roles."""

    def __init__(self, collection_paths: Iterable[str] = (), environ: Mapping[str, str] | None = None) -> None:
        self.search = ModuleSearch(collection_paths, os.environ if environ is None else environ)
        self._packages: dict[Found, Package] = {}
        self._groups: dict[tuple[str, tuple[str, ...]], frozenset[str]] = {}

    def own(self, written: str, folders: Sequence[str]) -> Found | None:
        """A module of people's own, which wins over orch's; see `ModuleSearch.own`."""
        return self.search.own(written, folders)

    def other(self, written: str, folders: Sequence[str], collections: Sequence[str]) -> Found | None:
        """Any other module that can be had; see `ModuleSearch.other`."""
        return self.search.other(written, folders, collections)

    def action_group(self, group: str, folders: Sequence[str]) -> frozenset[str]:
        """The full names of an action group's modules; read once per run and set of folders."""
        key = group, tuple(folders)
        if key not in self._groups:
            collections = self.search.collections(folders)
            self._groups[key] = members(group, lambda name: self.search.action_groups(name, collections))
        return self._groups[key]

    @property
    def version(self) -> str | None:
        """The ansible-core whose files modules import, or None."""
        return self.search.installed.version if self.search.installed else None

    def package(self, found: Found) -> Package:
        """The module as it travels, made once per run. Raises `TaskFault` for one that cannot be run here."""
        known = self._packages.get(found)
        if known is None:
            known = self._packages[found] = self._make(found)
        return known

    def _make(self, found: Found) -> Package:
        if found.refused:
            raise TaskFault(found.refused, code="module_unsupported",
                            hint="`orch doc` lists the modules that orch has itself")
        try:
            with open(found.path, "rb") as opened:
                data = opened.read()
        except OSError as error:
            raise TaskFault(f"the module {found.path} cannot be read: {error.strerror}", code="module") from error
        style = styles.style_of(data)
        self._check(found, style)
        words = styles.shebang(data)
        program = styles.program(words)
        if style == styles.NEW:
            data = self._archive(found)
        python = program.rstrip("0123456789.") in _PYTHON or style in (styles.NEW, styles.BINARY)
        interpreter = () if python else tuple(words)
        return Package(style, data, hashlib.sha256(data).hexdigest(), interpreter, "" if python else program)

    def _check(self, found: Found, style: str) -> None:
        if style == styles.POWERSHELL:
            raise TaskFault(f"{found.name} is a PowerShell module; orch does not run those", code="module_unsupported")
        if style == styles.NO_INTERPRETER:
            raise TaskFault(f"module ({found.path}) is missing interpreter line", code="module",
                            hint="begin it with “#!” and an interpreter")
        if style == styles.NEW and self.search.installed is None:
            raise TaskFault(
                f"{found.name} imports parts of Ansible, and there is no ansible-core here", code="no_ansible",
                hint="install it beside orch (`pip install 'orch-fleet[ansible]'`), or have its commands in PATH")

    def _archive(self, found: Found) -> bytes:
        # Archives and syntax trees cost 15 ms to import, and most runs have nothing to pack.
        from orchestrator.bridge.packing import PackingError, pack
        from orchestrator.bridge.sources import Sources

        folders = [os.path.dirname(utils) for utils in found.utils]
        sources = Sources(found.utils, self.search.collections(folders), self.search.installed)
        try:
            return pack(found, sources).data
        except PackingError as error:
            raise TaskFault(str(error), code="module_import") from error
