"""What the SELinux modules ask first: does it run here, and are its programs there."""

from modules.api import Failed


def running_state(host):
    """enforcing, permissive or disabled; disabled where nobody can tell."""
    if not host.which("getenforce"):
        return "disabled"
    return host.query(["getenforce"], env={"LC_ALL": "C"}).stdout.strip().lower() or "disabled"


def require_running(ignored, host):
    """Raise `Failed` with ``no_selinux`` unless SELinux runs or its state is to be ignored."""
    if not ignored and running_state(host) == "disabled":
        raise Failed("no_selinux", "SELinux is disabled on this host.",
                     "enable it and reboot, or set ignore_selinux_state: true when this is a chroot")


def require_tool(name, package, host):
    """Raise `Failed` with ``no_tools`` unless the program is there."""
    if not host.which(name):
        raise Failed("no_tools", "This host has no {}".format(name), "install the package {}".format(package))
