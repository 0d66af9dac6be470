"""Which package manager and which service manager run this host."""

import glob
import os
import re

from modules.facts import reading

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
    """The package manager by what is installed; Red Hat's own wins on its family, and apt only counts elsewhere."""
    tables = (RED_HAT_MANAGERS, MANAGERS) if family == "RedHat" else (MANAGERS, RED_HAT_MANAGERS)
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
    """``systemd``: its version, by the name of its library; empty without systemd as process 1."""
    if not os.path.isdir("/run/systemd/system"):
        return {}
    for pattern in LIBRARIES:
        for path in glob.glob(pattern):
            version = re.search(r"shared-(\d+)", path)
            if version:
                return {"systemd": {"version": int(version.group(1)), "features": ""}}
    return {}
