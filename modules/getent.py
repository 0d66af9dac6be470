"""Reads entries of the system's databases: passwd, group, hosts, services …

Example::

    - name: Look up a user
      ansible.builtin.getent:
        database: passwd
        key: root

Returns ``ansible_facts``: ``getent_<database>``, a dict of lists (the fields behind the key).
Errors: ``not_found`` (unless ``fail_key: false``), ``no_database``, ``no_enumeration``.
"""

from modules.api import Arg, Failed

ARGS = {
    "database": Arg("str", "The database: passwd, group, hosts, networks, services …", required=True),
    "key": Arg("str", "The entry; default: all.", default=""),
    "service": Arg("str", "Where to ask, in place of what nsswitch.conf says."),
    "split": Arg("str", "The character between fields; default: ':' for passwd, shadow, group, gshadow, else spaces."),
    "fail_key": Arg("bool", "Fail when there is no such entry.", default=True),
}
CHECK_MODE = "run"
RETRY_SAFE = True
COLONS = ("passwd", "shadow", "group", "gshadow")
PROBLEMS = {1: ("no_database", "Missing arguments, or database unknown."),
            2: ("not_found", "One or more supplied key could not be found in the database."),
            3: ("no_enumeration", "Enumeration not supported on this database.")}


def run(args, host):
    database, key = args["database"], args["key"]
    argv = ["getent"] + (["-s", args["service"]] if args["service"] else []) + ["--", database]
    done = host.query(argv + ([key] if key else []))
    fact = "getent_" + database
    if done.rc == 2 and not args["fail_key"]:
        return {"ansible_facts": {fact: {key: None}}, "msg": PROBLEMS[2][1]}
    if done.rc != 0:
        code, message = PROBLEMS.get(done.rc, ("getent_failed", done.stderr.strip() or "getent failed"))
        raise Failed(code, message, rc=done.rc)
    separator = args["split"] or (":" if database in COLONS else None)
    return {"ansible_facts": {fact: parse(done.stdout, separator)}}


def parse(output, separator):
    """key -> the other fields; of a key that comes again, the list of its entries' fields."""
    found = {}
    for line in output.splitlines():
        fields = line.split(separator)
        if not fields:
            continue
        name, values = fields[0], fields[1:]
        if name not in found:
            found[name] = values
        elif found[name] and isinstance(found[name][0], list):
            found[name].append(values)
        else:
            found[name] = [found[name], values]
    return found
