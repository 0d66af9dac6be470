"""Keeps packages installed, current or away on hosts with dnf or yum.

Example::

    - name: The web server
      ansible.builtin.dnf:
        name: [nginx, "@development-tools", httpd >= 2.4]
        state: present

Queries use rpm; changes are at most two dnf calls. dnf first resolves the transaction and refuses it (``--assumeno``),
which is also what check mode tells. Without ``autoremove`` a removal leaves what only the package needed.
Returns ``results`` (``Installed: …``, ``Removed: …``), ``rc``, ``msg``. Errors: ``no_package`` (values: failures),
``bad_package``, ``dnf_failed``, ``no_dnf``.
"""

import os

from modules.api import Arg, Failed, exclusive
from modules.support.dnf import options
from modules.support.dnf import output as dnf_output

ARGS = dict(
    options.OPTIONS,
    name=Arg("list", "Packages: name, name-version, name >= version, @group, a file or URL; '*' with state latest.",
             default=[], aliases=("pkg",), elements="str"),
    state=Arg("str", "What to keep true of them; present unless autoremove is set.",
              choices=("absent", "present", "installed", "removed", "latest")),
    update_cache=Arg("bool", "Renew the metadata first.", default=False, aliases=("expire-cache",)),
    autoremove=Arg("bool", "Remove packages that were only needed by others.", default=False),
    update_only=Arg("bool", "Never install what is not there yet.", default=False),
    allow_downgrade=Arg("bool", "Accept an older version.", default=False),
    list=Arg("str", "Only show packages: installed, updates, available, repos, or a name."),
)
RULES = (exclusive("use", "use_backend"),)
ABSENT = ("absent", "removed")
ENV = {"LC_ALL": "C"}
CHECK_MODE = "own"
RETRY_SAFE = True


def run(args, host):
    program = options.program(host)
    names = [part.strip() for entry in args["name"] for part in entry.split(",") if part.strip()]
    for name in names:
        if name.startswith("-"):
            raise Failed("bad_package", "'{}' is not a package name".format(name))
    if args["list"]:
        from modules.support.dnf import listing  # an ad-hoc command's, seldom needed
        return listing.listed(args["list"], program, host)
    if args["update_cache"] and not host.check_mode:
        must(host, options.refresh(program, args))
    if not names and not args["autoremove"]:
        return {"changed": False, "msg": "Cache updated" if args["update_cache"] else "Nothing to do", "rc": 0,
                "results": []}
    values = {"changed": False, "msg": "Nothing to do", "rc": 0, "results": []}
    for verb, operands in commands(names, args, host):
        merge(values, perform(verb, operands, program, args, host))
    return values


def commands(names, args, host):
    """(verb, operands) of the dnf calls that may have something to do."""
    state = args["state"] or ("absent" if args["autoremove"] else "present")
    if state in ABSENT:
        there = [name for name in names if name.startswith("@") or "*" in name or have(name, args, host)]
        return [("remove", there)] if there else [("autoremove", [])] if args["autoremove"] and not names else []
    if names == ["*"]:
        return [("upgrade", [])]
    missing = [name for name in names if name.startswith("@") or not have(name, args, host)]
    found = [("install", missing)] if missing and not (args["update_only"] and state == "latest") else []
    if state == "latest":
        current = [name for name in names if name not in missing]
        found += [("upgrade", current)] if current else []
    return found


def have(name, args, host):
    """Whether a package, or one that provides it, is installed (and, with an operator, new enough)."""
    rpm = ["rpm"] + (["--root", args["installroot"]] if args["installroot"] != "/" else [])
    parts = dnf_output.constraint(name)
    if parts:
        done = host.query(rpm + ["-q", "--qf", "%{EPOCHNUM}:%{VERSION}-%{RELEASE}\n", "--", parts[0]], env=ENV)
        return done.rc == 0 and any(dnf_output.satisfies(line, parts[1], parts[2])
                                    for line in done.stdout.split())
    if name.endswith(".rpm"):
        return has_file(name, rpm, host)
    return any(host.query(rpm + how + ["--", name], env=ENV).rc == 0
               for how in (["-q"], ["-q", "--whatprovides"]))


def has_file(path, rpm, host):
    """Whether the very package of a .rpm file is installed; for a URL only dnf can tell."""
    if "://" in path or not os.path.exists(path):
        return False
    asked = host.query(["rpm", "-qp", "--nosignature", "--qf", "%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}", path], env=ENV)
    return asked.rc == 0 and host.query(rpm + ["-q", "--", asked.stdout.strip()], env=ENV).rc == 0


def perform(verb, operands, program, args, host):
    """One dnf call: resolved, and made unless this is check mode."""
    command = [program] + options.words(args, verb, program, host) + [verb] + operands
    probe = host.query(command[:1] + ["--assumeno"] + command[1:], env=ENV)
    output = probe.stdout + probe.stderr
    absent = dnf_output.missing(output)
    if absent and verb == "install" and not args["skip_broken"]:
        raise Failed("no_package", "no package for: {}".format(", ".join(absent)), rc=1, results=[],
                     msg="Failed to install some of the specified packages",
                     failures=["No package {} available.".format(name) for name in absent])
    steps = dnf_output.transaction(probe.stdout)
    downgrades = any(step.section == "Downgrading" for step in steps)
    if dnf_output.has_nothing_to_do(output) or (downgrades and not args["allow_downgrade"]):
        return {"changed": False, "results": []}
    if not steps:
        if probe.rc == 0 or verb == "remove":
            return {"changed": False, "results": []}
        raise Failed("dnf_failed", "{} {} failed: {}".format(program, verb, last_words(probe)), rc=probe.rc, results=[])
    if not host.check_mode:
        must(host, command[:1] + ["-y"] + command[1:])
    return {"changed": True, "results": [str(step) for step in steps]}


def merge(values, more):
    """Add the outcome of one more call."""
    if more["changed"]:
        values.update(changed=True, msg="")
    values["results"] = values["results"] + more["results"]


def must(host, argv):
    done = host.run(argv, env=ENV)
    if done.rc != 0:
        raise Failed("dnf_failed", "{} failed: {}".format(" ".join(argv), last_words(done)), rc=done.rc,
                     results=done.stdout.splitlines())


def last_words(done):
    return (done.stderr.strip() or done.stdout.strip())[-2000:]
