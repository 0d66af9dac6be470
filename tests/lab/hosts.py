"""Real Debian hosts as containers: systemd, sshd, sudo, cron, apt, and an address of their own.

A `Lab` is a named group of hosts with one key pair and one known_hosts file. What it made is labelled with its name,
so that two labs never meet and a forgotten one can be found and removed.

Accounts on every host: ``root`` (key; password root-secret), ``ops`` (sudo with the password ops-secret),
``ops-nopass`` (sudo without), ``plain`` (no sudo; plain-secret). The lab's key opens all of them.
"""

from __future__ import annotations

import contextlib
import ipaddress
import shlex
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from tests.lab import images
from tests.lab.engine import LAB_DIR, LabError, docker

LABEL = "orch.lab"
ADDRESS_LABEL = "orch.lab.address"
NETWORK = "orch-lab"
SUBNETS = ("10.213.0.0/20", "172.29.240.0/20", "192.168.208.0/20")
BOOT_TIMEOUT_S = 60
SYSTEMD_OPTIONS = (
    "--cap-add", "SYS_ADMIN", "--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined",
    "--tmpfs", "/run", "--tmpfs", "/run/lock", "--tmpfs", "/tmp", "--cgroupns=host",
    "--volume", "/sys/fs/cgroup:/sys/fs/cgroup:rw",
)
PASSWORDS = {"root": "root-secret", "ops": "ops-secret", "ops-nopass": "nopass-secret", "plain": "plain-secret"}


@dataclass
class LabHost:
    """One container. ``name`` is what an inventory calls it (``lab1``); ``container`` is the engine's name for it."""

    name: str
    container: str
    address: str
    image: str
    key: Path
    known_hosts: Path
    host_key: str = ""
    """The public host key as sshd has it (``ssh-ed25519 AAAA…``), read through the engine, not over the network."""
    cut_off: bool = field(default=False)

    def exec(self, command: str | list[str], *, input: bytes | None = None, check: bool = True,
             timeout_s: float = 120) -> str:
        """Standard output of ``command`` run as root through the engine; a string goes to ``sh -c``.

        Works while the host is cut off. Raises `LabError` on a non-zero exit, unless ``check`` is False.
        """
        argv = ["sh", "-c", command] if isinstance(command, str) else command
        interactive = ["--interactive"] if input is not None else []
        done = subprocess.run(["docker", "exec", *interactive, self.container, *argv], input=input,
                              capture_output=True, timeout=timeout_s)
        if check and done.returncode != 0:
            error = done.stderr.decode(errors="replace").strip()
            raise LabError(f"{self.name}: {shlex.join(argv)}: exit {done.returncode}: {error}")
        return done.stdout.decode(errors="surrogateescape")

    def cut(self) -> None:
        """Pull the network cable: packets get no answer, open connections hang."""
        docker("network", "disconnect", "--force", NETWORK, self.container)
        self.cut_off = True

    def restore(self) -> None:
        """Undo `cut`: same address, same MAC-independent name; returns once sshd answers."""
        if self.cut_off:
            docker("network", "connect", "--ip", self.address, NETWORK, self.container)
            self.cut_off = False
        self.await_ssh()

    def pause(self) -> None:
        """Freeze every process: the kernel still accepts connections, nobody answers on them."""
        docker("pause", self.container)

    def unpause(self) -> None:
        docker("unpause", self.container)

    def kill(self) -> None:
        """Fell the host at once, as a power cut does."""
        docker("kill", self.container)

    def start(self) -> None:
        """Boot a killed host again, with the same address and disk; returns once sshd answers."""
        docker("start", self.container)
        self.await_ssh()

    def is_running(self) -> bool:
        return docker("inspect", "--format", "{{.State.Running}} {{.State.Paused}}", self.container) == "true false"

    def await_ssh(self, timeout_s: float = BOOT_TIMEOUT_S) -> None:
        """Return once sshd sends its banner. Raises `LabError` when it does not within ``timeout_s``."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection((self.address, 22), timeout=2) as line:
                if line.recv(4) == b"SSH-":
                    return
            time.sleep(0.05)
        raise LabError(f"{self.name} ({self.address}): sshd did not answer within {timeout_s} s")

    def ssh_options(self, user: str = "root") -> list[str]:
        """Arguments for the ``ssh`` command: strict host keys, the lab's key, nothing of the user's own."""
        return ["-F", "none", "-i", str(self.key), "-l", user, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
                "-o", "StrictHostKeyChecking=yes", "-o", f"UserKnownHostsFile={self.known_hosts}"]

    def variables(self, user: str = "root") -> dict[str, str]:
        """The inventory variables by which a playbook reaches this host."""
        return {
            "ansible_host": self.address,
            "ansible_user": user,
            "ansible_ssh_private_key_file": str(self.key),
            "ansible_ssh_common_args": f"-o StrictHostKeyChecking=yes -o UserKnownHostsFile={self.known_hosts}",
        }

    def inventory_line(self, user: str = "root") -> str:
        """One line of an INI inventory."""
        return " ".join([self.name, *(f"{key}={shlex.quote(value)}" for key, value in self.variables(user).items())])


class Lab:
    """A group of lab hosts. Use as a context manager, or `remove` it when done; by hand, hosts stay until then."""

    def __init__(self, name: str, folder: Path | None = None, image_tag: Callable[[str], str] = images.ensure,
                 options: tuple[str, ...] = ()) -> None:
        """``image_tag`` makes an image's name into the engine's tag; ``options`` go to every ``docker run``."""
        self.name = name
        self.image_tag = image_tag
        self.options = options
        self.folder = folder or LAB_DIR / name
        self.hosts: list[LabHost] = []
        self.folder.mkdir(parents=True, exist_ok=True)
        self.key = self.folder / "id_ed25519"
        self.known_hosts = self.folder / "known_hosts"
        if not self.key.exists():
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"orch-lab-{name}", "-f", self.key],
                           check=True, stdin=subprocess.DEVNULL)

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.remove()

    def add(self, count: int = 1, image: str = "bookworm", prefix: str = "lab") -> list[LabHost]:
        """Boot ``count`` more hosts of ``image``, side by side; returns once each answers on port 22."""
        tag = self.image_tag(image)
        _ensure_network()
        taken = {host.name for host in self.hosts}
        names = (f"{prefix}{number}" for number in range(1, 10_000))
        fresh = [name for name, _ in zip((name for name in names if name not in taken), range(count))]
        hosts = [self._boot(name, image, tag) for name in fresh]
        for host in hosts:
            self._admit(host)
        self._write_known_hosts()
        return hosts

    def find(self) -> list[LabHost]:
        """Take up the hosts that an earlier process booted under this lab's name."""
        rows = docker("ps", "--all", "--filter", f"label={LABEL}={self.name}", "--format",
                      '{{.Names}} {{.Label "orch.lab.host"}} {{.Label "orch.lab.image"}}').splitlines()
        for container, name, image in sorted((row.split() for row in rows), key=lambda row: (len(row[1]), row[1])):
            host = self._host(container, name, image)
            host.cut_off = not docker("inspect", "--format", "{{range .NetworkSettings.Networks}}on{{end}}", container)
            self._read_host_key(host)
            self.hosts.append(host)
        return self.hosts

    def remove(self) -> None:
        """Remove every host of this lab, running or not. Images stay."""
        containers = docker("ps", "--all", "--quiet", "--filter", f"label={LABEL}={self.name}").split()
        if containers:
            docker("rm", "--force", "--volumes", *containers)
        self.hosts.clear()

    def inventory(self, user: str = "root", group: str = "lab") -> str:
        """An INI inventory of all hosts in one group."""
        return "\n".join([f"[{group}]", *(host.inventory_line(user) for host in self.hosts), ""])

    def _boot(self, name: str, image: str, tag: str) -> LabHost:
        container = f"orch-lab-{self.name}-{name}"
        labels = {LABEL: self.name, f"{LABEL}.host": name, f"{LABEL}.image": image}
        options = ("--hostname", name, *SYSTEMD_OPTIONS, *self.options)
        _run_with_address(container, labels, *options, tag, "/lib/systemd/systemd")
        host = self._host(container, name, image)
        self.hosts.append(host)
        return host

    def _host(self, container: str, name: str, image: str) -> LabHost:
        address = docker("inspect", "--format", f'{{{{index .Config.Labels "{ADDRESS_LABEL}"}}}}', container)
        if not address:  # a host of an older working copy has no label
            form = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
            address = docker("inspect", "--format", form, container)
        return LabHost(name, container, address, image, self.key, self.known_hosts)

    def _admit(self, host: LabHost) -> None:
        public = self.key.with_suffix(".pub").read_bytes()
        host.exec("cat > /etc/ssh/lab_authorized_keys && chmod 644 /etc/ssh/lab_authorized_keys", input=public)
        host.await_ssh()
        self._read_host_key(host)

    def _read_host_key(self, host: LabHost) -> None:
        host.host_key = " ".join(host.exec("cat /etc/ssh/ssh_host_ed25519_key.pub", check=False).split()[:2])

    def _write_known_hosts(self) -> None:
        lines = [f"{host.address} {host.host_key}\n" for host in self.hosts if host.host_key]
        self.known_hosts.write_text("".join(lines))


def _run_with_address(container: str, labels: dict[str, str], *arguments: str) -> None:
    """Start a container under an address that stays its own while it is cut off.

    The engine gives a disconnected container's address to the next one, so we choose: from the upper half of the
    subnet, none that any lab's container has on its label. When two processes choose the same, the engine refuses one.
    """
    taken = set(docker("ps", "--all", "--filter", f"label={ADDRESS_LABEL}", "--format",
                       f'{{{{.Label "{ADDRESS_LABEL}"}}}}').split())
    subnet = docker("network", "inspect", "--format", "{{(index .IPAM.Config 0).Subnet}}", NETWORK)
    upper_half = list(ipaddress.ip_network(subnet).subnets(prefixlen_diff=1))[1]
    for address in map(str, upper_half.hosts()):
        if address in taken:
            continue
        marks = [f"--label={name}={value}" for name, value in {**labels, ADDRESS_LABEL: address}.items()]
        try:
            docker("run", "--detach", "--name", container, "--network", NETWORK, "--ip", address, *marks, *arguments)
            return
        except LabError as error:
            docker("rm", "--force", container)
            if "Address already in use" not in str(error):
                raise
    raise LabError(f"no address is left in {upper_half}")


def _ensure_network() -> None:
    if docker("network", "ls", "--quiet", "--filter", f"name=^{NETWORK}$"):
        return
    errors = []
    for subnet in SUBNETS:
        try:
            docker("network", "create", "--subnet", subnet, "--label", LABEL, NETWORK)
            return
        except LabError as error:
            if "already exists" in str(error):
                return  # another process was quicker
            errors.append(str(error))
    raise LabError("no subnet is free for lab hosts: " + "; ".join(errors))
