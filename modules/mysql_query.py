"""Runs queries in MySQL or MariaDB and returns their rows.

Example::

    - name: The shop's orders of today
      community.mysql.mysql_query:
        login_db: shop
        query: SELECT id, total FROM orders WHERE day = %(day)s
        named_args: {day: "2026-01-31"}
        login_unix_socket: /run/mysqld/mysqld.sock
      register: result

Returns ``query_result`` (for each query its rows, as dicts), ``rowcount``, ``executed_queries``, ``execution_time_ms``.
Changed when a statement that writes concerned a row, or a statement that defines succeeded. Errors: ``mysql_error``,
``mysql_unreachable``, ``no_client``, ``bad_arguments``.
"""

import re
import time

from modules.api import Arg, exclusive
from modules.support.mysql.client import CLIENT_ARGS, quoted, session
from modules.support.sql_text import filled, listed

ARGS = dict(
    CLIENT_ARGS,
    query=Arg("raw", "A query, or a list of queries.", required=True),
    positional_args=Arg("list", "Values for each %s of the query."),
    named_args=Arg("dict", "Values for each %(name)s of the query."),
    login_db=Arg("str", "The database to work in."),
    single_transaction=Arg("bool", "All queries in one transaction.", default=False),
)
RULES = (exclusive("positional_args", "named_args"),)
DEFINING = ("CREATE", "DROP", "ALTER", "RENAME", "TRUNCATE", "GRANT", "REVOKE", "SET PASSWORD")
WRITING = ("INSERT", "UPDATE", "DELETE", "REPLACE", "LOAD", "CALL", "IMPORT")
MARK = "orch_row_count"
NUMBERS = {"TINY", "SHORT", "LONG", "LONGLONG", "INT24", "YEAR"}
FRACTIONS = {"DECIMAL", "NEWDECIMAL", "FLOAT", "DOUBLE"}


def run(args, host):
    server = session(args, host)
    queries = [filled(text, args, literal) for text in listed(args["query"])]
    began = time.monotonic()
    results, counts = perform(server, args, queries)
    spent = int((time.monotonic() - began) * 1000)
    results = [typed(server, args, query, rows) for query, rows in zip(queries, results)]
    changed = any(is_change(query, count) for query, count in zip(queries, counts))
    return {"changed": changed, "executed_queries": queries, "query_result": results, "rowcount": counts,
            "execution_time_ms": [spent] + [0] * (len(queries) - 1)}


def literal(value):
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, list):
        return "({})".format(", ".join(literal(part) for part in value))
    return quoted(value)


def perform(server, args, queries):
    """(rows of each query, rows that each concerned). The count is asked for behind every query."""
    text = "".join("{};\nSELECT ROW_COUNT() AS {}, FOUND_ROWS() AS found;\n".format(query, MARK) for query in queries)
    if args["single_transaction"]:
        text = "START TRANSACTION;\n{}COMMIT;\n".format(text)
    results, counts, rows = [], [], None
    given = args["positional_args"] is not None or args["named_args"] is not None
    for part in server.answers(text, args["login_db"], plain=given):
        if part and MARK in part[0]:
            number = int(part[0][MARK])
            counts.append(len(rows) if rows is not None else max(0, number))
            results.append(rows or [])
            rows = None
        else:
            rows = part
    return results, counts


def is_change(query, count):
    words = " ".join(re.sub(r"/\*.*?\*/|--[^\n]*\n|^#[^\n]*\n", " ", query, flags=re.DOTALL).upper().split())
    if words.startswith("CREATE") and "IF NOT EXISTS" in words and count == 0 and "DATABASE" in words:
        return False
    return words.startswith(DEFINING) or (words.startswith(WRITING) and count > 0)


def typed(server, args, query, rows):
    """Rows with numbers as numbers. The program prints texts only, so types are asked for apart, by an empty query."""
    if not rows or not re.match(r"(?i)\s*(SELECT|WITH)\b", query):
        return rows
    asked = "SELECT * FROM ({}) AS orch_types LIMIT 0;".format(query)
    argv = server.argv(server.program(), "--table", "--column-type-info", "--binary-mode",
                       *(["--database=" + args["login_db"]] if args["login_db"] else []))
    done = server.host.query(argv, input=asked, env={"LC_ALL": "C", "MYSQL_PWD": None})
    kinds = dict(re.findall(r"Field +\d+: +`(.*?)`\n(?:.*\n)*?Type: +(\w+)", done.stdout)) if done.rc == 0 else {}
    return [{name: number(value, kinds.get(name)) for name, value in row.items()} for row in rows]


def number(value, kind):
    if value is None or kind is None:
        return value
    return int(value) if kind in NUMBERS else float(value) if kind in FRACTIONS else value
