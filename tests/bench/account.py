"""An ordinary login that may do everything through sudo, as fleets are run: made for one run and removed after it.

It needs root and sudo. Nobody can log in to it by password, and its key is that of the run's sshd on loopback.
The rule for sudo is checked by visudo before it counts. What a killed run left behind, the next one removes.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PREFIX = "orch-bench-"
"""Followed by the pid of the run it belongs to."""

SUDOERS = Path("/etc/sudoers.d")
SHELL = "/bin/sh"
PATIENCE_S = 10


@dataclass(frozen=True)
class Account:
    name: str
    home: Path


def missing() -> str | None:
    """Why no such account can be made here; None when one can."""
    if os.geteuid() != 0:
        return "making its login needs root"
    absent = [name for name in ("sudo", "visudo", "useradd", "userdel") if _which(name) is None]
    if absent:
        return f"not installed: {', '.join(absent)}"
    return None if SUDOERS.is_dir() else f"there is no {SUDOERS}"


@contextmanager
def sudo_account(home: Path) -> Iterator[Account]:
    """The account, with ``home`` made for it. It is removed however the block ends, by SIGTERM and SIGHUP too."""
    remove_abandoned()
    name = f"{PREFIX}{os.getpid()}"
    handlers = {sign: signal.signal(sign, _leave) for sign in (signal.SIGTERM, signal.SIGHUP)}
    try:
        _make(name, home)
        yield Account(name, home)
    finally:
        remove(name)
        for sign, handler in handlers.items():
            signal.signal(sign, handler)


def remove(name: str) -> None:
    """Take the rule away first, then end what still runs under the account, then the account; absent is fine."""
    for rule in (SUDOERS / name, _unchecked(name)):
        rule.unlink(missing_ok=True)
    try:
        uid = pwd.getpwnam(name).pw_uid
    except KeyError:
        return
    _end_processes(uid)
    _run("userdel", name)


def remove_abandoned() -> None:
    """Remove what runs left that were killed."""
    names = {entry.pw_name for entry in pwd.getpwall()} | {path.name.removesuffix(".new") for path in SUDOERS.iterdir()}
    for name in names:
        pid = name.removeprefix(PREFIX)
        if name != pid and pid.isdigit() and not Path("/proc", pid).exists():
            remove(name)


def _make(name: str, home: Path) -> None:
    # "*" is a password that nothing matches; "!", the default, would lock the account for keys as well
    _run("useradd", "--system", "--user-group", "--no-create-home", "--home-dir", str(home), "--shell", SHELL,
         "--password", "*", name)
    home.mkdir(mode=0o700)
    entry = pwd.getpwnam(name)
    os.chown(home, entry.pw_uid, entry.pw_gid)
    rule = _unchecked(name)
    descriptor = os.open(rule, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o440)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{name} ALL=(ALL:ALL) NOPASSWD: ALL\n")
    _run("visudo", "-c", "-q", "-f", str(rule))
    rule.rename(SUDOERS / name)


def _unchecked(name: str) -> Path:
    """sudo does not read a file whose name holds a dot (sudoers(5), includedir)."""
    return SUDOERS / f"{name}.new"


def _end_processes(uid: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while found := _processes_of(uid):
        if time.monotonic() > deadline:
            raise RuntimeError(f"processes of uid {uid} do not end: {found}")
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.05)


def _processes_of(uid: int) -> list[int]:
    found = []
    for entry in os.listdir("/proc"):
        try:
            if entry.isdigit() and os.stat(f"/proc/{entry}").st_uid == uid:
                found.append(int(entry))
        except FileNotFoundError:
            continue
    return found


def _leave(number: int, frame: object) -> None:
    raise SystemExit(128 + number)


def _run(*command: str) -> None:
    program = _which(command[0]) or command[0]
    done = subprocess.run([program, *command[1:]], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {(done.stderr or done.stdout).strip()}")


def _which(program: str) -> str | None:
    return shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
