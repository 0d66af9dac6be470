"""Keeps an account of MySQL or MariaDB present or absent, with its password and privileges.

Example::

    - name: The shop's account
      community.mysql.mysql_user:
        name: shop
        host: "%"
        password: "{{ shop_password }}"
        priv: "shop.*:ALL/reports.*:SELECT"
        login_unix_socket: /run/mysqld/mysqld.sock

Without ``priv`` privileges stay as they are. Returns ``user``, ``msg``, ``password_changed``, ``queries`` (without
passwords). Errors: ``mysql_unreachable``, ``mysql_error``, ``no_client``, ``bad_arguments``.
"""

from modules.api import Arg, Failed, exclusive
from modules.support.mysql import privileges
from modules.support.mysql.account import Account
from modules.support.mysql.client import CLIENT_ARGS, quoted, session

ARGS = dict(
    CLIENT_ARGS,
    name=Arg("str", "The user's name; empty for the anonymous one.", required=True, aliases=("user",)),
    host=Arg("str", "The host part of the account.", default="localhost"),
    host_all=Arg("bool", "Every account of that name, whatever its host.", default=False),
    state=Arg("str", "Whether it is there.", default="present", choices=("absent", "present")),
    password=Arg("str", "Its password.", no_log=True),
    encrypted=Arg("bool", "Whether password is what mysql_native_password keeps (*…).", default=False),
    update_password=Arg("str", "When the password of an account that is there is set.", default="always",
                        choices=("always", "on_create", "on_new_username")),
    plugin=Arg("str", "The plugin that authenticates it."),
    plugin_hash_string=Arg("str", "What the plugin keeps.", aliases=("plugin_hash",), no_log=True),
    plugin_auth_string=Arg("str", "The password for the plugin.", aliases=("plugin_auth",), no_log=True),
    salt=Arg("str", "Taken and not used: the server chooses its salt.", no_log=True),
    priv=Arg("raw", "Privileges: db.table:PRIV1,PRIV2 parted by /, or a dict of db.table to PRIV1,PRIV2."),
    append_privs=Arg("bool", "Add these privileges to those it has.", default=False),
    subtract_privs=Arg("bool", "Take these privileges from those it has.", default=False),
    column_case_sensitive=Arg("bool", "Whether names of columns in privileges keep their case."),
    tls_requires=Arg("dict", "What TLS it needs: SSL, X509, or SUBJECT, ISSUER, CIPHER with values; empty for none."),
    resource_limits=Arg("dict", "Limits such as MAX_QUERIES_PER_HOUR."),
    locked=Arg("bool", "Whether it is locked."),
    password_expire=Arg("str", "When its password expires.", choices=("now", "never", "default", "interval")),
    password_expire_interval=Arg("int", "Days, for password_expire=interval."),
    attributes=Arg("dict", "Attributes of the account (MySQL 8)."),
    session_vars=Arg("dict", "Variables of our own session."),
    sql_log_bin=Arg("bool", "Whether it goes into the binary log.", default=True),
    force_context=Arg("bool", "Taken and not used: there is no default database.", default=False),
    check_implicit_admin=Arg("bool", "Try root without a password first.", default=False),
)
RULES = (exclusive("append_privs", "subtract_privs"), exclusive("plugin_hash_string", "plugin_auth_string"))
CHECK_MODE = "own"
RETRY_SAFE = True


def run(args, host):
    if args["priv"] is not None and not isinstance(args["priv"], (str, dict)):
        raise Failed("bad_arguments", "priv parameter must be str or dict but {} was passed".format(
            type(args["priv"]).__name__))
    args = dict(args, wanted=privileges.read(args["priv"], bool(args["column_case_sensitive"])))
    server = session(args, host)
    accounts = [Account(server, args, part) for part in hosts(server, args)]
    statements, messages = [], []
    for account in accounts:
        made, message = account.absent() if args["state"] == "absent" else account.present()
        statements += made
        messages.append(message)
    if statements and not host.check_mode:
        server.execute(preamble(args) + statements)
    told = [text for text in messages if not text.endswith(("unchanged", "exist"))] or messages or ["User unchanged"]
    return {"changed": bool(statements), "user": args["name"], "msg": told[0],
            "password_changed": any(account.password_changed for account in accounts),
            "diff": {"before": [account.before for account in accounts],
                     "after": [account.after for account in accounts]}}


def hosts(server, args):
    """The host parts that are meant."""
    if not args["host_all"]:
        return [args["host"].lower() if args["host"] != "%" else "%"]
    found = server.rows("SELECT Host AS host FROM mysql.user WHERE User = {};".format(quoted(args["name"])))
    there = [row["host"] for row in found]
    return there if there or args["state"] == "absent" else [args["host"]]


def preamble(args):
    """What holds for our session."""
    made = [] if args["sql_log_bin"] else ["SET SESSION sql_log_bin = 0"]
    for name, value in sorted((args["session_vars"] or {}).items()):
        if not str(name).replace("_", "").isalnum():
            raise Failed("bad_arguments", "'{}' is not a variable's name".format(name))
        made.append("SET SESSION {} = {}".format(name, value if isinstance(value, int) else quoted(value)))
    return made
