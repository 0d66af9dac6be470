"""Keeps a global variable of a running MySQL or MariaDB server at a value; without one, tells what it is.

Example::

    - name: More connections
      community.mysql.mysql_variables:
        variable: max_connections
        value: "500"
        login_unix_socket: /run/mysqld/mysqld.sock

Returns ``msg`` (the value, or what was done), ``queries``. Errors: ``no_variable``, ``mysql_error``,
``mysql_unreachable``, ``no_client``.
"""

import re

from modules.api import Arg, Failed
from modules.support.mysql.client import CLIENT_ARGS, name, quoted, session

ARGS = dict(
    CLIENT_ARGS,
    variable=Arg("str", "The variable's name.", required=True),
    value=Arg("str", "Its value; without it the module only reports."),
    mode=Arg("str", "persist also keeps it over restarts, persist_only only then (MySQL 8).", default="global",
             choices=("global", "persist", "persist_only")),
)
CHECK_MODE = "own"
RETRY_SAFE = True
TRUTHS = {"ON": "1", "OFF": "0", "TRUE": "1", "FALSE": "0", "YES": "1", "NO": "0"}


def run(args, host):
    variable = args["variable"]
    if not re.match(r"[0-9A-Za-z_.]+\Z", variable):
        raise Failed("bad_arguments", "invalid variable name '{}'".format(variable))
    server = session(args, host)
    now = current(server, args)
    if args["value"] is None:
        return {"changed": False, "msg": now, "queries": []}
    if is_same(now, args["value"]):
        return {"changed": False, "msg": "Variable is already set to requested value.", "queries": []}
    query = "SET {} {} = {}".format(args["mode"].upper(), ".".join(name(part) for part in variable.split(".")),
                                    literal(args["value"]))
    if not host.check_mode:
        server.execute([query])
    return {"changed": True, "msg": "Variable change succeeded prev_value={}".format(now), "queries": [query],
            "diff": {"before": {variable: now}, "after": {variable: args["value"]}}}


def current(server, args):
    """The variable's value now, or the one kept for the next start."""
    if args["mode"] == "persist_only":
        return server.value("SELECT VARIABLE_VALUE AS v FROM performance_schema.persisted_variables "
                            "WHERE VARIABLE_NAME = {};".format(quoted(args["variable"])))
    rows = server.rows("SHOW GLOBAL VARIABLES WHERE Variable_name = {};".format(quoted(args["variable"])))
    if not rows:
        raise Failed("no_variable", "Variable not available '{}'".format(args["variable"]))
    return rows[0]["Value"]


def is_same(have, wanted):
    """Whether two values mean the same: numbers, and ON as 1."""
    if have is None:
        return False
    left, right = (TRUTHS.get(text.strip().upper(), text.strip()) for text in (have, wanted))
    try:
        return float(left) == float(right)
    except ValueError:
        return left == right


def literal(value):
    """A number as it is, DEFAULT as the word, anything else as text."""
    text = value.strip()
    return text if re.match(r"-?[0-9]+(\.[0-9]+)?\Z", text) or text.upper() == "DEFAULT" else quoted(value)
