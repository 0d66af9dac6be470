"""A lab host behind NAT: it reaches this machine, and nobody reaches it. For root, since it makes network namespaces.

    host --- router (a namespace of its own, MASQUERADE) --- this machine

The host's own network cable is pulled. This machine has no route to it and sees the router's address alone.
"""

from __future__ import annotations

import os
import shutil
import subprocess

from tests.lab.engine import LabError, docker
from tests.lab.hosts import LabHost

INSIDE = ("198.51.100.1/30", "198.51.100.2/30")
OUTSIDE = ("198.51.101.1/30", "198.51.101.2/30")
"""Addresses for documentation (RFC 5737): nobody else's. Of this machine and the router, the first is the near one."""
SERVER = OUTSIDE[0].partition("/")[0]
"""This machine, as the host sees it."""

RULES = """
table ip nat {
  chain post {
    type nat hook postrouting priority 100;
    oifname "wan" masquerade
  }
}
table ip guard {
  chain forward {
    type filter hook forward priority 0; policy drop;
    iifname != "wan" accept
    ct state established,related accept
  }
}
"""


def missing() -> str | None:
    """Why no host can be put behind NAT here; None when one can."""
    if os.geteuid() != 0:
        return "only root can make network namespaces"
    absent = [program for program in ("ip", "nsenter", "nft") if shutil.which(program) is None]
    return f"not installed: {', '.join(absent)}" if absent else None


class BehindNat:
    """Use as a context manager; afterwards the router is gone, and the host stays cut off."""

    def __init__(self, host: LabHost) -> None:
        self.host = host
        self._router = f"orch-nat-{os.getpid()}"
        self._near, self._far = f"on{os.getpid() % 100000}", f"of{os.getpid() % 100000}"

    def __enter__(self) -> BehindNat:
        reason = missing()
        if reason:
            raise LabError(reason)
        self.host.cut()
        pid = docker("inspect", "--format", "{{.State.Pid}}", self.host.container)
        try:
            self._lay_cables(pid)
        except BaseException:
            self.__exit__()
            raise
        return self

    def _lay_cables(self, pid: str) -> None:
        router, near, far = self._router, self._near, self._far
        inside, host, outside = INSIDE[0], INSIDE[1], OUTSIDE[1]
        _run("ip", "netns", "add", router)
        _run("ip", "link", "add", near, "type", "veth", "peer", "name", "wan", "netns", router)
        _run("ip", "link", "add", far, "netns", router, "type", "veth", "peer", "name", "eth9", "netns", pid)
        _run("ip", "addr", "add", OUTSIDE[0], "dev", near)
        _run("ip", "link", "set", near, "up")
        within = ("ip", "netns", "exec", router)
        for words in (("addr", "add", outside, "dev", "wan"), ("link", "set", "wan", "up"), ("link", "set", "lo", "up"),
                      ("addr", "add", inside, "dev", far), ("link", "set", far, "up"),
                      ("route", "add", "default", "via", SERVER)):
            _run(*within, "ip", *words)
        _run(*within, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        _run(*within, "nft", "-f", "-", text=RULES)
        for words in (("addr", "add", host, "dev", "eth9"), ("link", "set", "eth9", "up"),
                      ("route", "replace", "default", "via", inside.partition("/")[0])):
            _run("nsenter", "--net", "--target", pid, "ip", *words)

    def cut(self) -> None:
        """The router's line is down: packets get no answer."""
        _run("ip", "link", "set", self._near, "down")

    def restore(self) -> None:
        _run("ip", "link", "set", self._near, "up")
        _run("ip", "netns", "exec", self._router, "ip", "route", "replace", "default", "via", SERVER)

    def __exit__(self, *_: object) -> None:
        subprocess.run(["ip", "netns", "del", self._router], capture_output=True, timeout=30, check=False)
        subprocess.run(["ip", "link", "del", self._near], capture_output=True, timeout=30, check=False)


def _run(*argv: str, text: str | None = None) -> None:
    done = subprocess.run(argv, input=text, capture_output=True, text=True, timeout=30, check=False)
    if done.returncode:
        raise LabError(f"{' '.join(argv)}: {done.stderr.strip()}")
