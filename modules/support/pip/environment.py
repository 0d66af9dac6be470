"""Which pip a task means, and what is installed where that pip installs: read from disk, without starting pip."""

import json
import os
import re
import shlex
import sys

from modules.api import Failed
from modules.support.pip.requirements import normal

DISTRIBUTION = re.compile(r"(?P<name>.+?)(?:-(?P<version>[^-]+)(?:-py[\d.]+)?)?\.(?:dist|egg)-info\Z")
PATHS = "import json, sys; print(json.dumps([path for path in sys.path if path]))"


class Environment(object):
    """``pip``: the words that start it. ``python``: its interpreter, or None where only pip itself knows."""

    __slots__ = ("pip", "python")

    def __init__(self, pip, python):
        self.pip = pip
        self.python = python


def virtual(folder):
    """The `Environment` in a virtualenv's folder, or None when there is none yet."""
    for name in ("pip3", "pip"):
        path = os.path.join(folder, "bin", name)
        if os.access(path, os.X_OK):
            return Environment([path], os.path.join(folder, "bin", "python"))
    python = os.path.join(folder, "bin", "python")
    return Environment([python, "-m", "pip"], python) if os.access(python, os.X_OK) else None


def system(executable, host):
    """The `Environment` of the pip that is asked for; by default that of this very Python, else pip3 in PATH."""
    if executable is None and sys.executable and has_pip(sys.executable, host):
        return Environment([sys.executable, "-m", "pip"], sys.executable)
    names = [executable] if executable else ["pip3", "pip"]
    for name in names:
        path = host.which(name)
        if path:
            return Environment([path], interpreter(path))
    raise Failed("no_pip", "Unable to find any of {} to use.  pip needs to be installed.".format(", ".join(names)),
                 "install python3-pip, or use a virtualenv")


def has_pip(python, host):
    """Whether that Python has pip. Our own process knows less than it: it runs without site-packages."""
    return any(os.path.exists(os.path.join(folder, "pip", "__main__.py")) for folder in search_path(python, host))


def search_path(python, host):
    """The folders in which a Python looks for packages; not those of the current directory."""
    done = host.query([python, "-c", PATHS], cwd="/")
    if done.rc != 0:
        raise Failed("no_python", "{} does not start: {}".format(python, done.stderr.strip()), rc=done.rc)
    return json.loads(done.stdout)


def interpreter(script):
    """The Python of a script's first line; None when that is not plain."""
    with open(script, "rb") as file:
        first = file.readline(4096).decode("utf-8", "replace")
    words = first[2:].split() if first.startswith("#!") else []
    return words[0] if len(words) == 1 and "python" in os.path.basename(words[0]) else None


def installed(environment, cwd, host):
    """normal name -> version of what is there."""
    if environment.python is None:
        done = host.query(environment.pip + ["list", "--format=json", "--disable-pip-version-check"], cwd=cwd)
        return {normal(entry["name"]): entry["version"] for entry in json.loads(done.stdout)} if done.rc == 0 else {}
    found = {}
    for folder in search_path(environment.python, host):
        for name, version in in_folder(folder):
            found.setdefault(name, version)
    return found


def in_folder(folder):
    """(normal name, version) of each distribution in one folder of sys.path."""
    for entry in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
        match = DISTRIBUTION.match(entry)
        if match:
            yield (normal(match.group("name")),
                   match.group("version") or metadata_version(os.path.join(folder, entry)) or "0")


def metadata_version(path):
    """The version in an egg's PKG-INFO; a checkout that was installed as editable has none in its name."""
    try:
        with open(os.path.join(path, "PKG-INFO"), encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.startswith("Version:"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        return None
    return None


def creation(args, host):
    """The command that makes the virtualenv. `Failed` with ``no_virtualenv`` without that program."""
    words = shlex.split(args["virtualenv_command"])
    program = host.which(os.path.expanduser(words[0])) if words else None
    if not program:
        raise Failed("no_virtualenv", 'Failed to find required executable "{}"'.format("".join(words[:1])),
                     "install it, or use virtualenv_command: python3 -m venv")
    command = [program] + words[1:]
    is_venv = "venv" in words[1:] or "-mvenv" in words[1:] or os.path.basename(program).startswith("pyvenv")
    if args["virtualenv_site_packages"]:
        command.append("--system-site-packages")
    if is_venv and args["virtualenv_python"]:
        raise Failed("bad_arguments", "virtualenv_python should not be used when using the venv module or pyvenv as "
                     "virtualenv_command")
    if not is_venv and (args["virtualenv_python"] or sys.executable):
        command += ["-p", args["virtualenv_python"] or sys.executable]
    return command + [args["virtualenv"]]
