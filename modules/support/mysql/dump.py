"""Dumps databases into a file and imports files, compressed by the file's name. A dump replaces its file in one act."""

import os
import shlex

from modules.api import Arg
from modules.support.database_files import pack, unpack

DUMP_ARGS = {
    "single_transaction": Arg("bool", "Dump in one transaction.", default=False),
    "quick": Arg("bool", "Do not hold whole tables in memory.", default=True),
    "ignore_tables": Arg("list", "Tables to leave out, as database.table.", default=[], elements="str"),
    "hex_blob": Arg("bool", "Write binary columns in hexadecimal.", default=False),
    "force": Arg("bool", "Go on after an error.", default=False),
    "master_data": Arg("int", "Write where the binary log is: 1 as a statement, 2 as a comment.", default=0,
                       choices=(0, 1, 2)),
    "skip_lock_tables": Arg("bool", "Do not lock tables.", default=False),
    "dump_extra_args": Arg("str", "More options for mysqldump."),
}
REDIRECT = 'exec "$@" < "$0"'
"""The one thing an argument list cannot say: standard input from a file, whose name is an argument of its own."""


def dump(server, args, names):
    """Dumps these databases, or all for None; return values."""
    host, target = server.host, args["target"]
    folder = os.path.dirname(target) or "."
    plain = host.tempfile(folder)
    argv = server.argv(server.program("mysqldump", "mariadb-dump"), *options(args, names))
    done = host.run(argv[:2] + ["--result-file=" + plain] + argv[2:], env={"LC_ALL": "C", "MYSQL_PWD": None})
    server.must(done, "mysqldump: ")
    made = pack(plain, target, host)
    host.replace(made, target, mode=None if os.path.exists(target) else 0o600)
    return {"executed_commands": [" ".join(argv[:1] + argv[2:])], "msg": done.stderr.strip()}


def options(args, names):
    """The dump's options, and what to dump."""
    words = []
    for argument, flag in (("single_transaction", "--single-transaction=true"), ("force", "--force"),
                           ("hex_blob", "--hex-blob"), ("skip_lock_tables", "--skip-lock-tables")):
        words += [flag] if args[argument] else []
    words.append("--quick" if args["quick"] else "--skip-quick")
    words += ["--ignore-table=" + table for table in args["ignore_tables"]]
    words += ["--master-data={}".format(args["master_data"])] if args["master_data"] else []
    words += shlex.split(args["dump_extra_args"] or "")
    if names is None:
        return words + ["--all-databases"]
    return words + (["--databases"] if len(names) > 1 else []) + ["--"] + names


def load(server, args, database):
    """Imports ``target`` into a database, or into whatever its statements name; return values."""
    host = server.host
    path = unpack(args["target"], host)
    words = ["--force"] if args["force"] else []
    if not args["sql_log_bin"]:
        words.append("--init-command=SET SESSION sql_log_bin = 0")
    argv = server.argv(server.program(), *(words + (["--database=" + database] if database else [])))
    done = host.run(["sh", "-c", REDIRECT, path] + argv, cwd=args["chdir"], env={"LC_ALL": "C", "MYSQL_PWD": None})
    server.must(done, "import: ")
    return {"executed_commands": [" ".join(argv[:1] + argv[2:])], "msg": done.stdout.strip()}
