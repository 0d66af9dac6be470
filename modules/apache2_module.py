"""Keeps a module of Apache enabled or disabled, on Debian and SUSE.

Example::

    - name: Apache rewrites
      community.general.apache2_module:
        name: rewrite

Returns ``result``. Errors: ``no_a2enmod``, ``bad_name``, ``apache2_failed``.
"""

import os
import re

from modules.api import Arg, Change, Failed, Same

ARGS = {
    "name": Arg("str", "The module, as a2enmod names it.", required=True),
    "state": Arg("str", "Whether it is enabled.", default="present", choices=("present", "absent")),
    "identifier": Arg("str", "Accepted; what is enabled is read from the configuration, not asked of Apache."),
    "force": Arg("bool", "Disable what Debian warns not to.", default=False),
    "ignore_configcheck": Arg("bool", "Accepted: the configuration as a whole is not checked here.", default=False),
    "warn_mpm_absent": Arg("bool", "Warn when no multi-processing module is left.", default=True),
}
ENABLED = "/etc/apache2/mods-enabled"


def check(args, host):
    name, present = args["name"], args["state"] == "present"
    if not re.match(r"[A-Za-z0-9][\w.+-]*\Z", name):
        raise Failed("bad_name", "'{}' is no name of an Apache module".format(name))
    program = "a2enmod" if present else "a2dismod"
    if not host.which(program):
        raise Failed("no_a2enmod", "{} not found. Perhaps this system does not use {} to manage apache".format(
            program, program), "install the package apache2")
    now = is_enabled(name, host)
    values = {"result": "Module {} {}".format(name, "enabled" if present else "disabled")}
    if now == present:
        return Same(**values)
    return Change({"enabled": now}, {"enabled": present}, values=values)


def apply(args, change, host):
    present = args["state"] == "present"
    force = ["-f"] if args["force"] and not present else []
    done = host.run(["a2enmod" if present else "a2dismod"] + force + [args["name"]])
    if done.rc != 0 or is_enabled(args["name"], host) != present:
        raise Failed("apache2_failed", "Failed to set module {} to {}:\n{}".format(
            args["name"], change.values["result"].split()[-1], (done.stdout + done.stderr).strip()), rc=done.rc)
    if args["name"].startswith("mpm_") and not present and args["warn_mpm_absent"] and not _mpms():
        host.warn("No MPM module is enabled now: Apache will not start until one is")


def is_enabled(name, host):
    """Whether the configuration loads it."""
    if os.path.isdir(ENABLED):
        return host.exists(os.path.join(ENABLED, name + ".load")) or host.exists(os.path.join(ENABLED, name + ".conf"))
    return host.query(["a2enmod", "-q", name]).rc == 0


def _mpms():
    return [name for name in os.listdir(ENABLED) if name.startswith("mpm_")] if os.path.isdir(ENABLED) else ["unknown"]
