"""Keeps a setting of a PostgreSQL server, by ALTER SYSTEM, and has the server read its settings anew.

Example::

    - name: More memory for sorting
      community.postgresql.postgresql_set:
        name: work_mem
        value: 64MB
      become: true
      become_user: postgres

Returns ``name``, ``prev_val_pretty``, ``value_pretty``, ``value``, ``restart_required``, ``context``. Errors:
``no_setting``, ``cannot_change``, ``bad_arguments``, ``postgresql_error``, ``postgresql_unreachable``, ``no_client``.
"""

import re

from modules.api import Arg, Change, Failed, Same, exclusive
from modules.support.postgresql.client import LOGIN_ARGS, ROLE_ARGS, Session, name, quoted

ARGS = dict(
    dict(LOGIN_ARGS, **ROLE_ARGS),
    name=Arg("str", "The setting's name.", required=True),
    value=Arg("str", "Its value, with a unit where it has one; several parted by commas."),
    reset=Arg("bool", "Take away what ALTER SYSTEM set before.", default=False),
    login_db=Arg("str", "The database to log in to.", default="postgres", aliases=("db",)),
)
RULES = (exclusive("value", "reset"),)
UNITS = {"B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}
TIMES = {"us": 1, "ms": 1000, "s": 10 ** 6, "min": 60 * 10 ** 6, "h": 3600 * 10 ** 6, "d": 86400 * 10 ** 6}
TRUTHS = {"on": "on", "true": "on", "yes": "on", "1": "on", "off": "off", "false": "off", "no": "off", "0": "off"}
LISTS = frozenset("local_preload_libraries search_path session_preload_libraries shared_preload_libraries "
                  "log_destination listen_addresses synchronous_standby_names temp_tablespaces unix_socket_directories "
                  "DateStyle wal_consistency_checking".split())
"""Settings that take several values; each is quoted by itself."""


def check(args, host):
    server = Session(args, host, args["login_db"])
    now = inspect(server, args["name"])
    if now is None:
        raise Failed("no_setting", "No such parameter: {}. Please check its spelling or presence in your PostgreSQL "
                     "version".format(args["name"]))
    if now["context"] == "internal":
        raise Failed("cannot_change", "{}: cannot be changed (internal context). See "
                     "https://www.postgresql.org/docs/current/runtime-config-preset.html".format(args["name"]))
    values = {"name": args["name"], "context": now["context"], "prev_val_pretty": now["pretty"],
              "value_pretty": now["pretty"], "restart_required": now["context"] == "postmaster",
              "value": {"value": now["setting"], "unit": now["unit"]}}
    if args["reset"]:
        query = "ALTER SYSTEM RESET {}".format(setting(args["name"]))
        same = not now["automatic"]
    elif args["value"] is None:
        return Same(**dict(values, restart_required=False))
    else:
        query = "ALTER SYSTEM SET {} = {}".format(setting(args["name"]), assigned(args["name"], args["value"]))
        # A value that waits for a restart is kept already.
        same = is_same(args["value"], now) or (now["kept"] is not None and is_same(
            args["value"], dict(now, pretty=now["kept"], setting=now["kept"])))
    if same:
        return Same(**dict(values, restart_required=False))
    values["value_pretty"] = args["value"] if not args["reset"] else now["boot_val"]
    return Change({args["name"]: now["pretty"]}, {args["name"]: values["value_pretty"]}, values=values, data=query)


def apply(args, change, host):
    server = Session(args, host, args["login_db"])
    server.execute([change.data])
    server.rows("SELECT pg_reload_conf() AS done")
    return {}


def inspect(server, setting_name):
    """The setting as it is, and as ALTER SYSTEM keeps it; None when the server knows none."""
    automatic = ("(SELECT setting FROM pg_file_settings f WHERE f.name = s.name AND sourcefile LIKE "
                 "'%postgresql.auto.conf' ORDER BY seqno DESC LIMIT 1)")
    return server.row("SELECT setting, unit, context, vartype, boot_val, current_setting(name) AS pretty, {0} AS kept, "
                      "{0} IS NOT NULL AS automatic FROM pg_settings s WHERE lower(name) = lower({1})".format(
                          automatic, quoted(setting_name)))


def setting(text):
    return ".".join(name(part) for part in text.split("."))


def assigned(setting_name, value):
    """The value for the statement."""
    if value.lower() == "default":
        return "DEFAULT"
    if setting_name in LISTS and value.strip():
        return ", ".join(quoted(part.strip().strip("'\"")) for part in value.split(","))
    return quoted(value)


def is_same(wanted, now):
    """Whether a value is the setting's: as text, as a size, a time, a number or a truth."""
    wanted = wanted.strip().strip("'")
    if wanted in (now["pretty"], now["setting"]):
        return True
    if now["vartype"] == "bool":
        return TRUTHS.get(wanted.lower()) == TRUTHS.get(now["setting"].lower())
    left, right = measured(wanted, now["unit"]), measured(now["pretty"], now["unit"])
    if left is not None and left == right:
        return True
    parts = [[part.strip().strip("'\"") for part in text.split(",")] for text in (wanted, now["pretty"])]
    return parts[0] == parts[1]


def measured(text, unit):
    """A size in bytes, a time in microseconds or a number; None for anything else."""
    match = re.match(r"(-?[0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)\Z", text.strip())
    if not match:
        return None
    number, own = float(match.group(1)), match.group(2)
    if not own and unit:
        scale = re.match(r"(\d*)(\w+)\Z", unit)
        number, own = number * int(scale.group(1) or 1), scale.group(2)
    if not own:
        return number
    factor = UNITS.get(own.upper()) if own.upper() in UNITS and own not in TIMES else TIMES.get(own)
    return None if factor is None else number * factor
