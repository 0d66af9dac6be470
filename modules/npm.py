"""Keeps packages of Node.js installed, current or away, by npm: one by its name, or those of a package.json.

Example::

    - name: The application's packages
      community.general.npm:
        path: /srv/app
        production: true

Check mode only lists what is there. Errors: ``no_npm``, ``npm_failed``, ``bad_arguments``.
"""

import json
import os

from modules.api import Arg, Failed, required_if

ARGS = {
    "name": Arg("str", "The package; without it, those of path's package.json."),
    "path": Arg("path", "The folder of the application."),
    "version": Arg("str", "The package's version."),
    "state": Arg("str", "What to keep true of it.", default="present", choices=("present", "absent", "latest")),
    "global": Arg("bool", "Install it for all.", default=False),
    "executable": Arg("path", "The npm program."),
    "production": Arg("bool", "Leave out what is only for development.", default=False),
    "ci": Arg("bool", "Install exactly what package-lock.json says (npm ci).", default=False),
    "registry": Arg("str", "URL of the registry."),
    "ignore_scripts": Arg("bool", "Do not run the packages' scripts.", default=False),
    "unsafe_perm": Arg("bool", "Run scripts as root.", default=False),
    "no_optional": Arg("bool", "Leave out optional packages.", default=False),
    "no_bin_links": Arg("bool", "Make no links to programs.", default=False),
    "force": Arg("bool", "Fetch even what is there.", default=False),
}
RULES = (required_if("state", "absent", "name"),)
CHECK_MODE = "own"
RETRY_SAFE = True
FLAGS = (("global", "--global"), ("production", "--production"), ("ignore_scripts", "--ignore-scripts"),
         ("unsafe_perm", "--unsafe-perm"), ("no_optional", "--no-optional"), ("no_bin_links", "--no-bin-links"),
         ("force", "--force"))


def run(args, host):
    if not args["path"] and not args["global"]:
        raise Failed("bad_arguments", "path must be specified when not using global")
    npm = host.which(args["executable"] or "npm")
    if not npm:
        raise Failed("no_npm", 'Failed to find required executable "{}"'.format(args["executable"] or "npm"))
    if args["path"] and not os.path.isdir(args["path"]):
        if host.check_mode:
            return {"changed": args["state"] != "absent"}
        os.makedirs(args["path"])
    commands = [["ci"]] if args["ci"] else list(needed(npm, args, host))
    values = {"changed": bool(commands)}
    for words in commands if not host.check_mode else ():
        done = host.run([npm] + words[:1] + options(args) + words[1:], cwd=args["path"])
        if done.rc != 0:
            raise Failed("npm_failed", (done.stderr or done.stdout).strip()[-4000:], rc=done.rc, cmd=done.argv)
        values.update(stdout=done.stdout, stderr=done.stderr)
    return values


def needed(npm, args, host):
    """npm's words (verb and packages) for what is not as it should be."""
    tree = listed(npm, ["list", "--depth=0"], args, host)
    if args["name"] is None:
        if args["force"] or any(entry.get("missing") for entry in tree.values()):
            yield ["install"]
        elif args["state"] == "latest" and any(
                each.get("current") != each.get("wanted") for each in outdated(npm, args, host).values()):
            yield ["update"]
        return
    entry = tree.get(args["name"], {"missing": True})
    if args["state"] == "absent":
        if not entry.get("missing"):
            yield ["uninstall", args["name"]]
    elif entry.get("missing") or args["force"] or (args["version"] and entry.get("version") != args["version"]):
        yield ["install", "{}@{}".format(args["name"], args["version"]) if args["version"] else args["name"]]
    elif args["state"] == "latest" and args["name"] in outdated(npm, args, host):
        yield ["install", args["name"] + "@latest"]


def listed(npm, words, args, host):
    """name -> what npm knows of a package that is there, or should be. npm exits with 1 when any is missing."""
    done = host.query([npm] + words + ["--json"] + options(args), cwd=args["path"])
    return parsed(done).get("dependencies", {})


def outdated(npm, args, host):
    """name -> current, wanted and latest version of what has a newer one."""
    return parsed(host.query([npm, "outdated", "--json"] + options(args), cwd=args["path"]))


def parsed(done):
    """npm's answer: a JSON object, or nothing. `Failed` for an error, but not for packages that are missing."""
    try:
        found = json.loads(done.stdout or "{}")
    except ValueError:
        found = None
    if not isinstance(found, dict) or (found.get("error") or {}).get("code", "ELSPROBLEMS") != "ELSPROBLEMS":
        raise Failed("npm_failed", "npm failed: {}".format((done.stderr or done.stdout).strip()[-4000:]), rc=done.rc)
    return found


def options(args):
    found = [option for name, option in FLAGS if args[name]]
    return found + (["--registry", args["registry"]] if args["registry"] else [])
