"""Which distribution: release files in, Ansible's facts out."""

from __future__ import annotations

import pytest

from modules.support.facts.distribution import identify, lsb_from_os_release, parse_lsb_release

OS = "/etc/os-release"


def os_release(**entries: str) -> str:
    return "".join(f'{name}="{value}"\n' for name, value in entries.items())


CASES = {
    "debian 12, point release from its own file": (
        {OS: os_release(ID="debian", NAME="Debian GNU/Linux", VERSION_ID="12", VERSION_CODENAME="bookworm"),
         "/etc/debian_version": "12.11\n"}, ("Debian", "12.11", "12", "bookworm", "Debian")),
    "debian testing says its name only": (
        {OS: os_release(ID="debian", NAME="Debian GNU/Linux", PRETTY_NAME="Debian GNU/Linux trixie/sid",
                        VERSION_CODENAME="trixie"),
         "/etc/debian_version": "trixie/sid\n"}, ("Debian", "NA", "NA", "trixie", "Debian")),
    "ubuntu 22.04": (
        {OS: os_release(ID="ubuntu", ID_LIKE="debian", NAME="Ubuntu", VERSION_ID="22.04", VERSION_CODENAME="jammy"),
         "/etc/debian_version": "bookworm/sid\n"}, ("Ubuntu", "22.04", "22", "jammy", "Debian")),
    "linux mint": (
        {OS: os_release(ID="linuxmint", ID_LIKE="ubuntu", NAME="Linux Mint", VERSION_ID="21.2",
                        VERSION_CODENAME="victoria")}, ("Linux Mint", "21.2", "21", "victoria", "Debian")),
    "rhel 8": (
        {OS: os_release(ID="rhel", NAME="Red Hat Enterprise Linux", VERSION_ID="8.9"),
         "/etc/redhat-release": "Red Hat Enterprise Linux release 8.9 (Ootpa)\n"},
        ("RedHat", "8.9", "8", "Ootpa", "RedHat")),
    "rocky 9": (
        {OS: os_release(ID="rocky", NAME="Rocky Linux", VERSION_ID="9.3", ID_LIKE="rhel centos fedora"),
         "/etc/redhat-release": "Rocky Linux release 9.3 (Blue Onyx)\n"}, ("Rocky", "9.3", "9", "Blue Onyx", "RedHat")),
    "almalinux 8": (
        {OS: os_release(ID="almalinux", NAME="AlmaLinux", VERSION_ID="8.9"),
         "/etc/redhat-release": "AlmaLinux release 8.9 (Midnight Oncilla)\n"},
        ("AlmaLinux", "8.9", "8", "Midnight Oncilla", "RedHat")),
    "centos stream has no minor version": (
        {OS: os_release(ID="centos", NAME="CentOS Stream", VERSION_ID="9"),
         "/etc/redhat-release": "CentOS Stream release 9\n"}, ("CentOS", "9", "9", "Stream", "RedHat")),
    "centos 7, the medium's date dropped": (
        {OS: os_release(ID="centos", NAME="CentOS Linux", VERSION_ID="7"),
         "/etc/redhat-release": "CentOS Linux release 7.9.2009 (Core)\n"}, ("CentOS", "7.9", "7", "Core", "RedHat")),
    "red hat 6 is older than os-release": (
        {"/etc/redhat-release": "Red Hat Enterprise Linux Server release 6.7 (Santiago)\n"},
        ("RedHat", "6.7", "6", "Santiago", "RedHat")),
    "oracle linux, beside a redhat-release": (
        {OS: os_release(ID="ol", NAME="Oracle Linux Server", VERSION_ID="8.8"),
         "/etc/oracle-release": "Oracle Linux Server release 8.8\n",
         "/etc/redhat-release": "Red Hat Enterprise Linux release 8.8 (Ootpa)\n"},
        ("OracleLinux", "8.8", "8", "NA", "RedHat")),
    "fedora": (
        {OS: os_release(ID="fedora", NAME="Fedora Linux", VERSION_ID="39", VERSION_CODENAME=""),
         "/etc/redhat-release": "Fedora release 39 (Thirty Nine)\n"}, ("Fedora", "39", "39", "", "RedHat")),
    "amazon 2023": (
        {OS: os_release(ID="amzn", NAME="Amazon Linux", VERSION_ID="2023", ID_LIKE="fedora"),
         "/etc/system-release": "Amazon Linux release 2023 (Amazon Linux)\n"},
        ("Amazon", "2023", "2023", "NA", "RedHat")),
    "alpine, the full version from its own file": (
        {OS: os_release(ID="alpine", NAME="Alpine Linux", VERSION_ID="3.19.1"), "/etc/alpine-release": "3.19.1\n"},
        ("Alpine", "3.19.1", "3", "NA", "Alpine")),
    "sles 15, the service pack is the release": (
        {OS: os_release(ID="sles", NAME="SLES", VERSION_ID="15.5", ID_LIKE="suse")},
        ("SLES", "15.5", "15", "5", "Suse")),
    "opensuse leap": (
        {OS: os_release(ID="opensuse-leap", NAME="openSUSE Leap", VERSION_ID="15.5", ID_LIKE="suse opensuse")},
        ("openSUSE Leap", "15.5", "15", "5", "Suse")),
    "opensuse tumbleweed": (
        {OS: os_release(ID="opensuse-tumbleweed", NAME="openSUSE Tumbleweed", VERSION_ID="20240101")},
        ("openSUSE Tumbleweed", "20240101", "20240101", "", "Suse")),
    "arch rolls": (
        {OS: os_release(ID="arch", NAME="Arch Linux"), "/etc/arch-release": ""},
        ("Archlinux", "NA", "NA", "NA", "Archlinux")),
    "one nobody knows goes with what it is like": (
        {OS: os_release(ID="frobnix", NAME="Frobnix", VERSION_ID="1.5", ID_LIKE="debian")},
        ("Frobnix", "1.5", "1", "NA", "Debian")),
    "no file at all": ({}, ("Linux", "NA", "NA", "NA", "Linux")),
    "bytes that are no text": (
        {OS: 'ID=debian\nNAME="\udcff"\nVERSION_ID=12\n'}, ("Debian", "12", "12", "NA", "Debian")),
}


@pytest.mark.parametrize(("texts", "wanted"), CASES.values(), ids=CASES.keys())
def test_a_distribution_is_told_by_its_release_files(texts: dict[str, str], wanted: tuple[str, ...]) -> None:
    found = identify(texts)
    names = ("distribution", "distribution_version", "distribution_major_version", "distribution_release", "os_family")
    assert tuple(found[name] for name in names) == wanted


def test_lsb_facts_come_from_the_lsb_file_or_from_os_release() -> None:
    content = ('DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=22.04\nDISTRIB_CODENAME=jammy\n'
               'DISTRIB_DESCRIPTION="Ubuntu 22.04 LTS"\n')
    wanted = {"id": "Ubuntu", "release": "22.04", "codename": "jammy", "description": "Ubuntu 22.04 LTS",
              "major_release": "22"}
    assert parse_lsb_release(content) == wanted
    entries = {"ID": "ubuntu", "VERSION_ID": "22.04", "VERSION_CODENAME": "jammy", "PRETTY_NAME": "Ubuntu 22.04 LTS"}
    assert lsb_from_os_release(entries) == wanted
