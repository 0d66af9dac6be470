"""System packages for tests and lab: installed where that is allowed, and named where it is not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

LAB_PACKAGES = {"docker.io": "dockerd", "iproute2": "ip", "mmdebstrap": "mmdebstrap", "nftables": "nft"}
"""Debian package -> a program it brings; the program is what is looked for."""

TEST_PACKAGES = {
    **LAB_PACKAGES, "openssh-server": "sshd", "openssh-client": "ssh", "sudo": "sudo", "git": "git",
    "postgresql": "/usr/lib/postgresql", "util-linux": "setpriv", "openssl": "openssl", "curl": "curl",
    "chromium": "chromium", "nodejs": "node", "npm": "npm",
}
INSTALL_TIMEOUT_S = 900
_SEARCH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def absent(packages: dict[str, str]) -> list[str]:
    """The packages whose program (or path) is not there."""
    return [package for package, sign in packages.items()
            if not (Path(sign).exists() if sign.startswith("/") else shutil.which(sign, path=_SEARCH))]


def install(packages: dict[str, str]) -> None:
    """Install what is absent with apt when we are root on a Debian; else say what will be skipped for lack of it."""
    wanted = absent(packages)
    if not wanted:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        print(f"dev: not installed, and not ours to install: {' '.join(wanted)}; what needs them is skipped",
              file=sys.stderr)
        return
    print(f"dev: installing {' '.join(wanted)}", file=sys.stderr)
    failed = [command for command in (["apt-get", "update", "-qq"], _install_command(wanted)) if not _quiet(command)]
    if failed and absent(packages):
        print(f"dev: apt could not install {' '.join(absent(packages))}; what needs them is skipped", file=sys.stderr)


def _install_command(packages: list[str]) -> list[str]:
    return ["apt-get", "install", "--yes", "-qq", "--no-install-recommends", *packages]


def _quiet(command: list[str]) -> bool:
    """Run ``command``, showing its output only when it fails."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=INSTALL_TIMEOUT_S)
    if done.returncode:
        print(done.stdout[-2000:], done.stderr[-2000:], sep="\n", file=sys.stderr)
    return done.returncode == 0
