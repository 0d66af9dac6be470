"""The container engine: whether it is there, how it is started by hand, and how it is asked.

Only the ``docker`` command line is used. Nothing here needs root, but starting ``dockerd`` does.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from functools import cache
from pathlib import Path

LAB_DIR = Path(__file__).resolve().parents[2] / ".lab"
"""Keys, inventories and the pid of an engine that we started; never committed."""

PID_FILE = LAB_DIR / "dockerd.pid"
START_TIMEOUT_S = 60


class LabError(RuntimeError):
    """The lab cannot do what was asked; the sentence says what the engine answered."""


def docker(*args: str, input: bytes | None = None, timeout_s: float = 120) -> str:
    """The standard output of ``docker ARGS…``, stripped. Raises `LabError` with its standard error."""
    done = subprocess.run(["docker", *args], input=input, capture_output=True, timeout=timeout_s)
    if done.returncode != 0:
        raise LabError(f"docker {args[0]}: {done.stderr.decode(errors='replace').strip()[-2000:]}")
    return done.stdout.decode(errors="replace").strip()


def answers() -> bool:
    """True when an engine answers on its socket."""
    if shutil.which("docker") is None:
        return False
    try:
        docker("version", "--format", "{{.Server.Version}}", timeout_s=20)
    except (LabError, subprocess.TimeoutExpired):
        return False
    return True


@cache
def missing() -> str | None:
    """Why no lab host can be made here, in a phrase for a skip; None when one can. Starts the engine where it may."""
    if shutil.which("docker") is None:
        return "no container engine: docker is not installed"
    if not answers():
        try:
            start()
        except LabError as error:
            return f"no container engine: {error}"
    return None


def start() -> bool:
    """Start ``dockerd`` detached, unless an engine answers. True when it was us. Raises `LabError`."""
    if answers():
        return False
    if shutil.which("dockerd") is None or os.geteuid() != 0:
        raise LabError("the socket does not answer, and only root can start dockerd")
    LAB_DIR.mkdir(exist_ok=True)
    log = LAB_DIR / "dockerd.log"
    with log.open("wb") as output:
        process = subprocess.Popen(["dockerd"], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                   start_new_session=True)
    PID_FILE.write_text(str(process.pid))
    _await_engine(process, log)
    return True


def _await_engine(process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not answers():
        if process.poll() is not None or time.monotonic() > deadline:
            PID_FILE.unlink(missing_ok=True)
            process.poll() is None and process.terminate()
            last = log.read_text(errors="replace").strip().splitlines()[-1:]
            raise LabError(f"dockerd did not come up: {' '.join(last)}")
        time.sleep(0.2)


def stop() -> bool:
    """Stop the engine that `start` left running. True when there was one; an engine of someone else's is let be."""
    try:
        pid = int(PID_FILE.read_text())
        name = Path(f"/proc/{pid}/comm").read_text().strip()
    except (OSError, ValueError):
        name = ""
    PID_FILE.unlink(missing_ok=True)
    if name != "dockerd":
        return False
    os.kill(pid, signal.SIGTERM)
    for _ in range(150):
        if not Path(f"/proc/{pid}").exists():
            break
        time.sleep(0.2)
    return True
