"""What is wrong, and who is told: alerts, drift, and the channels of notifications."""

from __future__ import annotations

from typing import Any

from litestar import get, post
from litestar.params import FromPath

from api.operator.conventions import AnyRequest
from api.operator.identity import identity_of, office_of
from api.ui.forms import Form, Wrong, sent_form
from api.ui.lists import asked, page_asked
from api.ui.pages import Html, go, page, tried
from orchestrator.control.control import Control
from orchestrator.notify.channels import ChannelDraft
from orchestrator.notify.kinds import KINDS, METHODS, SECRETS, SECURITY
from orchestrator.notify.occasions import OCCASIONS, SUBSCRIBED
from orchestrator.notify.records import Channel
from orchestrator.refusals import NotFound
from orchestrator.store.paging import PageRequest

CHANGED = "channel.change"
TITLES = {"mail": "Mail", "webhook": "Webhook, signed", "slack": "Slack and its like", "ping": "Dead-man ping"}
NUMBERS, LISTS = ("port", "per_minute"), ("recipients", "schedule_ids")
CHOICES = {"security": SECURITY, "method": METHODS}


@get("/alerts", action="view")
async def alerts(request: AnyRequest) -> Html:
    me, filters = identity_of(request), asked(request, "all", "kind")
    found = await office_of(request).call(lambda control: control.alerts.list(
        me, page_asked(request), open_only=not filters["all"], kind=filters["kind"]))
    return page(request, "watching/alerts.html", part="rows", alerts=found, filters=filters, kinds=OCCASIONS)


@post("/alerts/{alert_id:int}/dismiss", action="alert.change", status_code=200)
async def dismiss(request: AnyRequest, alert_id: FromPath[int]) -> Html:
    me = identity_of(request)
    await office_of(request).call(lambda control: control.alerts.dismiss(me, alert_id))
    return go(request, "/alerts", "Closed. It opens again where it is still wrong.")


@get("/drift", action="view")
async def drift(request: AnyRequest) -> Html:
    me, filters = identity_of(request), asked(request, "host", "schedule")

    def found(control: Control) -> dict[str, Any]:
        wanted = page_asked(request)
        listed = control.drift.list(me, wanted, host=filters["host"], schedule_id=filters["schedule"]) \
            if filters["host"] or filters["schedule"] else control.drift.now(me, wanted)
        return {"drift": listed, "names": {one.id: one.name for one in control.schedules.visible(me)}}

    return page(request, "watching/drift.html", part="rows", filters=filters, **await office_of(request).call(found))


# ---- notifications

@get("/notifications", action="channel.view")
async def notifications(request: AnyRequest) -> Html:
    me = identity_of(request)

    def found(control: Control) -> dict[str, Any]:
        channels = control.channels.list(me, PageRequest(200)).items
        return {"channels": channels, "deliveries": control.channels.deliveries(me, page_asked(request, 20)),
                "names": {one.id: one.name for one in channels}}

    return page(request, "watching/notifications.html", part="rows", titles=TITLES, occasions=OCCASIONS,
                **await office_of(request).call(found))


@get("/notifications/new", action=CHANGED)
async def new_channel(request: AnyRequest) -> Html:
    kind = request.query_params.get("kind", "mail")
    return _form(request, Form({"enabled": "1", "occasions": ["run_failed", "run_recovered", "schedule_missed"]}),
                 kind if kind in KINDS else "mail", None)


@get("/notifications/{channel_id:str}", action="channel.view")
async def channel(request: AnyRequest, channel_id: FromPath[str]) -> Html:
    me = identity_of(request)
    one = await office_of(request).call(lambda control: control.channels.show(me, channel_id))
    shown = {name: "\n".join(map(str, value)) if isinstance(value, list) else value
             for name, value in one.public.items()}
    return _form(request, Form({**shown, "name": one.name, "enabled": "1" if one.enabled else None,
                                "occasions": one.occasions, "version": one.version}), one.kind, one)


@post("/notifications/save", action=CHANGED, status_code=200)
async def save_channel(request: AnyRequest) -> Html:
    form, me = await sent_form(request), identity_of(request)
    channel_id, kind = form.text("id") or None, form.text("kind")
    if kind not in KINDS:
        raise NotFound(f"there is no kind of channel {kind!r}")
    draft = ChannelDraft(form.text("name"), kind, _settings(form, kind), form.many("occasions"), form.has("enabled"))

    def keep(control: Control) -> tuple[Channel, dict[str, str]]:
        if channel_id is None:
            return control.channels.create(me, draft)
        return control.channels.change(me, channel_id, draft, form.number("version")), {}

    try:
        made, secrets = await tried(request, form, keep)
    except Wrong:
        one = await office_of(request).call(
            lambda control: control.channels.show(me, channel_id)) if channel_id else None
        return _form(request, form, kind, one, 422)
    if secrets:
        return page(request, "watching/made.html", channel=made, secrets=secrets)
    return go(request, "/notifications", "Saved.")


@post("/notifications/{channel_id:str}/test", action=CHANGED, status_code=200)
async def test_channel(request: AnyRequest, channel_id: FromPath[str]) -> Html:
    me = identity_of(request)
    await office_of(request).call(lambda control: control.channels.test(me, channel_id))
    return go(request, "/notifications", "A test is on its way; what became of it shows below.")


@post("/notifications/{channel_id:str}/delete", action=CHANGED, status_code=200)
async def delete_channel(request: AnyRequest, channel_id: FromPath[str]) -> Html:
    me = identity_of(request)
    await office_of(request).call(lambda control: control.channels.delete(me, channel_id))
    return go(request, "/notifications", "Deleted.")


def _settings(form: Form, kind: str) -> dict[str, Any]:
    """What the form says of the kind's settings; a secret that is left empty stays as it is kept."""
    found: dict[str, Any] = {}
    for name in sorted(KINDS[kind][0] | {"per_minute", "schedule_ids"}):
        if name in LISTS:
            found[name] = form.words(name)
        elif name in NUMBERS:
            if form.has(name):
                found[name] = form.number(name, least=1, most=100_000)
        elif form.has(name):
            found[name] = form.raw(name).strip()
    return found


def _form(request: AnyRequest, form: Form, kind: str, one: Channel | None, status: int = 200) -> Html:
    return page(request, "watching/channel.html", part="form", status=status, form=form, kind=kind, channel=one,
                names=sorted(KINDS[kind][0]), titles=TITLES, secrets=SECRETS, lists=LISTS, numbers=NUMBERS,
                choices={name: [(value, value) for value in values] for name, values in CHOICES.items()},
                occasions=[(name, OCCASIONS[name]) for name in SUBSCRIBED])


HANDLERS = [alerts, dismiss, drift, notifications, new_channel, channel, save_channel, test_channel, delete_channel]
