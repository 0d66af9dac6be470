"""Keeps a service with a script in /etc/init.d running or stopped, enabled or disabled.

Example::

    - name: The old daemon runs, in runlevels 3 and 5 after a boot too
      ansible.builtin.sysvinit:
        name: oldd
        state: started
        enabled: true
        runlevels: [3, 5]

A restart is a stop, ``sleep`` seconds, and a start. Returns ``name`` and ``status``: for ``enabled`` and for the state
{changed, rc, stdout, stderr}. Errors: ``no_service``, ``bad_name``, ``no_tool``, and ``start_failed`` and so on for
each verb.
"""

import glob
import time

from modules.api import Arg, Failed, one_of
from modules.support.services import init_scripts

ARGS = {
    "name": Arg("str", "The service: the script's name.", required=True, aliases=("service",)),
    "state": Arg("str", "started and stopped act when needed; restarted and reloaded always.",
                 choices=("reloaded", "restarted", "started", "stopped")),
    "enabled": Arg("bool", "Whether it starts at boot."),
    "runlevels": Arg("list", "Those that enabled is about; default: the script's own.", elements="str"),
    "sleep": Arg("int", "Seconds between stop and start of a restart.", default=1),
    "pattern": Arg("str", "Text in the process list that shows that it runs, for scripts without status."),
    "arguments": Arg("str", "More words for the script.", default="", aliases=("args",)),
    "daemonize": Arg("bool", "Has no effect: what a script leaves running is never waited for.", default=False),
}
RULES = (one_of("state", "enabled"),)
CHECK_MODE = "own"
RETRY_SAFE = True
NOTHING = {"changed": False, "rc": None, "stdout": None, "stderr": None}


def run(args, host):
    name = args["name"]
    script = init_scripts.look(name, dict(args, runlevel=None), host)
    script.is_openrc = False  # the script itself is what was asked for
    status = {}
    if args["enabled"] is not None:
        enabled = linked(name, args["runlevels"]) if args["runlevels"] else script.enabled
        commands = [] if enabled == args["enabled"] else enabling(args, script, host)
        status["enabled"] = done("enable" if args["enabled"] else "disable", commands, args, host)
        if args["runlevels"]:
            status["enabled"]["runlevels"] = args["runlevels"]
    if args["state"]:
        verbs = init_scripts.steps(script, None, args["state"])
        if verbs == ["restart"]:
            verbs = ["stop", "start"] if script.running is not False else ["start"]
        status[args["state"]] = acted(verbs, args, host)
    return {"changed": any(part["changed"] for part in status.values()), "name": name, "status": status}


def linked(name, runlevels):
    """Whether it starts in all of the runlevels (True), in none (False), or in some (None)."""
    found = {bool(glob.glob("/etc/rc{}.d/S??{}".format(level, name))
                  or glob.glob("/etc/rc.d/rc{}.d/S??{}".format(level, name))) for level in runlevels}
    return found.pop() if len(found) == 1 else None


def enabling(args, script, host):
    """The commands that make it start at boot, or not, in the runlevels asked for."""
    verb, levels = "enable" if args["enabled"] else "disable", args["runlevels"]
    if not levels:
        return init_scripts.enabling(verb, args["name"], script, dict(args, runlevel=None), host)
    for level in levels:
        if level not in "0123456S" or len(level) != 1:
            raise Failed("bad_arguments", "{!r} is not a runlevel".format(level))
    if host.which("update-rc.d"):
        return [["update-rc.d", args["name"], "defaults"], ["update-rc.d", args["name"], verb] + levels]
    if host.which("chkconfig"):
        return [["chkconfig", "--level", "".join(levels), args["name"], "on" if args["enabled"] else "off"]]
    raise Failed("no_tool", "cannot {} {}: neither update-rc.d nor chkconfig is here".format(verb, args["name"]))


def acted(verbs, args, host):
    """What came of the script's verbs, one after the other."""
    result = dict(NOTHING)
    for number, verb in enumerate(verbs):
        if number and not host.check_mode:
            time.sleep(args["sleep"])
        argv = init_scripts.call(args["name"], verb, host) + args["arguments"].split()
        result = done(verb, [argv], args, host)
    return result


def done(verb, commands, args, host):
    """What came of the commands. `Failed` with code ``<verb>_failed`` when one fails."""
    result = dict(NOTHING, changed=bool(commands))
    for argv in commands if not host.check_mode else ():
        ended = host.run(argv)
        result.update(rc=ended.rc, stdout=ended.stdout, stderr=ended.stderr)
        if ended.rc != 0:
            raise Failed("{}_failed".format(verb), "Unable to {} service {}: {}".format(
                verb, args["name"], (ended.stderr or ended.stdout).strip()), rc=ended.rc)
    return result
