"""Keeps the SELinux type of network ports.

Example::

    - name: The SSH daemon may listen on another port
      community.general.seport:
        ports: 8991
        proto: tcp
        setype: ssh_port_t

Uses semanage. Returns ``ports``, ``proto``, ``setype``, ``state``.
Errors: ``no_selinux``, ``no_tools``, ``bad_arguments``, ``semanage_failed``.
"""

import re

from modules.api import Arg, Change, Failed, Same
from modules.support.selinux_tools import require_running, require_tool

ARGS = {
    "ports": Arg("list", "Ports, or ranges first-last.", required=True, elements="str"),
    "proto": Arg("str", "The protocol.", required=True, choices=("tcp", "udp"), aliases=("protocol",)),
    "setype": Arg("str", "The type.", required=True),
    "state": Arg("str", "Whether the ports have the type.", default="present", choices=("absent", "present")),
    "reload": Arg("bool", "Reload the policy after a change.", default=True),
    "local": Arg("bool", "Look at local modifications only.", default=False),
    "ignore_selinux_state": Arg("bool", "Go on where SELinux does not run, as in a chroot.", default=False),
}


def check(args, host):
    ports = [port.strip() for port in args["ports"]]
    for port in ports:
        if not re.match(r"\d{1,5}(-\d{1,5})?\Z", port):
            raise Failed("bad_arguments", "'{}' is neither a port nor a range of ports".format(port))
    if not re.match(r"\w+\Z", args["setype"]):
        raise Failed("bad_arguments", "'{}' is no SELinux type".format(args["setype"]))
    require_running(args["ignore_selinux_state"], host)
    require_tool("semanage", "policycoreutils-python-utils", host)
    local = types_of(_listed(True, host), args["proto"])
    known = local if args["local"] else types_of(_listed(False, host), args["proto"])
    steps = [step for step in (step_for(port, args, known, local) for port in ports) if step]
    values = {"ports": ports, "proto": args["proto"], "setype": args["setype"], "state": args["state"]}
    if not steps:
        return Same(**values)
    before = {port: known.get(port, []) for port in ports}
    return Change(before, {"commands": [" ".join(step) for step in steps]}, values=values, data=steps)


def apply(args, change, host):
    for argv in change.data:
        done = host.run(argv, env={"LC_ALL": "C"})
        if done.rc != 0:
            raise Failed("semanage_failed", "{}: {}".format(" ".join(argv), done.stderr.strip()), rc=done.rc)


def types_of(text, proto):
    """port or range -> its types, from ``semanage port -l``."""
    found = {}
    for line in text.splitlines():
        words = line.split(None, 2)
        if len(words) == 3 and words[1] == proto:
            for port in words[2].split(","):
                found.setdefault(port.strip(), []).append(words[0])
    return found


def step_for(port, args, known, local):
    """semanage's argument list for one port, or None. A type that the policy itself gives cannot be deleted."""
    argv = ["semanage", "port"] + ([] if args["reload"] else ["-N"])
    has = args["setype"] in known.get(port, [])
    words = ["-t", args["setype"], "-p", args["proto"], port]
    if args["state"] == "present":
        return None if has else argv + ["-m" if known.get(port) else "-a"] + words
    return argv + ["-d"] + words if args["setype"] in local.get(port, []) else None


def _listed(local, host):
    done = host.query(["semanage", "port", "-l", "-n"] + (["-C"] if local else []), env={"LC_ALL": "C"})
    if done.rc != 0:
        raise Failed("semanage_failed", "semanage port -l: {}".format(done.stderr.strip()), rc=done.rc)
    return done.stdout
