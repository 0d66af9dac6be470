"""Keeps a systemd unit running or stopped, enabled or disabled, masked or not; reloads systemd's own configuration.

Example::

    - name: The application runs, with its new unit file
      ansible.builtin.systemd:
        name: app
        state: restarted
        enabled: true
        daemon_reload: true

Returns ``name``, ``state``, ``enabled``, ``status`` (the unit's properties as they were before). A reload of
systemd's configuration is no change.
Errors: ``no_service``, ``bad_name``, ``systemctl``, ``start_failed`` and so on for each verb, ``no_systemd``.
"""

from modules.api import Arg, Failed, one_of, required_by
from modules.support.services import systemctl

ARGS = {
    "name": Arg("str", "The unit; without a suffix it is a service.", aliases=("service", "unit")),
    "state": Arg("str", "started and stopped act when needed; restarted and reloaded always.",
                 choices=("reloaded", "restarted", "started", "stopped")),
    "enabled": Arg("bool", "Whether it starts at boot."),
    "force": Arg("bool", "Replace conflicting symlinks."),
    "masked": Arg("bool", "Whether it is impossible to start."),
    "daemon_reload": Arg("bool", "Make systemd read changed unit files, before anything else.", default=False,
                         aliases=("daemon-reload",)),
    "daemon_reexec": Arg("bool", "Make systemd restart itself first.", default=False, aliases=("daemon-reexec",)),
    "scope": Arg("str", "Which systemd: the system's, the user's own, or all users'.", default="system",
                 choices=("system", "user", "global")),
    "no_block": Arg("bool", "Do not wait until the unit has started or stopped.", default=False),
}
RULES = (one_of("state", "enabled", "masked", "daemon_reload", "daemon_reexec"), required_by("state", "name"),
         required_by("enabled", "name"), required_by("masked", "name"))
CHECK_MODE = "own"
RETRY_SAFE = True


def run(args, host):
    if not host.which("systemctl"):
        raise Failed("no_systemd", "there is no systemctl on this host", "use the service module")
    reload_manager(args, host)
    if args["name"] is None:
        return {"changed": False, "name": None, "status": {}}
    unit = systemctl.look(args["name"], args, host)
    verbs = systemctl.steps(unit, args["masked"], args["enabled"], args["state"])
    if not (unit.masked and args["masked"] is not None):
        systemctl.require(unit, args["name"])
    if not host.check_mode:
        systemctl.perform(verbs, args["name"], args, host)
    return dict(systemctl.result(args["name"], args, unit), changed=bool(verbs))


def reload_manager(args, host):
    """Let systemd read its files again, when asked; never in check mode."""
    for name, verb in (("daemon_reexec", "daemon-reexec"), ("daemon_reload", "daemon-reload")):
        if args[name] and not host.check_mode:
            done = host.run(systemctl.command({"scope": args["scope"]}) + [verb],
                            env=systemctl.environment(args, host))
            if done.rc != 0:
                raise Failed("reload_failed", "failure {} during {}: {}".format(done.rc, verb, done.stderr.strip()))
