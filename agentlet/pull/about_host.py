"""What enrolling tells of this host, before any job has run on it."""

import os
import pwd
import sys

from agentlet.digests import sha256

_IDS = ("/etc/machine-id", "/var/lib/dbus/machine-id")


def machine_id():
    """The same for this machine at every enrolment, and no name of it elsewhere: a digest of the system's own id."""
    texts = [_first_line(path) for path in _IDS] + [os.uname().nodename]
    return sha256(b"orch-agentlet:" + next(text for text in texts if text).encode()).hexdigest()[:32]


def facts():
    """What the operator sees, and what a runtime would say of itself."""
    system, release = os.uname(), _os_release()
    return {"hostname": system.nodename, "system": system.sysname, "kernel": system.release,
            "machine": system.machine, "distribution": release.get("ID", ""),
            "distribution_version": release.get("VERSION_ID", ""), "uid": os.geteuid(),
            "user": _user(), "home": os.path.expanduser("~"), "executable": sys.executable or "",
            "service_manager": "systemd" if os.path.isdir("/run/systemd/system") else "",
            "python": list(sys.version_info[:3])}


def _user():
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def _os_release():
    found = {}
    try:
        with open("/etc/os-release", encoding="utf-8", errors="replace") as opened:
            for line in opened:
                name, _, value = line.strip().partition("=")
                found[name] = value.strip("\"'")
    except OSError:
        pass  # not a Linux
    return found


def _first_line(path):
    try:
        with open(path) as opened:
            return opened.readline().strip()
    except OSError:
        return ""
