"""What systemd knows of a unit, and what to tell it: shared by the modules ``systemd`` and ``service``.

`Unit` is a parsed ``systemctl show``; `steps` is pure and gives the verbs that are still to be done.
"""

import os
import re

from modules.api import Failed

SUFFIXES = (".service", ".socket", ".device", ".mount", ".automount", ".swap", ".target", ".path", ".timer",
            ".slice", ".scope")
NOT_PERMANENT = ("enabled-runtime", "indirect", "alias", "linked", "linked-runtime", "disabled", "masked",
                 "masked-runtime", "bad", "transient", "")
GLOBS = re.compile(r"[*?\[]")


def command(args):
    """systemctl's argument list up to the verb."""
    argv = ["systemctl"]
    if args.get("scope") not in (None, "system"):
        argv.append("--" + args["scope"])
    if args.get("no_block"):
        argv.append("--no-block")
    if args.get("force"):
        argv.append("--force")
    return argv


def environment(args, host):
    """What reaches a user's own systemd where no login session set it."""
    if args.get("scope") != "user" or os.environ.get("XDG_RUNTIME_DIR"):
        return {"LC_ALL": "C"}
    return {"LC_ALL": "C", "XDG_RUNTIME_DIR": "/run/user/{}".format(host.uid)}


def unit_name(name):
    """The unit's full name, escaped globs refused. `Failed`: ``bad_name``."""
    if GLOBS.search(name) or name.startswith("-"):
        raise Failed("bad_name", "This module does not currently support using glob patterns, found in service name: "
                     "{}".format(name))
    return name if name.endswith(SUFFIXES) or name.endswith("@") else name + ".service"


def parse_show(output):
    """``systemctl show`` as a dict; a value in braces may have line breaks inside."""
    found, name = {}, None
    for line in output.splitlines():
        head, equals, value = line.partition("=")
        if equals and re.match(r"[A-Z][A-Za-z0-9]*$", head):
            name = head
            found[name] = value.rstrip()
        elif name is not None:
            found[name] += "\n" + line
    return found


class Unit(object):
    """A unit as it is. ``status`` holds all of its properties."""

    def __init__(self, status, enabled, is_offline=False):
        self.status = status
        self.enabled = enabled
        self.is_offline = is_offline  # in a chroot, or told so: units can be enabled, but nothing runs

    @property
    def masked(self):
        return self.status.get("LoadState") == "masked"

    @property
    def found(self):
        return self.status.get("LoadState") not in (None, "not-found", "error", "bad-setting") or self.enabled

    @property
    def running(self):
        return self.status.get("ActiveState") in ("active", "activating", "reloading", "refreshing")

    @property
    def stopping(self):
        return self.status.get("ActiveState") == "deactivating"


def look(name, args, host):
    """The `Unit` of that name. `Failed` (``systemctl``) when systemd does not answer."""
    argv = command({"scope": args.get("scope")})
    env = environment(args, host)
    done = host.query(argv + ["show", "--", unit_name(name)], env=env)
    if done.rc != 0 and not done.stdout:
        raise Failed("systemctl", "Service is in unknown state: {}".format(done.stderr.strip()), rc=done.rc,
                     hint="is systemd running on this host?")
    status = parse_show(done.stdout)
    state = status.get("UnitFileState", "")
    is_offline = not status and "ignoring" in done.stdout + done.stderr
    if is_offline:
        host.warn("Target is a chroot or systemd is offline. This can lead to false positives or prevent the init "
                  "system tools from working.")
    if state == "generated" or is_offline or (not state and status.get("LoadState") == "loaded"):
        state = host.query(argv + ["is-enabled", "--", unit_name(name)], env=env).stdout.strip()
    if state == "indirect":  # enabled by what it brings along, if that is: systemctl lists it then
        listed = host.query(argv + ["is-enabled", "-l", "--", unit_name(name)], env=env).stdout
        state = "enabled" if len(listed.splitlines()) > 1 else state
    return Unit(status, state not in NOT_PERMANENT, is_offline)


def steps(unit, masked=None, enabled=None, state=None):
    """The verbs to bring a unit where it should be, in order."""
    verbs = []
    if masked is not None and masked != unit.masked:
        verbs.append("mask" if masked else "unmask")
    if enabled is not None and enabled != unit.enabled:
        verbs.append("enable" if enabled else "disable")
    if unit.is_offline:
        return verbs
    if state == "started" and not unit.running:
        verbs.append("start")
    elif state == "stopped" and (unit.running or unit.stopping):
        verbs.append("stop")
    elif state == "restarted":
        verbs.append("restart")
    elif state == "reloaded":
        verbs.append("reload" if unit.running else "start")
    return verbs


def perform(verbs, name, args, host):
    """Tell systemd each verb. `Failed` with code ``<verb>_failed``."""
    for verb in verbs:
        done = host.run(command(args) + [verb, "--", unit_name(name)], env=environment(args, host))
        if done.rc != 0:
            raise Failed("{}_failed".format(verb), "Unable to {} service {}: {}".format(
                verb, name, done.stderr.strip() or done.stdout.strip()), rc=done.rc,
                hint="systemctl status {0}; journalctl -u {0}".format(name))


def result(name, args, unit):
    """The return values."""
    values = {"name": name, "status": unit.status}
    if args.get("enabled") is not None:
        values["enabled"] = args["enabled"]
    if args.get("state") is not None:
        values["state"] = "stopped" if args["state"] == "stopped" else "started"
    return values


def require(unit, name):
    """`Failed` (``no_service``) unless there is such a unit."""
    if not unit.found and not unit.is_offline:
        raise Failed("no_service", "Could not find the requested service {}: host".format(name),
                     "is its package installed, and the name right?")
