"""Keeps packages installed, current or away on Alpine.

Example::

    - name: The web server
      community.general.apk:
        name: nginx
        state: present
        update_cache: true

Returns ``packages`` (those that changed), ``stdout``, ``stderr``. Errors: ``no_package``, ``apk_failed``, ``no_apk``.
"""

import re

from modules.api import Arg, Failed, one_of

ARGS = {
    "name": Arg("list", "The packages.", elements="str"),
    "state": Arg("str", "What to keep true of them.", default="present",
                 choices=("present", "absent", "installed", "removed", "latest")),
    "update_cache": Arg("bool", "Renew the indexes first.", default=False),
    "upgrade": Arg("bool", "Upgrade all packages.", default=False),
    "available": Arg("bool", "With upgrade: prefer versions of the repositories even when older.", default=False),
    "no_cache": Arg("bool", "Do not use a local cache.", default=False),
    "repository": Arg("list", "Repositories to use in place of the configured ones.", elements="str"),
    "world": Arg("str", "The file of explicitly installed packages.", default="/etc/apk/world"),
}
RULES = (one_of("name", "update_cache", "upgrade"),)
CHECK_MODE = "own"
RETRY_SAFE = True
STEP = re.compile(r"^\(\d+/\d+\) (Installing|Upgrading|Purging|Downgrading|Reinstalling|Replacing) (\S+)", re.MULTILINE)


def run(args, host):
    if not host.which("apk"):
        raise Failed("no_apk", "there is no apk on this host", "use the package module")
    names = [part.strip() for entry in args["name"] or () for part in entry.split(",") if part.strip()]
    if any(name.startswith("-") for name in names):
        raise Failed("bad_package", "a package name does not start with '-'")
    if args["update_cache"] and not host.check_mode:
        perform(host, ["apk", "update", "-q"])
    if not names and not args["upgrade"]:
        return {"changed": bool(args["update_cache"]), "packages": []}
    command = ["apk"] + repositories(args) + verb(args, names)
    # A simulation is what tells whether there is anything to do; it reads only.
    simulated = perform(host, command + ["--simulate"])
    steps = STEP.findall(simulated.stdout)
    values = {"changed": bool(steps), "packages": [name for _, name in steps], "stdout": simulated.stdout,
              "stderr": simulated.stderr}
    if steps and not host.check_mode:
        done = perform(host, command)
        values.update(stdout=done.stdout, stderr=done.stderr)
    return values


def repositories(args):
    """Options in front of the verb."""
    found = ["--no-cache"] if args["no_cache"] else []
    for url in args["repository"] or ():
        found += ["--repository", url, "--repositories-file", "/dev/null"]
    return found


def verb(args, names):
    """The verb and its operands."""
    if args["upgrade"]:
        return ["upgrade"] + (["--available"] if args["available"] else [])
    if args["state"] in ("absent", "removed"):
        return ["del"] + names
    return ["add"] + (["--upgrade"] if args["state"] == "latest" else []) + names


def perform(host, argv):
    """One apk call. `Failed` by what it said."""
    done = host.run(argv)
    if done.rc == 0:
        return done
    missing = re.search(r"^\s+(\S+) \(no such package\)", done.stdout + done.stderr, re.MULTILINE)
    if missing:
        raise Failed("no_package", "No package matching '{}' is available".format(missing.group(1)), rc=done.rc)
    raise Failed("apk_failed", "apk failed: {}".format((done.stderr or done.stdout).strip()), rc=done.rc)
