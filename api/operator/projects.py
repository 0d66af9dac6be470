"""Projects: directories and git repositories that hold playbooks."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from litestar import Controller, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import UNSET, Meta, Struct, UnsetType

from api.operator.conventions import AnyRequest, created, versioned
from api.operator.identity import identity_of, office_of
from orchestrator.projects.git import GitError, fetch
from orchestrator.projects.projects import Project
from orchestrator.store.paging import Page, PageRequest

Name = Annotated[str, Meta(max_length=200)]
Long = Annotated[str, Meta(max_length=500)]


class NewProject(Struct, forbid_unknown_fields=True):
    """``directory``: ``path`` below a root of the server. ``git``: ``url``, ``ref``, and a credential to get in.

    ``runs_here``: whether its tasks and plugins may run on the server itself, with the rights of its account.
    """

    name: Name
    kind: Literal["directory", "git"]
    path: Long = ""
    url: Long = ""
    ref: Name = ""
    credential_id: Name | None = None
    runs_here: bool = False


class ProjectChange(Struct, forbid_unknown_fields=True):
    """Another ``url`` without a ``credential_id`` takes the credential away: it was stored for the old server."""

    name: Name | UnsetType = UNSET
    path: Long | UnsetType = UNSET
    url: Long | UnsetType = UNSET
    ref: Name | UnsetType = UNSET
    credential_id: Name | None | UnsetType = UNSET
    runs_here: bool | UnsetType = UNSET


class ProjectController(Controller):
    path = "/projects"
    tags = ["projects"]

    @get("/", action="view", operation_id="list_projects")
    async def list_projects(self, request: AnyRequest, page: NamedDependency[PageRequest],
                            search: FromQuery[str] = "") -> Page[Project]:
        """Sorts: name, created."""
        who = identity_of(request)
        return await office_of(request).call(lambda control: control.projects.list(who, page, search=search))

    @post("/", action="project.change", operation_id="add_project")
    async def add(self, request: AnyRequest, data: JSONBody[NewProject]) -> Response[Project]:
        """A git project is not fetched by this: POST /projects/{id}/sync does."""
        who = identity_of(request)
        made = await office_of(request).call(lambda control: control.projects.create(
            who, data.name, data.kind, path=data.path, url=data.url, ref=data.ref, credential_id=data.credential_id,
            runs_here=data.runs_here))
        return created(made, f"/api/v1/projects/{made.id}")

    @get("/{project_id:str}", action="view", operation_id="show_project")
    async def show(self, request: AnyRequest, project_id: FromPath[str]) -> Response[Project]:
        who = identity_of(request)
        return versioned(await office_of(request).call(lambda control: control.projects.show(who, project_id)))

    @patch("/{project_id:str}", action="project.change", operation_id="change_project")
    async def change(self, request: AnyRequest, project_id: FromPath[str], data: JSONBody[ProjectChange],
                     if_match: NamedDependency[int | None]) -> Response[Project]:
        who = identity_of(request)
        texts = {name: value for name in ("name", "path", "url", "ref")
                 if isinstance(value := getattr(data, name), str)}
        credential = False if isinstance(data.credential_id, UnsetType) else data.credential_id
        here = None if isinstance(data.runs_here, UnsetType) else data.runs_here
        return versioned(await office_of(request).call(lambda control: control.projects.change(
            who, project_id, if_match, credential_id=credential, runs_here=here, **texts)))

    @delete("/{project_id:str}", action="project.change", operation_id="delete_project")
    async def remove(self, request: AnyRequest, project_id: FromPath[str],
                     if_match: NamedDependency[int | None]) -> None:
        """409 that names the inventories, schedules and runs which need it."""
        who = identity_of(request)
        await office_of(request).call(lambda control: control.projects.delete(who, project_id, if_match))

    @post("/{project_id:str}/sync", action="project.sync", status_code=200, operation_id="sync_project")
    async def sync(self, request: AnyRequest, project_id: FromPath[str]) -> Response[Project]:
        """Fetch the repository, and read the inventories in it anew; answers when it is done.

        When it fails, the project says why in ``sync_error``, and goes on being what it was.
        """
        return versioned(await sync_project(request, project_id))


async def sync_project(request: AnyRequest, project_id: str) -> Project:
    """The fetch itself is off the threads of the store: it may take minutes."""
    who, office = identity_of(request), office_of(request)
    wanted = await office.call(lambda control: control.projects.begin_sync(who, project_id))
    commit = fault = ""
    if wanted is not None:
        try:
            commit = await asyncio.to_thread(fetch, wanted)
        except GitError as error:
            fault = error.message
        await office.call(lambda control: control.projects.end_sync(who, project_id, commit, fault))
    if not fault:
        await office.call(lambda control: control.inventories.mirror_project(project_id))
    return await office.call(lambda control: control.projects.show(who, project_id))
