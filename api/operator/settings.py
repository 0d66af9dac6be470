"""Settings of the server, for admins."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Response, get, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from api.operator.conventions import AnyRequest, versioned
from api.operator.identity import identity_of, office_of
from orchestrator.control.settings import SettingGroup


class SettingController(Controller):
    path = "/settings"
    tags = ["settings"]

    @get("/", action="settings.view", operation_id="list_settings")
    async def list_settings(self, request: AnyRequest) -> list[SettingGroup]:
        who = identity_of(request)
        return await office_of(request).call(lambda control: control.settings.list(who))

    @get("/{key:str}", action="settings.view", operation_id="show_setting")
    async def show(self, request: AnyRequest, key: FromPath[str]) -> Response[SettingGroup]:
        who = identity_of(request)
        return versioned(await office_of(request).call(lambda control: control.settings.show(who, key)))

    @put("/{key:str}", action="settings.change", operation_id="change_setting")
    async def change(self, request: AnyRequest, key: FromPath[str], data: JSONBody[dict[str, Any]],
                     if_match: NamedDependency[int | None]) -> Response[SettingGroup]:
        """Replace a group of settings; what is left out is set to its default. What is secret is left as it is."""
        who = identity_of(request)
        return versioned(await office_of(request).call(
            lambda control: control.settings.change(who, key, if_match, data)))
