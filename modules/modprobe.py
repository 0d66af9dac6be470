"""Keeps a kernel module loaded or unloaded, and when asked over reboots.

Example::

    - name: Bridged packets pass the firewall
      community.general.modprobe:
        name: br_netfilter
        state: present
        persistent: present

Returns ``name``, ``params``, ``state``. Errors: ``bad_name``, ``modprobe_failed``.
"""

import os
import re

from modules.api import Arg, Change, Failed, Same

ARGS = {
    "name": Arg("str", "The kernel module.", required=True),
    "state": Arg("str", "Whether it is loaded.", default="present", choices=("absent", "present")),
    "params": Arg("str", "Its parameters.", default=""),
    "persistent": Arg("str", "Whether it is loaded at boot.", default="disabled",
                      choices=("absent", "disabled", "present")),
}
LOAD_FOLDER, OPTIONS_FOLDER = "/etc/modules-load.d", "/etc/modprobe.d"


def check(args, host):
    if not re.match(r"[A-Za-z0-9][A-Za-z0-9_.-]*$", args["name"]):
        raise Failed("bad_name", "'{}' is not a kernel module's name".format(args["name"]))
    verbs = []
    if is_loaded(args["name"], host) != (args["state"] == "present"):
        verbs.append("load" if args["state"] == "present" else "unload")
    files = wanted_files(args, host)
    values = {"name": args["name"], "params": args["params"], "state": args["state"]}
    if not verbs and not files:
        return Same(**values)
    return Change({"loaded": args["state"] != "present" if verbs else args["state"] == "present"},
                  {"loaded": args["state"] == "present", "files": files}, values=values, data=(verbs, files))


def apply(args, change, host):
    verbs, files = change.data
    for verb in verbs:
        words = [args["name"]] + args["params"].split() if verb == "load" else ["-r", args["name"]]
        done = host.run(["modprobe"] + words)
        if done.rc != 0:
            raise Failed("modprobe_failed", done.stderr.strip(), rc=done.rc)
    for path, content in sorted(files.items()):
        if content is None:
            os.unlink(path)
        else:
            host.write(path, content, mode=0o644)


def is_loaded(name, host):
    """Whether it is in the running kernel, as a module or built in."""
    bare = name.replace("-", "_")
    if any(line.split(" ", 1)[0] == bare for line in host.read_text("/proc/modules").splitlines()):
        return True
    built_in = "/lib/modules/{}/modules.builtin".format(os.uname()[2])
    if not host.exists(built_in):
        return False
    paths = (os.path.basename(line.strip()) for line in host.read_text(built_in).splitlines())
    return any(path.split(".")[0].replace("-", "_") == bare for path in paths)


def wanted_files(args, host):
    """path -> contents (None: to be removed) of the files that are not as they should be."""
    if args["persistent"] == "disabled":
        return {}
    present = args["persistent"] == "present"
    name = args["name"]
    wanted = {os.path.join(LOAD_FOLDER, name + ".conf"): name + "\n" if present else None,
              os.path.join(OPTIONS_FOLDER, name + ".conf"):
                  "options {} {}\n".format(name, args["params"]) if present and args["params"] else None}
    return {path: content for path, content in wanted.items() if now(path, host) != content}


def now(path, host):
    """A file's text, None without one."""
    return host.read_text(path) if host.exists(path) else None
