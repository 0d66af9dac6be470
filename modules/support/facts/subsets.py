"""Which subjects a ``gather_subset`` asks for: Ansible's names, groups and exclusions."""

from modules.api import Failed

MIN = ("apparmor", "caps", "cmdline", "date_time", "distribution", "dns", "env", "fips", "local", "lsb", "pkg_mgr",
       "platform", "python", "selinux", "service_mgr", "ssh_pub_keys", "systemd", "user")
GROUPS = {
    "hardware": ("hardware", "mounts", "devices", "lvm"),
    "network": ("network", "storage_network"),
    "virtual": ("virtual",),
}
SUBJECTS = MIN + ("hardware", "mounts", "devices", "lvm", "network", "storage_network", "virtual", "loadavg", "chroot")
ALIASES = {
    "all_ipv4_addresses": "network", "all_ipv6_addresses": "network", "default_ipv4": "network",
    "default_ipv6": "network", "interfaces": "network", "fibre_channel_wwn": "storage_network",
    "iscsi": "storage_network", "nvme": "storage_network", "architecture": "platform", "kernel": "platform",
    "kernel_version": "platform", "machine": "platform", "machine_id": "platform", "python_version": "platform",
    "system": "platform", "distribution_major_version": "distribution", "distribution_release": "distribution",
    "distribution_version": "distribution", "os_family": "distribution", "effective_group_ids": "user",
    "effective_user_id": "user", "real_user_id": "user", "user_dir": "user", "user_gecos": "user", "user_gid": "user",
    "user_id": "user", "user_shell": "user", "user_uid": "user", "is_chroot": "chroot", "processor": "hardware",
    "processor_cores": "hardware", "processor_count": "hardware", "ssh_host_key_dsa_public": "ssh_pub_keys",
    "ssh_host_key_ecdsa_public": "ssh_pub_keys", "ssh_host_key_ed25519_public": "ssh_pub_keys",
    "ssh_host_key_rsa_public": "ssh_pub_keys", "ssh_host_pub_keys": "ssh_pub_keys", "system_capabilities": "caps",
    "system_capabilities_enforced": "caps", "virtualization_role": "virtual", "virtualization_tech_guest": "virtual",
    "virtualization_tech_host": "virtual", "virtualization_type": "virtual",
}
ELSEWHERE = ("facter", "ohai")
"""Programs of other systems; accepted, and never asked."""


def resolve(wanted):
    """The subjects for a ``gather_subset`` list, in the order in which they are collected.

    ``min`` is always in unless excluded; exclusions win, and never add anything. An unknown name is
    `Failed` with code ``bad_subset``; excluded it means nothing, as in Ansible.
    """
    included, excluded = set(), set()
    for name in wanted:
        bare = name[1:] if name.startswith("!") else name
        subjects = expand(bare) if name == bare or is_known(bare) else ()
        if name.startswith("!"):
            excluded.update(set(SUBJECTS) - set(MIN) if bare == "all" else subjects)
        else:
            included.update(subjects)
    chosen = included | set(MIN)
    # A subject that is asked for by name stays, whatever group was excluded around it.
    kept = (chosen - excluded) | (included if "all" not in wanted else set())
    return [name for name in SUBJECTS if name in kept]


def is_known(name):
    """Whether a subset has this name."""
    return name in ("all", "min") or name in GROUPS or name in ELSEWHERE or ALIASES.get(name, name) in SUBJECTS


def expand(name):
    """The subjects behind one name."""
    if name == "all":
        return SUBJECTS
    if name == "min":
        return MIN
    if name in GROUPS:
        return GROUPS[name]
    if name in ELSEWHERE:
        return ()
    found = ALIASES.get(name, name)
    if not is_known(name):
        allowed = sorted(set(SUBJECTS) | set(ALIASES) | set(GROUPS) | set(ELSEWHERE) | {"all", "min"})
        raise Failed("bad_subset", "Bad subset '{}' given to Ansible. gather_subset options allowed: {}".format(
            name, ", ".join(allowed)))
    return (found,)
