"""Runs composer on a PHP project: installs, updates, requires what it needs.

Example::

    - name: The application's packages
      community.general.composer:
        working_dir: /srv/app
        no_dev: true

composer itself says what it did; with ``--dry-run``, where a command has it, also in check mode. Options that a command
does not know are left out. Returns ``stdout``, ``stderr``, ``msg``. Errors: ``no_composer``, ``composer_failed``.
"""

import json
import re
import shlex

from modules.api import Arg, Failed

ARGS = {
    "command": Arg("str", "composer's command, such as install, update, require, create-project.", default="install"),
    "arguments": Arg("str", "Its arguments.", default=""),
    "working_dir": Arg("path", "The project's folder; needed unless global_command is set."),
    "global_command": Arg("bool", "Act on the user's own packages (composer global).", default=False),
    "executable": Arg("path", "The PHP program."),
    "composer_executable": Arg("path", "The composer program."),
    "prefer_source": Arg("bool", "Install from version control.", default=False),
    "prefer_dist": Arg("bool", "Install from archives.", default=False),
    "no_dev": Arg("bool", "Leave out what is only for development.", default=True),
    "no_scripts": Arg("bool", "Do not run scripts.", default=False),
    "no_plugins": Arg("bool", "Use no plugins.", default=False),
    "optimize_autoloader": Arg("bool", "Make a class map for the autoloader.", default=True),
    "classmap_authoritative": Arg("bool", "Load classes from that map alone.", default=False),
    "apcu_autoloader": Arg("bool", "Keep found classes in APCu.", default=False),
    "ignore_platform_reqs": Arg("bool", "Do not check PHP's version and extensions.", default=False),
    "force": Arg("bool", "Pass --force to commands that have it.", default=False),
}
CHECK_MODE = "own"
OPTIONS = ("prefer_source", "prefer_dist", "no_dev", "no_scripts", "no_plugins", "optimize_autoloader",
           "classmap_authoritative", "apcu_autoloader", "ignore_platform_reqs", "force")
IDLE = re.compile(r"Nothing to install(?:, update or remove| or update)?|Nothing to modify in lock file")
ACTS = re.compile(r"(?:Installing|Updating|Upgrading|Downgrading|Removing) \S+/\S+|[1-9]\d* (?:install|update|removal)")
ALWAYS = ["--no-ansi", "--no-interaction", "--no-progress"]


def run(args, host):
    if re.search(r"\s", args["command"]):
        raise Failed("bad_arguments", "Use the 'arguments' param for passing arguments with the 'command'")
    if not args["global_command"] and not args["working_dir"]:
        raise Failed("bad_arguments", "working_dir is required unless global_command is set")
    base = program(args, host)
    known = available(base, args, host)
    if host.check_mode and "dry-run" not in known:
        return {"changed": True, "msg": "composer cannot tell in advance what {} changes".format(args["command"])}
    command = base + words(args, known, host.check_mode)
    done = (host.query if host.check_mode else host.run)(command, env={"COMPOSER_ALLOW_SUPERUSER": "1"})
    output = done.stdout + done.stderr
    if done.rc != 0:
        raise Failed("composer_failed", output.strip()[-4000:] or "composer failed", rc=done.rc, stdout=output)
    return {"changed": changed(output), "msg": output, "stdout": output, "stderr": done.stderr}


def program(args, host):
    """The words that start composer: by itself, or by the PHP that the task names."""
    composer = host.which(args["composer_executable"] or "composer")
    if not composer:
        raise Failed("no_composer", 'Failed to find required executable "{}"'.format(
            args["composer_executable"] or "composer"))
    php = host.which(args["executable"]) if args["executable"] else host.which("php")
    if not php:
        raise Failed("no_composer", 'Failed to find required executable "{}"'.format(args["executable"] or "php"))
    return [php, composer]


def available(base, args, host):
    """The options that this composer's command has."""
    asked = host.query(base + ["help", args["command"], "--no-interaction", "--format=json"],
                       env={"COMPOSER_ALLOW_SUPERUSER": "1"})
    try:
        return set(json.loads(asked.stdout)["definition"]["options"])
    except (ValueError, KeyError, TypeError):
        raise Failed("composer_failed", "composer has no command {}: {}".format(
            args["command"], (asked.stderr or asked.stdout).strip()), rc=asked.rc)


def words(args, known, dry_run):
    """composer's arguments."""
    found = ["global"] if args["global_command"] else []
    found += [args["command"]] + [option for option in ALWAYS if option[2:] in known]
    if args["working_dir"] and not args["global_command"]:
        found += ["--working-dir", args["working_dir"]]
    for name in OPTIONS:
        option = name.replace("_", "-")
        if args[name] and option in known:
            found.append("--" + option)
    return found + ["--dry-run"] * dry_run + shlex.split(args["arguments"])


def changed(output):
    """Whether composer did anything: other commands than those on packages always do."""
    return not IDLE.search(output) or ACTS.search(output) is not None
