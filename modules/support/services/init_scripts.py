"""Services without systemd: sysvinit scripts (Debian's update-rc.d, Red Hat's chkconfig) and OpenRC."""

import glob
import os
import re

from modules.api import Failed

RUNLEVELS = "2345"


class Script(object):
    """One service's state: ``running`` and ``enabled``, each True, False, or None when nothing tells."""

    def __init__(self, running, enabled, is_openrc):
        self.running = running
        self.enabled = enabled
        self.is_openrc = is_openrc


def look(name, args, host):
    """The `Script` of that name. `Failed` (``no_service``) when there is none."""
    if not re.match(r"[A-Za-z0-9_.@+][A-Za-z0-9_.@+-]*$", name):
        raise Failed("bad_name", "'{}' is not a service name".format(name))
    if not os.path.exists(os.path.join("/etc/init.d", name)):
        raise Failed("no_service", "Could not find the requested service {}: host".format(name))
    is_openrc = bool(host.which("rc-service") and host.which("rc-update"))
    if args["pattern"]:
        running = any(args["pattern"] in line for line in command_lines())
    else:
        argv = ["rc-service", name, "status"] if is_openrc else call(name, "status", host)
        done = host.query(argv, env={"LC_ALL": "C"})
        running = judge(done.rc, done.stdout + done.stderr)
    return Script(running, is_enabled(name, args, is_openrc, host), is_openrc)


def command_lines():
    """The command lines of all processes but our own."""
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        if path.split("/")[2] != str(os.getpid()):
            try:
                with open(path, "rb") as file:
                    yield file.read().replace(b"\0", b" ").decode("utf-8", "surrogateescape")
            except OSError:
                continue


def judge(rc, output):
    """Whether a service runs, by its status command: the exit code of LSB, then the words scripts use."""
    if rc in (0, 1, 2, 3) and rc != 0:
        return False
    words = output.lower()
    if re.search(r"not running|stopped|is down|inactive|\bdead\b|crashed", words):
        return False
    if rc == 0 or re.search(r"is running|started|\bactive\b", words):
        return True
    return None


def is_enabled(name, args, is_openrc, host):
    """Whether it starts at boot."""
    if is_openrc:
        level = args["runlevel"] or "default"
        return os.path.lexists(os.path.join("/etc/runlevels", level, name))
    return bool(glob.glob("/etc/rc[{}].d/S[0-9][0-9]{}".format(RUNLEVELS, name))
                or glob.glob("/etc/rc.d/rc[{}].d/S[0-9][0-9]{}".format(RUNLEVELS, name)))


def call(name, verb, host):
    """The argument list that gives a verb to an init script."""
    return [host.which("service"), name, verb] if host.which("service") else ["/etc/init.d/" + name, verb]


def steps(script, enabled, state):
    """The verbs still to be done."""
    verbs = []
    if enabled is not None and enabled != script.enabled:
        verbs.append("enable" if enabled else "disable")
    if state == "started" and not script.running:
        verbs.append("start")
    elif state == "stopped" and script.running is not False:
        verbs.append("stop")
    elif state == "restarted":
        verbs.append("restart")
    elif state == "reloaded":
        verbs.append("reload" if script.running else "start")
    return verbs


def perform(verb, name, script, args, host):
    """Give one verb. `Failed` with code ``<verb>_failed``."""
    if verb in ("enable", "disable"):
        commands = enabling(verb, name, script, args, host)
    elif script.is_openrc:
        commands = [["rc-service", name, verb] + args["arguments"].split()]
    else:
        commands = [call(name, verb, host) + args["arguments"].split()]
    for argv in commands:
        done = host.run(argv)
        if done.rc != 0:
            raise Failed("{}_failed".format(verb), "Unable to {} service {}: {}".format(
                verb, name, (done.stderr or done.stdout).strip()), rc=done.rc)


def enabling(verb, name, script, args, host):
    """The commands that make a service start at boot, or not."""
    if script.is_openrc:
        return [["rc-update", "add" if verb == "enable" else "delete", name, args["runlevel"] or "default"]]
    if host.which("update-rc.d"):
        return ([["update-rc.d", name, "defaults"]] if verb == "enable" else []) + [["update-rc.d", name, verb]]
    if host.which("chkconfig"):
        return [["chkconfig", "--add", name], ["chkconfig", name, "on" if verb == "enable" else "off"]]
    raise Failed("no_tool", "cannot {} {}: neither update-rc.d, chkconfig nor rc-update is here".format(verb, name))
