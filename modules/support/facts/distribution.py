"""Which distribution this is, in Ansible's words: ``distribution*`` and ``os_family``, and the lsb facts.

`identify` is pure: it takes the texts of the release files that exist. os-release(5) is the base; a distribution
whose own file says more (Debian's point release, Red Hat's minor version) has a function of its own in `REFINERS`.
"""

import os
import re

from modules.support.facts import reading

FILES = ("/etc/os-release", "/usr/lib/os-release", "/etc/debian_version", "/etc/lsb-release", "/etc/redhat-release",
         "/etc/centos-release", "/etc/oracle-release", "/etc/system-release", "/etc/alpine-release",
         "/etc/arch-release", "/etc/SuSE-release", "/etc/slackware-version", "/etc/gentoo-release")

NAMES = {
    "debian": "Debian", "ubuntu": "Ubuntu", "linuxmint": "Linux Mint", "raspbian": "Debian", "kali": "Kali",
    "devuan": "Devuan", "pop": "Pop!_OS", "parrot": "Parrot", "elementary": "elementary OS", "neon": "KDE neon",
    "rhel": "RedHat", "centos": "CentOS", "fedora": "Fedora", "rocky": "Rocky", "almalinux": "AlmaLinux",
    "ol": "OracleLinux", "amzn": "Amazon", "scientific": "Scientific", "eurolinux": "EuroLinux",
    "cloudlinux": "CloudLinux", "virtuozzo": "Virtuozzo", "openEuler": "openEuler", "anolis": "Anolis",
    "kylin": "Kylin Linux Advanced Server", "uos": "UnionTech OS", "mariner": "Mariner", "photon": "VMware Photon OS",
    "sles": "SLES", "sled": "SLED", "sles_sap": "SLES_SAP", "opensuse-leap": "openSUSE Leap",
    "opensuse-tumbleweed": "openSUSE Tumbleweed", "opensuse": "openSUSE", "sle-micro": "SLE Micro",
    "opensuse-microos": "openSUSE MicroOS", "suse-microos": "SUSE MicroOS",
    "alpine": "Alpine", "arch": "Archlinux", "manjaro": "Manjaro", "archarm": "Archlinux",
    "endeavouros": "EndeavourOS",
    "gentoo": "Gentoo", "nixos": "NixOS", "void": "Void", "slackware": "Slackware", "clear-linux-os": "Clear Linux OS",
    "flatcar": "Flatcar", "altlinux": "Altlinux", "openwrt": "OpenWrt", "smgl": "SMGL", "deepin": "Deepin",
    "miraclelinux": "MIRACLE", "steamos": "SteamOS", "tencentos": "TencentOS", "lmde": "Linux Mint Debian Edition",
}

FAMILIES = {
    "Debian": ("Debian", "Ubuntu", "Raspbian", "Neon", "KDE neon", "Linux Mint", "SteamOS", "Devuan", "Kali",
               "Cumulus Linux", "Linux Mint Debian Edition", "Pop!_OS", "Parrot", "Pardus GNU/Linux", "Uos",
    "UnionTech OS", "Deepin", "OSMC",
               "elementary OS", "Linuxmint"),
    "RedHat": ("RedHat", "RHEL", "Fedora", "CentOS", "Scientific", "SLC", "Ascendos", "CloudLinux", "PSBM",
               "OracleLinux", "OVS", "OEL", "Amazon", "Amzn", "Virtuozzo", "XenServer", "Alibaba", "EulerOS",
               "openEuler", "AlmaLinux", "Rocky", "TencentOS", "EuroLinux", "Kylin Linux Advanced Server", "MIRACLE",
               "Anolis", "Mariner"),
    "Suse": ("SuSE", "SLES", "SLED", "openSUSE", "openSUSE Tumbleweed", "SLES_SAP", "SUSE_LINUX", "openSUSE Leap",
             "ALP-Dolomite", "SL-Micro", "SLE Micro", "openSUSE MicroOS", "SUSE MicroOS"),
    "Archlinux": ("Archlinux", "Antergos", "Manjaro", "EndeavourOS"),
    "Mandrake": ("Mandrake", "Mandriva"),
    "Gentoo": ("Gentoo", "Funtoo"),
    "Altlinux": ("Altlinux",),
    "ClearLinux": ("Clear Linux OS", "Clear Linux Mix"),
    "SMGL": ("SMGL",),
}
FAMILY_OF = {name: family for family, names in FAMILIES.items() for name in names}

RED_HAT_NAMES = (("CentOS", "CentOS"), ("Rocky", "Rocky"), ("AlmaLinux", "AlmaLinux"), ("Oracle", "OracleLinux"),
                 ("Fedora", "Fedora"), ("Scientific", "Scientific"), ("Red Hat", "RedHat"), ("Amazon", "Amazon"),
                 ("CloudLinux", "CloudLinux"), ("EuroLinux", "EuroLinux"), ("Virtuozzo", "Virtuozzo"))


def collect(host):
    """The facts of this host."""
    texts = {path: reading.text(path) for path in FILES if os.path.exists(path)}
    return identify(texts)


def identify(texts):
    """``distribution``, ``distribution_*`` and ``os_family``."""
    path = "/etc/os-release" if "/etc/os-release" in texts else "/usr/lib/os-release"
    release = reading.assignments(texts.get(path, ""))
    release = release or older(texts)
    found = from_os_release(release, path)
    family = family_of(found["distribution"], release)
    refine = REFINERS.get(found["distribution"]) or REFINERS.get(family)
    if refine:
        found.update(refine(texts, release, found))
    found["os_family"] = family_of(found["distribution"], release)
    version = found["distribution_version"]
    if version not in ("NA", ""):
        parts = version.split(".")
        found.setdefault("distribution_major_version", parts[0])
        if len(parts) > 1:
            found.setdefault("distribution_minor_version", parts[1])
    found.setdefault("distribution_major_version", "NA")
    return found


def older(texts):
    """What os-release would say on systems older than it: Red Hat 6, Amazon's first, old Ubuntus."""
    line = (texts.get("/etc/redhat-release") or texts.get("/etc/system-release") or "").strip()
    for part, name in RED_HAT_NAMES:
        if part in line:
            version = re.search(r"(\d+(?:\.\d+)*)", line)
            identity = next(key for key, known in NAMES.items() if known == name)
            return {"ID": identity, "NAME": name, "VERSION_ID": version.group(1) if version else ""}
    lsb = reading.assignments(texts.get("/etc/lsb-release", ""))
    identity = lsb.get("DISTRIB_ID", "").lower()
    return {"ID": identity, "NAME": lsb["DISTRIB_ID"], "VERSION_ID": lsb.get("DISTRIB_RELEASE", ""),
            "VERSION_CODENAME": lsb.get("DISTRIB_CODENAME", "")} if identity else {}


def from_os_release(release, path):
    """What os-release(5) alone says."""
    identity = release.get("ID", "")
    name = NAMES.get(identity) or release.get("NAME") or "Linux"
    if identity == "opensuse" and release.get("NAME", "").startswith("openSUSE "):
        name = release["NAME"]
    if "sles_sap" in release.get("CPE_NAME", ""):
        name = "SLES_SAP"
    found = {"distribution": name, "distribution_version": release.get("VERSION_ID") or "NA",
             "distribution_release": release.get("VERSION_CODENAME") or release.get("UBUNTU_CODENAME") or "NA"}
    if release:
        found.update(distribution_file_parsed=True, distribution_file_path=path, distribution_file_variety=name)
    return found


def family_of(name, release):
    """``os_family`` of a distribution; an unknown one takes the first known of its ID_LIKE, then its own name."""
    if name in FAMILY_OF:
        return FAMILY_OF[name]
    for like in release.get("ID_LIKE", "").split():
        known = NAMES.get(like, "")
        if known in FAMILY_OF:
            return FAMILY_OF[known]
    return name


def debian(texts, release, found):
    """Debian: the point release from /etc/debian_version; testing and unstable say their name there instead."""
    text = texts.get("/etc/debian_version", "").strip()
    values = {"distribution_file_variety": "Debian"}
    if re.match(r"\d+(\.\d+)*$", text) and found["distribution"] == "Debian":
        values["distribution_version"] = text
    elif "/" in text and found["distribution_release"] == "NA":
        values["distribution_release"] = text.split("/")[0]
    if values.get("distribution_release", found["distribution_release"]) == "NA":
        named = re.search(r"\((\w+)\)", release.get("VERSION", "") + release.get("PRETTY_NAME", ""))
        codename = reading.assignments(texts.get("/etc/lsb-release", "")).get("DISTRIB_CODENAME")
        if named or codename:
            values["distribution_release"] = named.group(1) if named else codename
    return values


def ubuntu(texts, release, found):
    """Ubuntu and its kin: the codename is Ubuntu's lsb codename when os-release has none."""
    lsb = reading.assignments(texts.get("/etc/lsb-release", ""))
    values = {"distribution_file_variety": "Debian"}
    if found["distribution_release"] == "NA" and lsb.get("DISTRIB_CODENAME"):
        values["distribution_release"] = lsb["DISTRIB_CODENAME"]
    return values


def red_hat(texts, release, found):
    """Red Hat's family: name, minor version and codename from the one-line release file."""
    for path in ("/etc/oracle-release", "/etc/redhat-release", "/etc/system-release"):
        line = texts.get(path, "").strip().split("\n")[0]
        if line:
            break
    else:
        return {}
    values = {"distribution_file_path": path, "distribution_file_parsed": True,
              "distribution_file_variety": "OracleLinux" if path == "/etc/oracle-release" else "RedHat"}
    for part, name in RED_HAT_NAMES:
        if part in line and found["distribution"] in (name, "Linux", "CentOS", "RedHat"):
            values["distribution"] = name
            break
    version = re.search(r"release\s+(\d+(?:\.\d+)*)", line)
    if version and found["distribution"] != "Amazon":
        values["distribution_version"] = two_parts(version.group(1))
    codename = re.search(r"\(([^)]+)\)\s*$", line)
    if codename:
        values["distribution_release"] = codename.group(1)
    elif "Stream" in line:
        values["distribution_release"] = "Stream"
    if found["distribution"] == "Fedora":
        values["distribution_release"] = release.get("VERSION_CODENAME", values.get("distribution_release", "NA"))
    return values


def two_parts(version):
    """``7.9.2009`` is 7.9; what follows is the date of the medium."""
    return ".".join(version.split(".")[:2])


def amazon(texts, release, found):
    """Amazon Linux: the version of os-release, as it is; the release file names no other."""
    path = "/etc/os-release" if release else "/etc/system-release"
    return {"distribution_file_variety": "Amazon", "distribution_file_path": path}


def suse(texts, release, found):
    """SUSE: the service pack is the release; an SAP product is a distribution of its own."""
    values = {"distribution_file_variety": "SUSE"}
    version = found["distribution_version"]
    if found["distribution"] in ("SLES", "SLED", "SLES_SAP"):
        values["distribution_release"] = version.split(".")[1] if "." in version else "0"
    elif found["distribution"] == "openSUSE Leap" and "." in version:
        values["distribution_release"] = version.split(".")[1]
    elif found["distribution_release"] == "NA":
        values["distribution_release"] = ""
    return values


def alpine(texts, release, found):
    """Alpine: the full version from its own file."""
    text = texts.get("/etc/alpine-release", "").strip()
    return {"distribution_version": text, "distribution_file_path": "/etc/alpine-release"} if text else {}


def arch(texts, release, found):
    """Arch rolls: it has no version."""
    path = "/etc/arch-release" if "/etc/arch-release" in texts else "/etc/os-release"
    return {"distribution_file_path": path, "distribution_version": release.get("VERSION_ID") or "NA"}


REFINERS = {"Debian": debian, "Ubuntu": ubuntu, "RedHat": red_hat, "Amazon": amazon, "Suse": suse,
            "Alpine": alpine, "Archlinux": arch}


def lsb(host):
    """``lsb``: from /etc/lsb-release, or as lsb_release prints where that is installed; else empty."""
    content = reading.text("/etc/lsb-release")
    if content:
        return {"lsb": parse_lsb_release(content)}
    if os.path.exists("/usr/bin/lsb_release"):
        return {"lsb": lsb_from_os_release(reading.assignments(reading.text("/etc/os-release")))}
    return {"lsb": {}}


def parse_lsb_release(content):
    """The facts of an /etc/lsb-release text."""
    entries = reading.assignments(content)
    names = {"id": "DISTRIB_ID", "release": "DISTRIB_RELEASE", "codename": "DISTRIB_CODENAME",
             "description": "DISTRIB_DESCRIPTION"}
    return with_major({name: entries[key] for name, key in names.items() if key in entries})


def lsb_from_os_release(release):
    """What lsb_release makes of os-release, which is its own source on today's systems."""
    identity = release.get("ID", "")
    found = {"id": NAMES.get(identity, release.get("NAME", identity)), "release": release.get("VERSION_ID", "n/a"),
             "codename": release.get("VERSION_CODENAME", "n/a"), "description": release.get("PRETTY_NAME", "")}
    return with_major(found)


def with_major(found):
    """The facts with ``major_release`` added."""
    if found.get("release"):
        found["major_release"] = found["release"].split(".")[0]
    return found
