"""Who may do what: a table over every action, role, grant and scope."""

from __future__ import annotations

from itertools import product

import pytest

from orchestrator.access import rights
from orchestrator.access.rights import ACTIONS, ANYTHING, ROLES, SCOPES, Grant, Host, Identity, Target
from orchestrator.refusals import NotFound, Refused

BERLIN = Host("web1", frozenset({"all", "web", "berlin"}))
PARIS = Host("db1", frozenset({"all", "db", "paris"}))
LEAST = {
    "view": "viewer", "own": "none", "own.change": "none", "run.launch": "operator", "run.cancel": "operator",
    "schedule.change": "operator", "inventory.change": "operator", "credential.use": "operator",
    "alert.change": "operator", "project.sync": "operator", "plan.approve": "approver",
}
"""Everything that is not named is for admins."""


def who(role: str, *grants: Grant, scopes: tuple[str, ...] = SCOPES) -> Identity:
    return Identity("u1", "ann", role, "session", frozenset(scopes), grants)


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_what_those_before_it_may(action: str, role: str) -> None:
    least = LEAST.get(action, "admin")
    assert rights.may(who(role), action) == (ROLES.index(role) >= ROLES.index(least))


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("role", ROLES)
def test_a_scope_only_narrows(action: str, scope: str, role: str) -> None:
    one = who(role, scopes=(scope,))
    assert rights.may(one, action) == (rights.may(who(role), action) and ACTIONS[action].scope == scope)
    assert not rights.may(who(role, scopes=()), action)


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("role, given", list(product(ROLES, rights.GRANTED_ROLES)))
def test_a_grant_raises_the_role_where_it_reaches_and_nowhere_else(action: str, role: str, given: str) -> None:
    one = who(role, Grant("inventory", "inv", "web", given))
    here, there = Target("inv", (BERLIN,)), Target("inv", (PARIS,))
    raised = max(role, given, key=ROLES.index)
    assert rights.may(one, action, here) == rights.may(who(raised), action)
    for other in (there, ANYTHING, Target("other", (BERLIN,)), Target("inv", (BERLIN, PARIS)), Target("inv")):
        assert rights.may(one, action, other) == rights.may(who(role), action)


GRANTS = [
    # id, grant, target, the role that holds there for a user of role none
    ("host by name", Grant("inventory", "inv", "web1", "operator"), Target("inv", (BERLIN,)), "operator"),
    ("group", Grant("inventory", "inv", "berlin", "operator"), Target("inv", (BERLIN,)), "operator"),
    ("glob of hosts", Grant("inventory", "inv", "web*", "viewer"), Target("inv", (BERLIN,)), "viewer"),
    ("all", Grant("inventory", "inv", "all", "operator"), Target("inv", (BERLIN, PARIS)), "operator"),
    ("all means the inventory itself", Grant("inventory", "inv", "*", "operator"), Target("inv"), "operator"),
    ("a group does not mean the inventory", Grant("inventory", "inv", "web", "operator"), Target("inv"), "none"),
    ("one host of two is not enough", Grant("inventory", "inv", "web", "operator"),
     Target("inv", (BERLIN, PARIS)), "none"),
    ("case counts", Grant("inventory", "inv", "WEB", "operator"), Target("inv", (BERLIN,)), "none"),
    ("another inventory", Grant("inventory", "inv2", "*", "operator"), Target("inv", (BERLIN,)), "none"),
    ("a playbook", Grant("playbook", "pro", "site.yml", "operator"), Target(None, (), "pro", "site.yml"), "operator"),
    ("a glob of playbooks", Grant("playbook", "pro", "deploy/*", "operator"),
     Target(None, (), "pro", "deploy/web.yml"), "operator"),
    ("another playbook", Grant("playbook", "pro", "site.yml", "operator"), Target(None, (), "pro", "db.yml"), "none"),
    ("all playbooks", Grant("playbook", "pro", "*", "operator"), Target(None, (), "pro"), "operator"),
    ("one playbook is not the project", Grant("playbook", "pro", "site.yml", "operator"),
     Target(None, (), "pro"), "none"),
    ("a playbook alone does not reach hosts", Grant("playbook", "pro", "*", "operator"),
     Target("inv", (BERLIN,), "pro", "site.yml"), "none"),
    ("hosts alone do not reach a playbook", Grant("inventory", "inv", "*", "operator"),
     Target("inv", (BERLIN,), "pro", "site.yml"), "none"),
    ("nobody is made admin by a grant", Grant("inventory", "inv", "*", "admin"), Target("inv", (BERLIN,)), "none"),
    ("nor by a role that there is not", Grant("inventory", "inv", "*", "root"), Target("inv", (BERLIN,)), "none"),
]


@pytest.mark.parametrize("grant, target, role", [row[1:] for row in GRANTS], ids=[row[0] for row in GRANTS])
def test_where_a_grant_reaches(grant: Grant, target: Target, role: str) -> None:
    assert rights.role_for(who("none", grant), target) == role


def test_a_launch_needs_both_the_hosts_and_the_playbook() -> None:
    both = who("none", Grant("inventory", "inv", "web", "operator"), Grant("playbook", "pro", "site.yml", "operator"))
    assert rights.may(both, "run.launch", Target("inv", (BERLIN,), "pro", "site.yml"))
    assert not rights.may(both, "run.launch", Target("inv", (PARIS,), "pro", "site.yml"))
    assert not rights.may(both, "run.launch", Target("inv", (BERLIN,), "pro", "db.yml"))


def test_a_role_that_is_not_known_may_nothing() -> None:
    assert not any(rights.may(who("root"), action) for action in ACTIONS if ACTIONS[action].role != "none")


@pytest.mark.parametrize("role", ROLES)
def test_somewhere_is_here_or_by_some_grant(role: str) -> None:
    for action in ACTIONS:
        assert rights.may_somewhere(who(role), action) == rights.may(who(role), action)
        granted = who(role, Grant("inventory", "inv", "web", "approver"))
        wanted = rights.may(who(max(role, "approver", key=ROLES.index)), action)
        assert rights.may_somewhere(granted, action) == wanted


def test_what_one_may_not_see_is_not_there_and_what_one_may_not_do_is_refused() -> None:
    target = Target("inv", (BERLIN,))
    with pytest.raises(NotFound):
        rights.refuse_unless(who("none"), "run.launch", target, "host", "web1")
    with pytest.raises(Refused) as refused:
        rights.refuse_unless(who("viewer"), "run.launch", target, "host", "web1")
    assert refused.value.code == "forbidden" and not isinstance(refused.value, NotFound)
    with pytest.raises(Refused) as refused:
        rights.refuse_unless(who("admin", scopes=("read",)), "run.launch", target)
    assert refused.value.code == "scope_missing"


def test_lists_show_inventories_of_which_a_part_may_be_seen() -> None:
    one = who("none", Grant("inventory", "inv", "web", "viewer"))
    assert rights.may_see_some(one, "inventory", "inv") and not rights.may_see_some(one, "inventory", "other")
    assert rights.may_see_some(who("viewer"), "project", "any")
    assert not rights.may_see_some(who("viewer", scopes=("launch",)), "project", "any")
