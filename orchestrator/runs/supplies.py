"""What a run is given of the other rooms: content, inventory, credentials; and what they say of a launch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

from msgspec import structs

from orchestrator.access.rights import Host, Identity
from orchestrator.credentials.credentials import Credentials
from orchestrator.credentials.materials import Materials
from orchestrator.projects.inventories import Inventories
from orchestrator.projects.paths import Tree
from orchestrator.projects.projects import Projects
from orchestrator.runs.handed import Place
from orchestrator.runs.requests import RunRequest
from orchestrator.store.books import Books


class Giving(Protocol):
    """`Supplies` as those who drive runs know it."""

    def place_of(self, request: RunRequest, begun_in: str = "") -> Place: ...

    def materials_of(self, request: RunRequest, run_id: str, user: str, user_id: str) -> Materials: ...

    def opening_of(self, request: RunRequest) -> tuple[dict[str, dict[str, Any]], str]: ...


class Supplies:
    def __init__(self, books: Books, projects: Projects, inventories: Inventories, credentials: Credentials,
                 owner_of: Callable[[str], Identity]) -> None:
        self._books = books
        self._projects = projects
        self._inventories = inventories
        self._credentials = credentials
        self._owner_of = owner_of

    def place_of(self, request: RunRequest, begun_in: str = "") -> Place:
        """``begun_in``: where a run began that is gone on with; it keeps that tree as long as it is there."""
        tree = self._projects.tree(request.project_id)
        if begun_in and begun_in != str(tree.root) and _is_tree(Path(begun_in), tree.root):
            tree = Tree(Path(begun_in), tree.name)
        sources = self._inventories.sources_of(request.inventory_id)
        return Place(str(tree.root), str(tree.file(request.playbook)), list(sources), self._runs_here(request))

    def _runs_here(self, request: RunRequest) -> bool:
        """An inventory's files are content too: variables in them are templates, and some are programs."""
        named = {request.project_id, self._inventories.row(request.inventory_id).project_id} - {None}
        return all(self._projects.row(one).runs_here for one in named if one)

    def opening_of(self, request: RunRequest) -> tuple[dict[str, dict[str, Any]], str]:
        """The secrets of a managed inventory; and the master key, where agentlets are enrolled."""
        enrolled = self._books.database.select("""SELECT 1 FROM agents WHERE "state" = 'active' LIMIT 1""")
        return self._inventories.secrets_of(request.inventory_id), self._books.master.text() if enrolled else ""

    def materials_of(self, request: RunRequest, run_id: str, user: str, user_id: str) -> Materials:
        """Opened for this run, which the audit trail says.

        Raises `Refused` when whoever asked for the run, ``user_id``, may use one of them no more, or is locked.
        """
        if request.credential_ids:
            self.refuse_unusable(request, self._owner_of(user_id))
        return self._credentials.materials(request.credential_ids, run_id=run_id, timeout_s=float(request.timeout_s),
                                           by=user)

    def checked(self, request: RunRequest, identity: Identity) -> RunRequest:
        """A launch as the projects and credentials see it: with the survey's defaults. Raises `Refused`."""
        self._inventories.row(request.inventory_id)
        variables = self._projects.answered(request.project_id, request.playbook, request.extra_vars)
        self.refuse_unusable(request, identity)
        self._credentials.check(request.credential_ids)
        return structs.replace(request, extra_vars=variables)

    def refuse_unusable(self, request: RunRequest, identity: Identity) -> None:
        """Raises `NotFound` for a credential that ``identity`` may not give to this run."""
        self._credentials.refuse_unusable(identity, request.credential_ids, request.project_id, request.inventory_id)

    def hosts_of(self, identity: Identity, inventory_id: str, limit: str | None) -> Sequence[Host]:
        """The hosts that a limit means, of those that ``identity`` may see, with their groups."""
        matched = self._inventories.matched(identity, inventory_id, limit or "all", most=100_000)
        return self._inventories.targets(inventory_id, matched.hosts)

    def groups_of(self, inventory_id: str, names: Iterable[str]) -> Sequence[Host]:
        return self._inventories.targets(inventory_id, names)


def _is_tree(begun_in: Path, now: Path) -> bool:
    """Whether it is another commit of the same project: beside the one that is used now."""
    return begun_in.parent == now.parent and begun_in.is_dir()
