"""Waits until a port, a file or a text is there, or gone; or simply for some time. Changes nothing.

Example::

    - name: The application answers
      ansible.builtin.wait_for:
        port: 8080
        timeout: 60

Returns ``elapsed`` (seconds), ``state``, ``port``, ``path``, ``search_regex``, ``match_groups``, ``match_groupdict``.
Errors: ``timeout`` when it did not come to pass in time, ``bad_port``.
"""

import os
import re
import select
import socket
import time

from modules.api import Arg, Failed, exclusive
from modules.support import connections

STATES = ("ESTABLISHED", "FIN_WAIT1", "FIN_WAIT2", "SYN_RECV", "SYN_SENT", "TIME_WAIT")
LIMIT_BYTES = 16 * 1024 * 1024
ARGS = {
    "host": Arg("str", "Name or address to connect to.", default="127.0.0.1"),
    "port": Arg("int", "The port."),
    "path": Arg("path", "The file."),
    "state": Arg("str", "started/present: it is there; stopped/absent: it is gone; drained: no connection is left.",
                 default="started", choices=("absent", "drained", "present", "started", "stopped")),
    "search_regex": Arg("str", "A pattern that the file, or what the port sends, must contain."),
    "timeout": Arg("int", "Seconds to wait at most.", default=300),
    "connect_timeout": Arg("int", "Seconds for one connection to be made.", default=5),
    "delay": Arg("int", "Seconds before the first look.", default=0),
    "sleep": Arg("int", "Seconds between two looks.", default=1),
    "active_connection_states": Arg("list", "What counts as a connection, for drained.", default=list(STATES),
                                    elements="str"),
    "exclude_hosts": Arg("list", "Hosts whose connections do not count, for drained.", elements="str"),
    "msg": Arg("str", "What to say in place of the usual message when time is up."),
}
RULES = (exclusive("port", "path"), exclusive("path", "exclude_hosts"))
CHECK_MODE = "own"
RETRY_SAFE = True


def run(args, host):
    validate(args)
    start = time.time()
    if host.check_mode:
        return {"skipped": True, "elapsed": 0, "msg": "remote module (wait_for) does not support check mode"}
    time.sleep(args["delay"])
    values = {"state": args["state"], "port": args["port"], "path": args["path"],
              "search_regex": args["search_regex"], "match_groups": [], "match_groupdict": {}}
    if args["port"] is None and not args["path"] and args["state"] != "drained":
        time.sleep(args["timeout"])
    else:
        values.update(wait(args, host, start))
    return dict(values, changed=False, elapsed=int(time.time() - start))


def validate(args):
    """What the table of arguments cannot say."""
    if args["port"] is not None and not 0 < args["port"] < 65536:
        raise Failed("bad_port", "{} is not a port".format(args["port"]))
    if args["state"] == "drained" and (args["path"] or args["port"] is None):
        raise Failed("bad_arguments", "state=drained should only be used for checking a port in the wait_for module")
    if args["exclude_hosts"] is not None and args["state"] != "drained":
        raise Failed("bad_arguments", "exclude_hosts should only be with state=drained")
    if args["search_regex"] is not None and args["state"] in ("stopped", "absent"):
        raise Failed("bad_arguments", "search_regex has no meaning with state={}".format(args["state"]))
    if args["search_regex"] is not None:
        try:
            re.compile(args["search_regex"])
        except re.error as error:
            raise Failed("bad_regex", "search_regex is not a pattern: {}".format(error))


def wait(args, host, start):
    """Look until it is so; the values of what matched."""
    end = start + args["timeout"]
    look = drained if args["state"] == "drained" else port if args["port"] is not None else path
    while True:
        found = look(args, end)
        if found is not None:
            return found
        if time.time() >= end:
            break
        time.sleep(min(args["sleep"], max(0.05, end - time.time())))
    raise Failed("timeout", args["msg"] or late(args), elapsed=int(time.time() - start), state=args["state"])


def late(args):
    """The message when time is up."""
    what = "{}:{}".format(args["host"], args["port"]) if args["port"] is not None else args["path"]
    if args["state"] == "drained":
        return "Timeout when waiting for {} to drain".format(what)
    if args["state"] in ("absent", "stopped"):
        ending = "to stop." if args["port"] is not None else "to be absent."
        return "Timeout when waiting for {} {}".format(what, ending)
    if args["search_regex"]:
        return "Timeout when waiting for search string {} in {}".format(args["search_regex"], what)
    return "Timeout when waiting for {}".format("file " + what if args["path"] else what)


def path(args, end):
    """A file's presence, absence, or contents; None while it is not so."""
    exists = os.access(args["path"], os.F_OK)
    if args["state"] in ("absent", "stopped"):
        return None if exists else {}
    if not exists:
        return None
    if not args["search_regex"]:
        return {}
    try:
        with open(args["path"], "rb") as file:
            return matched(args["search_regex"], tail(file))
    except OSError:
        return None


def tail(file):
    """The file's bytes, of a huge one the last 16 MiB."""
    size = os.fstat(file.fileno()).st_size
    if size > LIMIT_BYTES:
        file.seek(size - LIMIT_BYTES)
    return file.read(LIMIT_BYTES)


def matched(pattern, data):
    """The groups of the first match in bytes, as text; None for none."""
    found = re.search(pattern, data.decode("utf-8", "surrogateescape"), re.MULTILINE)
    if found is None:
        return None
    return {"match_groups": list(found.groups()), "match_groupdict": found.groupdict()}


def port(args, end):
    """A port that takes connections, or none; None while it is not so."""
    wanted = args["state"] not in ("absent", "stopped")
    limit = max(0.1, min(args["connect_timeout"], end - time.time()))
    try:
        line = socket.create_connection((args["host"], args["port"]), limit)
    except OSError:
        return None if wanted else {}
    with line:
        if not wanted:
            return None
        return converse(line, args["search_regex"], end) if args["search_regex"] else {}


def converse(line, pattern, end):
    """What the other side sends by itself, until the pattern is in it; None when it ends before that."""
    data = b""
    while time.time() < end and len(data) < LIMIT_BYTES:
        readable, _, _ = select.select([line], [], [], max(0, min(1, end - time.time())))
        if not readable:
            continue
        try:
            part = line.recv(65536)
        except OSError:
            return None
        if not part:
            return None
        data += part
        found = matched(pattern, data)
        if found is not None:
            return found
    return None


def drained(args, end):
    """Empty when no connection to the port is left, else None."""
    addresses = resolved([args["host"]])
    excluded = resolved(args["exclude_hosts"] or ())
    states = {state.upper() for state in args["active_connection_states"]}
    return None if connections.count(addresses, args["port"], states, excluded) else {}


def resolved(names):
    """All addresses of some hosts."""
    found = set()
    for name in names:
        try:
            found.update(entry[4][0] for entry in socket.getaddrinfo(name, None))
        except OSError as error:
            raise Failed("unknown_host", "cannot resolve {}: {}".format(name, error))
    return found
