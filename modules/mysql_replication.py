"""Tells and sets how a MySQL or MariaDB server replicates: where its binary log is, and whom it follows.

Example::

    - name: Whether this server follows another
      community.mysql.mysql_replication:
        mode: getreplica
        login_unix_socket: /run/mysqld/mysqld.sock
      register: replica

The modes that get return the server's status (``Is_Primary``, ``Is_Replica``, ``File``, ``Position``,
``Replica_IO_Running`` or ``Slave_IO_Running`` …); those that change return ``queries`` (without passwords) and ``msg``.
Errors: ``mysql_error``, ``mysql_unreachable``, ``no_client``, ``bad_arguments``.
"""

from modules.api import Arg, Failed
from modules.support.mysql.client import CLIENT_ARGS, quoted, session

MODES = ("changeprimary", "changereplication", "changemaster", "getprimary", "getmaster", "getreplica", "getslave",
         "resetprimary", "resetmaster", "resetreplica", "resetslave", "resetreplicaall", "resetslaveall",
         "startreplica", "startslave", "stopreplica", "stopslave")
SOURCE = {
    "primary_host": Arg("str", "The server to follow.", aliases=("master_host",)),
    "primary_user": Arg("str", "The account there.", aliases=("master_user",)),
    "primary_password": Arg("str", "Its password.", no_log=True, aliases=("master_password",)),
    "primary_port": Arg("int", "The port there.", aliases=("master_port",)),
    "primary_connect_retry": Arg("int", "Seconds between attempts to connect.", aliases=("master_connect_retry",)),
    "primary_log_file": Arg("str", "The binary log to begin with.", aliases=("master_log_file",)),
    "primary_log_pos": Arg("int", "The place in it.", aliases=("master_log_pos",)),
    "primary_delay": Arg("int", "Seconds to stay behind.", aliases=("master_delay",)),
    "primary_ssl": Arg("bool", "Encrypt the connection.", aliases=("master_ssl",)),
    "primary_ssl_ca": Arg("str", "Certificates that may sign the other's.", aliases=("master_ssl_ca",)),
    "primary_ssl_capath": Arg("str", "A folder of such certificates.", aliases=("master_ssl_capath",)),
    "primary_ssl_cert": Arg("str", "Our certificate.", aliases=("master_ssl_cert",)),
    "primary_ssl_key": Arg("str", "Its private key's file.", aliases=("master_ssl_key",)),
    "primary_ssl_cipher": Arg("str", "The ciphers.", aliases=("master_ssl_cipher",)),
    "primary_ssl_verify_server_cert": Arg("bool", "Whether the other's certificate must bear its name."),
    "primary_auto_position": Arg("bool", "Find the place by GTID (MySQL).", default=False,
                                 aliases=("master_auto_position",)),
}
ARGS = dict(
    CLIENT_ARGS,
    mode=Arg("str", "What to tell or do.", default="getreplica", choices=MODES),
    primary_use_gtid=Arg("str", "Which GTID to follow (MariaDB).", aliases=("master_use_gtid",),
                         choices=("current_pos", "replica_pos", "slave_pos", "disabled")),
    relay_log_file=Arg("str", "The relay log to begin with."),
    relay_log_pos=Arg("int", "The place in it."),
    connection_name=Arg("str", "Name of the connection (MariaDB)."),
    channel=Arg("str", "Name of the channel (MySQL)."),
    fail_on_error=Arg("bool", "Fail when starting or stopping fails.", default=False),
    **SOURCE
)
CHECK_MODE = "own"
COLUMNS = {"primary_connect_retry": "CONNECT_RETRY", "primary_log_file": "LOG_FILE", "primary_log_pos": "LOG_POS"}


def run(args, host):
    server = session(args, host)
    mode = args["mode"].replace("master", "primary").replace("slave", "replica")
    if mode in ("getprimary", "getreplica"):
        return tell(server, args, mode)
    made, shown = statements(server, args, mode)
    values = {"changed": True, "queries": [shown]}
    if host.check_mode:
        return values
    try:
        server.execute([made])
    except Failed as fault:
        if args["fail_on_error"] or not mode.startswith(("start", "stop")) or fault.code != "mysql_error":
            raise
        return {"changed": False, "queries": [shown], "msg": fault.message}
    return values


def tell(server, args, mode):
    """The status as the server gives it, and whether it is one at all."""
    if mode == "getprimary":
        query, key = ("SHOW BINARY LOG STATUS" if is_newer(server, (8, 4)) else "SHOW MASTER STATUS"), "Is_Primary"
        missing = "Server is not configured as mysql primary. Meaning: Binary logs are disabled"
    else:
        query, key = "SHOW {} STATUS".format(replica(server)) + channel(server, args), "Is_Replica"
        if server.is_mariadb and args["connection_name"]:
            query = "SHOW SLAVE {} STATUS".format(quoted(args["connection_name"]))
        missing = "Server is not configured as mysql replica"
    rows = server.rows(query + ";")
    if not rows:
        return {"changed": False, key: False, "msg": missing, "queries": []}
    status = {name: number(value) for name, value in rows[0].items()}
    return dict(status, changed=False, queries=[], **{key: True})


def number(value):
    return int(value) if value is not None and value.isdigit() else value


def is_newer(server, version):
    """MySQL of at least this version."""
    mariadb, numbers = server.version
    return not mariadb and numbers >= version


def replica(server):
    return "REPLICA" if is_newer(server, (8, 0, 22)) else "SLAVE"


def channel(server, args):
    return " FOR CHANNEL {}".format(quoted(args["channel"])) if args["channel"] and not server.is_mariadb else ""


def named(server, args):
    return " {}".format(quoted(args["connection_name"])) if args["connection_name"] and server.is_mariadb else ""


def statements(server, args, mode):
    """(the statement, the same with its password hidden)."""
    who, name, end = replica(server), named(server, args), channel(server, args)
    if mode == "resetprimary":
        made = "RESET BINARY LOGS AND GTIDS" if is_newer(server, (8, 4)) else "RESET MASTER"
    elif mode in ("changeprimary", "changereplication"):
        return change(server, args, name, end)
    elif mode == "resetreplicaall":
        made = "RESET {}{} ALL{}".format(who, name, end)
    else:
        verb = {"startreplica": "START", "stopreplica": "STOP", "resetreplica": "RESET"}[mode]
        made = "{} {}{}{}".format(verb, who, name, end)
    return made, made


def change(server, args, name, end):
    modern = is_newer(server, (8, 0, 23))
    word = "SOURCE" if modern else "MASTER"
    parts, hidden = [], []
    for argument in sorted(SOURCE):
        value = args[argument]
        if value is None or (argument == "primary_auto_position" and not value):
            continue
        column = "{}_{}".format(word, COLUMNS.get(argument, argument[len("primary_"):].upper()))
        parts.append("{} = {}".format(column, literal(value)))
        hidden.append("{} = {}".format(column, "'********'" if argument == "primary_password" else literal(value)))
    for argument in ("relay_log_file", "relay_log_pos"):
        if args[argument] is not None:
            parts.append("{} = {}".format(argument.upper(), literal(args[argument])))
            hidden.append(parts[-1])
    if args["primary_use_gtid"] and server.is_mariadb:
        gtid = {"disabled": "no", "replica_pos": "slave_pos"}.get(args["primary_use_gtid"], args["primary_use_gtid"])
        parts.append("MASTER_USE_GTID = " + gtid)
        hidden.append(parts[-1])
    if not parts:
        raise Failed("bad_arguments", "mode={} needs something to change, such as primary_host".format(args["mode"]))
    head = "CHANGE REPLICATION SOURCE TO " if modern else "CHANGE MASTER{} TO ".format(name)
    return head + ", ".join(parts) + end, head + ", ".join(hidden) + end


def literal(value):
    return str(int(value)) if isinstance(value, (bool, int)) else quoted(value)
