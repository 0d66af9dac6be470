"""Keeps a database of MySQL or MariaDB present or absent; dumps it into a file or imports one.

Example::

    - name: The shop has a database
      community.mysql.mysql_db:
        name: shop
        encoding: utf8mb4
        login_unix_socket: /run/mysqld/mysqld.sock

Returns ``db``, ``db_list``, ``executed_commands``. Dump and import always change. Names of files that end with .gz,
.bz2, .xz or .zst are compressed. Errors: ``mysql_unreachable``, ``mysql_error``, ``no_client``, ``no_path``,
``bad_arguments``.
"""

import os

from modules.api import Arg, Failed
from modules.support.mysql.client import CLIENT_ARGS, name, quoted, session
from modules.support.mysql.dump import DUMP_ARGS, dump, load

ARGS = dict(
    CLIENT_ARGS,
    name=Arg("list", "The databases' names; all for state dump or import of everything.", required=True,
             elements="str", aliases=("db",)),
    state=Arg("str", "What it should be, or what to do.", default="present",
              choices=("absent", "dump", "import", "present")),
    encoding=Arg("str", "Character set of a new database.", default=""),
    collation=Arg("str", "Collation of a new database.", default=""),
    target=Arg("path", "The file on the host to dump to or import from."),
    chdir=Arg("path", "Where an import begins (for files that its statements name)."),
    sql_log_bin=Arg("bool", "Whether it goes into the binary log.", default=True),
    check_implicit_admin=Arg("bool", "Try root without a password first.", default=False),
    use_shell=Arg("bool", "Taken and not used: nothing is piped.", default=False),
    pipefail=Arg("bool", "Taken and not used: nothing is piped.", default=False),
    unsafe_login_password=Arg("bool", "Taken and not used: the password is in no command.", default=False),
    restrict_config_file=Arg("bool", "Taken and not used: no other option file is read.", default=False),
    config_overrides_defaults=Arg("bool", "Taken and not used: given arguments win.", default=False),
    **DUMP_ARGS
)
CHECK_MODE = "own"
RETRY_SAFE = True


def run(args, host):
    names = [text.strip() for text in args["name"]]
    every = names == ["all"]
    if args["state"] in ("dump", "import") and not args["target"]:
        raise Failed("bad_arguments", "with state={} target is required".format(args["state"]))
    if every and args["state"] in ("present", "absent"):
        raise Failed("bad_arguments", "name=all needs state dump or import")
    server = session(args, host)
    there = existing(server, names)
    values = {"db": " ".join(names), "db_list": names, "executed_commands": []}
    if args["state"] in ("present", "absent"):
        return dict(values, **keep(server, args, names, there))
    if args["state"] == "dump":
        missing = [] if every else [database for database in names if database not in there]
        if missing:
            raise Failed("mysql_error", "Cannot dump database(s) {} - not found".format(", ".join(map(repr, missing))))
        return dict(values, changed=True, **(dump(server, args, None if every else names) if acts(host) else {}))
    return dict(values, changed=True, **bring_in(server, args, names, there, every))


def existing(server, names):
    """Those of the names that there are."""
    wanted = ", ".join(quoted(text) for text in names)
    found = server.rows("SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA WHERE SCHEMA_NAME IN ({});".format(
        wanted))
    return {row["name"] for row in found}


def keep(server, args, names, there):
    """Creates or drops what has to be."""
    present = args["state"] == "present"
    statements = []
    for database in names:
        if present and database not in there:
            statements.append(create(database, args))
        elif not present and database in there:
            statements.append("DROP DATABASE {}".format(name(database)))
    if acts(server.host):
        execute(server, args, statements)
    after = sorted(there | set(names) if present else there - set(names))
    return {"changed": bool(statements), "executed_commands": statements,
            "diff": {"before": {"databases": sorted(there)}, "after": {"databases": after}}}


def create(database, args):
    words = ["CREATE DATABASE {}".format(name(database))]
    if args["encoding"]:
        words.append("CHARACTER SET {}".format(quoted(args["encoding"])))
    if args["collation"]:
        words.append("COLLATE {}".format(quoted(args["collation"])))
    return " ".join(words)


def bring_in(server, args, names, there, every):
    """Imports a file, into a database that is made when it is missing."""
    if not os.path.exists(args["target"]):
        raise Failed("no_path", "target {} does not exist on the host".format(args["target"]))
    if not every and len(names) > 1:
        raise Failed("bad_arguments", "Importing into several databases at once is not possible")
    if not acts(server.host):
        return {}
    if not every and names[0] not in there:
        execute(server, args, [create(names[0], args)])
    return load(server, args, None if every else names[0])


def execute(server, args, statements):
    server.execute(([] if args["sql_log_bin"] or not statements else ["SET SESSION sql_log_bin = 0"]) + statements)


def acts(host):
    return not host.check_mode
