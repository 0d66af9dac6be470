"""Keeps a Ruby gem installed, current or away.

Example::

    - name: bundler is there
      community.general.gem:
        name: bundler
        version: 2.4.22
        user_install: false

Returns ``name``, ``version``, ``state``. Errors: ``no_gem``, ``bad_package``, ``gem_failed``.
"""

import os
import re
import shlex

from modules.api import Arg, Failed

ARGS = {
    "name": Arg("str", "The gem.", required=True),
    "state": Arg("str", "What to keep true of it.", default="present", choices=("present", "absent", "latest")),
    "version": Arg("str", "Its version."),
    "gem_source": Arg("path", "A .gem file on the host to install from."),
    "repository": Arg("str", "Where to fetch it.", aliases=("source",)),
    "include_dependencies": Arg("bool", "Install what it needs, too.", default=True),
    "user_install": Arg("bool", "Install it for the user alone.", default=True),
    "executable": Arg("path", "The gem program."),
    "install_dir": Arg("path", "The folder for gems; only with user_install false."),
    "bindir": Arg("path", "The folder for programs."),
    "norc": Arg("bool", "Do not read .gemrc.", default=True),
    "env_shebang": Arg("bool", "Let programs find ruby by env.", default=False),
    "include_doc": Arg("bool", "Install documentation, too.", default=False),
    "build_flags": Arg("str", "Flags for the compiler of extensions."),
    "pre_release": Arg("bool", "Accept early versions.", default=False),
    "force": Arg("bool", "Install it in spite of conflicts.", default=False),
}
CHECK_MODE = "own"
RETRY_SAFE = True


def run(args, host):
    if not re.match(r"[A-Za-z0-9_][A-Za-z0-9_.-]*$", args["name"]):
        raise Failed("bad_package", "'{}' is not a gem's name".format(args["name"]))
    if args["user_install"] and args["install_dir"]:
        raise Failed("bad_arguments", "install_dir requires user_install=false")
    words = shlex.split(args["executable"] or "gem")
    program = host.which(words[0])
    if not program:
        raise Failed("no_gem", 'Failed to find required executable "{}"'.format(words[0]))
    gem = [program] + words[1:]
    command = needed(gem, args, host)
    values = {"changed": command is not None, "name": args["name"], "state": args["state"]}
    values.update({"version": args["version"]} if args["version"] else {})
    if command is not None and not host.check_mode:
        done = host.run(gem + command[:1] + ["--norc"] * args["norc"] + command[1:], env=environment(args))
        if done.rc != 0:
            raise Failed("gem_failed", (done.stderr or done.stdout).strip()[-4000:], rc=done.rc, stdout=done.stdout)
        values.update(stdout=done.stdout, stderr=done.stderr)
    return values


def needed(gem, args, host):
    """gem's words for what is to be done; None for nothing."""
    have = versions(gem, args, host, ["--local"])
    if args["state"] == "absent":
        there = args["version"] in have if args["version"] else bool(have)
        return uninstall(args) if there else None
    if args["state"] == "latest" and not args["version"]:
        offered = versions(gem, args, host, ["--remote"] + remote(args) + ["--prerelease"] * args["pre_release"])
        return None if have and offered and offered[0] in have else install(args)
    return None if args["version"] in have or (have and not args["version"]) else install(args)


def versions(gem, args, host, where):
    """The gem's versions, newest first, here or on offer."""
    asked = ["list"] + ["--norc"] * args["norc"] + where + ["^{}$".format(re.escape(args["name"]))]
    done = host.query(gem + asked, env=environment(args))
    if done.rc != 0:
        raise Failed("gem_failed", (done.stderr or done.stdout).strip()[-4000:], rc=done.rc)
    return parse_list(done.stdout, args["name"])


def parse_list(output, name):
    """Of ``name (1.2.3 ruby java, default: 1.0)``: [1.2.3, 1.0]."""
    found = re.search(r"^{} \((.*)\)$".format(re.escape(name)), output, re.MULTILINE)
    parts = found.group(1).split(",") if found else []
    return [re.sub(r"^\s*default: ", "", part).split()[0] for part in parts if part.strip()]


def install(args):
    found = ["install", args["gem_source"] or args["name"]]
    found += ["--version", args["version"]] if args["version"] else []
    found += remote(args)
    found += [] if args["include_dependencies"] else ["--ignore-dependencies"]
    found.append("--user-install" if args["user_install"] else "--no-user-install")
    for name, option in (("install_dir", "--install-dir"), ("bindir", "--bindir")):
        found += [option, args[name]] if args[name] else []
    for name, option in (("pre_release", "--prerelease"), ("env_shebang", "--env-shebang"), ("force", "--force")):
        found += [option] * args[name]
    found += [] if args["include_doc"] else ["--no-document"]
    return found + (["--"] + shlex.split(args["build_flags"]) if args["build_flags"] else [])


def uninstall(args):
    found = ["uninstall", args["name"]]
    found += ["--version", args["version"]] if args["version"] else ["--all"]
    found += ["--install-dir", args["install_dir"]] if args["install_dir"] else []
    found += ["--bindir", args["bindir"]] if args["bindir"] else []
    return found + ["--executables"] + ["--force"] * args["force"]


def remote(args):
    return ["--source", args["repository"]] if args["repository"] else []


def environment(args):
    """Where gems are looked for when they have a folder of their own."""
    return {"GEM_HOME": os.path.abspath(args["install_dir"])} if args["install_dir"] else {}
