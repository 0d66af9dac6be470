"""Keeps a file system mounted or not, and its line in fstab.

Example::

    - name: Data has a disk of its own
      ansible.posix.mount:
        path: /srv/data
        src: UUID=b3e48f45-f933-4c8e-a700-22a159ec9077
        fstype: ext4
        opts: noatime,nofail
        state: mounted

``present`` and ``absent_from_fstab`` are about fstab alone, ``unmounted`` and ``ephemeral`` about the running system.
Returns ``name``, ``src``, ``fstype``, ``opts``, ``dump``, ``passno``, ``boot``, ``fstab``, ``backup_file``.
Errors: ``mount_failed``, ``umount_failed``, ``other_source``, ``not_empty``, ``no_fstab_line``, ``bad_arguments``.
"""

import os

from modules.api import Arg, Change, Failed, Same, required_if
from modules.support.files.placement import BACKUP_ARG, back_up
from modules.support.text import mount_table as table

ARGS = {
    "path": Arg("path", "The mount point.", required=True, aliases=("name",)),
    "src": Arg("path", "The device, UUID=…, or what a network file system is called."),
    "fstype": Arg("str", "The file system's type."),
    "opts": Arg("str", "The mount options; default: defaults."),
    "opts_no_log": Arg("bool", "Keep opts out of results and diffs (they may hold a password).", default=False),
    "dump": Arg("str", "fstab's fifth field.", default="0"),
    "passno": Arg("str", "fstab's sixth field: the order of checks at boot.", default="0"),
    "boot": Arg("bool", "Mount it at boot; false adds noauto.", default=True),
    "fstab": Arg("path", "The file, in place of /etc/fstab."),
    "backup": BACKUP_ARG,
    "state": Arg("str", "What is kept true.", required=True, choices=(
        "absent", "absent_from_fstab", "mounted", "present", "unmounted", "remounted", "ephemeral")),
}
RULES = tuple(required_if("state", state, "src", "fstype") for state in ("mounted", "present", "ephemeral"))
FSTAB, MOUNTINFO = "/etc/fstab", "/proc/self/mountinfo"


def check(args, host):
    wanted = entry_wanted(args)
    fstab = args["fstab"] or FSTAB
    before = host.read_text(fstab) if host.exists(fstab) else ""
    after = text_wanted(before, wanted, args["state"])
    now = table.mounted(host.read_text(MOUNTINFO), os.path.realpath(args["path"]))
    steps = steps_for(args, wanted, now, before != after, host)
    values = values_of(args, wanted, fstab)
    if before == after and not steps:
        return Same(**values)
    hidden = args["opts_no_log"]
    return Change(None if hidden else before, None if hidden else after, fstab, fstab, values=values,
                  data=(before, after, steps))


def apply(args, change, host):
    before, after, steps = change.data
    fstab = args["fstab"] or FSTAB
    values = {}
    if before != after:
        if args["backup"] and host.exists(fstab):
            values["backup_file"] = back_up(fstab)
        host.write(fstab, after, mode=None if host.exists(fstab) else 0o644, unsafe=True)
    try:
        for step in steps:
            STEPS[step](args, host)
    except Failed:
        if before != after and args["state"] == "mounted":  # a line that cannot be mounted might stop the next boot
            host.write(fstab, before, unsafe=True)
        raise
    return values


def entry_wanted(args):
    """The line's fields as the arguments mean them."""
    opts = args["opts"] or "defaults"
    if not args["boot"] and "noauto" not in opts.split(","):
        opts += ",noauto"
    fields = {"src": args["src"], "path": args["path"], "fstype": args["fstype"], "opts": opts, "dump": args["dump"],
              "passno": args["passno"]}
    for name, value in fields.items():
        if value is not None and (not value.strip() or "\0" in value):
            raise Failed("bad_arguments", "{} is empty or holds a NUL".format(name))
    return fields


def text_wanted(before, wanted, state):
    """fstab as it should be."""
    if state in ("mounted", "present"):
        return table.with_entry(before, wanted)
    return table.without_entry(before, wanted) if state in ("absent", "absent_from_fstab") else before


def steps_for(args, wanted, now, line_differs, host):
    """The names of the `STEPS` that lead to the state, in order."""
    state, path = args["state"], args["path"]
    if state == "ephemeral" and now and not is_of(args, now[-1]):
        raise Failed("other_source", "Ephemeral mount point is already mounted with a different source than the "
                     "specified one. Failing in order to prevent an unwanted unmount or override operation.")
    if state in ("mounted", "ephemeral"):
        if wanted["fstype"] == "swap":
            return []
        if now:
            return ["remount"] if line_differs or state == "ephemeral" else []
        return ([] if os.path.isdir(path) or os.path.isfile(path) else ["create"]) + ["mount"]
    if state == "remounted":
        if not now:
            raise Failed("mount_failed", "Error remounting {}: nothing is mounted there".format(path))
        return ["remount"]
    if state == "unmounted" and now:
        return ["umount"]
    if state == "absent" and line_differs:
        return (["umount"] if now else []) + (["remove"] if os.path.isdir(path) else [])
    return []


def values_of(args, wanted, fstab):
    """The return values."""
    values = {"name": args["path"], "fstab": fstab, "boot": "yes" if args["boot"] else "no", "backup_file": ""}
    values.update({name: wanted[name] for name in ("src", "fstype", "opts", "dump", "passno")
                   if wanted[name] is not None})
    if args["opts_no_log"]:
        values["opts"] = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
    return values


def is_of(args, now):
    """Whether what is mounted is of the source asked for. A bind mount shows the path within its file system."""
    if "bind" in (args["opts"] or "").split(","):
        return os.path.realpath(args["src"]).endswith(now.root)
    return now.source in (args["src"], os.path.realpath(args["src"]))


def _create(args, host):
    try:
        os.makedirs(args["path"], 0o755, exist_ok=True)
    except OSError as error:
        raise Failed("mount_failed", "Error making dir {}: {}".format(args["path"], error.strerror))


def _mount(args, host):
    if args["state"] == "ephemeral":
        argv = ["mount", "-t", args["fstype"], "-o", args["opts"] or "defaults", "--", args["src"], args["path"]]
    else:
        argv = ["mount"] + _table(args) + ["--", args["path"]]
    _must(host, argv, "mount_failed", "Error mounting {}".format(args["path"]))


def _remount(args, host):
    """mount -o remount; where a file system refuses, and no options were asked for, off and on again."""
    opts = "remount" + ("," + args["opts"] if args["opts"] and args["state"] in ("remounted", "ephemeral") else "")
    done = host.run(["mount"] + (_table(args) if args["state"] == "mounted" else []) + ["-o", opts, "--", args["path"]])
    if done.rc == 0:
        return
    if args["opts"] and args["state"] != "mounted":
        raise Failed("mount_failed", "Error remounting {}: {}".format(args["path"], done.stderr.strip()), rc=done.rc)
    _umount(args, host)
    _mount(args, host)


def _umount(args, host):
    _must(host, ["umount", "--", args["path"]], "umount_failed", "Error unmounting {}".format(args["path"]))


def _remove(args, host):
    try:
        os.rmdir(args["path"])
    except OSError as error:
        raise Failed("not_empty", "Error rmdir {}: {}".format(args["path"], error.strerror))


def _table(args):
    return ["-T", args["fstab"]] if args["fstab"] else []


def _must(host, argv, code, message):
    done = host.run(argv, env={"LC_ALL": "C"})
    if done.rc != 0:
        raise Failed(code, "{}: {}".format(message, done.stderr.strip() or done.stdout.strip()), rc=done.rc)


STEPS = {"create": _create, "mount": _mount, "remount": _remount, "umount": _umount, "remove": _remove}
