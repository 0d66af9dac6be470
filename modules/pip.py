"""Keeps Python packages installed, current or away, by pip, in a virtualenv or in the system's Python.

Example::

    - name: The application's packages
      ansible.builtin.pip:
        name: ["django>=4.2,<5", gunicorn]
        virtualenv: /srv/app/venv
        virtualenv_command: python3 -m venv

A virtualenv that is missing is made. What is installed is read from disk, so pip only starts when there is something
to do, or when only pip can tell (requirements files, URLs, ``latest``). Check mode then asks ``pip --dry-run`` where
pip is new enough (22.2), and predicts a change where it is older.
Returns ``cmd``, ``name``, ``requirements``, ``version``, ``virtualenv``, ``state``, ``stdout``, ``stderr``.
Errors: ``no_pip``, ``no_virtualenv``, ``virtualenv_failed``, ``bad_package``, ``pip_failed``, ``bad_arguments``.
"""

import re
import shlex

from modules.api import Arg, Failed, exclusive, one_of
from modules.support.pip import environment as pip_environment
from modules.support.pip import requirements as pip_requirements

ARGS = {
    "name": Arg("list", "Packages: name, name with specifiers, URL or path.", elements="str"),
    "requirements": Arg("str", "A requirements file on the host."),
    "version": Arg("str", "The version of the one package in name."),
    "state": Arg("str", "What to keep true of them.", default="present",
                 choices=("absent", "forcereinstall", "latest", "present")),
    "virtualenv": Arg("path", "The folder of the virtualenv; made when it is missing."),
    "virtualenv_command": Arg("path", "The command that makes one, such as python3 -m venv.", default="virtualenv"),
    "virtualenv_python": Arg("str", "The Python that a new one gets (not with venv)."),
    "virtualenv_site_packages": Arg("bool", "Let a new one see the system's packages.", default=False),
    "executable": Arg("path", "The pip to use, such as pip3.11."),
    "extra_args": Arg("str", "More options for pip."),
    "editable": Arg("bool", "Install the source as editable (-e).", default=False),
    "chdir": Arg("path", "The folder to do it in."),
    "umask": Arg("str", "The umask for pip, in octal, such as '0022'."),
    "break_system_packages": Arg("bool", "Let pip change a Python that the system manages.", default=False),
}
RULES = (one_of("name", "requirements"), exclusive("name", "requirements"), exclusive("executable", "virtualenv"))
CHECK_MODE = "own"
RETRY_SAFE = True
VCS = re.compile(r"(?:git|hg|svn|bzr)\+")
DRY_RUN_SINCE = "22.2"
VERBS = {"present": ["install"], "latest": ["install", "-U"], "forcereinstall": ["install", "-U", "--force-reinstall"],
         "absent": ["uninstall", "-y"]}


def run(args, host):
    wanted = requirements(args)
    values = {"changed": False, "name": pip_requirements.split(args["name"]) if args["name"] else args["name"],
              "requirements": args["requirements"], "version": args["version"], "state": args["state"],
              "virtualenv": args["virtualenv"], "stdout": "", "stderr": "", "cmd": ""}
    environment = place(args, values, host)
    if environment is None or (not wanted and not args["requirements"]):
        return values
    command = environment.pip + words(args, wanted)
    values["cmd"] = command
    have = pip_environment.installed(environment, args["chdir"], host)
    if satisfied(args, wanted, have):
        values["stdout"] = "".join("{}=={}\n".format(name, have[name]) for name in sorted(have))
    elif host.check_mode:
        predict(args, command, have, values, host)
    else:
        perform(args, wanted, environment, command, values, host)
    return values


def requirements(args):
    """The packages of ``name``, the version put in. `Failed` for what contradicts itself."""
    found = [pip_requirements.parse(text) for text in pip_requirements.split(args["name"] or ())]
    if args["version"] and args["state"] == "latest":
        raise Failed("bad_arguments", "version is incompatible with state=latest")
    if args["version"] and len(found) > 1:
        raise Failed("bad_arguments", "'version' argument is ambiguous when installing multiple package distributions."
                     " Please specify version restrictions next to each package in 'name' argument.")
    return [pip_requirements.with_version(each, args["version"]) for each in found] if args["version"] else found


def place(args, values, host):
    """The `Environment` to work in, a virtualenv made where needed; None when check mode would have to make one."""
    if not args["virtualenv"]:
        return pip_environment.system(args["executable"], host)
    folder = args["virtualenv"] if args["virtualenv"].startswith("/") or not args["chdir"] else \
        "{}/{}".format(args["chdir"], args["virtualenv"])
    found = pip_environment.virtual(folder)
    if found is not None:
        return found
    values["changed"] = True
    if host.check_mode:
        return None
    done = host.run(pip_environment.creation(args, host), cwd=args["chdir"], umask=umask(args))
    found = pip_environment.virtual(folder)
    if done.rc != 0 or found is None:
        raise Failed("virtualenv_failed", "the virtualenv {} cannot be made: {}".format(
            args["virtualenv"], (done.stderr or done.stdout).strip()), rc=done.rc, cmd=done.argv)
    values.update(stdout=done.stdout, stderr=done.stderr)
    return found


def words(args, wanted):
    """pip's verb, options and operands."""
    found = list(VERBS[args["state"]])
    if args["extra_args"]:
        found += shlex.split(args["extra_args"])
    editable = args["editable"] and args["state"] != "absent"
    for each in wanted:
        found += ["-e"] * editable + [each.text]
    return found + (["-r", args["requirements"]] if args["requirements"] else [])


def satisfied(args, wanted, have):
    """Whether what is on disk shows that there is nothing to do. Only of plain names can this be said."""
    if args["requirements"] or any(each.name is None for each in wanted):
        return False
    if args["state"] == "absent":
        return not any(each.name in have for each in wanted)
    if args["state"] != "present" or args["editable"] or re.search(r"(?:-U|--upgrade|--root|--target|-t)\b",
                                                                   args["extra_args"] or ""):
        return False
    return all(each.name in have and each.accepts(have[each.name]) and "[" not in each.text
               and "://" not in each.text for each in wanted)


def predict(args, command, have, values, host):
    """What would come or go, by pip itself where it can say so without doing it."""
    values["changed"] = True
    dry = pip_requirements.fits(have.get("pip", "0"), ">=", DRY_RUN_SINCE)
    if not dry or args["state"] in ("absent", "forcereinstall"):
        return
    verb = command.index("install")
    done = host.query(command[:verb + 1] + ["--dry-run"] + command[verb + 1:], cwd=args["chdir"], env=env(args))
    if done.rc == 0:
        values.update(changed="Would install" in done.stdout, stdout=done.stdout, stderr=done.stderr)


def perform(args, wanted, environment, command, values, host):
    """pip itself. What comes from version control is reinstalled each time, so there the outcome is compared."""
    quiet = re.search(r"(?:^|\s)(?:-q+|--quiet)\b", args["extra_args"] or "")
    by_outcome = args["state"] != "forcereinstall" and (args["editable"] or quiet or from_vcs(args, wanted, host))
    before = frozen(environment, args, host) if by_outcome else None
    done = host.run(command, cwd=args["chdir"], env=env(args), umask=umask(args))
    if done.rc != 0:
        raise Failed("pip_failed", message(done), rc=done.rc, cmd=command, stdout=done.stdout, stderr=done.stderr)
    if by_outcome:
        changed = frozen(environment, args, host) != before
    else:
        changed = bool(quiet) or re.search(r"Successfully (?:un)?installed", done.stdout) is not None
    values.update(changed=values["changed"] or changed, stdout=values["stdout"] + done.stdout,
                  stderr=values["stderr"] + done.stderr)


def from_vcs(args, wanted, host):
    if any(VCS.search(each.text) for each in wanted):
        return True
    if not args["requirements"]:
        return False
    path = "{}/{}".format(args["chdir"] or ".", args["requirements"])
    path = args["requirements"] if args["requirements"].startswith("/") else path
    return host.exists(path) and VCS.search(host.read_text(path)) is not None


def frozen(environment, args, host):
    return host.query(environment.pip + ["freeze"], cwd=args["chdir"], env=env(args)).stdout


def message(done):
    """pip's own words, as Ansible puts them together."""
    stdout = "stdout: {}\n".format(done.stdout.rstrip("\n")) if done.stdout.strip() else ""
    return stdout + ("\n:stderr: {}".format(done.stderr.strip()) if done.stderr.strip() else "")


def env(args):
    found = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    if args["break_system_packages"]:
        found["PIP_BREAK_SYSTEM_PACKAGES"] = "1"
    return found


def umask(args):
    """The umask as a number, or None. `Failed` when it is not octal."""
    if args["umask"] is None:
        return None
    try:
        return int(args["umask"], 8)
    except ValueError:
        raise Failed("bad_arguments", "umask must be an octal integer")
