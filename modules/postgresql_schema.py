"""Keeps a schema in a PostgreSQL database present, with its owner, or absent.

Example::

    - name: The shop has a schema
      community.postgresql.postgresql_schema:
        name: orders
        login_db: shop
        owner: shop
      become: true
      become_user: postgres

Returns ``schema``, ``queries``. Errors: ``postgresql_error``, ``postgresql_unreachable``, ``no_client``.
"""

from modules.api import Arg, Change, Same
from modules.support.postgresql.client import LOGIN_ARGS, ROLE_ARGS, Session, name, quoted

ARGS = dict(
    dict(LOGIN_ARGS, **ROLE_ARGS),
    name=Arg("str", "The schema's name.", required=True, aliases=("schema",)),
    login_db=Arg("str", "The database.", default="postgres", aliases=("db", "database")),
    owner=Arg("str", "The role that owns it.", default=""),
    state=Arg("str", "Whether it is there.", default="present", choices=("absent", "present")),
    cascade_drop=Arg("bool", "Drop what is in it, too.", default=False),
    comment=Arg("str", "Its comment; empty for none."),
)


def check(args, host):
    now = Session(args, host, args["login_db"]).row(
        "SELECT rolname AS owner, coalesce(obj_description(n.oid, 'pg_namespace'), '') AS comment FROM pg_namespace n "
        "JOIN pg_roles r ON r.oid = nspowner WHERE nspname = " + quoted(args["name"]))
    made = queries(args, now)
    values = {"schema": args["name"], "queries": made}
    return Change(now or {}, {"queries": made}, values=values, data=made) if made else Same(**values)


def apply(args, change, host):
    Session(args, host, args["login_db"]).execute(change.data, one_transaction=True)


def queries(args, now):
    """What leads to the schema as it is wanted."""
    schema, made = name(args["name"]), []
    if args["state"] == "absent":
        return ["DROP SCHEMA {}{}".format(schema, " CASCADE" if args["cascade_drop"] else "")] if now else []
    if now is None:
        owner = " AUTHORIZATION {}".format(name(args["owner"])) if args["owner"] else ""
        made.append("CREATE SCHEMA {}{}".format(schema, owner))
    elif args["owner"] and args["owner"] != now["owner"]:
        made.append("ALTER SCHEMA {} OWNER TO {}".format(schema, name(args["owner"])))
    if args["comment"] is not None and args["comment"] != (now or {}).get("comment", ""):
        made.append("COMMENT ON SCHEMA {} IS {}".format(schema, quoted(args["comment"])))
    return made
