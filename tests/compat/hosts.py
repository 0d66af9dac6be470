"""Fresh lab hosts for cases and roles: the lab's Debian 12 with what ansible-core's tests expect, called testhost."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.compat.invocation import NAME
from tests.lab import images
from tests.lab.engine import LAB_DIR, docker
from tests.lab.hosts import Lab, LabHost

CONTEXT = Path(__file__).with_name("host")
REPOSITORY = "orch-compat"
OPTIONS = ("--cap-add", "NET_ADMIN", "--tmpfs", "/tmp:exec")
"""Firewalls are configured, and programs are run from /tmp."""

SETTLE = f"""set -e
hostname {NAME}; echo {NAME} > /etc/hostname; echo 127.0.1.1 {NAME} >> /etc/hosts
touch -d 2020-01-01 /var/lib/apt/lists
install -d -m 700 /root/.ssh
install -m 600 /etc/ssh/lab_authorized_keys /root/.ssh/authorized_keys
"""
"""apt's lists count as old: whether the image was made an hour ago must not decide what a first run changes. Tests hand
root's authorized keys on to other users."""


@contextmanager
def fresh_host() -> Iterator[LabHost]:
    """A host that nobody has touched, removed afterwards. One at a time in a process. Raises `LabError`."""
    lab = Lab(f"compat-{os.getpid()}", image_tag=lambda name: ensure_image(), options=OPTIONS)
    try:
        [host] = lab.add(1, "compat", prefix=NAME)
        host.exec(SETTLE)
        host.exec("cat > /etc/resolv.conf", input=name_servers().encode())
        yield host
    finally:
        lab.remove()
        shutil.rmtree(lab.folder, ignore_errors=True)


def name_servers(path: Path = Path("/etc/resolv.conf")) -> str:
    """This machine's, for the host; its engine's own rest on firewall rules that a role may flush, and stay where these
    are on loopback."""
    lines = [line for line in path.read_text().splitlines() if line.startswith(("nameserver ", "search "))]
    if any(line.startswith(("nameserver 127.", "nameserver ::1")) for line in lines) or not lines:
        return "nameserver 127.0.0.11\n"
    return "\n".join([*lines, ""])


def ensure_image() -> str:
    """The image's tag; built from the lab's image when its recipe or that image is new. Raises `LabError`."""
    base = images.ensure("bookworm")
    digest = hashlib.sha256(f"{base}\0{(CONTEXT / 'Dockerfile').read_text()}".encode()).hexdigest()[:12]
    tag = f"{REPOSITORY}:{digest}"
    with (LAB_DIR / "image-compat.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not docker("images", "--quiet", tag):
            docker("build", "--quiet", "--network=host", "--build-arg", f"BASE={base}", "--tag", tag, str(CONTEXT),
                   timeout_s=images.BUILD_TIMEOUT_S)
    return tag
