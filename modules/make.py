"""Brings targets of a Makefile up to date; make itself says whether there is anything to do.

Example::

    - name: The release is built
      community.general.make:
        chdir: /srv/app
        target: all
        params:
          PREFIX: /usr/local

Check mode asks ``make --question``. Returns ``command``, ``stdout``, ``stderr``, ``rc`` and the arguments.
Errors: ``no_make``, ``no_directory``, ``make_failed``.
"""

import os
import shlex

from modules.api import Arg, Failed, exclusive

ARGS = {
    "chdir": Arg("path", "The folder to do it in.", required=True),
    "target": Arg("str", "The target; by default the Makefile's first."),
    "targets": Arg("list", "Several targets.", elements="str"),
    "params": Arg("dict", "Variables for make: NAME: value; without a value, the name alone."),
    "file": Arg("path", "Another Makefile."),
    "jobs": Arg("int", "How many jobs at once."),
    "make": Arg("path", "The make program; by default gmake or make."),
}
RULES = (exclusive("target", "targets"),)
CHECK_MODE = "own"
RETRY_SAFE = True


def run(args, host):
    if not os.path.isdir(args["chdir"]):
        raise Failed("no_directory", "The folder {} does not exist".format(args["chdir"]))
    command = [program(args, host)] + words(args)
    values = {name: args[name] for name in ("chdir", "file", "jobs", "params", "target", "targets")}
    values.update(make=command[0], command=" ".join(shlex.quote(word) for word in command), rc=0, changed=False)
    asked = host.query(command + ["--question"], cwd=args["chdir"])
    if asked.rc == 0 or (host.check_mode and asked.rc == 1):
        return dict(values, changed=asked.rc == 1, stdout=asked.stdout, stderr=asked.stderr)
    if host.check_mode:
        raise failure(asked, values)
    done = host.run(command, cwd=args["chdir"])
    if done.rc != 0:
        raise failure(done, values)
    return dict(values, changed=True, stdout=done.stdout, stderr=done.stderr)


def program(args, host):
    for name in [args["make"]] if args["make"] else ["gmake", "make"]:
        path = host.which(name)
        if path:
            return path
    raise Failed("no_make", 'Failed to find required executable "{}"'.format(args["make"] or "make"))


def words(args):
    """make's arguments."""
    found = ["-j", str(args["jobs"])] if args["jobs"] is not None else []
    found += ["-f", args["file"]] if args["file"] else []
    found += [args["target"]] if args["target"] else list(args["targets"] or ())
    return found + [name if value is None else "{}={}".format(name, value)
                    for name, value in sorted((args["params"] or {}).items())]


def failure(done, values):
    return Failed("make_failed", "make failed: {}".format((done.stderr or done.stdout).strip()[-2000:]),
                  **dict(values, rc=done.rc, stdout=done.stdout, stderr=done.stderr))
