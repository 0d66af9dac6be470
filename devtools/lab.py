"""`./dev lab`: lab hosts by hand."""

from __future__ import annotations

import argparse
import os
import sys

from devtools import system
from tests.lab import engine, images
from tests.lab.engine import LabError
from tests.lab.hosts import Lab, LabHost


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    try:
        if options.action != "engine-stop":
            system.install(system.LAB_PACKAGES)
            reason = engine.missing()
            if reason:
                raise LabError(reason)
        return int(options.act(options) or 0)
    except LabError as error:
        print(f"dev lab: {error}", file=sys.stderr)
        return 1


def up(options: argparse.Namespace) -> None:
    lab = _lab(options)
    present = [host for host in lab.hosts if host.image == options.image]
    if len(present) < options.count:
        lab.add(options.count - len(present), options.image, prefix=_prefix(options.image))
    inventory = lab.folder / "inventory.ini"
    inventory.write_text(_inventory(lab, options))
    _list(lab)
    print(f"inventory: {inventory}")


def down(options: argparse.Namespace) -> None:
    Lab(options.name).remove()


def show(options: argparse.Namespace) -> None:
    _list(_lab(options))


def ssh(options: argparse.Namespace) -> None:
    host = _pick(options)
    os.execvp("ssh", ["ssh", *host.ssh_options(options.user), "-o", "BatchMode=no", host.address, *options.command])


def execute(options: argparse.Namespace) -> None:
    host = _pick(options)
    terminal = ["--interactive", "--tty"] if sys.stdin.isatty() else []
    os.execvp("docker", ["docker", "exec", *terminal, host.container, *(options.command or ["bash"])])


def inventory(options: argparse.Namespace) -> None:
    print(_inventory(_lab(options), options), end="")


def power(options: argparse.Namespace) -> None:
    """cut, restore, pause, unpause, kill, start"""
    getattr(_pick(options), options.action)()


def build(options: argparse.Namespace) -> None:
    for name in images.RECIPES:
        print(images.ensure(name))


def engine_stop(options: argparse.Namespace) -> None:
    print("stopped" if engine.stop() else "no engine that was started from here")


def _lab(options: argparse.Namespace) -> Lab:
    lab = Lab(options.name)
    lab.find()
    return lab


def _inventory(lab: Lab, options: argparse.Namespace) -> str:
    """All hosts in ``lab``, which is ``web`` too, as playbooks/webserver.yml has it."""
    return lab.inventory(options.user) + "\n[web:children]\nlab\n"


def _pick(options: argparse.Namespace) -> LabHost:
    """The host meant by ``1``, ``lab1`` or ``trixie1``."""
    hosts = {host.name: host for host in _lab(options).hosts}
    wanted = f"lab{options.host}" if options.host.isdigit() else options.host
    if wanted not in hosts:
        raise LabError(f"there is no host {options.host}; up are: {', '.join(hosts) or 'none'}")
    return hosts[wanted]


def _prefix(image: str) -> str:
    return "lab" if image == "bookworm" else image


def _list(lab: Lab) -> None:
    for host in lab.hosts:
        print(f"{host.name:12} {host.address:15} {host.image:10} {'up' if host.is_running() else 'not running'}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./dev lab", description=__doc__)
    parser.add_argument("--name", default="hand", help="which lab, when there are several (default: %(default)s)")
    parser.add_argument("--user", default="root", help="root, ops (sudo: ops-secret), ops-nopass, plain")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    command = actions.add_parser("up", help="boot hosts until there are COUNT, and print an inventory's path")
    command.add_argument("count", type=int, nargs="?", default=1)
    command.add_argument("--image", choices=sorted(images.RECIPES), default="bookworm")
    command.set_defaults(act=up)
    for name, act, text in (("down", down, "remove all hosts of this lab"), ("list", show, "what is up"),
                            ("inventory", inventory, "print an INI inventory"), ("images", build, "build all images"),
                            ("engine-stop", engine_stop, "stop a dockerd that was started from here")):
        actions.add_parser(name, help=text).set_defaults(act=act)
    for name, act, text in (("ssh", ssh, "log in, or run a command, over SSH"),
                            ("exec", execute, "a root shell, or a command, through the engine")):
        command = actions.add_parser(name, help=text)
        command.add_argument("host", help="1, lab1, trixie1 …")
        command.add_argument("command", nargs=argparse.REMAINDER)
        command.set_defaults(act=act)
    for name in ("cut", "restore", "pause", "unpause", "kill", "start"):
        command = actions.add_parser(name, help=f"{name} a host")
        command.add_argument("host")
        command.set_defaults(act=power)
    return parser
