"""Keeps a kernel parameter in sysctl's file, and when asked in the running kernel.

Example::

    - name: Packets are forwarded
      ansible.posix.sysctl:
        name: net.ipv4.ip_forward
        value: "1"
        sysctl_set: true

Other lines of the file stay as they are. Errors: ``no_value``, ``bad_name``, ``sysctl_failed``.
"""

import re

from modules.api import Arg, Change, Failed, Same

ARGS = {
    "name": Arg("str", "The parameter, with dots or slashes.", required=True, aliases=("key",)),
    "value": Arg("str", "Its value.", aliases=("val",)),
    "state": Arg("str", "Whether the file sets it.", default="present", choices=("present", "absent")),
    "sysctl_file": Arg("path", "The file.", default="/etc/sysctl.conf"),
    "sysctl_set": Arg("bool", "Set it in the running kernel too.", default=False),
    "reload": Arg("bool", "Read the file anew after a change.", default=True),
    "ignoreerrors": Arg("bool", "Pass over parameters that the kernel does not know.", default=False),
}
BOOLEANS = {"yes": "1", "true": "1", "y": "1", "on": "1", "no": "0", "false": "0", "n": "0", "off": "0"}


def check(args, host):
    name = args["name"].strip()
    if not re.match(r"[A-Za-z0-9_][A-Za-z0-9_./@:-]*$", name):
        raise Failed("bad_name", "'{}' is not the name of a kernel parameter".format(name))
    if args["state"] == "present" and not (args["value"] or "").strip():
        raise Failed("no_value", "value cannot be None" if args["value"] is None else "value cannot be blank")
    value = normal(args["value"]) if args["state"] == "present" else None
    before = host.read_text(args["sysctl_file"]) if host.exists(args["sysctl_file"]) else ""
    after = edit(before, name, value)
    running = args["sysctl_set"] and value is not None and current(name, args, host) != value
    if before == after and not running:
        return Same()
    return Change(before, after, args["sysctl_file"], args["sysctl_file"], data=(name, value, running, before != after))


def apply(args, change, host):
    name, value, running, written = change.data
    if running:
        must(host, ["sysctl"] + (["-e"] if args["ignoreerrors"] else []) + ["-w", "{}={}".format(name, value)])
    if written:
        host.write(args["sysctl_file"], change.after)
        if args["reload"]:
            must(host, ["sysctl"] + (["-e"] if args["ignoreerrors"] else []) + ["-p", args["sysctl_file"]])


def must(host, argv):
    """A command that has to succeed; sysctl reports unknown keys on stderr and may still exit with 0."""
    done = host.run(argv, env={"LC_ALL": "C"})
    if done.rc != 0 or ("-e" not in argv and "No such file or directory" in done.stderr):
        raise Failed("sysctl_failed", "Failed to reload sysctl: {}".format(done.stderr.strip()), rc=done.rc)


def normal(value):
    """The value with single spaces, and booleans as numbers."""
    text = " ".join(value.split())
    return BOOLEANS.get(text.lower(), text)


def current(name, args, host):
    """The running kernel's value; None when there is none."""
    done = host.query(["sysctl", "-e", "-n", name], env={"LC_ALL": "C"})
    return normal(done.stdout) if done.rc == 0 and done.stdout.strip() else None


def key_of(line):
    """The parameter a line sets, or None."""
    entry = line.strip().lstrip("-")
    if not entry or entry[0] in "#;" or "=" not in entry:
        return None
    return entry.split("=", 1)[0].strip()


def edit(content, name, value):
    """The text with the parameter set once, in its last place; without it for None."""
    lines = content.split("\n")
    places = [index for index, line in enumerate(lines) if key_of(line) == name]
    if value is not None and places:
        same = normal(lines[places[-1]].split("=", 1)[1]) == value
        if not same:
            lines[places[-1]] = "{}={}".format(name, value)
        places.pop()
    elif value is not None:
        end = content if not content or content.endswith("\n") else content + "\n"
        return "{}{}={}\n".format(end, name, value)
    return "\n".join(line for index, line in enumerate(lines) if index not in places)
