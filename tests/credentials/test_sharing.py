"""Who may use a credential: admins; others by a grant, or because an admin shares it with them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from orchestrator.access.identities import by_command_line
from orchestrator.access.rights import Grant, Identity, may, may_somewhere, may_use, may_use_somewhere
from orchestrator.control.control import Control
from orchestrator.projects.projects import Project
from orchestrator.refusals import Malformed, NotFound
from orchestrator.runs.requests import RunRequest
from orchestrator.scheduling.records import FIRES, Fire, ScheduleDraft
from orchestrator.store.paging import PageRequest
from tests.projects.conftest import ADMIN, BY_ROLE, identity

NONE = identity("none", Grant("playbook", "p", "*", "operator"), Grant("inventory", "i", "*", "operator"))
BY_GRANT, BY_ANY = (identity("none", Grant("credential", scope, "*", "operator")) for scope in ("c", "*"))
OPERATOR, VIEWER = BY_ROLE["operator"], BY_ROLE["viewer"]
PROJECT, INVENTORY, ALL = ["project:p"], ["inventory:i"], ["operators"]
# id, who, with whom it is shared, (on project p and inventory i, on others, somewhere)
ROWS: list[tuple[str, Identity, list[str], tuple[bool, bool, bool]]] = [
    ("an admin", ADMIN, [], (True, True, True)), ("an operator", OPERATOR, [], (False, False, False)),
    ("an approver", BY_ROLE["approver"], [], (False, False, False)), ("a viewer", VIEWER, ALL, (False, False, False)),
    ("all operators", OPERATOR, ALL, (True, True, True)), ("operators by grant", NONE, ALL, (False, False, False)),
    ("a project", OPERATOR, PROJECT, (True, False, True)), ("an inventory", OPERATOR, INVENTORY, (True, False, True)),
    ("a project by grant", NONE, PROJECT, (True, False, True)),
    ("an inventory by grant", NONE, INVENTORY, (True, False, True)),
    ("another project", OPERATOR, ["project:x"], (False, False, True)),
    ("another, unseen", NONE, ["project:x"], (False, False, False)),
    ("a viewer and a project", VIEWER, PROJECT, (False, False, False)),
    ("a grant", BY_GRANT, [], (True, True, True)), ("a grant on all", BY_ANY, [], (True, True, True)),
    ("a grant on another", identity("operator", Grant("credential", "d", "*", "operator")), [], (False, False, False)),
    ("a grant that shows", identity("none", Grant("credential", "c", "*", "viewer")), [], (False, False, False)),
    ("a token to read", Identity("u", "t", "admin", "token", frozenset({"read"})), ALL, (False, False, False)),
]


@pytest.mark.parametrize("who, shared, wanted", [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_who_may_use_it_where(who: Identity, shared: list[str], wanted: tuple[bool, bool, bool]) -> None:
    assert (may_use(who, "c", shared, "p", "i"), may_use(who, "c", shared, "y", "z"),
            may_use_somewhere(who, "c", shared)) == wanted


def test_a_grant_on_a_credential_opens_nothing_else() -> None:
    assert may_somewhere(BY_GRANT, "credential.use") and not may_somewhere(BY_GRANT, "run.launch")
    assert not may(BY_GRANT, "credential.use") and not may(BY_GRANT, "view")


@pytest.fixture
def credential(control: Control) -> str:
    return control.credentials.create(ADMIN, "pw", "become", {"password": "never-to-be-seen"}).id


@pytest.fixture
def request_(control: Control, project: Project, credential: str) -> RunRequest:
    lab = control.inventories.create(ADMIN, "lab").id
    return RunRequest(project.id, "site.yml", lab, credential_ids=(credential,), extra_vars={"release": "1"})


def test_a_launch_takes_what_is_shared_with_it(control: Control, request_: RunRequest, credential: str) -> None:
    with pytest.raises(NotFound) as refused:
        control.launches.check(OPERATOR, request_)
    assert refused.value.code == "credential_refused" and "an admin can" in str(refused.value.hint)
    with pytest.raises(NotFound):
        control.credentials.show(OPERATOR, credential)
    for shared, is_given in (
            (["operators"], True), ([f"project:{request_.project_id}"], True),
            ([f"inventory:{request_.inventory_id}"], True), ([], False)):
        made = control.credentials.change(ADMIN, credential, None, shared=shared)
        assert made.shared == shared
        control.credentials.change(ADMIN, credential, None, values={"password": "rotated-since"})
        if is_given:
            control.launches.check(OPERATOR, request_)
            assert control.credentials.show(OPERATOR, credential).shared == shared
        else:
            with pytest.raises(NotFound):
                control.launches.check(OPERATOR, request_)
        assert len(control.credentials.list(OPERATOR, PageRequest()).items) == is_given


@pytest.mark.parametrize("shared", [["all"], ["project:nope"], ["credential:x"], ["inventory:"], ["operators", ""]])
def test_it_is_shared_with_what_is_there(control: Control, credential: str, shared: list[str]) -> None:
    with pytest.raises(Malformed) as refused:
        control.credentials.change(ADMIN, credential, None, shared=shared)
    assert refused.value.fields[0][0] == "shared"


def test_grants_on_credentials(control: Control, credential: str) -> None:
    user = control.users.add(ADMIN, "olga", "operator")
    for kind, scope, pattern, role in (
            ("credential", "nope", "*", "operator"), ("credential", credential, "web", "operator"),
            ("credential", credential, "*", "viewer"), ("inventory", "*", "*", "operator")):
        with pytest.raises((Malformed, NotFound)):
            control.grants.add(ADMIN, user.id, kind, scope, pattern, role)
    control.grants.add(ADMIN, user.id, "credential", credential, "*", "operator")
    control.grants.add(ADMIN, user.id, "credential", "*", "*", "operator")
    assert control.credentials.show(control.identities.of(user.id), credential).id == credential
    control.credentials.delete(ADMIN, credential, None)
    left = control.grants.list(ADMIN, PageRequest(), user.id).items
    assert [grant.scope_id for grant in left] == ["*"]


def test_a_schedule_asks_for_its_owners_right_each_time(control: Control, request_: RunRequest, credential: str,
                                                        clock: Any) -> None:
    user = control.users.add(ADMIN, "olga", "operator")
    draft = ScheduleDraft(name="nightly", timing="0 3 * * *", request={
        "project_id": request_.project_id, "playbook": "site.yml", "inventory_id": request_.inventory_id,
        "credential_ids": [credential], "extra_vars": {"release": "1"}})
    with pytest.raises(NotFound, match="olga may use"):
        control.schedules.create(control.identities.of(user.id), draft)
    grant = control.grants.add(ADMIN, user.id, "credential", credential, "*", "operator")
    schedule = control.schedules.create(control.identities.of(user.id), draft)
    control.grants.remove(ADMIN, grant.id)
    assert schedule.next_due is not None
    clock.now = schedule.next_due + timedelta(seconds=1)
    control.clockwork.tick()
    (fire,) = control.books.table(FIRES, Fire).all('"schedule_id" = ?', schedule.id)
    assert fire.outcome == "refused" and "olga may use here (credential_refused)" in fire.reason
    assert control.launches.check(by_command_line("root"), request_)
