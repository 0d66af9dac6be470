"""Keeps the host's time zone, and what its hardware clock holds.

Example::

    - name: Logs are in UTC
      community.general.timezone:
        name: Etc/UTC

Where systemd runs, its timedatectl is asked and told, so that programs which wait for a change hear of it. Elsewhere
the link /etc/localtime is set. /etc/timezone and /etc/sysconfig/clock follow where a distribution has them.
Errors: ``no_zone``, ``no_directory``.
"""

import os
import re

from modules.api import Arg, Change, Failed, Same, one_of

ARGS = {
    "name": Arg("str", "The zone, as Europe/Paris."),
    "hwclock": Arg("str", "What the hardware clock holds.", choices=("local", "UTC"), aliases=("rtc",)),
}
RULES = (one_of("name", "hwclock"),)
ZONES, LOCALTIME, NAMES, ADJTIME = "/usr/share/zoneinfo", "/etc/localtime", "/etc/timezone", "/etc/adjtime"
REDHAT = "/etc/sysconfig/clock"


def check(args, host):
    now = current(host)
    wanted = {}
    if args["name"] is not None:
        _require_zone(args["name"])
        wanted["name"] = args["name"]
    if args["hwclock"] is not None:
        wanted["hwclock"] = args["hwclock"]
    before = {name: now[name] for name in wanted}
    files = files_wanted(wanted.get("name"), host)
    if before == wanted and not files:
        return Same()
    return Change(before, wanted, data=(before, files))


def apply(args, change, host):
    before, files = change.data
    for path, text in sorted(files.items()):
        host.write(path, text, mode=None if host.exists(path) else 0o644)
    if args["name"] is not None and before["name"] != args["name"]:
        told = _timedated(host) and host.run(["timedatectl", "set-timezone", args["name"]])
        if not told or told.rc != 0:  # containers and images may lack D-Bus
            _link(os.path.join(ZONES, args["name"]))
    if args["hwclock"] is not None and before["hwclock"] != args["hwclock"]:
        _set_clock(args["hwclock"], host)


def current(host):
    """{"name": the zone, "hwclock": local or UTC} as they are."""
    name = "n/a"
    shown = host.query(["timedatectl", "show", "--property=Timezone", "--value"]) if _timedated(host) else None
    if shown and shown.rc == 0 and shown.stdout.strip():
        name = shown.stdout.strip()
    elif os.path.islink(LOCALTIME):
        name = os.readlink(LOCALTIME).rpartition("zoneinfo/")[2]
    elif host.exists(NAMES):
        name = host.read_text(NAMES).strip()
    lines = host.read_text(ADJTIME).splitlines() if host.exists(ADJTIME) else []
    return {"name": name, "hwclock": "local" if "LOCAL" in lines[2:3] else "UTC"}


def _timedated(host):
    return os.path.isdir("/run/systemd/system") and host.which("timedatectl") is not None


def files_wanted(name, host):
    """path -> text of the distributions' own files that do not name the zone yet."""
    if name is None:
        return {}
    wanted = {}
    if host.exists(NAMES) or host.exists("/etc/debian_version"):
        wanted[NAMES] = name + "\n"
    if host.exists(REDHAT):
        text = host.read_text(REDHAT)
        line = 'ZONE="{}"'.format(name)
        wanted[REDHAT] = re.sub(r"^ZONE=.*$", line, text, flags=re.MULTILINE) if re.search(
            r"^ZONE=", text, re.MULTILINE) else text + line + "\n"
    return {path: text for path, text in wanted.items() if not host.exists(path) or host.read_text(path) != text}


def _require_zone(name):
    path = os.path.normpath(os.path.join(ZONES, name))
    if not re.match(r"[A-Za-z0-9][A-Za-z0-9_+/.-]*\Z", name) or not path.startswith(ZONES + "/"):
        raise Failed("no_zone", "'{}' is no name of a time zone".format(name))
    if not os.path.isfile(path):
        raise Failed("no_zone", "given timezone \"{}\" is not available".format(name),
                     "install the package tzdata" if not os.path.isdir(ZONES) else None)


def _link(target):
    """Replace /etc/localtime in one rename."""
    temp = LOCALTIME + ".orch"
    if os.path.lexists(temp):
        os.unlink(temp)
    os.symlink(target, temp)
    os.rename(temp, LOCALTIME)


def _set_clock(kind, host):
    """Say in /etc/adjtime what the clock holds, and set the clock so where there is one that can be set."""
    lines = host.read_text(ADJTIME).splitlines() if host.exists(ADJTIME) else []
    lines = (lines + ["0.0 0 0.0", "0"][len(lines):])[:2] + ["LOCAL" if kind == "local" else "UTC"]
    host.write(ADJTIME, "\n".join(lines) + "\n", mode=None if host.exists(ADJTIME) else 0o644)
    if host.which("hwclock"):
        done = host.run(["hwclock", "--systohc", "--localtime" if kind == "local" else "--utc"])
        if done.rc != 0:
            host.warn("the hardware clock cannot be set: {}".format(done.stderr.strip()))
