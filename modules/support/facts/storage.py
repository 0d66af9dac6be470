"""Mounted file systems, block devices, their links, volume groups, storage network names."""

import glob
import os
import re
import threading

from modules.support.facts import reading

REMOTE = frozenset(("nfs", "nfs4", "cifs", "smb3", "ceph", "glusterfs", "9p", "lustre", "afs", "gpfs", "beegfs"))
"""File systems whose statvfs may hang when the other side is gone; so are all of fuse."""
KEPT_WITHOUT_PATH = frozenset(("zfs",))
ESCAPE = re.compile(r"\\([0-7]{3})")
UNITS = ("Bytes", "KB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB")
FAMILIES = (("ids", "by-id"), ("labels", "by-label"), ("uuids", "by-uuid"))


def mounts(host, timeout_s=10):
    """``mounts``: what is mounted, with sizes. A file system that does not answer in time has a ``note`` instead."""
    uuids = {device: names[0] for device, names in device_names("by-uuid").items()}
    found = parse_mounts(reading.text("/proc/mounts"))
    bound = parse_bind_mounts(reading.text("/proc/self/mountinfo"))
    for entry in found:
        entry["uuid"] = uuids.get(os.path.basename(os.path.realpath(entry["device"])), "N/A")
        if entry["mount"] in bound and "bind" not in entry["options"].split(","):
            entry["options"] += ",bind"
        entry.update(sizes(entry, timeout_s))
    return {"mounts": found}


def parse_mounts(content):
    """The mounts of a real device (or remote path, or zfs) in a /proc/mounts text."""
    found = []
    for line in content.splitlines():
        words = [unescape(word) for word in line.split(" ")]
        if len(words) < 6:
            continue
        device, mount, kind, options, dump, passno = words[:6]
        real = device.startswith("/") or ":/" in device or kind in KEPT_WITHOUT_PATH
        if real and kind != "none":
            found.append({"device": device, "mount": mount, "fstype": kind, "options": options,
                          "dump": int(dump), "passno": int(passno)})
    return found


def unescape(word):
    """The text behind octal escapes: ``\\040`` is a space."""
    return ESCAPE.sub(lambda match: chr(int(match.group(1), 8)), word)


def parse_bind_mounts(content):
    """The mount points that show a part of a file system only, by a /proc/self/mountinfo text."""
    rows = (line.split(" ") for line in content.splitlines())
    return {unescape(row[4]) for row in rows if len(row) > 4 and row[3] != "/"}


def sizes(entry, timeout_s):
    """Blocks and inodes. Remote file systems are asked in a thread, since such a call cannot be interrupted."""
    if entry["fstype"] not in REMOTE and not entry["fstype"].startswith("fuse"):
        return measure(entry["mount"])
    return measure_within(entry["mount"], timeout_s) or {"note": "Could not get extra information due to timeout"}


def measure_within(mount, timeout_s):
    """What `measure` says, or None when the file system has not answered in time. No ``timeout_s``: no limit."""
    if timeout_s is None:
        return measure(mount)
    answers = []
    asking = threading.Thread(target=lambda: answers.append(measure(mount)))
    asking.daemon = True
    asking.start()
    asking.join(timeout_s)
    return answers[0] if answers else None


def measure(mount):
    """statvfs(3) as facts; empty when it may not be asked."""
    try:
        now = os.statvfs(mount)
    except OSError:
        return {}
    return {"size_total": now.f_frsize * now.f_blocks, "size_available": now.f_frsize * now.f_bavail,
            "block_size": now.f_bsize, "block_total": now.f_blocks, "block_available": now.f_bavail,
            "block_used": now.f_blocks - now.f_bavail, "inode_total": now.f_files,
            "inode_available": now.f_favail, "inode_used": now.f_files - now.f_favail}


def devices(host):
    """``devices`` and ``device_links``."""
    links = {name: device_names(folder) for name, folder in FAMILIES}
    links["masters"] = masters()
    found = {}
    for block in listed("/sys/block"):
        found[block] = read_device(block, links)
    return {"devices": found, "device_links": links}


def device_names(folder):
    """Device name -> its sorted names in /dev/disk/<folder>."""
    found = {}
    base = os.path.join("/dev/disk", folder)
    for name in listed(base):
        device = os.path.basename(os.path.realpath(os.path.join(base, name)))
        found.setdefault(device, []).append(name)
    return found


def masters():
    """Device name -> what is built on it (device mapper, md)."""
    found = {}
    for path in sorted(glob.glob("/sys/block/*/slaves/*")):
        words = path.split("/")
        found.setdefault(words[5], []).append(words[3])
    return found


def listed(folder):
    """The sorted names in a folder; none when it is not there."""
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []


def read_device(block, links):
    """One disk, from /sys/block."""
    base = os.path.join("/sys/block", block)

    def entry(file):
        return reading.line(os.path.join(base, file)) or None
    sectors = int(entry("size") or 0)
    scheduler = entry("queue/scheduler") or ""
    chosen = re.search(r"\[(\S+)\]", scheduler)
    found = {
        "virtual": 1, "links": links_of(block, links), "vendor": entry("device/vendor"), "model": entry("device/model"),
        "sas_address": entry("device/sas_address"), "sas_device_handle": entry("device/sas_device_handle"),
        "removable": entry("removable"), "support_discard": entry("queue/discard_granularity"),
        "rotational": entry("queue/rotational"), "scheduler_mode": chosen.group(1) if chosen else "",
        "sectors": sectors, "sectorsize": entry("queue/logical_block_size") or "512", "size": human(sectors * 512),
        "host": "", "holders": holders(base),
        "partitions": {name: read_partition(base, name, links) for name in listed(base)
                       if name.startswith(block) and os.path.exists(os.path.join(base, name, "partition"))},
    }
    for name, file in (("serial", "device/serial"), ("wwn", "wwid")):
        if entry(file):
            found[name] = entry(file)
    return found


def read_partition(base, name, links):
    """One partition of a disk."""
    folder = os.path.join(base, name)
    sectors = int(reading.line(os.path.join(folder, "size"), "0"))
    uuids = links["uuids"].get(name)
    return {"links": links_of(name, links), "start": reading.line(os.path.join(folder, "start"), "0"),
            "sectors": sectors, "sectorsize": reading.line(os.path.join(base, "queue/logical_block_size"), "512"),
            "size": human(sectors * 512), "uuid": uuids[0] if uuids else None, "holders": holders(folder)}


def holders(folder):
    """What holds this device: a device mapper's name, or the device itself."""
    return [reading.line(os.path.join(folder, "holders", name, "dm", "name")) or name
            for name in listed(os.path.join(folder, "holders"))]


def links_of(name, links):
    """All names of one device."""
    return {kind: links[kind].get(name, []) for kind in ("ids", "labels", "masters", "uuids")}


def human(size):
    """A size in bytes for people: two decimals, steps of 1024."""
    unit = 0
    while size >= 1024 and unit < len(UNITS) - 1:
        size /= 1024.0
        unit += 1
    return "{:.2f} {}".format(size, UNITS[unit])


def lvm(host):
    """``lvm``: volume groups, logical and physical volumes. Asked of LVM itself, and only where it has volumes."""
    if host.uid != 0 or not host.which("vgs"):
        return {"lvm": "N/A"}
    facts = {"lvs": {}, "vgs": {}, "pvs": {}}
    if any(reading.line(path).startswith("LVM-") for path in glob.glob("/sys/block/dm-*/dm/uuid")):
        def ask(*argv):
            done = host.query(list(argv) + ["--noheadings", "--nosuffix", "--units", "g", "--separator", ","])
            return [line.strip().split(",") for line in done.stdout.splitlines() if line.strip()]
        for row in ask("vgs", "-o", "vg_name,pv_count,lv_count,vg_size,vg_free"):
            facts["vgs"][row[0]] = {"num_pvs": row[1], "num_lvs": row[2], "size_g": row[3], "free_g": row[4]}
        for row in ask("lvs", "-o", "lv_name,vg_name,lv_size"):
            facts["lvs"][row[0]] = {"vg": row[1], "size_g": row[2]}
            facts["vgs"].get(row[1], {}).setdefault("lvs", {})[row[0]] = {"size_g": row[2]}
        for row in ask("pvs", "-o", "pv_name,vg_name,pv_size,pv_free"):
            facts["pvs"][row[0]] = {"vg": row[1], "size_g": row[2], "free_g": row[3]}
    return {"lvm": facts}


def storage_network(host):
    """``iscsi_iqn``, ``hostnqn``, ``fibre_channel_wwn``: this host's names in a storage network."""
    iqn = reading.assignments(reading.text("/etc/iscsi/initiatorname.iscsi")).get("InitiatorName", "")
    ports = sorted(glob.glob("/sys/class/fc_host/*/port_name"))
    return {"iscsi_iqn": iqn, "hostnqn": reading.line("/etc/nvme/hostnqn"),
            "fibre_channel_wwn": [reading.line(path)[2:] for path in ports]}
