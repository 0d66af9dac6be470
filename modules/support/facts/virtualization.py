"""Whether this host is a guest or a container, of what kind, and whether it runs guests itself.

`judge` is pure: evidence in, facts out. The first finding in the order of `findings` gives the type; all of them are in
``virtualization_tech_guest``.
"""

import os
import re

from modules.support.facts import reading

PRODUCTS = (
    ("kvm", ("KVM", "KVM Server", "Bochs", "AHV", "CloudStack KVM Hypervisor", "RHEV Hypervisor", "oVirt Node")),
    ("RHEV", ("RHEV Hypervisor",)), ("oVirt", ("oVirt", "oVirt Node")), ("VMware", ("VMware",)),
    ("virtualbox", ("VirtualBox",)), ("openstack", ("OpenStack Nova", "OpenStack Compute")),
    ("VirtualPC", ("Virtual Machine",)), ("parallels", ("Parallels Virtual Platform", "Parallels ARM Virtual Machine")),
    ("kubevirt", ("KubeVirt",)), ("kvm", ("Google Compute Engine", "OpenStack Compute", "Standard PC")),
)
VENDORS = (("kvm", ("QEMU", "Amazon EC2", "DigitalOcean", "Hetzner", "Nutanix", "Google", "Scaleway", "Vultr",
                    "Linode", "Alibaba Cloud", "oVirt", "Red Hat")),
           ("VMware", ("VMware, Inc.",)), ("virtualbox", ("innotek GmbH",)), ("parallels", ("Parallels",)),
           ("bhyve", ("BHYVE",)))


def collect(host):
    """``virtualization_type``, ``_role``, ``_tech_guest``, ``_tech_host``."""
    return judge({
        "exists": frozenset(path for path in EVIDENCE_PATHS if os.path.exists(path)),
        "cgroup": reading.text("/proc/1/cgroup"), "environ": reading.text("/proc/1/environ"),
        "container": reading.line("/run/systemd/container"), "cpuinfo": reading.text("/proc/cpuinfo"),
        "product": reading.line("/sys/devices/virtual/dmi/id/product_name"),
        "vendor": reading.line("/sys/devices/virtual/dmi/id/sys_vendor"),
        "bios": reading.line("/sys/devices/virtual/dmi/id/bios_vendor"),
        "hypervisor": reading.line("/sys/hypervisor/type"), "modules": reading.text("/proc/modules"),
        "xen": reading.text("/proc/xen/capabilities"), "status": reading.text("/proc/self/status"),
    })


EVIDENCE_PATHS = ("/.dockerenv", "/.dockerinit", "/run/.containerenv", "/proc/xen", "/proc/vz", "/proc/bc", "/proc/lve",
                  "/dev/kvm", "/dev/vboxdrv", "/proc/sysinfo", "/run/libvirt")


def judge(evidence):
    """The facts for a dict of evidence."""
    guests = list(dict.fromkeys(findings(evidence)))
    hosts = sorted(hosting(evidence))
    facts = {"virtualization_tech_guest": guests, "virtualization_tech_host": hosts}
    first = next((name for name in guests if name != "container"), guests[0] if guests else None)
    if first:
        return dict(facts, virtualization_type=first, virtualization_role="guest")
    if hosts:
        return dict(facts, virtualization_type=hosts[0], virtualization_role="host")
    return dict(facts, virtualization_type="NA", virtualization_role="NA")


def findings(evidence):
    """What this host is a guest of: containers first, then hypervisors."""
    for name in containers(evidence):
        yield name
        yield "container"
    for name in machines(evidence):
        yield name


def containers(evidence):
    """Container techniques."""
    cgroup, exists = evidence["cgroup"], evidence["exists"]
    declared = re.search(r"(?:^|\0)container=(\w[\w-]*)", evidence["environ"])
    declared = declared.group(1) if declared else evidence["container"]
    if re.search(r"/docker(/|-[0-9a-f]+\.scope)", cgroup) or {"/.dockerenv", "/.dockerinit"} & exists:
        yield "docker"
    if declared == "podman" or "/run/.containerenv" in exists:
        yield "podman"
    if re.search(r"/(lxc|lxc.payload)[/.]", cgroup) or declared in ("lxc", "lxc-libvirt"):
        yield "lxc"
    if declared in ("systemd-nspawn", "rkt", "containerd"):
        yield declared
    if "kubepods" in cgroup:
        yield "kubernetes"
    if "/proc/lve" not in exists and "/proc/vz" in exists and "/proc/bc" not in exists:
        yield "openvz"


def machines(evidence):
    """Hypervisors beneath this host."""
    product, vendor = evidence["product"], evidence["vendor"]
    if "/proc/xen" in evidence["exists"] and "control_d" not in evidence["xen"]:
        yield "xen"
    if evidence["hypervisor"] == "xen" or evidence["bios"] == "Xen":
        yield "xen"
    for name, starts in PRODUCTS:
        if product.startswith(starts):
            yield name
    for name, starts in VENDORS:
        if vendor.startswith(starts):
            yield name
    if vendor.startswith("Microsoft") and product == "Virtual Machine":
        yield "VirtualPC"
    cpuinfo = evidence["cpuinfo"]
    if re.search(r"^model name\s*:.*(QEMU Virtual CPU|Common KVM processor)", cpuinfo, re.MULTILINE):
        yield "kvm"
    if "User Mode Linux" in cpuinfo:
        yield "uml"
    if re.search(r"^machine\s*:.*CHRP IBM pSeries \(emulated by qemu\)", cpuinfo, re.MULTILINE):
        yield "kvm"
    if re.search(r"^VxID:\s*[1-9]", evidence["status"], re.MULTILINE):
        yield "linux_vserver"


def hosting(evidence):
    """What this host can run guests with."""
    loaded = {line.split(" ", 1)[0] for line in evidence["modules"].splitlines()}
    if "/dev/kvm" in evidence["exists"] or loaded & {"kvm", "kvm_intel", "kvm_amd"}:
        yield "kvm"
    if "vboxdrv" in loaded or "/dev/vboxdrv" in evidence["exists"]:
        yield "virtualbox"
    if "control_d" in evidence["xen"]:
        yield "xen"
    if {"/proc/vz", "/proc/bc"} <= evidence["exists"]:
        yield "openvz"
