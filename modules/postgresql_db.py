"""Keeps a database of PostgreSQL present, absent or renamed; dumps it into a file or restores it from one.

Example::

    - name: The shop has a database
      community.postgresql.postgresql_db:
        name: shop
        owner: shop
        encoding: UTF-8
        template: template0
      become: true
      become_user: postgres

Returns ``executed_commands``. Dump and restore always change. Errors: ``cannot_change`` (encoding and locale are for
life), ``postgresql_unreachable``, ``postgresql_error``, ``no_client``, ``bad_arguments``, ``no_path``.
"""

from modules.api import Arg, Failed
from modules.support.postgresql.client import LOGIN_ARGS, ROLE_ARGS, Session, name, quoted
from modules.support.postgresql.dump import dump, restore

ARGS = dict(
    dict(LOGIN_ARGS, **ROLE_ARGS),
    name=Arg("str", "The database's name.", required=True, aliases=("db",)),
    state=Arg("str", "What it should be, or what to do.", default="present",
              choices=("absent", "dump", "present", "rename", "restore")),
    owner=Arg("str", "The role that owns it.", default=""),
    template=Arg("str", "The database that a new one is copied from.", default=""),
    encoding=Arg("str", "Its encoding.", default=""),
    lc_collate=Arg("str", "Its order of sorting.", default=""),
    lc_ctype=Arg("str", "Its classes of characters.", default=""),
    icu_locale=Arg("str", "Its ICU locale (PostgreSQL 15).", default=""),
    locale_provider=Arg("str", "Who provides its locale: libc or icu (PostgreSQL 15).", default=""),
    tablespace=Arg("path", "Its tablespace.", default=""),
    conn_limit=Arg("str", "How many connections it takes; -1 for any number.", default=""),
    comment=Arg("str", "Its comment; empty for none."),
    maintenance_db=Arg("str", "The database to log in to.", default="postgres", aliases=("login_db",)),
    force=Arg("bool", "Drop it although it is in use (PostgreSQL 13).", default=False),
    target=Arg("path", "The file on the host to dump to or restore from; for rename the new name.", default=""),
    target_opts=Arg("str", "More options for pg_dump, pg_restore or psql.", default=""),
    dump_extra_args=Arg("str", "More options for pg_dump."),
)
CHECK_MODE = "own"
RETRY_SAFE = True
LIFELONG = (("encoding", "Changing database encoding is not supported. Current encoding: {}"),
            ("lc_collate", "Changing LC_COLLATE is not supported. Current LC_COLLATE: {}"),
            ("lc_ctype", "Changing LC_CTYPE is not supported.Current LC_CTYPE: {}"))


def run(args, host):
    server = Session(args, host, args["maintenance_db"])
    if args["state"] in ("dump", "restore"):
        return copy(server, args, host)
    now = inspect(server, args["name"])
    statements = {"present": present, "absent": absent, "rename": rename}[args["state"]](server, args, now)
    if statements and not host.check_mode:
        server.execute(statements)
    return {"changed": bool(statements), "db": args["name"], "executed_commands": statements,
            "diff": {"before": now or {"exists": False},
                     "after": {"executed_commands": statements} if statements else now or {"exists": False}}}


def inspect(server, database):
    """The database as it is, or None."""
    return server.row(
        "SELECT rolname AS owner, pg_encoding_to_char(encoding) AS encoding, encoding AS encoding_id, datcollate AS "
        "lc_collate, datctype AS lc_ctype, datconnlimit::text AS conn_limit, spcname AS tablespace, "
        "coalesce(shobj_description(d.oid, 'pg_database'), '') AS comment FROM pg_database d JOIN pg_roles r "
        "ON r.oid = d.datdba JOIN pg_tablespace t ON t.oid = d.dattablespace WHERE datname = {}".format(
            quoted(database)))


def present(server, args, now):
    if now is None:
        made = [create(args)]
        return made + ([comment(args)] if args["comment"] else [])
    check_lifelong(server, args, now)
    database, made = name(args["name"]), []
    if args["owner"] and args["owner"] != now["owner"]:
        made.append("ALTER DATABASE {} OWNER TO {}".format(database, name(args["owner"])))
    if args["conn_limit"] and args["conn_limit"] != now["conn_limit"]:
        made.append("ALTER DATABASE {} CONNECTION LIMIT {}".format(database, number(args["conn_limit"])))
    if args["tablespace"] and args["tablespace"] != now["tablespace"]:
        made.append("ALTER DATABASE {} SET TABLESPACE {}".format(database, name(args["tablespace"])))
    if args["comment"] is not None and args["comment"] != now["comment"]:
        made.append(comment(args))
    return made


def check_lifelong(server, args, now):
    """`Failed` when something is asked for that a database cannot change."""
    for argument, message in LIFELONG:
        wanted, have = args[argument], now[argument]
        if not wanted or plain(wanted) == plain(have):
            continue
        if argument == "encoding" and server.row("SELECT pg_char_to_encoding({}) AS n".format(
                quoted(wanted)))["n"] == now["encoding_id"]:
            continue
        raise Failed("cannot_change", message.format(have))


def plain(locale):
    """``en_US.UTF-8`` and ``en_US.utf8`` are the same locale."""
    return locale.lower().replace("utf-8", "utf8")


def create(args):
    words = ["CREATE DATABASE {}".format(name(args["name"]))]
    for argument, key in (("owner", "OWNER"), ("template", "TEMPLATE"), ("tablespace", "TABLESPACE")):
        if args[argument]:
            words.append("{} {}".format(key, name(args[argument])))
    for argument, key in (("encoding", "ENCODING"), ("lc_collate", "LC_COLLATE"), ("lc_ctype", "LC_CTYPE"),
                          ("icu_locale", "ICU_LOCALE")):
        if args[argument]:
            words.append("{} {}".format(key, quoted(args[argument])))
    if args["locale_provider"]:
        words.append("LOCALE_PROVIDER {}".format(name(args["locale_provider"])))
    if args["conn_limit"]:
        words.append("CONNECTION LIMIT {}".format(number(args["conn_limit"])))
    return " ".join(words)


def comment(args):
    return "COMMENT ON DATABASE {} IS {}".format(name(args["name"]), quoted(args["comment"]))


def number(text):
    try:
        return int(text)
    except ValueError:
        raise Failed("bad_arguments", "conn_limit must be a number, not '{}'".format(text))


def absent(server, args, now):
    if now is None:
        return []
    return ["DROP DATABASE {}{}".format(name(args["name"]), " WITH (FORCE)" if args["force"] else "")]


def rename(server, args, now):
    if not args["target"]:
        raise Failed("bad_arguments", "state=rename needs target, the new name")
    there = inspect(server, args["target"])
    if now is None and there is None:
        raise Failed("postgresql_error", "Source and target databases do not exist")
    if now is not None and there is not None:
        raise Failed("postgresql_error", "Both the source and the target databases exist")
    if now is None:
        return []
    return ["ALTER DATABASE {} RENAME TO {}".format(name(args["name"]), name(args["target"]))]


def copy(server, args, host):
    """Dump or restore."""
    if not args["target"]:
        raise Failed("bad_arguments", "The \"target\" option must be defined when the \"{}\" state is used".format(
            args["state"]))
    if inspect(server, args["name"]) is None:
        raise Failed("postgresql_error", "database {} does not exist".format(args["name"]))
    if host.check_mode:
        return {"changed": True, "executed_commands": []}
    database = Session(args, host, args["name"])
    done = (dump if args["state"] == "dump" else restore)(database, args)
    return {"changed": True, "executed_commands": done, "msg": ""}
