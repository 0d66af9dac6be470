"""Projects: where playbooks and roles lie."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import get, post
from litestar.params import FromPath

from api.operator.conventions import AnyRequest
from api.operator.identity import identity_of, office_of
from api.ui.forms import Form, Wrong, sent_form
from api.ui.lists import asked, page_asked
from api.ui.pages import Html, go, page, tried
from orchestrator.access.rights import Identity, may_somewhere
from orchestrator.control.control import Control
from orchestrator.errors import OrchError
from orchestrator.projects.git import GitError, fetch
from orchestrator.projects.linting import lint
from orchestrator.projects.projects import Project
from orchestrator.store.paging import PageRequest

CHANGED = "project.change"
KINDS = (("directory", "A folder on this server"), ("git", "A git repository"))


@get("/projects", action="own")
async def projects(request: AnyRequest) -> Html:
    me, filters = identity_of(request), asked(request, "search")
    found = await office_of(request).call(
        lambda control: control.projects.list(me, page_asked(request), search=filters["search"] or ""))
    return page(request, "content/projects.html", part="rows", projects=found, filters=filters)


@get("/projects/new", action=CHANGED)
async def new_project(request: AnyRequest) -> Html:
    return await _form(request, Form({"kind": "directory"}), None)


@post("/projects/save", action=CHANGED, status_code=200)
async def save_project(request: AnyRequest) -> Html:
    form, me = await sent_form(request), identity_of(request)
    project_id, kind = form.text("id") or None, form.text("kind")
    form.require("name", *(["path"] if kind == "directory" else ["url"]))
    credential = form.text("credential_id") or None
    texts = {"path": form.text("path")} if kind == "directory" else {"url": form.text("url"), "ref": form.text("ref")}

    def keep(control: Control) -> Project:
        here = form.has("runs_here")
        if project_id is None:
            return control.projects.create(me, form.text("name"), kind, credential_id=credential, runs_here=here,
                                           **texts)
        return control.projects.change(me, project_id, form.number("version"), name=form.text("name"),
                                       credential_id=credential, runs_here=here, **texts)

    try:
        made = await tried(request, form, keep)
    except Wrong:
        return await _form(request, form, project_id, 422)
    return go(request, f"/projects/{made.id}", "Saved; fetch it next." if kind == "git" else "Saved.")


@get("/projects/{project_id:str}", action="own")
async def project(request: AnyRequest, project_id: FromPath[str]) -> Html:
    me = identity_of(request)
    values = await office_of(request).call(lambda control: _facts(control, me, project_id))
    return page(request, "content/project.html", **values)


def _facts(control: Control, me: Identity, project_id: str) -> dict[str, Any]:
    one, contents, fault = control.projects.show(me, project_id), None, ""
    try:
        contents = control.projects.contents(me, project_id)
    except OrchError as error:
        fault = " — ".join(filter(None, (error.message, error.hint)))
    return {"project": one, "contents": contents, "fault": fault}


@get("/projects/{project_id:str}/edit", action=CHANGED)
async def edit_project(request: AnyRequest, project_id: FromPath[str]) -> Html:
    me = identity_of(request)
    one = await office_of(request).call(lambda control: control.projects.show(me, project_id))
    return await _form(request, Form({**{name: getattr(one, name) for name in (
        "name", "kind", "path", "url", "ref", "credential_id", "version")}, "runs_here": one.runs_here or None}),
        project_id)


@post("/projects/{project_id:str}/sync", action="project.sync", status_code=200)
async def sync(request: AnyRequest, project_id: FromPath[str]) -> Html:
    """The fetch itself is slow, and keeps none of the store's threads."""
    me, office = identity_of(request), office_of(request)
    wanted = await office.call(lambda control: control.projects.begin_sync(me, project_id))
    if wanted is None:
        return go(request, f"/projects/{project_id}", "A folder is always as it is.")
    commit = fault = ""
    try:
        commit = await asyncio.to_thread(fetch, wanted)
    except GitError as error:
        fault = error.message
    await office.call(lambda control: control.projects.end_sync(me, project_id, commit, fault))
    wrong = [] if fault else await office.call(lambda control: control.inventories.mirror_project(project_id))
    said = "; ".join([f"Fetched {commit[:12]}.", *wrong])
    return go(request, f"/projects/{project_id}", "" if fault else said[:500])


@get("/projects/{project_id:str}/lint", action="own")
async def lint_playbook(request: AnyRequest, project_id: FromPath[str]) -> Html:
    me, path = identity_of(request), request.query_params.get("path", "")
    tree = await office_of(request).call(lambda control: control.projects.lint_tree(me, project_id, path))
    found = await asyncio.to_thread(lint, tree, path)
    return page(request, "content/lint.html", lint=found, lint_path=path)


@post("/projects/{project_id:str}/delete", action=CHANGED, status_code=200)
async def delete_project(request: AnyRequest, project_id: FromPath[str]) -> Html:
    me = identity_of(request)
    await office_of(request).call(lambda control: control.projects.delete(me, project_id, None))
    return go(request, "/projects", "Deleted.")


async def _form(request: AnyRequest, form: Form, project_id: str | None, status: int = 200) -> Html:
    me = identity_of(request)
    credentials = []
    if may_somewhere(me, "credential.use"):
        credentials = await office_of(request).call(
            lambda control: control.credentials.list(me, PageRequest(200)).items)
    fitting = [(one.id, one.name) for one in credentials if one.kind in ("git_token", "ssh_key")]
    return page(request, "content/project_form.html", part="form", status=status, form=form, id=project_id, kinds=KINDS,
                credentials=fitting)


HANDLERS = [projects, new_project, save_project, project, edit_project, sync, lint_playbook, delete_project]
