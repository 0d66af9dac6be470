"""What the server writes down and goes by: the audit trail, settings."""

from __future__ import annotations

from typing import Any

from litestar import get, post
from litestar.params import FromPath

from api.operator.conventions import AnyRequest
from api.operator.identity import identity_of, office_of
from api.ui.forms import Form, Wrong, sent_form
from api.ui.lists import asked, page_asked
from api.ui.pages import Html, page, tried
from orchestrator.access.trail import AuditFilter
from orchestrator.control.settings import SettingGroup


@get("/audit", action="audit.view")
async def audit(request: AnyRequest) -> Html:
    me, filters = identity_of(request), asked(request, "actor", "action", "subject", "outcome", "address")
    found = await office_of(request).call(lambda control: control.trail.list(
        me, page_asked(request), AuditFilter(
            filters["actor"], filters["action"], filters["subject"], filters["outcome"], filters["address"])))
    return page(request, "people/audit.html", part="rows", entries=found, filters=filters)


@get("/settings", action="settings.view")
async def settings(request: AnyRequest) -> Html:
    me = identity_of(request)
    found = await office_of(request).call(lambda control: control.settings.list(me))
    return page(request, "people/settings.html", groups=[(one, _form(one)) for one in found])


@post("/settings/{key:str}", action="settings.change", status_code=200)
async def change_settings(request: AnyRequest, key: FromPath[str]) -> Html:
    form, me = await sent_form(request), identity_of(request)
    before = await office_of(request).call(lambda control: control.settings.show(me, key))
    form.prefix = f"{key}-"
    value = _typed(form, before.value)
    try:
        after = await tried(request, form, lambda control: control.settings.change(
            me, key, form.number("version"), value), known=list(before.value))
    except Wrong:
        return page(request, "people/setting.html", status=422, group=before, form=form, saved=False)
    return page(request, "people/setting.html", group=after, form=_form(after), saved=True)


def _form(group: SettingGroup) -> Form:
    return Form({**{name: "1" if value is True else None if value is False else value
                    for name, value in group.value.items()}, "version": group.version},
                prefix=f"{group.key}-")


def _typed(form: Form, before: dict[str, Any]) -> dict[str, Any]:
    """Texts of the form as what the group has there now: numbers, lists, switches, texts."""
    found: dict[str, Any] = {}
    for name, value in before.items():
        if isinstance(value, bool):
            found[name] = form.has(name)
        elif isinstance(value, int):
            found[name] = form.number(name, least=-10**12, most=10**12)
        elif isinstance(value, list):
            found[name] = [line.strip() for line in form.raw(name).split("\n") if line.strip()]
        elif isinstance(value, dict):
            found[name] = form.mapping(name)
        else:
            found[name] = form.text(name)
    return found


HANDLERS = [audit, settings, change_settings]
