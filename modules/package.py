"""Keeps packages installed, current or away, by whatever package manager the host has.

Example::

    - name: rsync is there
      ansible.builtin.package:
        name: rsync
        state: present

apt, dnf, yum and apk are known; other arguments go to the manager's own module. Returns what that module returns.
Errors: those of that module; ``no_manager`` when the host has none that is known.
"""

from agentlet import arguments
from modules.api import Arg, Failed, Same

ARGS = {
    "name": Arg("raw", "Package names, one text or a list; none for what managers do without, as update_cache."),
    "state": Arg("str", "present, absent, latest; the manager's own default when not given: present."),
    "use": Arg("str", "The manager: auto, apt, dnf, yum, apk.", default="auto"),
}
ALLOW_UNKNOWN = True
CHECK_MODE = "own"
RETRY_SAFE = True
MANAGERS = (("apk", "apk"), ("apt", "apt-get"), ("dnf", "dnf"), ("dnf5", "dnf5"), ("yum", "yum"))
"""Each with the program that shows that it is the host's."""


def run(args, host):
    name, manager = chosen(args["use"], host)
    given = {key: value for key, value in args.items() if key != "use" and value is not None}
    complete = arguments.validate(given, manager.ARGS, getattr(manager, "RULES", ()), False, expand=True, module=name,
                                  warn=host.warn)
    if hasattr(manager, "run"):
        return manager.run(complete, host)
    change = manager.check(complete, host)
    if change is None or isinstance(change, Same):
        return dict(change.values if change else {}, changed=False)
    values = dict(change.values, changed=True, diff=[{"before": change.before, "after": change.after}])
    if not host.check_mode:
        values.update(manager.apply(complete, change, host) or {})
    return values


def chosen(use, host):
    """(name, module) of the manager asked for, or of the first one found."""
    for name, program in MANAGERS:
        if use == name or (use == "auto" and host.which(program)):
            return name, loaded(name)
    if use != "auto":
        said = 'Could not find a matching action for the "{}" package manager.'.format(use)
    else:
        said = "Could not find a package manager on this host"
    raise Failed("no_manager", said, "known are: {}".format(", ".join(name for name, _ in MANAGERS)))


def loaded(name):
    """The manager's module; only the one that is needed is compiled on the host."""
    if name == "apt":
        from modules import apt
        return apt
    if name == "apk":
        from modules import apk
        return apk
    from modules import dnf
    return dnf
