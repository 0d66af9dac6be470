"""Images of lab hosts, made from Debian's packages without a registry and cached by the hash of their recipe.

``mmdebstrap`` makes a root file system, ``docker import`` turns it into an image. The image reaches apt the way the
build machine does: its mirror, proxy settings and certificate authorities are part of the recipe.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import re
import shutil
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.lab.engine import LAB_DIR, LabError, docker

REPOSITORY = "orch-lab"
BUILD_TIMEOUT_S = 900
PROVISION = Path(__file__).with_name("provision.sh")
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
DEFAULT_MIRROR = "http://deb.debian.org/debian"

BASE = ("ca-certificates", "cron", "curl", "dbus", "iproute2", "openssh-server", "procps", "sudo", "systemd-sysv")
TOOLS = ("acl", "bzip2", "git", "less", "rsync", "unzip", "xz-utils", "zip")
PYTHON = ("python3", "python3-apt")


@dataclass(frozen=True)
class Recipe:
    """What goes into an image. ``prefetch``: packages left in apt's cache, so that a test installs without waiting."""

    name: str
    suite: str
    packages: tuple[str, ...]
    prefetch: tuple[str, ...] = ()

    def digest(self) -> str:
        """Twelve hex digits over everything that shapes the image."""
        parts = [json.dumps(asdict(self), sort_keys=True), mirror(), apt_settings(), PROVISION.read_text()]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]

    @property
    def tag(self) -> str:
        return f"{REPOSITORY}:{self.name}-{self.digest()}"


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe("bookworm", "bookworm", BASE + TOOLS + PYTHON, prefetch=("nginx-light",)),
        Recipe("bullseye", "bullseye", BASE + TOOLS + PYTHON),
        Recipe("trixie", "trixie", BASE + TOOLS + PYTHON),
        Recipe("nopython", "bookworm", BASE),
    )
}
"""By name: Debian 12 with Python 3.11, 11 with 3.9, 13 with 3.13, and 12 without any Python."""


def mirror() -> str:
    """The Debian mirror this machine uses, or the public one."""
    files = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    for file in files:
        text = file.read_text(errors="replace") if file.is_file() else ""
        found = re.search(r"^(?:URIs:|deb\s+(?:\[[^]]*\]\s+)?)\s*(\S+/debian)/?(?:\s|$)", text, re.MULTILINE)
        if found:
            return found[1]
    return DEFAULT_MIRROR


def apt_settings() -> str:
    """This machine's settings on how to reach apt's sources (proxies, certificates, dates), as an apt.conf text."""
    if shutil.which("apt-config") is None:
        return ""
    dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True).stdout
    wanted = re.compile(r"Acquire::(https?::(Proxy|CAInfo|Verify)|Check-)", re.IGNORECASE)
    return "".join(f"{line}\n" for line in dump.splitlines() if wanted.match(line))


def missing() -> str | None:
    """Why an image cannot be built here; None when it can."""
    return None if shutil.which("mmdebstrap") else "mmdebstrap is not installed"


def ensure(name: str) -> str:
    """The tag of the image ``name``, built first when there is none for today's recipe. Raises `LabError`.

    Several processes may ask at once: one builds, the others wait.
    """
    recipe = RECIPES[name]
    LAB_DIR.mkdir(exist_ok=True)
    with (LAB_DIR / f"image-{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not docker("images", "-q", recipe.tag):
            reason = missing()
            if reason:
                raise LabError(f"the image {recipe.tag} is not built yet, and {reason}")
            _build(recipe)
            _forget_older(recipe)
    return recipe.tag


def _build(recipe: Recipe) -> None:
    with tempfile.TemporaryDirectory(prefix="orch-lab-") as scratch:
        tarball = Path(scratch, "root.tar")
        settings = Path(scratch, "99lab")
        settings.write_text(apt_settings())
        command = _mmdebstrap(recipe, tarball, settings)
        done = subprocess.run(command, capture_output=True, text=True, timeout=BUILD_TIMEOUT_S)
        if done.returncode != 0:
            raise LabError(f"mmdebstrap {recipe.name}: {done.stderr[-3000:]}")
        docker("import", str(tarball), recipe.tag, timeout_s=BUILD_TIMEOUT_S)


def _mmdebstrap(recipe: Recipe, tarball: Path, settings: Path) -> list[str]:
    command = ["mmdebstrap", "--variant=minbase", "--format=tar", f"--include={','.join(recipe.packages)}",
               "--skip=cleanup/apt/lists,cleanup/apt/cache", f"--aptopt={settings}"]
    command += [f"--customize-hook=copy-in {settings} /etc/apt/apt.conf.d",
                f"--customize-hook=copy-in {PROVISION} /root",
                '--customize-hook=chroot "$1" sh -eu /root/provision.sh',
                '--customize-hook=rm "$1/root/provision.sh"; rm -f "$1"/var/cache/apt/archives/*.deb']
    if CERTIFICATES.is_file():
        command.append(f"--customize-hook=copy-in {CERTIFICATES} /etc/ssl/certs")
    if recipe.prefetch:
        packages = " ".join(recipe.prefetch)
        command.append('--customize-hook=chroot "$1" apt-get install --yes --no-install-recommends --download-only '
                       + packages)
    return [*command, recipe.suite, str(tarball), mirror()]


def _forget_older(recipe: Recipe) -> None:
    for tag in docker("images", "--format", "{{.Repository}}:{{.Tag}}", REPOSITORY).splitlines():
        if tag.startswith(f"{REPOSITORY}:{recipe.name}-") and tag != recipe.tag:
            try:
                docker("rmi", tag)
            except LabError:
                continue  # a container of an older lab still uses it
