"""What a launch and a schedule ask for: one form of both, read into one request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from api.ui.forms import Form, as_yaml
from orchestrator.access.rights import Identity, may_somewhere
from orchestrator.control.control import Control
from orchestrator.errors import OrchError
from orchestrator.projects.surveys import SurveyField
from orchestrator.store.paging import PageRequest

ANSWER = "survey."
EVERYTHING = PageRequest(200)
PLAIN = ("project_id", "playbook", "inventory_id", "limit")
NUMBERS = (("forks", 0, 10_000), ("slices", 1, 32), ("timeout_s", 0, 7 * 86_400), ("priority", -100, 100))


class Offered(Struct):
    """What the form's lists hold for whoever fills it in."""

    projects: list[Any]
    inventories: list[Any]
    credentials: list[Any]
    playbooks: list[Any] = field(default_factory=list)
    survey: list[SurveyField] = field(default_factory=list)
    fault: str = ""
    """Why the project's playbooks cannot be listed, or this one cannot be asked about."""


def offered(control: Control, me: Identity, form: Form) -> Offered:
    """The lists, as far as what is chosen already decides them."""
    found = Offered(
        list(control.projects.list(me, EVERYTHING).items), list(control.inventories.list(me, EVERYTHING).items),
        list(control.credentials.list(me, EVERYTHING).items) if may_somewhere(me, "credential.use") else [])
    if len(found.projects) == 1 and not form.has("project_id"):
        form.values["project_id"] = [found.projects[0].id]
    if len(found.inventories) == 1 and not form.has("inventory_id"):
        form.values["inventory_id"] = [found.inventories[0].id]
    project_id, playbook = form.text("project_id"), form.text("playbook")
    if project_id not in {one.id for one in found.projects}:
        return found
    try:
        found.playbooks = control.projects.contents(me, project_id).playbooks
        if playbook in {one.path for one in found.playbooks}:
            asked = control.projects.playbook(me, project_id, playbook)
            found.survey, found.fault = asked.survey, asked.fault
    except OrchError as error:
        found.fault = error.message
    _defaults(form, found.survey)
    return found


def _defaults(form: Form, survey: Sequence[SurveyField]) -> None:
    kept = form.words("kept")
    for one in survey:
        name = ANSWER + one.name
        if name in form.values or name + ".sent" in form.values or one.default is None or one.type == "password":
            continue
        if one.name in kept:
            continue
        form.values[name] = _texts(one.default)


def answers(form: Form, survey: Sequence[SurveyField]) -> dict[str, Any]:
    """The survey's answers as variables, and the others behind them. What is wrong with them, the service says."""
    found = dict(form.mapping("extra_vars"))
    for one in survey:
        name = ANSWER + one.name
        if one.type == "bool":
            found[one.name] = form.has(name)
        elif one.type == "multichoice":
            found[one.name] = form.many(name)
        elif form.has(name):
            text = form.raw(name)
            found[one.name] = int(text) if one.type == "int" and _is_int(text) else text
    return found


def prefill(form: Form, survey: Sequence[SurveyField], extra_vars: Mapping[str, Any]) -> list[str]:
    """Put variables that were given before into the form: answers into their fields, the others into the text.

    Returns the names of those that are asked for as passwords: they are never shown, and have to be given again.
    """
    fields, rest, hidden = {one.name: one for one in survey}, {}, []
    for name, value in extra_vars.items():
        one = fields.get(name)
        if one is None or isinstance(value, Mapping):
            rest[name] = value
        elif one.type == "password":
            hidden.append(name)
        else:
            form.values[ANSWER + name] = _texts(value)
    form.values["extra_vars"] = [as_yaml(rest)]
    return hidden


def _texts(value: Any) -> list[str]:
    """A variable as its field of the form has it."""
    return ["1" if one is True else "" if one is None or one is False else str(one)
            for one in (value if isinstance(value, list) else [value])]


def _is_int(text: str) -> bool:
    return text.strip().removeprefix("-").isdecimal() and len(text) < 20


def request_values(form: Form, extra_vars: Mapping[str, Any]) -> dict[str, Any]:
    """The request of a launch, without its kind. Fields that are wrong are in the form's errors."""
    form.require("project_id", "playbook", "inventory_id")
    values: dict[str, Any] = {name: form.text(name) for name in PLAIN}
    values["limit"] = values["limit"] or None
    values |= {"tags": form.words("tags"), "skip_tags": form.words("skip_tags"),
               "credential_ids": form.many("credential_ids"), "extra_vars": dict(extra_vars),
               "check": form.has("check"), "diff": form.has("diff"), "allow_concurrent": form.has("allow_concurrent")}
    for name, least, most in NUMBERS:
        values[name] = form.number(name, 1 if name == "slices" else 0, least, most)
    return values


def form_of(request: Mapping[str, Any]) -> Form:
    """The form of a request as it is stored, without its variables."""
    values = {name: request.get(name) for name in (*PLAIN, "credential_ids")}
    for name in ("check", "diff", "allow_concurrent"):
        values[name] = "1" if request.get(name) else None
    if request.get("kind") == "plan":
        values["check"] = None  # every plan is a look; what is launched after it need not be one
    for name in ("tags", "skip_tags"):
        values[name] = " ".join(request.get(name) or ())
    for name, least, _ in NUMBERS:
        number = request.get(name) or 0
        values[name] = number if number != least else None
    return Form(values)


def form_like(control: Control, me: Identity, run_id: str) -> tuple[Form, list[str]]:
    """The form of a run that was launched before, and the names of variables that are not taken over.

    What somebody else has given is taken over where the playbook asks for it: the rest may have been a secret.
    """
    before = control.acts.again(me, run_id)
    form = form_of(before.request)
    survey = offered(control, me, form).survey
    asked = before.extra_vars.keys() if before.is_own else {one.name for one in survey}
    told = {name: value for name, value in before.extra_vars.items() if name in asked}
    hidden = prefill(form, survey, told)
    return form, sorted([*before.withheld, *hidden, *(before.extra_vars.keys() - told.keys())])


def wrong_names(survey: Sequence[SurveyField]) -> dict[str, str]:
    """Where a service's words about variables belong in the form."""
    return {f"extra_vars.{one.name}": ANSWER + one.name for one in survey} | {
        f"request.{name}": name for name in (*PLAIN, "tags", "skip_tags", "extra_vars", "credential_ids")}
