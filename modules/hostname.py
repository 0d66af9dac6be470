"""Keeps the host's name, now and after a reboot.

Example::

    - name: The host is called as the inventory calls it
      ansible.builtin.hostname:
        name: "{{ inventory_hostname }}"

systemd's hostnamectl is used where it answers, else the files of Debian, Red Hat, Alpine and their kin.
Returns ``name`` and ``ansible_facts`` with the new names. Errors: ``bad_name``, ``hostname``.
"""

import os
import re
import socket

from modules.api import Arg, Change, Failed, Same

STRATEGIES = ("alpine", "debian", "freebsd", "generic", "macos", "macosx", "darwin", "openbsd", "openrc", "redhat",
              "sles", "solaris", "systemd")
ARGS = {
    "name": Arg("str", "The name.", required=True),
    "use": Arg("str", "How to set it; default: found out.", choices=STRATEGIES),
}
NAME = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9_-]{1,63}(?<!-))*\.?$")


def check(args, host):
    name = args["name"]
    if not NAME.match(name) or len(name) > 64:
        raise Failed("bad_name", "name '{}' is not a host name".format(name),
                     "letters, digits and '-', at most 63 between dots, 64 in all")
    strategy = args["use"] or found_out(host)
    before = {"hostname": os.uname()[1], "permanent": permanent(strategy, host)}
    after = {"hostname": name, "permanent": name}
    values = {"name": name, "ansible_facts": facts(name)}
    if before == after:
        return Same(**values)
    text = "hostname = {hostname}\npermanent = {permanent}\n"
    return Change(text.format(**before), text.format(**after), values=values, data=strategy)


def apply(args, change, host):
    name, strategy = args["name"], change.data
    if strategy == "systemd":
        must(host, ["hostnamectl", "--transient", "set-hostname", "--", name])
        must(host, ["hostnamectl", "--pretty", "set-hostname", "--", name])
        done = host.run(["hostnamectl", "--static", "set-hostname", "--", name])
        if done.rc == 0:
            return
        # In a container /etc/hostname is a mount: hostnamectl cannot replace it, but it can be written in place.
        if "busy" not in done.stderr:
            raise failure(done)
    if os.uname()[1] != name:
        must(host, ["hostname", name])
    path, before, key = stored(strategy, host)
    host.write(path, edit(before, key, name), unsafe=True)


def found_out(host):
    """The strategy for this host."""
    if os.path.isdir("/run/systemd/system") and host.which("hostnamectl"):
        if host.query(["hostnamectl", "status"]).rc == 0:
            return "systemd"
    if os.path.exists("/etc/alpine-release"):
        return "alpine"
    if os.path.exists("/etc/conf.d/hostname"):
        return "openrc"
    if os.path.exists("/etc/sysconfig/network") and not os.path.exists("/etc/hostname"):
        return "redhat"
    return "debian"


def stored(strategy, host):
    """(path, its text, the key of the name's line or None when the file holds only the name)."""
    path, key = {"redhat": ("/etc/sysconfig/network", "HOSTNAME"), "openrc": ("/etc/conf.d/hostname", "hostname"),
                 "sles": ("/etc/HOSTNAME", None)}.get(strategy, ("/etc/hostname", None))
    return path, host.read_text(path) if host.exists(path) else "", key


def permanent(strategy, host):
    """The name after a reboot."""
    if strategy == "systemd":
        return host.query(["hostnamectl", "--static", "status"]).stdout.strip()
    _, content, key = stored(strategy, host)
    return parse(content, key)


def parse(content, key):
    """The name that a file's text says."""
    for line in content.splitlines():
        line = line.strip()
        if key is None and line and not line.startswith("#"):
            return line
        if key is not None and line.startswith(key + "="):
            return line.split("=", 1)[1].strip("\"' ")
    return ""


def edit(content, key, name):
    """The text with the name in place; other lines stay."""
    if key is None:
        return name + "\n"
    line = '{}="{}"'.format(key, name)
    lines = [line if old.strip().startswith(key + "=") else old for old in content.splitlines()]
    return "\n".join(lines if line in lines else lines + [line]) + "\n"


def must(host, argv):
    """A command that has to succeed."""
    done = host.run(argv)
    if done.rc != 0:
        raise failure(done)


def failure(done):
    """What a command's end means."""
    return Failed("hostname", "Command failed rc={}, out={}, err={}".format(done.rc, done.stdout, done.stderr))


def facts(name):
    """The facts that are new by this change."""
    full = socket.getfqdn(name)
    return {"ansible_hostname": name.split(".")[0], "ansible_nodename": name, "ansible_fqdn": full,
            "ansible_domain": full.partition(".")[2]}
