"""Keeps packages installed, current or away on hosts with dnf or yum.

Example::

    - name: The web server
      ansible.builtin.dnf:
        name: [nginx, "@development-tools"]
        state: present

Queries use rpm; changes are one dnf call. In check mode dnf resolves the transaction and refuses it (``--assumeno``).
Returns ``results`` (dnf's lines), ``rc``, ``msg``. Errors: ``no_package``, ``dnf_failed``, ``no_dnf``.
"""

import re

from modules.api import Arg, Change, Failed, Same

ARGS = {
    "name": Arg("list", "Packages: name, name-version, @group, a file or URL, or '*' with state latest.",
                aliases=("pkg",), elements="str"),
    "state": Arg("str", "What to keep true of them.", default="present",
                 choices=("absent", "present", "installed", "removed", "latest")),
    "update_cache": Arg("bool", "Renew the metadata first.", default=False, aliases=("expire-cache",)),
    "autoremove": Arg("bool", "Remove packages that were only needed by others.", default=False),
    "enablerepo": Arg("list", "Repositories to use besides.", default=[], elements="str"),
    "disablerepo": Arg("list", "Repositories not to use.", default=[], elements="str"),
    "exclude": Arg("list", "Packages to leave alone.", default=[], elements="str"),
    "disable_gpg_check": Arg("bool", "Accept packages that are not signed.", default=False),
    "install_weak_deps": Arg("bool", "Install recommended packages too.", default=True),
    "allow_downgrade": Arg("bool", "Accept an older version.", default=False),
    "allowerasing": Arg("bool", "Remove packages that stand in the way.", default=False),
    "nobest": Arg("bool", "Accept a version that is not the newest.", default=False),
    "skip_broken": Arg("bool", "Leave out what cannot be installed.", default=False),
    "security": Arg("bool", "With latest: security updates only.", default=False),
    "bugfix": Arg("bool", "With latest: bug fixes only.", default=False),
    "update_only": Arg("bool", "Never install what is not there yet.", default=False),
    "installroot": Arg("path", "Another root directory.", default="/"),
    "releasever": Arg("str", "Another release's repositories."),
    "lock_timeout": Arg("int", "Has no effect: dnf waits for its lock.", default=30),
    "use_backend": Arg("str", "Has no effect: the program is found out.", default="auto"),
}
ROW = re.compile(r"\s*\S+\s+(x86_64|noarch|aarch64|i686|ppc64le|s390x)\s")
ABSENT = ("absent", "removed")


def check(args, host):
    names = [part.strip() for entry in args["name"] or () for part in entry.split(",") if part.strip()]
    due = needed(names, args, host)
    if not due and not (args["autoremove"] and not names):
        return Same(msg="Nothing to do", rc=0, results=[])
    command = [program(host)] + options(args) + [verb(args, names)] + ["--"] * bool(due) + due
    probe = host.query(command[:1] + ["--assumeno"] + command[1:], env={"LC_ALL": "C"})
    if re.search(r"^Nothing to do", probe.stdout, re.MULTILINE):
        return Same(msg="Nothing to do", rc=0, results=[])
    missing = re.search(r"No match for argument: (\S+)|Unable to find a match: (.+)", probe.stdout + probe.stderr)
    if missing and args["state"] not in ABSENT:
        raise Failed("no_package", "No package {} available.".format((missing.group(1) or missing.group(2)).strip()),
                     rc=1, failures=[missing.group(0)])
    plan = transaction(probe.stdout)
    return Change("", plan, "packages", "packages", {"rc": 0, "results": plan.splitlines()}, data=command)


def apply(args, change, host):
    if args["update_cache"]:
        host.run([program(host), "-q", "makecache"])
    done = host.run(change.data[:1] + ["-y"] + change.data[1:], env={"LC_ALL": "C"})
    if done.rc != 0:
        raise Failed("dnf_failed", "{} failed: {}".format(change.data[0], done.stderr.strip()[-2000:]), rc=done.rc,
                     results=done.stdout.splitlines())
    return {"rc": 0, "results": done.stdout.splitlines(), "msg": ""}


def program(host):
    """dnf, or yum where there is no dnf."""
    for name in ("dnf", "dnf5", "yum", "microdnf"):
        if host.which(name):
            return name
    raise Failed("no_dnf", "there is neither dnf nor yum on this host", "use the package module")


def needed(names, args, host):
    """The names that are not as they should be; groups, files and newest versions only dnf can judge."""
    for name in names:
        if name.startswith("-"):
            raise Failed("bad_package", "'{}' is not a package name".format(name))
    if args["state"] == "latest":
        return [name for name in names if not args["update_only"] or have(name, host)]
    removing = args["state"] in ABSENT
    return [name for name in names if name.startswith("@") or have(name, host) == removing]


def have(name, host):
    """Whether a package, or one that provides it, is installed."""
    if host.query(["rpm", "-q", "--", name]).rc == 0:
        return True
    return host.query(["rpm", "-q", "--whatprovides", "--", name]).rc == 0


def verb(args, names):
    """dnf's verb."""
    if args["state"] in ABSENT:
        return "remove"
    if args["autoremove"] and not names:
        return "autoremove"
    if args["state"] == "latest":
        return "upgrade" if names == ["*"] or args["update_only"] else "install"
    return "install"


def options(args):
    """The options for dnf."""
    found = []
    for name, option in (("enablerepo", "--enablerepo"), ("disablerepo", "--disablerepo"), ("exclude", "--exclude")):
        found += ["{}={}".format(option, value) for value in args[name]]
    for name, option in (("disable_gpg_check", "--nogpgcheck"), ("allowerasing", "--allowerasing"),
                         ("nobest", "--nobest"), ("skip_broken", "--skip-broken"), ("security", "--security"),
                         ("bugfix", "--bugfix")):
        if args[name]:
            found.append(option)
    if not args["install_weak_deps"]:
        found.append("--setopt=install_weak_deps=False")
    if args["installroot"] != "/":
        found.append("--installroot=" + args["installroot"])
    if args["releasever"]:
        found.append("--releasever=" + args["releasever"])
    return found


def transaction(output):
    """The lines of dnf's transaction table that name packages."""
    return "".join(line.strip() + "\n" for line in output.splitlines() if ROW.match(line))
