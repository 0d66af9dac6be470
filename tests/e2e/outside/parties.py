"""Programs of others that tests run: brought into the lab's folder once, started on ports of their own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.lab.engine import LAB_DIR

BRING_S = 300
START_S = 90


def kept(name: str, bring: Callable[[Path], str | None]) -> Path:
    """The folder ``name`` of the lab, filled by ``bring`` the first time; its phrase for what is missing skips."""
    folder = LAB_DIR / name
    if not folder.exists():
        LAB_DIR.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=LAB_DIR) as made:
            missing = bring(Path(made) / name)
            if missing:
                pytest.skip(missing)
            try:
                (Path(made) / name).rename(folder)
            except OSError:
                assert folder.exists(), "another process was faster, or it went wrong"
    return folder


def went_well(command: Sequence[str], folder: Path) -> bool:
    try:
        return subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=BRING_S).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


class Party:
    """A process that listens; ``log`` holds what it says."""

    def __init__(self, command: Sequence[str], port: int, log: Path, environment: dict[str, str] | None = None) -> None:
        self.port, self.log = port, log
        with log.open("ab") as said:
            self.process = subprocess.Popen(command, cwd=log.parent, stdin=subprocess.DEVNULL, stdout=said,
                                            stderr=said, start_new_session=True, env=environment)
        deadline = time.monotonic() + START_S
        while not self._listens():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"{command[0]} does not listen:\n{log.read_text()[-3000:]}")
            time.sleep(0.1)

    def _listens(self) -> bool:
        with socket.socket() as asking:
            asking.settimeout(2)
            return asking.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)


# ---- nginx

def nginx_program() -> str:
    """Debian's; unpacked, since one that is installed begins to serve on port 80."""
    found = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    program = found or str(kept("nginx", _bring_nginx) / "usr/sbin/nginx")
    if not went_well([program, "-v"], Path("/")):
        pytest.skip("no reverse proxy: nginx does not start on this machine")
    return program


def _bring_nginx(folder: Path) -> str | None:
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        return "no reverse proxy: nginx is not installed, and there is no apt to fetch it"
    folder.mkdir()
    if not went_well(["apt-get", "download", "nginx"], folder) and os.geteuid() == 0:
        went_well(["apt-get", "update", "-qq"], folder)
        went_well(["apt-get", "download", "nginx"], folder)
    for archive in folder.glob("*.deb"):
        went_well(["dpkg-deb", "--extract", archive.name, "."], folder)
        archive.unlink()
    return None if (folder / "usr/sbin/nginx").exists() else "no reverse proxy: apt could not fetch nginx"


NGINX = """\
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{servers}
}}
"""


def nginx(folder: Path, port: int, servers: str) -> Party:
    folder.mkdir()
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, servers=servers))
    return Party([nginx_program(), "-e", f"{folder}/nginx.log", "-p", str(folder), "-c", f"{folder}/nginx.conf"], port,
                 folder / "said.log")


# ---- an OpenID provider

PROVIDER = "oidc-provider@8.8.1"
"""panva's, certified by the OpenID Foundation. This version runs on Debian 12's node."""


def provider_folder() -> Path:
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("no OpenID provider: node and npm are not installed")
    return kept(PROVIDER, _bring_provider)


def _bring_provider(folder: Path) -> str | None:
    folder.mkdir()
    (folder / "package.json").write_text('{"private": true}')
    wanted = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", PROVIDER]
    return None if went_well(wanted, folder) else "no OpenID provider: npm could not fetch it"
