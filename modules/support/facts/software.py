"""Which package manager and which service manager run this host."""

import glob
import os
import re

from modules.support.facts import reading

MANAGERS = (
    ("apk", "/sbin/apk"), ("pacman", "/usr/bin/pacman"), ("portage", "/usr/bin/emerge"),
    ("xbps", "/usr/bin/xbps-install"), ("zypper", "/usr/bin/zypper"), ("apt", "/usr/bin/apt-get"),
    ("opkg", "/bin/opkg"), ("swupd", "/usr/bin/swupd"), ("nix", "/run/current-system/sw/bin/nix-env"),
)
RED_HAT_MANAGERS = (("dnf5", "/usr/bin/dnf5"), ("dnf", "/usr/bin/dnf-3"), ("dnf", "/usr/bin/dnf"),
                    ("dnf", "/usr/bin/microdnf"), ("yum", "/usr/bin/yum"))
LIBRARIES = ("/usr/lib/systemd/libsystemd-shared-*.so", "/usr/lib/*/systemd/libsystemd-shared-*.so",
             "/lib/systemd/libsystemd-shared-*.so")


def packages(host, family=None):
    """``pkg_mgr``: apt, dnf, dnf5, yum, zypper, apk, pacman …, atomic_container, or unknown."""
    return {"pkg_mgr": manager(family, os.path.exists)}


def manager(family, exists):
    """The package manager by what is installed; on the families of Red Hat and Debian their own wins."""
    tables = (RED_HAT_MANAGERS, MANAGERS) if family == "RedHat" else (MANAGERS, RED_HAT_MANAGERS)
    if family == "Debian" and exists("/usr/bin/apt-get"):
        return "apt"
    if family == "RedHat" and exists("/run/ostree-booted"):
        return "atomic_container"
    for table in tables:
        for name, path in table:
            if exists(path):
                return name
    return "unknown"


def services(host):
    """``service_mgr``: systemd, openrc, sysvinit, upstart, runit …, or what process 1 calls itself."""
    link = os.path.realpath("/sbin/init") if os.path.islink("/sbin/init") else ""
    return {"service_mgr": service_manager(reading.line("/proc/1/comm"), link, os.path.exists)}


def service_manager(first, init_link, exists):
    """The service manager, from the name of process 1, where /sbin/init leads, and which files exist."""
    first = os.path.basename(first)
    if first == "runit-init":
        return "runit"
    if first not in ("", "init", "sh", "bash", "COMMAND") and "init" not in first:
        return first
    if any(exists(path) for path in ("/run/systemd/system", "/dev/.run/systemd", "/dev/.systemd")):
        return "systemd"
    if exists("/etc/init") and exists("/sbin/initctl"):
        return "upstart"
    if exists("/sbin/openrc"):
        return "openrc"
    if os.path.basename(init_link) == "systemd":
        return "systemd"
    return "sysvinit" if exists("/etc/init.d") else "service"


def systemd(host):
    """``systemd``: version and features, by its library's name and a text in it; empty without systemd as process 1.

    Asking systemctl would start a process on every host for what hardly any playbook reads.
    """
    if not os.path.isdir("/run/systemd/system"):
        return {}
    for pattern in LIBRARIES:
        for path in glob.glob(pattern):
            version = re.search(r"shared-(\d+)", path)
            if version:
                return {"systemd": {"version": int(version.group(1)), "features": features(path)}}
    return {}


def features(path):
    """What systemd was built with (``+PAM +AUDIT …``), as its library has it for ``systemctl --version``."""
    import mmap  # small, and on systemd's hosts only
    try:
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            found = re.search(rb"[+-]PAM [+-]AUDIT [ -~]{1,2000}", data)
            return found.group().decode("ascii") if found else ""
    except (OSError, ValueError):
        return ""
