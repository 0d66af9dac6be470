"""Reports a MySQL or MariaDB server: version, databases, settings, accounts, engines, status.

Example::

    - name: Which databases there are
      community.mysql.mysql_info:
        filter: [version, databases]
        login_unix_socket: /run/mysqld/mysqld.sock
      register: result

Returns ``version``, ``server_engine``, ``databases``, ``settings``, ``global_status``, ``users``, ``engines``,
``master_status``, ``slave_status``, ``connector_name``. Errors: ``mysql_error``, ``mysql_unreachable``, ``no_client``.
"""

import re

from modules.api import Arg, Failed
from modules.support.mysql.client import CLIENT_ARGS, session

ARGS = dict(
    CLIENT_ARGS,
    login_db=Arg("str", "Taken and not used: no database is entered."),
    filter=Arg("list", "Parts to report; with ! before a name, all but that.", elements="str"),
    exclude_fields=Arg("list", "db_size leaves out the sizes, which take long.", elements="str"),
    return_empty_dbs=Arg("bool", "Databases without tables, too.", default=False),
)
CHECK_MODE = "run"
RETRY_SAFE = True
HIDDEN = ("authentication_string", "password")


def run(args, host):
    server = session(args, host)
    parts = {"version": version, "databases": databases, "settings": settings, "global_status": status, "users": users,
             "engines": engines, "master_status": primary, "slave_status": replica}
    mariadb, _ = server.version
    values = {"server_engine": "MariaDB" if mariadb else "MySQL", "connector_name": server.program()}
    for name in wanted(args["filter"] or [], parts):
        values[name] = parts[name](server, args)
    return values


def wanted(chosen, parts):
    """The names of the parts to report."""
    chosen = [name.strip() for name in chosen if name.strip()]
    unknown = [name for name in chosen if name.lstrip("!") not in parts]
    if unknown:
        raise Failed("bad_arguments", "filter knows {}; not {}".format(", ".join(parts), ", ".join(unknown)))
    shown = [name for name in chosen if not name.startswith("!")] or list(parts)
    return [name for name in shown if "!" + name not in chosen]


def version(server, args):
    full = server.value("SELECT VERSION() AS v;")
    numbers = [int(part) for part in re.findall(r"\d+", full)[:3]] + [0, 0, 0]
    suffix = full.partition("-")[2]
    return {"full": full, "major": numbers[0], "minor": numbers[1], "release": numbers[2], "suffix": suffix}


def databases(server, args):
    join = "LEFT JOIN" if args["return_empty_dbs"] else "JOIN"
    size = "0" if "db_size" in (args["exclude_fields"] or []) else "COALESCE(SUM(data_length + index_length), 0)"
    rows = server.rows("SELECT SCHEMA_NAME AS name, {} AS size, COUNT(TABLE_NAME) AS tables FROM "
                       "information_schema.SCHEMATA {} information_schema.TABLES ON TABLE_SCHEMA = SCHEMA_NAME "
                       "GROUP BY SCHEMA_NAME;".format(size, join))
    if "db_size" in (args["exclude_fields"] or []):
        return {row["name"]: {"tables": int(row["tables"])} for row in rows}
    return {row["name"]: {"size": int(float(row["size"])), "tables": int(row["tables"])} for row in rows}


def settings(server, args):
    return pairs(server.rows("SHOW GLOBAL VARIABLES;"))


def status(server, args):
    return pairs(server.rows("SHOW GLOBAL STATUS;"))


def pairs(rows):
    return {row["Variable_name"]: number(row["Value"]) for row in rows}


def number(value):
    return int(value) if value is not None and re.match(r"-?\d+\Z", value) else value


def users(server, args):
    """host -> user -> what the server has of it, but for passwords."""
    found = {}
    for row in server.rows("SELECT * FROM mysql.user;"):
        shown = {name: number(value) for name, value in row.items()
                 if name.lower() not in HIDDEN and name not in ("Host", "User")}
        found.setdefault(row["Host"], {})[row["User"]] = shown
    return found


def engines(server, args):
    return {row.pop("Engine"): row for row in server.rows("SHOW ENGINES;")}


def primary(server, args):
    mariadb, numbers = server.version
    rows = server.rows("SHOW BINARY LOG STATUS;" if not mariadb and numbers >= (8, 4) else "SHOW MASTER STATUS;")
    return {name: number(value) for name, value in rows[0].items()} if rows else {}


def replica(server, args):
    mariadb, numbers = server.version
    rows = server.rows("SHOW REPLICA STATUS;" if not mariadb and numbers >= (8, 0, 22) else "SHOW SLAVE STATUS;")
    found = {}
    for row in rows:
        host, port = row.get("Source_Host") or row.get("Master_Host"), row.get("Source_Port") or row.get("Master_Port")
        found.setdefault(host, {}).setdefault(port, {})["status"] = {name: number(value) for name, value in row.items()}
    return found
