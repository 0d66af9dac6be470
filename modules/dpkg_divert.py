"""Keeps a file diverted: dpkg puts the packages' version of it elsewhere, so that ours stays.

Example::

    - name: Our nsswitch.conf stays when packages are upgraded
      community.general.dpkg_divert:
        path: /etc/nsswitch.conf
        divert: /etc/nsswitch.conf.distrib
        rename: true

Returns ``diversion`` (path, divert, holder, state), ``commands`` and ``messages`` (what dpkg-divert said).
Errors: ``exists`` (what is moved would overwrite a file), ``divert_failed``, ``no_dpkg``.
"""

import os

from modules.api import Arg, Change, Failed, Same

LOCAL = "LOCAL"
ARGS = {
    "path": Arg("path", "The file whose packaged version goes elsewhere.", required=True, aliases=("name",)),
    "state": Arg("str", "Whether it is diverted.", default="present", choices=("absent", "present")),
    "divert": Arg("path", "Where the packages' version goes; by default beside it, with .distrib."),
    "holder": Arg("str", "The package whose version is not diverted; LOCAL for none.", default=LOCAL),
    "rename": Arg("bool", "Move the file too, there and back, when the diversion changes.", default=False),
    "force": Arg("bool", "With rename: overwrite what is in the way. Its contents are lost.", default=False),
}


def check(args, host):
    if not host.which("dpkg-divert"):
        raise Failed("no_dpkg", "there is no dpkg-divert on this host", "it is for Debian and what comes of it")
    now, goal = present(args["path"], host), wanted(args)
    if now == goal or (now["state"] == goal["state"] == "absent"):
        return Same(diversion=now, commands=[], messages=[])
    commands = []
    if now["state"] == "present":
        commands.append(command(args, "--remove", now))
    if goal["state"] == "present":
        commands.append(command(args, "--add", goal))
    in_the_way = obstacle(args, now, goal)
    if in_the_way and not args["force"]:
        raise Failed("exists", "renaming would overwrite {}".format(in_the_way), "force: true overwrites it",
                     diversion=now, commands=[], messages=[])
    return Change(now, goal, values={"diversion": goal, "commands": [" ".join(argv) for argv in commands],
                                     "messages": []}, data=(commands, in_the_way))


def apply(args, change, host):
    commands, in_the_way = change.data
    if in_the_way:
        os.unlink(in_the_way)
    messages = []
    for argv in commands:
        done = host.run(argv, env={"LC_ALL": "C"})
        if done.rc != 0:
            raise Failed("divert_failed", done.stderr.strip() or "dpkg-divert failed", rc=done.rc, messages=messages)
        messages.append(done.stdout.strip())
    return {"messages": messages, "diversion": present(args["path"], host)}


def present(path, host):
    """The diversion as it is."""
    holder = host.query(["dpkg-divert", "--listpackage", path], env={"LC_ALL": "C"}).stdout.strip()
    if not holder:
        return {"path": path, "state": "absent", "divert": None, "holder": None}
    divert = host.query(["dpkg-divert", "--truename", path], env={"LC_ALL": "C"}).stdout.strip()
    return {"path": path, "state": "present", "divert": divert, "holder": holder}


def wanted(args):
    """The diversion as it should be."""
    path = args["path"]
    if not path.startswith("/"):
        raise Failed("bad_arguments", "path must be absolute: {}".format(path))
    if args["state"] == "absent":
        return {"path": path, "state": "absent", "divert": None, "holder": None}
    return {"path": path, "state": "present", "divert": args["divert"] or path + ".distrib",
            "holder": args["holder"] or LOCAL}


def command(args, verb, diversion):
    """One call of dpkg-divert."""
    whom = ["--local"] if diversion["holder"] == LOCAL else ["--package", diversion["holder"]]
    return ["dpkg-divert", "--rename" if args["rename"] else "--no-rename"] + whom + [
        "--divert", diversion["divert"], verb, diversion["path"]]


def obstacle(args, now, goal):
    """The file that a rename would overwrite; None when nothing is in the way."""
    if not args["rename"]:
        return None
    path = args["path"]
    if now["state"] == "present" and os.path.lexists(path) and os.path.lexists(now["divert"]):
        return path
    if now["state"] == "absent" and os.path.lexists(path) and os.path.lexists(goal["divert"]):
        return goal["divert"]
    return None
