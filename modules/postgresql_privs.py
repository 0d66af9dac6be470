"""Grants privileges on objects of a PostgreSQL database to roles, or revokes them; membership in roles, too.

Example::

    - name: The reports may read
      community.postgresql.postgresql_privs:
        login_db: shop
        privs: SELECT
        type: table
        objs: ALL_IN_SCHEMA
        schema: public
        roles: reports
      become: true
      become_user: postgres

Whether anything changes is found by the server itself: the statements run in a transaction that is rolled back, with
the access lists compared. Returns ``queries``. Errors: ``no_role``, ``bad_arguments``, ``postgresql_error``,
``postgresql_unreachable``, ``no_client``.
"""

from modules.api import Arg, Change, Failed, Same
from modules.support.postgresql.client import LOGIN_ARGS, ROLE_ARGS, Session, quoted
from modules.support.postgresql.grants import TYPES, snapshot, statements

ARGS = dict(
    dict(LOGIN_ARGS, **ROLE_ARGS),
    login_db=Arg("str", "The database that has the objects.", required=True, aliases=("db", "database")),
    state=Arg("str", "Whether the roles have the privileges.", default="present", choices=("absent", "present")),
    privs=Arg("str", "Privileges, parted by commas; for type=group left out.", aliases=("priv",)),
    type=Arg("str", "What kind of object.", default="table", choices=TYPES),
    objs=Arg("str", "Objects, parted by commas; ALL_IN_SCHEMA, or for default_privs ALL_DEFAULT or kinds. The types of "
             "a function's arguments are parted by colons.", aliases=("obj",)),
    schema=Arg("str", "The schema of the objects; public unless given."),
    roles=Arg("str", "Roles, parted by commas; PUBLIC for all.", required=True, aliases=("role",)),
    target_roles=Arg("str", "For default_privs: whose future objects."),
    grant_option=Arg("bool", "Whether they may pass it on; false takes that away.", aliases=("admin_option",)),
    fail_on_role=Arg("bool", "Fail when a role is not there; else it is passed over.", default=True),
)


def check(args, host):
    server = Session(args, host, args["login_db"])
    roles = existing_roles(server, args)
    if not roles:
        return Same(queries=[])
    made = statements(server, args, roles)
    before, after = tried(server, args, made)
    if before == after:
        return Same(queries=made)
    return Change(before, after, values={"queries": made}, data=made)


def apply(args, change, host):
    Session(args, host, args["login_db"]).execute(change.data, one_transaction=True)


def existing_roles(server, args):
    """The roles; those that are not there are an error, or a warning."""
    wanted = [text.strip() for text in args["roles"].split(",") if text.strip()]
    if wanted == ["PUBLIC"] or wanted == ["public"]:
        return wanted
    rows = server.rows("SELECT rolname FROM pg_roles WHERE rolname IN ({})".format(", ".join(map(quoted, wanted))))
    there = {row["rolname"] for row in rows}
    found = []
    for text in wanted:
        if text in there or text.upper() in ("PUBLIC", "CURRENT_USER", "SESSION_USER", "CURRENT_ROLE"):
            found.append(text)
        elif args["fail_on_role"]:
            raise Failed("no_role", 'role "{}" does not exist'.format(text))
        else:
            server.host.warn('Role "{}" does not exist, pass it'.format(text))
    return found


def tried(server, args, made):
    """The access lists before and after the statements, which are then rolled back."""
    look = snapshot(args) + ";\n"
    text = "BEGIN;\n{}\\echo orch-before-and-after\n{};\n{}ROLLBACK;\n".format(look, ";\n".join(made), look)
    before, _, after = server.psql(text).partition("orch-before-and-after\n")
    return before.strip(), after.strip()
