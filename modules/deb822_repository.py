"""Keeps a repository among apt's sources in the deb822 style: one file of fields for each.

Example::

    - name: The vendor's packages
      ansible.builtin.deb822_repository:
        name: vendor
        types: deb
        uris: https://packages.example.com/debian
        suites: bookworm
        components: [main]
        signed_by: https://packages.example.com/key.asc

The file says exactly what the task says. A key at a URL is kept in ``/etc/apt/keyrings``. apt's lists are not renewed.
Returns ``dest``, ``repo`` (the file's text), ``key_filename``, mode and owner of the file.
Errors: ``key`` (cannot be fetched), ``bad_key``, ``bad_arguments``.
"""

import os
import re

from modules.api import Arg, Change, Failed, Same
from modules.support.files.attributes import plan, put, stat_values

FOLDER = "/etc/apt/sources.list.d"
KEY_FOLDER = "/etc/apt/keyrings"

ARGS = {
    "name": Arg("str", "Name of the repository, of its file, and of its key's file.", required=True),
    "state": Arg("str", "Whether it is there.", default="present", choices=("absent", "present")),
    "types": Arg("list", "What it offers: deb, deb-src.", default=["deb"], elements="str", choices=("deb", "deb-src")),
    "uris": Arg("list", "Where it is.", elements="str"),
    "suites": Arg("list", "Releases, or a path that ends with a slash.", elements="str"),
    "components": Arg("list", "Sections of a release.", elements="str"),
    "architectures": Arg("list", "Architectures to look for.", elements="str"),
    "languages": Arg("list", "Languages of descriptions to fetch.", elements="str"),
    "targets": Arg("list", "What apt fetches from it.", elements="str"),
    "signed_by": Arg("str", "The key: URL, path of a ring, fingerprints, or an armored block."),
    "enabled": Arg("bool", "Whether apt uses it."),
    "trusted": Arg("bool", "Trust it without a signature (true), or not even with one (false)."),
    "allow_insecure": Arg("bool", "Accept a repository that is not signed."),
    "allow_weak": Arg("bool", "Accept signatures by weak digests."),
    "allow_downgrade_to_insecure": Arg("bool", "Accept that it is signed no longer."),
    "by_hash": Arg("bool", "Fetch indexes by their hash."),
    "pdiffs": Arg("bool", "Fetch differences to old indexes."),
    "check_date": Arg("bool", "Take this host's time for right."),
    "check_valid_until": Arg("bool", "Refuse indexes that are out of date."),
    "date_max_future": Arg("int", "Seconds that an index may come from the future."),
    "inrelease_path": Arg("str", "Where the InRelease file is, relative to its usual place."),
    "mode": Arg("mode", "Permissions of the file.", default="0644"),
    "install_python_debian": Arg("bool", "Has no effect: nothing is needed.", default=False),
}
SPECIAL_NAMES = {"name": "X-Repolib-Name", "uris": "URIs"}
NOT_FIELDS = ("state", "mode", "install_python_debian")


def check(args, host):
    short = short_name(args["name"])
    dest = os.path.join(FOLDER, short + ".sources")
    if args["state"] == "absent":
        return check_absent(dest, short, host)
    key = wanted_key(args["signed_by"], short, host)
    text = render(dict(args, signed_by=key[0] if key else args["signed_by"]))
    before = host.read_text(dest) if os.path.exists(dest) else None
    planned = plan(dest, args, host)
    files = {dest: text} if before != text else {}
    if key and not same(key, host):
        files[key[0]] = key[1]
    values = {"dest": dest, "repo": text, "key_filename": key[0] if key else None}
    if not files and not planned.changed:
        return Same(**dict(stat_values(dest), **values))
    return Change(values=values, data=(files, planned), diff=[difference(dest, before, text)])


def apply(args, change, host):
    files, planned = change.data
    dest = change.values["dest"]
    if files is None:
        for path in planned:
            os.unlink(path)
        return None
    for path, data in sorted(files.items()):
        if path != dest:
            os.makedirs(KEY_FOLDER, 0o755, exist_ok=True)
        host.write(path, data, mode=planned.mode if path == dest else 0o644)
    put(dest, planned, host, created=dest in files)
    return stat_values(dest)


def check_absent(dest, short, host):
    keys = [os.path.join(KEY_FOLDER, short + suffix) for suffix in (".gpg", ".asc")]
    there = [path for path in [dest] + keys if os.path.lexists(path)]
    values = {"dest": dest, "repo": None, "key_filename": keys[0]}
    if not there:
        return Same(**values)
    before = host.read_text(dest) if os.path.exists(dest) else None
    return Change(values=values, data=(None, there), diff=[difference(dest, before, None)])


def short_name(name):
    """The name as a file's: lower case letters and digits, with dashes for what separates words."""
    short = re.sub(r"[-\s]+", "-", re.sub(r"[^a-z0-9-]+", "", re.sub(r"[_\s]+", "-", name.lower()))).strip("-")
    if not short:
        raise Failed("bad_arguments", "name has no letter or digit: {}".format(name))
    return short


def render(args):
    """The file's text: fields by the names of their arguments, in alphabetical order."""
    return "".join(field(name, args[name]) for name in sorted(ARGS)
                   if name not in NOT_FIELDS and args[name] is not None)


def field(name, value):
    """One field; a value of several lines is indented, and its empty lines are dots, as deb822(5) wants."""
    title = SPECIAL_NAMES.get(name) or "-".join(part.capitalize() for part in name.split("_"))
    if isinstance(value, bool):
        value = "yes" if value else "no"
    elif isinstance(value, list):
        value = " ".join(value)
    lines = str(value).strip().splitlines()
    if len(lines) < 2:
        return "{}: {}\n".format(title, "".join(lines))
    if name != "signed_by":
        raise Failed("bad_arguments", "{} has more than one line".format(name))
    return "{}:\n{}".format(title, "".join("    {}\n".format(line.strip() or ".") for line in lines))


def wanted_key(signed_by, short, host):
    """(path, bytes) of the key that ``signed_by`` gives by URL; None for every other form."""
    if not re.match(r"(?:https?|ftp|file)://\S+$", signed_by or ""):
        return None
    from modules.support.keys import key_source, openpgp  # they need urllib, which is slow to import
    try:
        data = key_source.fetch(signed_by, True, host)
    except Failed as fault:
        raise Failed("key", "Could not fetch signed_by key: {}".format(fault.message), **fault.values)
    openpgp.keys(data)
    return os.path.join(KEY_FOLDER, short + (".asc" if openpgp.is_armored(data) else ".gpg")), data


def same(key, host):
    return os.path.exists(key[0]) and host.read(key[0]) == key[1]


def difference(dest, before, after):
    return {"before": before or "", "after": after or "", "before_header": "/dev/null" if before is None else dest,
            "after_header": "/dev/null" if after is None else dest}
