"""Gathers facts about the host, in Ansible's names; changes nothing.

Example::

    - name: Only what a role needs to choose its branch
      ansible.builtin.setup:
        gather_subset: [min, network]

Returns ``ansible_facts``: ``ansible_<fact>`` for each fact, and ``gather_subset``. A subject that cannot be read costs
its own facts and a warning, never the others.
Errors: ``bad_subset``.
"""

import fnmatch

from modules.api import Arg
from modules.support.facts import (
    custom,
    distribution,
    hardware,
    network,
    platform,
    security,
    software,
    storage,
    subsets,
    virtualization,
)

ARGS = {
    "gather_subset": Arg("list", "Groups or single subjects: all, min, hardware, network, virtual …; '!' excludes.",
                         default=["all"], elements="str"),
    "gather_timeout": Arg("int", "Seconds to wait for a file system that does not answer.", default=10),
    "filter": Arg("list", "Only facts whose name matches one of these shell patterns, with or without ansible_.",
                  default=[], elements="str"),
    "fact_path": Arg("path", "Where the host keeps facts of its own (*.fact).", default="/etc/ansible/facts.d"),
}
CHECK_MODE = "run"
RETRY_SAFE = True

COLLECTORS = {
    "apparmor": security.apparmor, "caps": security.capabilities, "cmdline": platform.cmdline,
    "date_time": platform.date_time, "distribution": distribution.collect, "dns": network.dns, "env": platform.env,
    "fips": security.fips, "lsb": distribution.lsb, "platform": platform.collect, "python": platform.python,
    "selinux": security.selinux, "service_mgr": software.services, "ssh_pub_keys": platform.ssh_host_keys,
    "systemd": software.systemd, "user": platform.user, "hardware": hardware.collect, "devices": storage.devices,
    "lvm": storage.lvm, "network": network.collect, "storage_network": storage.storage_network,
    "virtual": virtualization.collect, "loadavg": platform.loadavg, "chroot": platform.chroot,
}


def run(args, host):
    found = {}
    for subject in subsets.resolve(args["gather_subset"]):
        try:
            found.update(collect(subject, args, host, found))
        except (OSError, ValueError, KeyError, IndexError) as error:
            host.warn("cannot gather the {} facts: {}: {}".format(subject, type(error).__name__, error))
    named = {"ansible_" + name: value for name, value in found.items()}
    if args["filter"]:
        named = select(named, args["filter"])
    else:
        named.update(gather_subset=list(args["gather_subset"]), module_setup=True)
    return {"ansible_facts": named}


def collect(subject, args, host, found):
    """The facts of one subject, without prefix. ``found`` is what earlier subjects gave."""
    if subject == "mounts":
        return storage.mounts(host, args["gather_timeout"])
    if subject == "local":
        return custom.collect(host, args["fact_path"])
    if subject == "pkg_mgr":
        return software.packages(host, found.get("os_family") or distribution.collect(host)["os_family"])
    return COLLECTORS[subject](host)


def select(named, patterns):
    """The facts that match one of the patterns."""
    wanted = [pattern for pattern in patterns if pattern]
    wanted += ["ansible_" + pattern for pattern in wanted if not pattern.startswith("ansible_")]
    if not wanted:
        return named
    return {name: value for name, value in named.items()
            if any(fnmatch.fnmatchcase(name, pattern) for pattern in wanted)}
