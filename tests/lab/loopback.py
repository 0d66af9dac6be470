"""One sshd on loopback, owned by whoever runs the tests: every address of 127.0.0.0/8 is a host to the controller.

Sessions get a home directory of their own under the sshd's folder, so nothing is left in the user's. Started by root
it can let another account in instead of root, in that account's own home.
"""

from __future__ import annotations

import ctypes
import getpass
import os
import pwd
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from tests.lab.ports import free_port

START_TIMEOUT_S = 60
PR_SET_CHILD_SUBREAPER = 36
CONFIG = """\
Port {port}
ListenAddress 0.0.0.0
AllowUsers {user}@127.0.0.0/8
HostKey {folder}/host_key
PidFile {folder}/sshd.pid
AuthorizedKeysFile {folder}/authorized_keys
SetEnv HOME={home}
StrictModes no
UsePAM no
UseDNS no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
MaxStartups 2000
MaxSessions 1000
PrintMotd no
Subsystem sftp internal-sftp
"""


@dataclass(frozen=True)
class LoopbackHost:
    name: str
    address: str


def missing() -> str | None:
    """Why no sshd can be started here; None when one can."""
    for program in ("sshd", "ssh-keygen"):
        if _which(program) is None:
            return f"no loopback sshd: {program} is not installed"
    return None


class LoopbackSshd:
    """Start with ``with LoopbackSshd() as sshd``. ``port``, ``user``, ``key``, ``known_hosts`` are how to get in."""

    def __init__(self, folder: Path | None = None, user: str | None = None, *, adopts_orphans: bool = False) -> None:
        """``adopts_orphans``: what sessions leave behind becomes sshd's child, and its CPU is counted with theirs."""
        self._scratch = None if folder else tempfile.TemporaryDirectory(prefix="orch-sshd-")
        self.folder = folder or Path(self._scratch.name)  # type: ignore[union-attr]
        self.user = user or getpass.getuser()
        self.key = self.folder / "id_ed25519"
        self.known_hosts = self.folder / "known_hosts"
        self.home = Path(pwd.getpwnam(user).pw_dir) if user else self.folder / "home"
        self._folder_mode = 0o711 if user else 0o700  # sshd reads the authorized keys as the one who logs in
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None
        self._before_exec = _adopt_orphans if adopts_orphans else None

    def __enter__(self) -> LoopbackSshd:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Return once connections are accepted. Raises `RuntimeError` with sshd's own words when it does not start."""
        self._prepare()
        with (self.folder / "sshd.log").open("wb") as log:
            self.process = subprocess.Popen([str(_which("sshd")), "-D", "-e", "-f", str(self.folder / "sshd_config")],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                                            preexec_fn=self._before_exec)
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"sshd: {(self.folder / 'sshd.log').read_text().strip()}") from None
                time.sleep(0.02)

    def stop(self) -> None:
        """Stop the listener; sessions end when their clients do."""
        if self.process:
            self.process.terminate()
            self.process.wait(timeout=10)
            self.process = None
        if self._scratch:
            self._scratch.cleanup()

    def hosts(self, count: int) -> list[LoopbackHost]:
        """``count`` hosts with addresses of their own, entered into ``known_hosts``."""
        hosts = [LoopbackHost(f"host{n}", f"127.{1 + n // 62500}.{n // 250 % 250}.{1 + n % 250}")
                 for n in range(1, count + 1)]
        key = " ".join((self.folder / "host_key.pub").read_text().split()[:2])
        addresses = ["127.0.0.1", *(host.address for host in hosts)]
        self.known_hosts.write_text("".join(f"[{address}]:{self.port} {key}\n" for address in addresses))
        return hosts

    def variables(self, address: str = "127.0.0.1") -> dict[str, str | int]:
        """The inventory variables by which a playbook reaches ``address``."""
        return {
            "ansible_host": address,
            "ansible_port": self.port,
            "ansible_user": self.user,
            "ansible_ssh_private_key_file": str(self.key),
            "ansible_ssh_common_args": f"-o StrictHostKeyChecking=yes -o UserKnownHostsFile={self.known_hosts}",
        }

    def inventory(self, count: int, group: str = "loopback") -> str:
        """An INI inventory of ``count`` hosts in one group."""
        lines = [f"[{group}]"]
        for host in self.hosts(count):
            variables = self.variables(host.address)
            lines.append(" ".join([host.name, *(f"{k}={shlex.quote(str(v))}" for k, v in variables.items())]))
        return "\n".join([*lines, ""])

    def _prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(self._folder_mode)
        self.home.mkdir(exist_ok=True)
        for name in ("host_key", "id_ed25519"):
            if not (self.folder / name).exists():
                subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "orch-tests",
                                "-f", str(self.folder / name)], check=True, stdin=subprocess.DEVNULL)
        shutil.copy(self.key.with_suffix(".pub"), self.folder / "authorized_keys")
        self.port = free_port()
        config = CONFIG.format(port=self.port, user=self.user, folder=self.folder, home=self.home)
        (self.folder / "sshd_config").write_text(config)
        self.hosts(0)
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # privilege separation of a root-owned sshd wants it


def _adopt_orphans() -> None:
    """Kept across exec (prctl(2), PR_SET_CHILD_SUBREAPER); sshd waits for any child of its own."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _which(program: str) -> str | None:
    return shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin:/sbin")
