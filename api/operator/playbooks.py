"""Playbooks and roles of a project, read from its files."""

from __future__ import annotations

import asyncio
from typing import Annotated

from litestar import Controller, get
from litestar.params import FromPath, QueryParameter

from api.operator.conventions import AnyRequest
from api.operator.identity import identity_of, office_of
from orchestrator.projects.contents import Contents, Playbook
from orchestrator.projects.linting import Lint, lint

Path = Annotated[str, QueryParameter(max_length=500, description="of the playbook, within the project")]


class PlaybookController(Controller):
    path = "/projects/{project_id:str}"
    tags = ["projects"]

    @get("/contents", action="view", operation_id="project_contents")
    async def contents(self, request: AnyRequest, project_id: FromPath[str]) -> Contents:
        """All playbooks and roles; nothing of them is run or rendered."""
        who = identity_of(request)
        return await office_of(request).call(lambda control: control.projects.contents(who, project_id))

    @get("/playbook", action="view", operation_id="show_playbook")
    async def playbook(self, request: AnyRequest, project_id: FromPath[str], path: Path) -> Playbook:
        """One playbook with the fields of its survey."""
        who = identity_of(request)
        return await office_of(request).call(lambda control: control.projects.playbook(who, project_id, path))

    @get("/lint", action="view", operation_id="lint_playbook")
    async def lint(self, request: AnyRequest, project_id: FromPath[str], path: Path) -> Lint:
        """What it uses that orch does not have. Takes a second."""
        who = identity_of(request)
        tree = await office_of(request).call(lambda control: control.projects.lint_tree(who, project_id, path))
        return await asyncio.to_thread(lint, tree, path)
