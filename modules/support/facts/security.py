"""Mandatory access control, capabilities and cryptography mode, from the files the kernel shows them in."""

import os

from modules.support.facts import reading

CAPABILITIES = (
    "chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service "
    "net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin "
    "sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control setfcap mac_override "
    "mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore").split()


def selinux(host):
    """``selinux``: whether it is enabled, in which mode, by which policy."""
    facts = {"selinux_python_present": True}
    enforce = reading.line("/sys/fs/selinux/enforce")
    if not enforce:
        return dict(facts, selinux={"status": "disabled"})
    config = reading.assignments(reading.text("/etc/selinux/config"))
    return dict(facts, selinux={
        "status": "enabled", "mode": "enforcing" if enforce == "1" else "permissive",
        "config_mode": config.get("SELINUX", "unknown"), "type": config.get("SELINUXTYPE", "unknown"),
        "policyvers": int(reading.line("/sys/fs/selinux/policyvers", "0"))})


def apparmor(host):
    """``apparmor``: whether the kernel has it active."""
    return {"apparmor": {"status": "enabled" if os.path.exists("/sys/kernel/security/apparmor") else "disabled"}}


def fips(host):
    """``fips``: whether the kernel is in FIPS mode."""
    return {"fips": reading.line("/proc/sys/crypto/fips_enabled") == "1"}


def capabilities(host):
    """``system_capabilities`` of this process; ``_enforced`` is "False" when it has them all, as a string as ever."""
    highest = int(reading.line("/proc/sys/kernel/cap_last_cap", str(len(CAPABILITIES) - 1)))
    return parse_capabilities(reading.text("/proc/self/status"), highest)


def parse_capabilities(status, highest):
    """The fact from a /proc/PID/status text."""
    for line in status.splitlines():
        if line.startswith("CapEff:"):
            mask = int(line.split()[1], 16)
            break
    else:
        return {"system_capabilities": [], "system_capabilities_enforced": "NA"}
    everything = (1 << (highest + 1)) - 1
    if mask & everything == everything:
        return {"system_capabilities": [], "system_capabilities_enforced": "False"}
    names = ["cap_" + name for bit, name in enumerate(CAPABILITIES) if mask >> bit & 1]
    return {"system_capabilities": names, "system_capabilities_enforced": "True"}
