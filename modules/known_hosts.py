"""Keeps a host's key in a known_hosts file, or away from it.

Example::

    - name: The code forge is known
      ansible.builtin.known_hosts:
        path: /etc/ssh/ssh_known_hosts
        name: git.example.org
        key: git.example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ4kLxmJm7Y0bMS9yLKw9kCVrpzbDR7CR1oHrbKmZbB9

One key of each kind is kept for a host. Returns ``name``, ``key``, ``path``, ``state``, ``hash_host``, ``diff``.
Errors: ``bad_key``, ``no_key``, ``no_directory``.
"""

import base64
import os

from modules.api import Arg, Change, Failed, Same
from modules.support.text import known_hosts as known

ARGS = {
    "name": Arg("str", "The host, as [name]:port for a port of its own.", required=True, aliases=("host",)),
    "key": Arg("str", "The whole line: name, kind and key. Without it, absent removes every key of the host."),
    "path": Arg("path", "The file.", default="~/.ssh/known_hosts"),
    "hash_host": Arg("bool", "Write the host's name hashed.", default=False),
    "state": Arg("str", "Whether the key is there.", default="present", choices=("absent", "present")),
}


def check(args, host):
    name, path = args["name"].lower(), args["path"]
    if "," in name:
        raise Failed("bad_key", "Comma separated list of names is not supported. Please pass a single name to "
                     "lookup in the known_hosts file.")
    entry = entry_of(args, name)
    before = host.read_text(path) if host.exists(path) else ""
    values = {key: args[key] for key in ("name", "key", "path", "state", "hash_host")}
    if args["state"] == "absent":
        after = known.without_key(before, name, entry)
    else:
        if not os.path.isdir(os.path.dirname(path) or "."):
            raise Failed("no_directory", "The directory {} does not exist".format(os.path.dirname(path)))
        if args["hash_host"] and not entry.is_hashed:
            entry.hosts = known.hashed(name, os.urandom(20))
        after = known.with_key(before, name, entry)
    # Ansible returns the diff whether asked to or not, and playbooks look at it
    values["diff"] = {"before": before, "after": after, "before_header": path, "after_header": path}
    if before == after:
        return Same(**values)
    return Change(before, after, path, path, values=values)


def apply(args, change, host):
    is_new = not host.exists(args["path"])
    host.write(args["path"], change.after, mode=0o644 if is_new else None)


def entry_of(args, name):
    """The key's entry, seen to be one of this host; None when none is given."""
    if args["key"] is None:
        if args["state"] == "present":
            raise Failed("no_key", "No key specified when adding a host")
        return None
    lines = [line for line in args["key"].splitlines() if line.strip() and not line.lstrip().startswith("#")]
    entry = known.parse(lines[0]) if len(lines) == 1 else None
    if entry is None or not entry.kind[:1].isalpha() or not _is_base64(entry.key):
        raise Failed("bad_key", "key is no line of a known_hosts file: <hostname[,IP]> <kind> <key>",
                     "ssh-keyscan prints such lines; give one of them")
    if not entry.is_for(name):
        raise Failed("bad_key", "Host parameter does not match hashed host field in supplied key",
                     "the key is for {}".format(entry.hosts))
    return entry


def _is_base64(text):
    try:
        return bool(base64.b64decode(text, validate=True))
    except ValueError:
        return False
