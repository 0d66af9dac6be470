"""Keeps an SELinux boolean on or off.

Example::

    - name: The web server may connect
      ansible.posix.seboolean:
        name: httpd_can_network_connect
        state: true
        persistent: true

Returns ``name``, ``state``, ``persistent``. Errors: ``no_selinux``, ``no_tools``, ``no_boolean``, ``setsebool_failed``.
"""

import re

from modules.api import Arg, Change, Failed, Same
from modules.support.selinux_tools import require_running, require_tool

ARGS = {
    "name": Arg("str", "The boolean.", required=True),
    "state": Arg("bool", "Whether it is on.", required=True),
    "persistent": Arg("bool", "Over reboots too.", default=False),
    "ignore_selinux_state": Arg("bool", "Go on where SELinux does not run, as in a chroot.", default=False),
}


def check(args, host):
    if not re.match(r"[A-Za-z0-9_]+\Z", args["name"]):
        raise Failed("no_boolean", "'{}' is no name of an SELinux boolean".format(args["name"]))
    require_running(args["ignore_selinux_state"], host)
    require_tool("setsebool", "policycoreutils", host)
    now = running(args["name"], host)
    before = {"running": now}
    if args["persistent"]:
        before["persistent"] = stored(args["name"], now, host)
    after = {name: args["state"] for name in before}
    values = {name: args[name] for name in ("name", "state", "persistent")}
    return Same(**values) if before == after else Change(before, after, values=values)


def apply(args, change, host):
    flags = ["-P"] if args["persistent"] else []
    done = host.run(["setsebool"] + flags + [args["name"], "on" if args["state"] else "off"])
    if done.rc != 0:
        raise Failed("setsebool_failed", "Failed to set boolean {}: {}".format(args["name"], done.stderr.strip()),
                     rc=done.rc)


def running(name, host):
    """The value in the kernel."""
    require_tool("getsebool", "libselinux-utils", host)
    done = host.query(["getsebool", name], env={"LC_ALL": "C"})
    match = re.search(r"--> (on|off)", done.stdout)
    if done.rc != 0 or not match:
        raise Failed("no_boolean", "SELinux boolean {} does not exist.".format(name))
    return match.group(1) == "on"


def stored(name, now, host):
    """The value after a reboot; the running one where no tool can tell."""
    if not host.which("semanage"):
        host.warn("there is no semanage: whether {} outlives a reboot is taken from its running value".format(name))
        return now
    done = host.query(["semanage", "boolean", "-l"], env={"LC_ALL": "C"})
    match = re.search(r"^{}\s+\((?:on|off)\s*,\s*(on|off)\)".format(re.escape(name)), done.stdout, re.MULTILINE)
    return match.group(1) == "on" if match else now
