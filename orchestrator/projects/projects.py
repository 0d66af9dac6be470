"""Projects: where playbooks lie. Directories below allow-listed roots, and git repositories that are fetched."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from orchestrator.access import rights
from orchestrator.access.rights import Identity
from orchestrator.credentials.credentials import LIKE, Credentials, checked_name, like
from orchestrator.projects.contents import Contents, Playbook, read_contents, read_playbook
from orchestrator.projects.git import Fetch, GitError, Login, fetch, tree_path
from orchestrator.projects.linting import Lint, lint
from orchestrator.projects.paths import Tree
from orchestrator.projects.roots import folder_below
from orchestrator.projects.seen import may_see, seen_ids
from orchestrator.projects.surveys import answered
from orchestrator.projects.trees import forget_trees
from orchestrator.projects.urls import checked_ref, parse_url
from orchestrator.refusals import Conflict, Malformed, NotFound, wrong
from orchestrator.store.books import Books, found, new_id, refuse_stale
from orchestrator.store.columns import READ
from orchestrator.store.paging import Page, PageRequest, page_of
from orchestrator.store.table import marks

KINDS = ("directory", "git")
LOGINS = {"https": ("git_token",), "ssh": ("ssh_key",), "file": ()}
SORTS = {"name": ("name",), "created": ("created", "id")}
KNOWN_HOSTS = ("~/.ssh/known_hosts", "/etc/ssh/ssh_known_hosts")


class Project(Struct):
    """``commit``: of git, what is used now; ``sync_error``: why the last fetch failed. ``runs_here``: its content may
    run on the server itself; see docs/access.md."""

    id: str
    name: str
    kind: str
    path: str
    url: str
    ref: str
    commit: str
    sync_error: str
    credential_id: str | None
    version: int
    created: datetime
    synced: datetime | None
    runs_here: bool


class Projects:
    """``roots``: folders below which directories and ``file://`` repositories may lie; asked for at each use."""

    def __init__(self, books: Books, credentials: Credentials, state_dir: Path,
                 roots: Callable[[], Sequence[Path]] = lambda: ()) -> None:
        self._books = books
        self._credentials = credentials
        self._folder = Path(state_dir).absolute() / "projects"
        self._state_dir = Path(state_dir).absolute()
        self._roots = roots
        self._table = books.table("projects", Project)

    # ---- asking

    def list(self, by: Identity, page: PageRequest, *, search: str = "") -> Page[Project]:
        where, values = ["1 = 1"], []
        if search:
            where.append(LIKE)
            values.append(like(search))
        only = seen_ids(by, rights.PLAYBOOK)
        if only is not None:
            where.append(f'"id" IN ({marks(only) or "NULL"})')
            values += only
        return page_of(self._table, page, SORTS, " AND ".join(where), *values)

    def show(self, by: Identity, project_id: str) -> Project:
        """Raises `NotFound`, for what one may not see too."""
        if not may_see(by, rights.PLAYBOOK, project_id):
            raise NotFound(f"there is no project {project_id!r}")
        return self.row(project_id)

    def row(self, project_id: str) -> Project:
        """For other services. Raises `NotFound`."""
        return found(self._table.find('"id" = ?', project_id), "project", project_id)

    def contents(self, by: Identity, project_id: str) -> Contents:
        """Playbooks (those that whoever asks may see) and roles, read now."""
        is_fixed = self.show(by, project_id).kind == "git"
        tree = self.tree(project_id)
        said = _of_commit(tree.root) if is_fixed else read_contents(tree)
        seen = [one for one in said.playbooks if rights.may(
            by, rights.VIEW, rights.Target(project_id=project_id, playbook=one.path))]
        return replace(said, playbooks=seen)

    def playbook(self, by: Identity, project_id: str, path: str) -> Playbook:
        """One playbook with what it asks. Raises `NotFound`, `Malformed`, `OrchError` when it cannot be read."""
        self._refuse_unseen_playbook(by, project_id, path)
        return read_playbook(self.tree(project_id), path)

    def lint(self, by: Identity, project_id: str, path: str) -> Lint:
        """What a playbook uses that orch does not have. Takes a second: call it off the threads of the store."""
        return lint(self.lint_tree(by, project_id, path), path)

    def lint_tree(self, by: Identity, project_id: str, path: str) -> Tree:
        self._refuse_unseen_playbook(by, project_id, path)
        return self.tree(project_id)

    def answered(self, project_id: str, path: str, extra_vars: Mapping[str, Any]) -> dict[str, Any]:
        """The variables of a launch, checked against the playbook's survey, with its defaults behind them.

        Raises `Malformed` with every answer that is wrong, and when the survey itself cannot be read.
        """
        asked = read_playbook(self.tree(project_id), path)
        if asked.fault:
            raise Malformed(f"the survey of {path} cannot be asked: {asked.fault}", code="survey")
        return answered(asked.survey, extra_vars)

    # ---- changing

    def create(self, by: Identity, name: str, kind: str, *, path: str = "", url: str = "", ref: str = "",
               credential_id: str | None = None, runs_here: bool = False) -> Project:
        """A git project is fetched by `sync`, which is not done here. Raises `Malformed`, `Conflict`."""
        rights.refuse_unless(by, "project.change")
        if kind not in KINDS:
            raise wrong("kind", f"one of {', '.join(KINDS)}")
        name, made = checked_name(name), new_id()
        values = self._checked(kind, path, url, ref, credential_id)
        with self._books.transaction():
            self._refuse_taken(name, made)
            self._table.insert({"id": made, "name": name, "kind": kind, **values, "commit": "", "sync_error": "",
                                "version": 1, "created": self._books.clock(), "synced": None, "runs_here": runs_here})
            self._books.audit.write(by.name, "project.create", made, address=by.address, name=name, kind=kind,
                                    runs_here=runs_here,
                                    **{key: values[key] for key in ("path", "url", "ref") if values[key]})
        return self.row(made)

    def change(self, by: Identity, project_id: str, version: int | None, *, name: str | None = None,
               path: str | None = None, url: str | None = None, ref: str | None = None,
               credential_id: str | None | bool = False, runs_here: bool | None = None) -> Project:
        """``credential_id``: None takes it away, False leaves it. Another address means to fetch anew."""
        rights.refuse_unless(by, "project.change")
        with self._books.transaction():
            before = found(self._table.find('"id" = ?', project_id, lock=True), "project", project_id)
            refuse_stale(before.version, version, "project")
            credential = before.credential_id if isinstance(credential_id, bool) else credential_id
            if url is not None and url != before.url and isinstance(credential_id, bool):
                credential = None  # a stored token is not sent to another server than it was stored for
            values = self._checked(before.kind, before.path if path is None else path,
                                   before.url if url is None else url, before.ref if ref is None else ref, credential)
            if name is not None:
                values["name"] = checked_name(name)
                self._refuse_taken(values["name"], before.id)
            if runs_here is not None:
                values["runs_here"] = runs_here
            if values["url"] != before.url or values["ref"] != before.ref:
                values |= {"synced": None}
            self._table.change({**values, "version": before.version + 1}, '"id" = ?', before.id)
            changed = sorted(key for key, value in values.items() if value != getattr(before, key))
            self._books.audit.write(by.name, "project.change", before.id, address=by.address, name=before.name,
                                    fields=changed)
        return self.row(project_id)

    def delete(self, by: Identity, project_id: str, version: int | None) -> None:
        """Raises `Conflict` that names what needs it. The files of a directory stay; what was fetched goes."""
        rights.refuse_unless(by, "project.change")
        books = self._books
        with books.transaction():
            row = found(self._table.find('"id" = ?', project_id, lock=True), "project", project_id)
            refuse_stale(row.version, version, "project")
            needed = self._needed_by(project_id)
            if needed:
                raise Conflict(f"the project {row.name!r} is used by {', '.join(needed)}", code="project_used")
            books.database.execute("""DELETE FROM grants WHERE "kind" = 'playbook' AND "scope_id" = ?""", (project_id,))
            self._table.delete('"id" = ?', project_id)
            books.audit.write(by.name, "project.delete", project_id, address=by.address, name=row.name)
        if row.kind == "git":
            shutil.rmtree(self._folder / project_id, ignore_errors=True)

    # ---- fetching: begin and end are the store's, `git.fetch` between them is slow and needs no store

    def begin_sync(self, by: Identity, project_id: str) -> Fetch | None:
        """What a fetch needs; None for a directory, which is always as it is. Raises `Refused`, `OrchError`."""
        self.show(by, project_id)
        rights.refuse_unless(by, "project.sync", rights.Target(project_id=project_id), "project", project_id)
        row = self.row(project_id)
        return None if row.kind != "git" else self._fetch(row, row.ref, by.name)

    def end_sync(self, by: Identity, project_id: str, commit: str, fault: str = "") -> Project:
        """Switch to what was fetched, or write down why it failed. Runs that are under way keep their tree."""
        with self._books.transaction():
            row = found(self._table.find('"id" = ?', project_id, lock=True), "project", project_id)
            changes: dict[str, Any] = {"sync_error": fault}
            if commit:
                changes |= {"commit": commit, "synced": self._books.clock()}
            self._table.change(changes, '"id" = ?', project_id)
            self._books.audit.write(by.name, "project.sync", project_id, "refused" if fault else "ok",
                                    by.address, name=row.name, commit=commit, **({"fault": fault} if fault else {}))
            used = [str(cwd) for (cwd,) in self._books.database.select(
                """SELECT DISTINCT "cwd" FROM runs WHERE "project_id" = ? AND "status" IN ('queued', 'running',"""
                " 'interrupted')", (project_id,))]
        if commit:
            forget_trees(self._folder / project_id, commit, used)
        return self.row(project_id)

    def sync(self, by: Identity, project_id: str) -> Project:
        """All of it in one go, for the command line and tests. A failed fetch is in the row, and raised."""
        wanted = self.begin_sync(by, project_id)
        if wanted is None:
            return self.row(project_id)
        try:
            return self.end_sync(by, project_id, fetch(wanted))
        except GitError as error:
            self.end_sync(by, project_id, "", error.message)
            raise

    # ---- for runs

    def tree(self, project_id: str) -> Tree:
        """The project's files as they are used now; of git, fetched where this machine lacks them.

        Raises `GitError`, and `Conflict` for a repository that was never fetched, or a directory that is not below a
        root any more.
        """
        row = self.row(project_id)
        if row.kind == "directory":
            try:
                return Tree(self._below_roots(row.path), row.name, row.runs_here)
            except Malformed:  # whoever looks need not know which folders there are
                raise Conflict(f"the server may not read the folder of the project {row.name!r} any more",
                               code="project_root") from None
        if not row.commit:
            raise Conflict(f"the project {row.name!r} was never fetched", code="project_unfetched",
                           hint="fetch it first" + (f"; the last time: {row.sync_error}" if row.sync_error else ""))
        place = tree_path(self._folder / row.id, row.commit)
        if not place.is_dir():
            fetch(self._fetch(row, row.commit, "system"))
        return Tree(place, row.name, row.runs_here)

    def enrolled(self) -> dict[str, Any]:
        """What ``agentlets:`` means, without a connection of its own."""
        from orchestrator.agents.post import Post
        from orchestrator.engine.agentlet_inventory import as_groups

        post = Post(self._books.database, self._books.master, self._books.clock)
        return as_groups([(agent, post.facts(agent)) for agent in post.agents()])

    # ---- within

    def _checked(self, kind: str, path: str, url: str, ref: str, credential_id: str | None) -> dict[str, Any]:
        if kind == "directory":
            if url or ref or credential_id:
                raise wrong("url" if url else "ref" if ref else "credential_id", "a directory has none")
            return {"path": str(self._below_roots(path)), "url": "", "ref": "", "credential_id": None}
        if path:
            raise wrong("path", "a repository has none: its place is the server's to choose")
        parsed = parse_url(url)
        if parsed.scheme == "file":
            self._below_roots(parsed.path, "url")
        if credential_id is not None:
            kinds = LOGINS[parsed.scheme]
            if self._credentials.kind(credential_id) not in kinds:
                raise wrong("credential_id", f"takes {' or '.join(kinds) or 'none'} for {parsed.scheme}")
        return {"path": "", "url": parsed.text, "ref": checked_ref(ref), "credential_id": credential_id}

    def _below_roots(self, path: str, field: str = "path") -> Path:
        return folder_below(path, self._roots(), self._state_dir, field)

    def _fetch(self, row: Project, ref: str, by: str) -> Fetch:
        url = parse_url(row.url)
        if url.scheme == "file":
            self._below_roots(url.path, "url")
        known = [self._state_dir / "known_hosts", *(Path(os.path.expanduser(one)) for one in KNOWN_HOSTS)]
        return Fetch(self._folder / row.id, url, ref, self._login(row, by),
                     tuple(path for path in known if path.exists()))

    def _login(self, row: Project, by: str) -> Login:
        if row.credential_id is None:
            return Login()
        credential, values = self._credentials.opened(row.credential_id, what=f"project {row.name}", by=by)
        if credential.kind == "git_token":
            return Login(values.get("username", ""), values["token"])
        return Login(private_key=values["private_key"], passphrase=values.get("passphrase"),
                     certificate=values.get("certificate"))

    def _refuse_unseen_playbook(self, by: Identity, project_id: str, path: str) -> None:
        self.show(by, project_id)
        if not rights.may(by, rights.VIEW, rights.Target(project_id=project_id, playbook=path)):
            raise NotFound(f"there is no playbook {path!r}")

    def _refuse_taken(self, name: str, own_id: str) -> None:
        if self._table.count('"name" = ? AND "id" <> ?', name, own_id):
            raise Conflict(f"there is a project {name!r} already", code="name_taken")

    def _needed_by(self, project_id: str) -> Sequence[str]:
        select = self._books.database.select
        named = [f"inventory {name!r}" for (name,) in select(
            'SELECT "name" FROM inventories WHERE "project_id" = ?', (project_id,))]
        named += [f"schedule {name!r}" for name, request in select('SELECT "name", "request" FROM schedules')
                  if READ["json"](request).get("project_id") == project_id]
        return named + [f"run {run_id}" for (run_id,) in select(
            """SELECT "id" FROM runs WHERE "project_id" = ? AND "status" IN ('queued', 'running')""", (project_id,))]


@lru_cache(maxsize=32)
def _of_commit(root: Path) -> Contents:
    """What a commit's tree holds does not change."""
    return read_contents(Tree(root))
