"""Runs queries in a PostgreSQL database and returns their rows.

Example::

    - name: The shop's orders of today
      community.postgresql.postgresql_query:
        login_db: shop
        query: SELECT id, total FROM orders WHERE day = %(day)s
        named_args: {day: "2026-01-31"}
      become: true
      become_user: postgres
      register: result

Returns ``query_result`` (rows of the last query, as dicts), ``query_all_results``, ``query``, ``query_list``,
``statusmessage``, ``rowcount``. Changed by what writes or defines, but not by an UPDATE, INSERT or DELETE of no row.
In check mode everything runs and is rolled back. Errors: ``postgresql_error``, ``postgresql_unreachable``,
``no_client``, ``bad_arguments``.
"""

import json
import re

from modules.api import Arg, Failed, exclusive
from modules.support.postgresql.client import LOGIN_ARGS, ROLE_ARGS, Session, literal
from modules.support.sql_text import filled, listed

ARGS = dict(
    dict(LOGIN_ARGS, **ROLE_ARGS),
    query=Arg("raw", "A query, or a list of queries.", required=True),
    login_db=Arg("str", "The database.", default="postgres", aliases=("db",)),
    positional_args=Arg("list", "Values for each %s of the query."),
    named_args=Arg("dict", "Values for each %(name)s of the query."),
    autocommit=Arg("bool", "Each query by itself in place of one transaction.", default=False),
    encoding=Arg("str", "Encoding of the connection; always UTF-8 here."),
    search_path=Arg("list", "Schemas in which names are searched.", elements="str"),
)
RULES = (exclusive("positional_args", "named_args"),)
CHECK_MODE = "own"
MARK = "orch-next-query"
ROWS = re.compile(r"(?i)\s*(?:SELECT|VALUES|TABLE)\b")
WRITES = re.compile(r"(?i)\s*(?:INSERT|UPDATE|DELETE|MERGE)\b")
SHOWS = re.compile(r"(?i)\s*(?:SHOW|EXPLAIN|FETCH|WITH)\b")
WITHOUT_EFFECT = re.compile(r"(?i)(?:SELECT|SHOW|SET|BEGIN|ROLLBACK|COMMIT|FETCH|EXPLAIN|RESET)\b")


def run(args, host):
    if args["autocommit"] and host.check_mode:
        raise Failed("bad_arguments", "Using autocommit is mutually exclusive with check_mode")
    queries = [filled(text, args, literal) for text in listed(args["query"])]
    server = Session(args, host, args["login_db"])
    parts = perform(server, args, queries)
    outcomes = [outcome(query, part) for query, part in zip(queries, parts)]
    results = [rows for rows, _, _ in outcomes]
    return {"changed": any(is_change(status) for _, status, _ in outcomes), "query": queries[-1], "query_list": queries,
            "query_result": results[-1], "query_all_results": results, "statusmessage": outcomes[-1][1],
            "rowcount": sum(count for _, _, count in outcomes)}


def perform(server, args, queries):
    """What psql prints for each query: rows as one line of JSON or CSV, and the server's status."""
    text = ["" if args["autocommit"] else "BEGIN;\n"]
    for query in queries:
        text.append("\\echo {}\n{};\n".format(MARK, wrapped(query)))
    text.append("\\echo {}\n{}".format(MARK, "" if args["autocommit"] else
                                       "ROLLBACK;\n" if server.host.check_mode else "COMMIT;\n"))
    options = {"search_path": ",".join(args["search_path"])} if args["search_path"] else {}
    argv = server.argv("psql", "--no-psqlrc", "--csv", "--set=ON_ERROR_STOP=1", "--file=-")
    done = server.host.run(argv, input="".join(text), env=server.environment(**options))
    if done.rc != 0 and not done.stderr.strip().startswith("psql: error"):
        raise Failed("postgresql_error", "Cannot execute SQL: {}".format(done.stderr.strip()))
    server.must(done)
    if done.truncated:
        raise Failed("postgresql_error", "The answer is too large")
    return done.stdout.split(MARK + "\n")[1:-1]


def wrapped(query):
    """A query whose rows come as JSON, where it can stand within another one."""
    if ROWS.match(query):
        return "SELECT coalesce(json_agg(orch_rows), '[]') AS orch_rows FROM ({}\n) AS orch_rows".format(query)
    if WRITES.match(query) and re.search(r"(?i)\bRETURNING\b", query):
        return ("WITH orch_rows AS ({}\n) SELECT coalesce(json_agg(orch_rows), '[]') AS orch_rows "
                "FROM orch_rows").format(query)
    return query


def outcome(query, text):
    """(rows, status, how many rows) of what psql printed for a query."""
    import csv
    import io
    table = list(csv.reader(io.StringIO(text)))
    verb = query.split(None, 1)[0].upper()
    if table and table[0] == ["orch_rows"]:
        rows = json.loads(table[1][0])
        return rows, "{} {}".format("INSERT 0" if verb == "INSERT" else "SELECT" if ROWS.match(query) else verb,
                                    len(rows)), len(rows)
    if SHOWS.match(query) and table:
        rows = [dict(zip(table[0], line)) for line in table[1:]]
        status = "SHOW" if verb == "SHOW" else "{} {}".format("SELECT" if verb == "WITH" else verb, len(rows))
        return rows, status, len(rows)
    lines = text.strip().splitlines()
    status = lines[-1] if lines else verb
    match = re.search(r" (\d+)$", status)
    return [], status, int(match.group(1)) if match else 0


def is_change(status):
    """Whether a status tells of a change."""
    return not WITHOUT_EFFECT.match(status) and not re.match(r"(?:INSERT 0|UPDATE|DELETE|MERGE) 0$", status)
