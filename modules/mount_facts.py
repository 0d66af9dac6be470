"""Reports what is mounted and what fstab would mount, as facts; changes nothing.

Example::

    - name: Which NFS mounts are there
      ansible.builtin.mount_facts:
        fstypes: ['nfs*']
        timeout: 5
        on_timeout: warn

Returns ``ansible_facts.mount_points``: mount point -> device, fstype, options, uuid, sizes …, and where it was read
(``ansible_context``); the first source that has a mount point counts. ``ansible_facts.aggregate_mounts``: all entries,
with ``include_aggregate_mounts``. A line of a file that names no mount is passed over. Errors: ``no_mount``,
``mount_timeout``, ``bad_arguments``.
"""

import fnmatch
import os
import re

from modules.api import Arg, Failed
from modules.support.facts import reading
from modules.support.facts.storage import device_names, measure_within, unescape

ARGS = {
    "devices": Arg("list", "Only devices that match one of these patterns.", elements="str"),
    "fstypes": Arg("list", "Only types of file systems that match one of these patterns.", elements="str"),
    "sources": Arg("list", "Where to look: all, static, dynamic, files, or the value of mount_binary.",
                   elements="str"),
    "mount_binary": Arg("any", "The program that lists mounts where no file does; null for none.", default="mount"),
    "timeout": Arg("float", "Seconds that one mount, or the program, may take. Default: no limit."),
    "on_timeout": Arg("str", "What a mount is that does not answer in time: an error, a warning, or nothing.",
                      default="error", choices=("error", "warn", "ignore")),
    "include_aggregate_mounts": Arg("bool", "Return all entries; unset, a repeated mount point is a warning."),
}
CHECK_MODE = "run"
RETRY_SAFE = True
DYNAMIC = ("/etc/mtab", "/proc/mounts", "/etc/mnttab")
STATIC = ("/etc/fstab", "/etc/vfstab")
LISTED = re.compile(r"(?P<device>.*) on (?P<mount>/.*) type (?P<fstype>\S+) \((?P<options>.*)\)$")


def run(args, host):
    if args["timeout"] is not None and args["timeout"] <= 0:
        raise Failed("bad_arguments", "argument 'timeout' must be a positive number or null, not {}".format(
            args["timeout"]))
    entries = [entry for entry in collect(args, host) if is_wanted(entry, args)]
    first, repeated = first_of_each(entries)
    if repeated and args["include_aggregate_mounts"] is None:
        host.warn("mount_facts: ignoring repeat mounts in the following sources: {}. You can disable this warning by "
                  "configuring the 'include_aggregate_mounts' option as True or False.".format(
                      ", ".join("{} ({})".format(source, points) for source, points in sorted(repeated.items()))))
    shown = entries if args["include_aggregate_mounts"] else list(first.values())
    names = {device: uuids[0] for device, uuids in device_names("by-uuid").items()}
    answers = {}
    for entry in shown:
        entry["uuid"] = uuid_of(entry["device"], names)
        if entry["mount"] not in answers:
            answers[entry["mount"]] = sizes(entry["mount"], args, host)
        entry.update(answers[entry["mount"]])
    aggregate = shown if args["include_aggregate_mounts"] else []
    return {"ansible_facts": {"mount_points": first, "aggregate_mounts": aggregate}}


def collect(args, host):
    """Every entry of every source, in their order; a file under a second name is not read again."""
    found, seen, missed = [], set(), False
    sources = args["sources"] if args["sources"] is not None else ["all"]
    if "" in sources:
        raise Failed("bad_arguments", "sources contains an empty string")
    for source in expanded(sources):
        name = os.path.realpath(source) if source.startswith("/") and source != args["mount_binary"] else source
        if name in seen:
            continue
        seen.add(name)
        entries = listed(args, host) if source == args["mount_binary"] else parse_table(reading.text(source), source)
        missed = missed or source in DYNAMIC
        found.extend(entries)
    answered = {entry["ansible_context"]["source"] for entry in found}
    if missed and args["mount_binary"] and not answered & set(DYNAMIC + (args["mount_binary"],)):
        found = listed(args, host) + found
    return found


def expanded(sources):
    """The sources with files in place of ``all``, ``dynamic`` and ``static``."""
    names = {"all": DYNAMIC + STATIC, "dynamic": DYNAMIC, "static": STATIC}
    return [path for source in sources for path in names.get(source, (source,))]


def parse_table(content, source):
    """The entries of a file in the form of fstab(5)."""
    found = []
    for line in content.splitlines():
        words = [unescape(word) for word in line.split("#")[0].split()] if not line.strip().startswith("#") else []
        if len(words) < 4:
            continue
        entry = {"device": words[0], "mount": words[1], "fstype": words[2], "options": words[3]}
        entry.update((name, int(word)) for name, word in zip(("dump", "passno"), words[4:]) if word.isdigit())
        found.append(dict(entry, ansible_context={"source": source, "source_data": line.strip()}))
    return found


def parse_listing(output, source):
    """The entries of what mount(8) prints: ``device on /point type kind (options)``."""
    found = []
    for line in output.splitlines():
        match = LISTED.match(line)
        if match:
            found.append(dict(match.groupdict(), ansible_context={"source": source, "source_data": line}))
    return found


def listed(args, host):
    """What the program lists. Raises `Failed`: ``no_mount``, ``mount_timeout``."""
    program = host.which(str(args["mount_binary"]))
    if not program:
        raise Failed("no_mount", 'Failed to find required executable "{}"'.format(args["mount_binary"]))
    done = host.query([program], env={"LC_ALL": "C"}, timeout_s=args["timeout"])
    if done.timed_out:
        raise Failed("mount_timeout", "Command '{}' timed out after {} seconds".format(program, args["timeout"]))
    return parse_listing(done.stdout, str(args["mount_binary"]))


def is_wanted(entry, args):
    return all(not args[name] or any(fnmatch.fnmatchcase(entry[key], pattern) for pattern in args[name])
               for name, key in (("devices", "device"), ("fstypes", "fstype")))


def first_of_each(entries):
    """(mount point -> its first entry, source -> the mount points that were known before)."""
    first, repeated = {}, {}
    for entry in entries:
        if entry["mount"] in first:
            repeated.setdefault(entry["ansible_context"]["source"], []).append(entry["mount"])
        else:
            first[entry["mount"]] = entry
    return first, repeated


def uuid_of(device, names):
    """The UUID by which fstab names the device, or of the device itself; None without one."""
    if device.startswith("UUID="):
        return device[len("UUID="):].strip('"')
    return names.get(os.path.basename(os.path.realpath(device))) if device.startswith("/") else None


def sizes(mount, args, host):
    """Blocks and inodes of a mount point; empty when it does not answer in time. Raises `Failed`: ``mount_timeout``."""
    answer = measure_within(mount, args["timeout"])
    if answer is not None:
        return answer
    message = "mount_facts: {} did not answer within {} seconds".format(mount, args["timeout"])
    if args["on_timeout"] == "error":
        raise Failed("mount_timeout", message, "Set on_timeout: warn, or leave it out by fstypes or devices")
    if args["on_timeout"] == "warn":
        host.warn(message)
    return {}
