"""Who may do what. Pure: an identity and a target in, yes or no out.

A role holds everywhere, but for credentials, which only admins have by it. A grant raises it for hosts of an
inventory, for playbooks of a project, or for a credential. Where several are touched, as by a launch, the role must
reach in all of them. A token's scopes only narrow what its user may.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from fnmatch import fnmatchcase

from msgspec import Struct, structs

from orchestrator.refusals import NotFound, Refused

ROLES = ("none", "viewer", "operator", "approver", "admin")
"""Each may all that those before it may."""
GRANTED_ROLES = ("viewer", "operator", "approver")
"""What a grant may give: what admins do is about no host and no playbook."""
SCOPES = ("read", "launch", "approve", "admin")
INVENTORY, PLAYBOOK, CREDENTIAL = "inventory", "playbook", "credential"
GRANT_KINDS = (INVENTORY, PLAYBOOK, CREDENTIAL)
EVERYTHING = ("all", "*")
OPERATORS = "operators"
"""With whom a credential may be shared: all operators by their own role, ``project:ID``, ``inventory:ID``."""


class Action(Struct, frozen=True):
    role: str
    scope: str


VIEW = "view"
ACTIONS: Mapping[str, Action] = {
    "view": Action("viewer", "read"),
    "own": Action("none", "read"),
    "own.change": Action("none", "admin"),
    "run.launch": Action("operator", "launch"),
    "run.cancel": Action("operator", "launch"),
    "schedule.change": Action("operator", "launch"),
    "inventory.change": Action("operator", "launch"),
    "credential.use": Action("operator", "launch"),
    "alert.change": Action("operator", "launch"),
    "plan.approve": Action("approver", "approve"),
    "project.sync": Action("operator", "launch"),
    "project.change": Action("admin", "admin"),
    "inventory.create": Action("admin", "admin"),
    "credential.change": Action("admin", "admin"),
    "channel.view": Action("admin", "read"),
    "channel.change": Action("admin", "admin"),
    "agent.change": Action("admin", "admin"),
    "worker.change": Action("admin", "admin"),
    "user.view": Action("admin", "read"),
    "user.change": Action("admin", "admin"),
    "audit.view": Action("admin", "read"),
    "settings.view": Action("admin", "read"),
    "settings.change": Action("admin", "admin"),
}
"""``own``: what a user asks and changes of itself, whatever its role."""


class Grant(Struct, frozen=True):
    """``role`` for hosts of the inventory ``scope_id`` (``pattern``: a host or group, or a glob of their names), for
    playbooks of the project ``scope_id`` (``pattern``: a glob of paths), or for the credential ``scope_id``."""

    kind: str
    scope_id: str
    pattern: str
    role: str


class Identity(Struct, frozen=True):
    """Who asks, as far as rights go."""

    user_id: str
    name: str
    role: str
    via: str = "session"
    """``session``, ``token``, ``cli``, ``schedule``."""
    scopes: frozenset[str] = frozenset(SCOPES)
    grants: tuple[Grant, ...] = ()
    address: str = ""
    """For the audit trail."""


class Host(Struct, frozen=True):
    """A host of an inventory with all the groups it is in."""

    name: str
    groups: frozenset[str] = frozenset()


class Target(Struct, frozen=True):
    """What an act is about; what is None plays no part. An inventory without ``hosts`` means all of it."""

    inventory_id: str | None = None
    hosts: tuple[Host, ...] = ()
    project_id: str | None = None
    playbook: str | None = None
    """None with a project: all of its playbooks."""
    credential_id: str | None = None


ANYTHING = Target()
"""An act that is about no part of the fleet: the user's own role alone counts."""


def may(identity: Identity, action: str, target: Target = ANYTHING) -> bool:
    """Whether ``identity`` may do ``action`` (of `ACTIONS`) to all of ``target``."""
    wanted = ACTIONS[action]
    return wanted.scope in identity.scopes and _rank(role_for(identity, target)) >= _rank(wanted.role)


def may_somewhere(identity: Identity, action: str) -> bool:
    """Whether there is any part of the fleet where it may: a route is open then, and looks closer itself."""
    wanted = ACTIONS[action]
    roles = [identity.role]
    if wanted.role in GRANTED_ROLES:
        roles += [grant.role for grant in identity.grants if grant.kind != CREDENTIAL or action == "credential.use"]
    return wanted.scope in identity.scopes and max(map(_rank, roles)) >= _rank(wanted.role)


def refuse_unless_somewhere(identity: Identity, action: str) -> None:
    """Raises `Refused` when there is no part of the fleet where it may."""
    if not may_somewhere(identity, action):
        refuse_unless(identity, action)


def may_see_some(identity: Identity, kind: str, scope_id: str) -> bool:
    """Whether it may view the inventory or project itself: all of it, or some part of it."""
    if may(identity, VIEW):
        return True
    return "read" in identity.scopes and any(
        grant.kind == kind and grant.scope_id == scope_id for grant in identity.grants)


def may_use(identity: Identity, credential_id: str, shared: Collection[str] = (), project_id: str | None = None,
            inventory_id: str | None = None) -> bool:
    """Whether its run of this project on this inventory may be given the credential.

    Admins always; others by a grant on it, or because an admin shares it with all operators, with whoever may launch
    that project, or with whoever may launch on that inventory. That it may launch is asked elsewhere.
    """
    use = "credential.use"
    if may(identity, use, Target(credential_id=credential_id)):
        return True
    with_all = OPERATORS in shared and may(identity, use)
    with_some = f"project:{project_id}" in shared or f"inventory:{inventory_id}" in shared
    return with_all or (with_some and may_somewhere(identity, use))


def may_use_somewhere(identity: Identity, credential_id: str, shared: Collection[str] = ()) -> bool:
    """Whether there is a launch that it may name the credential at, as far as it can be told from what it may see."""
    places = [one.partition(":") for one in shared if may_see_some(
        identity, PLAYBOOK if one.startswith("project:") else INVENTORY, one.partition(":")[2])]
    return may_use(identity, credential_id, shared) or any(
        may_use(identity, credential_id, shared, **{f"{kind}_id": scope}) for kind, _, scope in places if scope)


def refuse_unless(identity: Identity, action: str, target: Target = ANYTHING, what: str = "this",
                  name: str = "") -> None:
    """Raises `NotFound` for what it may not even see (named ``what`` and ``name``), `Refused` for what it may see."""
    if may(identity, action, target):
        return
    if target != ANYTHING and not may(identity, VIEW, target):
        raise NotFound(f"there is no {what} {name!r}" if name else f"there is no such {what}")
    wanted = ACTIONS[action]
    if wanted.scope not in identity.scopes:
        raise Refused(f"this token is not for that: it lacks the scope {wanted.scope}", code="scope_missing",
                      hint="make a token that has it")
    raise Refused(f"that is for {wanted.role}s", code="forbidden", hint="an admin can give you the role, or a grant")


def role_for(identity: Identity, target: Target) -> str:
    """The role that holds for all of ``target``: the least over its hosts, its playbook and its credential."""
    roles = []
    if target.inventory_id is not None:
        grants = _grants(identity, INVENTORY, target.inventory_id)
        if not target.hosts:
            roles.append(_raised(identity, (one for one in grants if one.pattern in EVERYTHING)))
        for host in target.hosts:
            roles.append(_raised(identity, (one for one in grants if covers(one.pattern, host))))
    if target.project_id is not None:
        grants = _grants(identity, PLAYBOOK, target.project_id)
        roles.append(_raised(identity, (one for one in grants if _covers_playbook(one.pattern, target.playbook))))
    if target.credential_id is not None:  # a role alone gives no credential, but to admins
        given = [one for scope in (target.credential_id, "*") for one in _grants(identity, CREDENTIAL, scope)]
        roles.append(_raised(identity if identity.role == "admin" else structs.replace(identity, role="none"), given))
    return min(roles, key=_rank) if roles else identity.role


def covers(pattern: str, host: Host) -> bool:
    """Whether a grant's pattern means this host: by its name, or by a group it is in."""
    if pattern in EVERYTHING:
        return True
    return any(fnmatchcase(name, pattern) for name in (host.name, *host.groups))


def _covers_playbook(pattern: str, playbook: str | None) -> bool:
    return pattern in EVERYTHING or (playbook is not None and fnmatchcase(playbook, pattern))


def _grants(identity: Identity, kind: str, scope_id: str) -> list[Grant]:
    return [grant for grant in identity.grants if grant.kind == kind and grant.scope_id == scope_id]


def _raised(identity: Identity, grants: Iterable[Grant]) -> str:
    given = [grant.role for grant in grants if grant.role in GRANTED_ROLES]
    return max([identity.role, *given], key=_rank)


def _rank(role: str) -> int:
    return ROLES.index(role) if role in ROLES else 0
