"""Keeps roles of PostgreSQL in groups, out of them, or in exactly these groups.

Example::

    - name: The reports may monitor
      community.postgresql.postgresql_membership:
        groups: [pg_monitor]
        target_roles: [reports]
      become: true
      become_user: postgres

Returns ``queries``, ``granted``, ``revoked``, ``groups``, ``target_roles``, ``state``. Errors: ``no_role``,
``postgresql_error``, ``postgresql_unreachable``, ``no_client``.
"""

from modules.api import Arg, Change, Failed, Same
from modules.support.postgresql.client import LOGIN_ARGS, ROLE_ARGS, Session, name, quoted

ARGS = dict(
    dict(LOGIN_ARGS, **ROLE_ARGS),
    groups=Arg("list", "The groups.", required=True, elements="str",
               aliases=("group", "source_role", "source_roles")),
    target_roles=Arg("list", "The roles that are to be members.", elements="str",
                     aliases=("target_role", "users", "user"), required=True),
    state=Arg("str", "Whether they are members; exact also takes them out of every other group.", default="present",
              choices=("absent", "exact", "present")),
    fail_on_role=Arg("bool", "Fail when a role is not there; else it is passed over.", default=True),
    login_db=Arg("str", "The database to log in to.", default="postgres", aliases=("db",)),
)


def check(args, host):
    server = Session(args, host, args["login_db"])
    groups, roles = (known(server, args, args[key]) for key in ("groups", "target_roles"))
    have = memberships(server)
    granted, revoked, made = {}, {}, []
    for role in roles:
        now = have.get(role, set())
        for group in groups:
            if args["state"] == "absent" and group in now:
                revoked.setdefault(group, []).append(role)
            elif args["state"] != "absent" and group not in now:
                granted.setdefault(group, []).append(role)
        for group in sorted(now - set(groups)) if args["state"] == "exact" else ():
            revoked.setdefault(group, []).append(role)
    for verb, word, part in (("GRANT", "TO", granted), ("REVOKE", "FROM", revoked)):
        made += ["{} {} {} {}".format(verb, name(group), word, name(role))
                 for group in sorted(part) for role in part[group]]
    values = {"queries": made, "granted": granted, "revoked": revoked, "groups": groups, "target_roles": roles,
              "state": args["state"]}
    before = {role: sorted(have.get(role, ())) for role in roles}
    if not made:
        return Same(**values)
    return Change(before, {"granted": granted, "revoked": revoked}, values=values, data=made)


def apply(args, change, host):
    Session(args, host, args["login_db"]).execute(change.data, one_transaction=True)


def memberships(server):
    """role -> set of its groups."""
    found = {}
    for row in server.rows("SELECT m.rolname AS role, g.rolname AS grp FROM pg_auth_members x JOIN pg_roles g "
                           "ON g.oid = x.roleid JOIN pg_roles m ON m.oid = x.member"):
        found.setdefault(row["role"], set()).add(row["grp"])
    return found


def known(server, args, wanted):
    """Those of the roles that there are."""
    listed = ", ".join(quoted(text) for text in wanted)
    rows = server.rows("SELECT rolname FROM pg_roles WHERE rolname IN ({})".format(listed)) if wanted else []
    there = {row["rolname"] for row in rows}
    for text in wanted:
        if text not in there:
            if args["fail_on_role"]:
                raise Failed("no_role", "Role {} does not exist".format(text))
            server.host.warn("Role {} does not exist, pass it".format(text))
    return [text for text in wanted if text in there]
