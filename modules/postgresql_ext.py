"""Keeps an extension in a PostgreSQL database present, at a version, or absent.

Example::

    - name: The shop searches by similarity
      community.postgresql.postgresql_ext:
        name: pg_trgm
        login_db: shop
      become: true
      become_user: postgres

Returns ``queries``, ``prev_version``, ``version``. Errors: ``no_extension``, ``no_version``, ``postgresql_error``,
``postgresql_unreachable``, ``no_client``.
"""

from modules.api import Arg, Change, Failed, Same
from modules.support.postgresql.client import LOGIN_ARGS, ROLE_ARGS, Session, name, quoted

ARGS = dict(
    dict(LOGIN_ARGS, **ROLE_ARGS),
    name=Arg("str", "The extension's name.", required=True, aliases=("ext",)),
    login_db=Arg("str", "The database.", required=True, aliases=("db",)),
    schema=Arg("str", "The schema for its objects."),
    state=Arg("str", "Whether it is there.", default="present", choices=("absent", "present")),
    version=Arg("str", "Its version; latest for the newest there is."),
    cascade=Arg("bool", "Also what it needs; with absent, what needs it.", default=False),
    comment=Arg("str", "Its comment; empty for none."),
)


def check(args, host):
    server = Session(args, host, args["login_db"])
    now = server.row("SELECT extversion AS version, nspname AS schema, "
                     "coalesce(obj_description(e.oid, 'pg_extension'), '') AS comment FROM pg_extension e "
                     "JOIN pg_namespace n ON n.oid = extnamespace WHERE extname = " + quoted(args["name"]))
    have = now["version"] if now else ""
    if args["state"] == "absent":
        made = ["DROP EXTENSION {}{}".format(name(args["name"]), " CASCADE" if args["cascade"] else "")] if now else []
        wanted = ""
    else:
        wanted = wanted_version(server, args)
        made = create(args, wanted) if now is None else alter(args, now, wanted)
        if args["comment"] is not None and args["comment"] != (now or {}).get("comment", ""):
            made.append("COMMENT ON EXTENSION {} IS {}".format(name(args["name"]), quoted(args["comment"])))
    values = {"queries": made, "prev_version": have, "version": wanted if made else have, "name": args["name"],
              "db": args["login_db"]}
    return Change(now or {}, {"queries": made}, values=values, data=made) if made else Same(**values)


def apply(args, change, host):
    server = Session(args, host, args["login_db"])
    server.execute(change.data, one_transaction=True)
    now = server.row("SELECT extversion AS v FROM pg_extension WHERE extname = " + quoted(args["name"]))
    return {"version": now["v"] if now else ""}


def wanted_version(server, args):
    """The version by name; '' when none is asked for. `Failed` when the server has it not."""
    there = server.row("SELECT default_version AS v FROM pg_available_extensions WHERE name = " + quoted(args["name"]))
    if there is None:
        raise Failed("no_extension", "Extension {} is not available".format(args["name"]),
                     "Install the package that has it, such as postgresql-contrib")
    if args["version"] in (None, "", "latest"):
        return there["v"] if args["version"] == "latest" else ""
    if not server.row("SELECT 1 AS one FROM pg_available_extension_versions WHERE name = {} AND version = {}".format(
            quoted(args["name"]), quoted(args["version"]))):
        raise Failed("no_version", "Extension {} has no version '{}' available".format(args["name"], args["version"]))
    return args["version"]


def create(args, version):
    query = "CREATE EXTENSION {}".format(name(args["name"]))
    query += " WITH SCHEMA {}".format(name(args["schema"])) if args["schema"] else ""
    query += " VERSION {}".format(quoted(version)) if version else ""
    return [query + (" CASCADE" if args["cascade"] else "")]


def alter(args, now, version):
    made = []
    if version and version != now["version"]:
        made.append("ALTER EXTENSION {} UPDATE TO {}".format(name(args["name"]), quoted(version)))
    if args["schema"] and args["schema"] != now["schema"]:
        made.append("ALTER EXTENSION {} SET SCHEMA {}".format(name(args["name"]), name(args["schema"])))
    return made
