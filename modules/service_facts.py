"""Gathers the services and their states as facts; changes nothing.

Example::

    - name: Which services are here
      ansible.builtin.service_facts:

Returns ``ansible_facts.services``: name -> {name, state, status, source}.
"""

import os

ARGS = {}
CHECK_MODE = "run"
RETRY_SAFE = True


def run(args, host):
    found = {}
    if os.path.isdir("/run/systemd/system") and host.which("systemctl"):
        found = systemd(host)
    elif os.path.isdir("/etc/init.d"):
        scripts = [name for name in sorted(os.listdir("/etc/init.d")) if os.access("/etc/init.d/" + name, os.X_OK)]
        found = {name: {"name": name, "state": "unknown", "source": "sysv"} for name in scripts}
    return {"ansible_facts": {"services": found}}


def systemd(host):
    """systemd's units and unit files."""
    common = ["--no-pager", "--no-legend", "--plain", "--type", "service", "--all"]
    units = host.query(["systemctl", "list-units"] + common).stdout
    files = host.query(["systemctl", "list-unit-files"] + common).stdout
    return merged(units, files)


def merged(units, files):
    """The facts from the two lists."""
    found = {}
    for line in units.splitlines():
        words = line.lstrip("●* ").split(None, 4)
        if len(words) < 4:
            continue
        state = "running" if words[3] == "running" else "failed" if "failed" in words[1:4] else \
            "inactive" if words[1] == "not-found" else "stopped"
        status = words[1] if words[1] in ("not-found", "masked") else "failed" if state == "failed" else "unknown"
        found[words[0]] = {"name": words[0], "state": state, "status": status, "source": "systemd"}
    for line in files.splitlines():
        words = line.split()
        if len(words) > 1:
            state = "unknown" if "@." in words[0] else "inactive"
            found.setdefault(words[0], {"name": words[0], "state": state, "source": "systemd"})["status"] = words[1]
    return found
