"""Tells whether a PostgreSQL server answers, and its version.

Example::

    - name: Whether the server is there
      community.postgresql.postgresql_ping:
      become: true
      become_user: postgres
      register: result

Returns ``is_available``, ``server_version`` (``major``, ``minor``, ``full``, ``raw``), ``conn_err_msg``. A server that
does not answer is no failure. Errors: ``no_client``.
"""

from modules.api import Arg, Failed
from modules.support.postgresql.client import LOGIN_ARGS, ROLE_ARGS, Session

ARGS = dict(
    dict(LOGIN_ARGS, **ROLE_ARGS),
    login_db=Arg("str", "The database to log in to.", default="postgres", aliases=("db",)),
)
CHECK_MODE = "run"
RETRY_SAFE = True


def run(args, host):
    server = Session(args, host, args["login_db"])
    try:
        found = server.row("SELECT version() AS raw, current_setting('server_version_num')::int AS number")
    except Failed as fault:
        if fault.code != "postgresql_unreachable":
            raise
        return {"is_available": False, "server_version": {}, "conn_err_msg": fault.message}
    major, minor = found["number"] // 10000, found["number"] % 10000
    return {"is_available": True, "conn_err_msg": "", "server_version": {
        "major": major, "minor": minor, "full": "{}.{}".format(major, minor), "raw": found["raw"]}}
