"""Keeps a group present or absent, with its number.

Example::

    - name: The application has a group
      ansible.builtin.group:
        name: app
        system: true

Returns ``name``, ``gid``, ``state``, ``system``. Errors: ``groupadd_failed``, ``groupmod_failed``, ``groupdel_failed``.
"""

import grp

from modules.api import Arg, Change, Failed, Same, required_if
from modules.support.accounts.names import check_name

ARGS = {
    "name": Arg("str", "The group's name.", required=True),
    "state": Arg("str", "Whether it is there.", default="present", choices=("absent", "present")),
    "gid": Arg("int", "Its number."),
    "gid_min": Arg("int", "Least number to choose from, in place of login.defs."),
    "gid_max": Arg("int", "Greatest number to choose from, in place of login.defs."),
    "system": Arg("bool", "Choose a number of the range for systems.", default=False),
    "force": Arg("bool", "Delete it although it is a user's primary group.", default=False),
    "local": Arg("bool", "Use the tools for local groups (luseradd's kin).", default=False),
    "non_unique": Arg("bool", "Allow a number that another group has.", default=False),
}
RULES = (required_if("non_unique", True, "gid"),)


def check(args, host):
    check_name(args["name"], "group")
    for name in ("gid_min", "gid_max"):
        if args["local"] and args[name] is not None:
            raise Failed("bad_arguments", "'{}' can not be used with 'local'".format(name))
    now = existing(args["name"])
    values = {"name": args["name"], "state": args["state"]}
    if args["state"] == "absent":
        return Change({"gid": now.gr_gid}, {}, values=values, data=[delete(args)]) if now else Same(**values)
    values["system"] = args["system"]
    if now is None:
        return Change({}, {"name": args["name"], "gid": args["gid"]}, values=values, data=[add(args, host)])
    values["gid"] = now.gr_gid
    if args["gid"] is None or args["gid"] == now.gr_gid:
        return Same(**values)
    return Change({"gid": now.gr_gid}, {"gid": args["gid"]}, values=dict(values, gid=args["gid"]), data=[modify(args)])


def apply(args, change, host):
    for argv in change.data:
        done = host.run(argv)
        if done.rc != 0:
            raise Failed("{}_failed".format(argv[0].lstrip("l")), done.stderr.strip() or "{} failed".format(argv[0]),
                         rc=done.rc, name=args["name"])
    now = existing(args["name"])
    return {"gid": now.gr_gid} if now else {}


def existing(name):
    """The group's entry, or None."""
    try:
        return grp.getgrnam(name)
    except KeyError:
        return None


def add(args, host):
    """groupadd's argument list, or busybox's addgroup where there is only that."""
    if not host.which("groupadd") and host.which("addgroup"):
        gid = ["-g", str(args["gid"])] if args["gid"] is not None else []
        return ["addgroup"] + gid + (["-S"] if args["system"] else []) + [args["name"]]
    argv = [tool(args, "groupadd")]
    if args["gid"] is not None:
        argv += ["-g", str(args["gid"])] + (["-o"] if args["non_unique"] else [])
    if args["system"]:
        argv.append("-r")
    for name, key in (("gid_min", "GID_MIN"), ("gid_max", "GID_MAX")):
        if args[name] is not None:
            argv += ["-K", "{}={}".format(key, args[name])]
    return argv + [args["name"]]


def modify(args):
    """groupmod's argument list."""
    return [tool(args, "groupmod"), "-g", str(args["gid"])] + (["-o"] if args["non_unique"] else []) + [args["name"]]


def delete(args):
    """groupdel's argument list."""
    return [tool(args, "groupdel")] + (["-f"] if args["force"] and not args["local"] else []) + [args["name"]]


def tool(args, name):
    """The program's name: libuser's where ``local`` is asked for."""
    return ("l" if args["local"] else "") + name
