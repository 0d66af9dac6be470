"""Keeps what dpkg shall do with a package: install, hold, deinstall or purge it.

Example::

    - name: The kernel stays as it is
      ansible.builtin.dpkg_selections:
        name: linux-image-amd64
        selection: hold

Nothing is installed or removed by it. Returns ``before`` and ``after``. Errors: ``no_package``, ``dpkg_failed``.
"""

import re

from modules.api import Arg, Change, Failed, Same

ARGS = {
    "name": Arg("str", "The package.", required=True),
    "selection": Arg("str", "What dpkg shall do with it.", required=True,
                     choices=("install", "hold", "deinstall", "purge")),
}


def check(args, host):
    name, wanted = args["name"], args["selection"]
    if not re.match(r"[a-z0-9][a-z0-9.+-]*(?::[a-z0-9-]+)?$", name):
        raise Failed("no_package", missing(name, wanted))
    before = selection(host.query(["dpkg", "--get-selections", name], env={"LC_ALL": "C"}).stdout)
    if before is None:
        raise Failed("no_package", missing(name, wanted), "dpkg knows it once it has been installed")
    if before == wanted:
        return Same(before=before, after=before)
    return Change({"selection": before}, {"selection": wanted}, values={"before": before, "after": wanted})


def apply(args, change, host):
    done = host.run(["dpkg", "--set-selections"], input="{} {}\n".format(args["name"], args["selection"]))
    if done.rc != 0 or "warning" in done.stderr:
        raise Failed("dpkg_failed", "dpkg --set-selections failed: {}".format(done.stderr.strip()), rc=done.rc)


def missing(name, wanted):
    return "Failed to find package '{}' to perform selection '{}'.".format(name, wanted)


def selection(output):
    """The second column of dpkg's first line; None without one."""
    words = output.split("\n", 1)[0].split()
    return words[1] if len(words) == 2 else None
