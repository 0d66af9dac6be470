"""A real sshd on loopback, started by the tests themselves: own host keys, own configuration, any free port.

Sessions get a home of their own: what the user's start-up files do, and leave when a session is killed, is not tested.
"""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from tests.lab.ports import free_port

SSHD = shutil.which("sshd") or "/usr/sbin/sshd"


def make_key(path: Path, kind: str = "ed25519", passphrase: str = "") -> Path:
    """A key pair made by ssh-keygen; the private key's path."""
    subprocess.run(
        ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "test", "-f", str(path), "-a", "4"], check=True
    )
    return path


def sign_key(authority: Path, public: Path, principals: str, *, host: bool = False, validity: str = "+1h") -> Path:
    """A certificate for ``public``, signed by ``authority``; its path."""
    kind = ["-h"] if host else []
    subprocess.run(
        ["ssh-keygen", "-q", "-s", str(authority), "-I", "test", "-n", principals, "-V", validity, *kind, str(public)],
        check=True,
    )
    return public.with_name(public.name.removesuffix(".pub") + "-cert.pub")


class Sshd:
    """One server. ``options`` are lines of sshd_config that come before the defaults, so that they win."""

    def __init__(
        self, folder: Path, *options: str, host_keys: tuple[str, ...] = ("ed25519",), address: str = "0.0.0.0"
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port = free_port()
        self.user = getpass.getuser()
        self.host_keys = [make_key(folder / f"host_{kind}", kind) for kind in host_keys]
        self.authorized_keys = folder / "authorized_keys"
        self.authorized_keys.touch()
        self.options = options
        self.address = address
        self.process: subprocess.Popen[bytes] | None = None

    def authorize(self, public: Path) -> None:
        with open(self.authorized_keys, "a", encoding="ascii") as file:
            file.write(public.read_text(encoding="ascii"))

    def public_key(self, index: int = 0) -> str:
        """``type base64`` of a host key."""
        text = self.host_keys[index].with_name(self.host_keys[index].name + ".pub").read_text(encoding="ascii")
        return " ".join(text.split()[:2])

    def fingerprint(self, index: int = 0) -> str:
        out = subprocess.run(
            ["ssh-keygen", "-lf", str(self.host_keys[index])], check=True, capture_output=True, text=True
        )
        return out.stdout.split()[1]

    def known_line(self, host: str = "127.0.0.1", index: int = 0) -> str:
        return f"[{host}]:{self.port} {self.public_key(index)}\n"

    def start(self) -> None:
        if os.getuid() == 0:
            os.makedirs("/run/sshd", exist_ok=True)
        lines = [
            *self.options,
            f"Port {self.port}",
            f"ListenAddress {self.address}",
            *(f"HostKey {key}" for key in self.host_keys),
            f"AuthorizedKeysFile {self.authorized_keys}",
            f"SetEnv HOME={self.folder}/home",
            "StrictModes no",
            "UsePAM no",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "PermitRootLogin yes",
            "MaxStartups 1000",
            "MaxSessions 100",
            "PidFile none",
            "LogLevel VERBOSE",
        ]
        (self.folder / "home").mkdir(exist_ok=True)
        config = self.folder / "sshd_config"
        config.write_text("\n".join(lines) + "\n")
        self.process = subprocess.Popen(
            [SSHD, "-D", "-f", str(config), "-E", str(self.folder / "sshd.log")],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._wait()

    def _wait(self) -> None:
        assert self.process is not None
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise RuntimeError("sshd did not start: " + (self.folder / "sshd.log").read_text(errors="replace"))
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise RuntimeError("sshd does not listen")

    def children(self) -> list[int]:
        """The pids of the server's own connections, ``sshd: …`` all the way down."""
        assert self.process is not None
        return descendants(self.process.pid)

    def stop(self) -> None:
        if self.process is None:
            return
        for pid in [*self.children(), self.process.pid]:
            for sign in (signal.SIGCONT, signal.SIGKILL):
                try:
                    os.kill(pid, sign)
                except ProcessLookupError:
                    pass
        self.process.wait()


def descendants(pid: int) -> list[int]:
    """Every process below ``pid``."""
    found: list[int] = []
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return found
    for child in map(int, children):
        found += [child, *descendants(child)]
    return found
