"""Keeps a service running or stopped, enabled or disabled, by whatever manages services on the host.

Example::

    - name: The web server runs now and after a reboot
      ansible.builtin.service:
        name: nginx
        state: started
        enabled: true

systemd, OpenRC and sysvinit scripts are known. Returns ``name``, ``state``, ``enabled``, and with systemd ``status``.
Errors: ``no_service``, ``bad_name``, ``systemctl``, ``start_failed`` and so on for each verb.
"""

import os
import time

from modules import systemd
from modules.api import Arg, one_of
from modules.support.services import init_scripts

ARGS = {
    "name": Arg("str", "The service.", required=True),
    "state": Arg("str", "started and stopped act when needed; restarted and reloaded always.",
                 choices=("reloaded", "restarted", "started", "stopped")),
    "enabled": Arg("bool", "Whether it starts at boot."),
    "sleep": Arg("int", "Seconds between stop and start of a restart (not with systemd)."),
    "pattern": Arg("str", "Text in the process list that shows that it runs (not with systemd)."),
    "runlevel": Arg("str", "OpenRC's runlevel to enable it in; default: default."),
    "arguments": Arg("str", "More words for the init script (not with systemd).", default="", aliases=("args",)),
    "use": Arg("str", "Has no effect: the manager is found out.", default="auto"),
}
# As in Ansible, what only systemd knows is passed on to it; elsewhere it has no effect.
ARGS.update((name, arg) for name, arg in systemd.ARGS.items() if name not in ARGS)
RULES = (one_of("state", "enabled", "masked", "daemon_reload", "daemon_reexec"),)
CHECK_MODE = "own"
RETRY_SAFE = True


def run(args, host):
    if not os.path.isdir("/run/systemd/system"):
        return run_script(args, host)
    for name in ("sleep", "pattern", "runlevel", "arguments"):
        if args[name]:
            host.warn('Ignoring "{}" as it is not used in "systemd"'.format(name))
    return systemd.run(args, host)


def run_script(args, host):
    """By OpenRC or a sysvinit script."""
    now = init_scripts.look(args["name"], args, host)
    verbs = init_scripts.steps(now, args["enabled"], args["state"])
    values = {name: args[name] for name in ("name", "enabled") if args[name] is not None}
    if args["state"]:
        values["state"] = "stopped" if args["state"] == "stopped" else "started"
    if verbs and not host.check_mode:
        perform(verbs, now, args, host)
    diff = [{"before": {"running": now.running, "enabled": now.enabled}, "after": foreseen(now, verbs)}]
    return dict(values, changed=bool(verbs), diff=diff if verbs else [])


def foreseen(now, verbs):
    """The state after the verbs."""
    running = now.running
    if set(verbs) & {"start", "restart", "reload"}:
        running = True
    elif "stop" in verbs:
        running = False
    enabled = "enable" in verbs or (now.enabled and "disable" not in verbs)
    return {"running": running, "enabled": enabled}


def perform(verbs, now, args, host):
    """Each verb in turn; a restart with ``sleep`` is a stop and a start."""
    for verb in verbs:
        if verb == "restart" and args["sleep"]:
            init_scripts.perform("stop", args["name"], now, args, host)
            time.sleep(args["sleep"])
            verb = "start"
        init_scripts.perform(verb, args["name"], now, args, host)
