"""Makes a tree on the host (or, pulled, here) equal to another, with rsync over ssh from the controller.

Example:

    - synchronize:
        src: site/
        dest: /var/www/site
        delete: true

rsync runs here, or on the host that ``delegate_to`` names, and needs rsync on both ends. The ssh it starts gets the
connection's own options: address, port, user, key, known hosts. A password cannot be handed to it; neither can sudo's.
Returns: ``cmd``, ``rc``, ``msg``, ``stdout_lines`` (what changed). In check mode rsync runs dry.
"""

from __future__ import annotations

import asyncio
import os
import shlex
from typing import TYPE_CHECKING, Any

from agentlet.arguments import validate
from modules.api import Arg, Failed
from orchestrator.engine.call import Call
from orchestrator.engine.outcome import Value, failure
from orchestrator.errors import ContentError, TaskFault

if TYPE_CHECKING:
    from orchestrator.carriers.target import Target

OUTPUT_BYTES = 4 << 20
MARK = "<<CHANGED>>"
FLAGS = {"recursive": "recursive", "links": "links", "perms": "perms", "times": "times", "owner": "owner",
         "group": "group"}
"""Options that ``archive`` implies; said on their own they add or take away."""


def _flag(help: str, default: bool | None = False) -> Arg:
    return Arg("bool", default=default, help=help)


ARGS = {
    "src": Arg("path", required=True, help="The tree to copy; with a slash at the end, what is in it."),
    "dest": Arg("path", required=True, help="Where it goes."),
    "mode": Arg("str", default="push", choices=("pull", "push"), help="push: from here to the host; pull: back."),
    "archive": _flag("rsync --archive.", True), "recursive": _flag("Recurse; default: as archive.", None),
    "links": _flag("Copy links as links; default: as archive.", None),
    "perms": _flag("Keep permissions; default: as archive.", None),
    "times": _flag("Keep times; default: as archive.", None),
    "owner": _flag("Keep the owner; default: as archive.", None),
    "group": _flag("Keep the group; default: as archive.", None),
    "checksum": _flag("Compare contents and not size and time."), "compress": _flag("Compress on the way.", True),
    "copy_links": _flag("Copy what links lead to."), "delay_updates": _flag("Rename all files at the end.", True),
    "delete": _flag("Remove from dest what src does not have."), "dirs": _flag("Directories without what is in them."),
    "existing_only": _flag("Create no new files."), "partial": _flag("Keep files that came in part."),
    "dest_port": Arg("int", help="The port of ssh, in place of the connection's."),
    "link_dest": Arg("list", elements="path", help="Directories to hard link unchanged files from."),
    "private_key": Arg("path", help="The key, in place of the connection's."),
    "rsync_opts": Arg("list", elements="str", default=[], help="More options for rsync."),
    "rsync_path": Arg("str", help="The rsync to run on the host."),
    "rsync_timeout": Arg("int", default=0, help="Seconds without data after which rsync gives up; 0: never."),
    "set_remote_user": _flag("Log in as the connection's user.", True),
    "ssh_connection_multiplexing": _flag("Let ssh share connections."),
    "use_ssh_args": _flag("Accepted; the connection's ssh options are always used."),
    "verify_host": _flag("Check the host's key though the connection would not."),
}


async def run(call: Call) -> Value:
    try:
        args = validate(call.args, ARGS, expand=True)
    except Failed as fault:
        return failure(fault.message, "arguments", fault.hint)
    if args["delete"] and not (args["archive"] or args["recursive"]):
        return failure("delete requires recursive", "arguments")
    try:
        target, here = _ends(call)
        become = call.become_identity()
        if become is not None and become.password and not here:
            return failure("synchronize cannot hand a password to sudo on the host", "become",
                           "let sudo run rsync without a password there, or use copy")
        program = args["rsync_path"] or (_become_rsync(become) if become is not None and not here else None)
        argv = rsync_argv(args, None if here else target, call.check, _local_path(call, args), program)
        if call.delegate is not None and not _is_local(call):
            return _outcome(argv, await call.execute("command", {"argv": argv}, become=here))
        return _outcome(argv, await _run_here(argv, call.environment(), call.timeout_s()))
    except (ContentError, TaskFault) as error:
        return failure(error.message, error.code, error.hint)


def rsync_argv(args: dict[str, Any], target: Target | None, dry: bool, local: str, program: str | None) -> list[str]:
    """rsync's argument list; without a ``target`` both ends are on one machine."""
    argv = ["rsync", *(["--dry-run"] if dry else [])]
    for name in ("delay_updates", "compress", "archive", "checksum", "dirs", "copy_links", "partial"):
        argv += [f"--{name.replace('_', '-')}"] if args[name] else []
    argv += ["--delete-after"] if args["delete"] else []
    argv += ["--existing"] if args["existing_only"] else []
    for name, flag in FLAGS.items():
        if args[name] is not None and args[name] != args["archive"]:
            argv.append(f"--{flag}" if args[name] else f"--no-{flag}")
    argv += [f"--timeout={args['rsync_timeout']}"] if args["rsync_timeout"] else []
    argv += [f"--link-dest={path}" for path in args["link_dest"] or []]
    argv += [f"--rsh={shlex.join(ssh_argv(args, target))}"] if target is not None else []
    argv += [f"--rsync-path={program}"] if program else []
    argv += [*args["rsync_opts"], f"--out-format={MARK}%i %n%L", "--"]
    src, dest = (local, args["dest"]) if args["mode"] == "push" else (args["src"], local)
    if target is not None:
        address = f"[{target.address}]" if ":" in target.address else target.address
        if args["mode"] == "push":
            dest = f"{address}:{dest}"
        else:
            src = f"{address}:{src}"
    return [*argv, src, dest]


def ssh_argv(args: dict[str, Any], target: Target) -> list[str]:
    """ssh with the connection's options; the first of a name wins, so the task's own come before them."""
    argv = ["ssh", *([] if args["ssh_connection_multiplexing"] else ["-S", "none"]), "-o", "BatchMode=yes"]
    own = {"port": args["dest_port"], "identityfile": args["private_key"],
           "stricthostkeychecking": "yes" if args["verify_host"] else None}
    options = [(name, str(value)) for name, value in own.items() if value is not None]
    options += [(name, value) for name, value in target.ssh_options
                if own.get(name) is None and (name != "user" or args["set_remote_user"])]
    for name, value in options:  # ssh splits a path at blanks; lists of files are meant to be split
        argv += ["-o", f'{name}="{value}"' if name == "identityfile" and " " in value else f"{name}={value}"]
    return argv


def _ends(call: Call) -> tuple[Target, bool]:
    """(the host's target, whether it is this machine): the play's host, even where the task is delegated."""
    delegate, call.delegate = call.delegate, None
    try:
        target = call.target()
    finally:
        call.delegate = delegate
    same = delegate == call.host.name and not _is_local(call)
    return target, target.carrier == "local" or same


def _is_local(call: Call) -> bool:
    return call.target().carrier == "local"


def _local_path(call: Call, args: dict[str, Any]) -> str:
    """The end on this side: a source is searched as copy's is, a destination lies beside the playbook."""
    path = str(args["src"] if args["mode"] == "push" else args["dest"])
    if path.startswith("/") or (call.delegate is not None and not _is_local(call)):
        return path
    if args["mode"] == "pull":
        return os.path.join(os.path.dirname(call.play.play.origin.file), path)
    found = str(call.find("files", path))
    return found + "/" if path.endswith("/") and not found.endswith("/") else found


def _become_rsync(become: Any) -> str:
    """rsync under sudo, for the far end; rsync hands this text to the login shell there."""
    if become.method != "sudo":
        raise TaskFault(f"synchronize cannot become another user by {become.method}",
                        hint="only sudo without a password works there")
    return f"sudo -n -u {shlex.quote(become.user)} rsync"


async def _run_here(argv: list[str], environment: dict[str, str], timeout_s: float | None) -> Value:
    try:
        process = await asyncio.create_subprocess_exec(
            *argv, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env={**os.environ, **environment}, start_new_session=True)
    except OSError as error:
        return failure(f"rsync cannot be run here: {error.strerror}", "no_rsync",
                       "install rsync on the controller", rc=127)
    try:
        out, err = await asyncio.wait_for(process.communicate(), timeout_s)
    except (TimeoutError, asyncio.CancelledError) as error:
        os.killpg(process.pid, 15)
        await process.wait()
        if isinstance(error, asyncio.CancelledError):
            raise
        return failure(f"rsync did not end within {timeout_s:g} s", "timeout", rc=-1)
    return {"rc": process.returncode, "stdout": out[:OUTPUT_BYTES].decode("utf-8", "surrogateescape"),
            "stderr": err[:OUTPUT_BYTES].decode("utf-8", "surrogateescape")}


def _outcome(argv: list[str], ended: Value) -> Value:
    rc, out = ended.get("rc"), str(ended.get("stdout", ""))
    if rc != 0:
        message = str(ended.get("stderr") or ended.get("msg") or out).strip()
        hint = "install rsync on both ends" if rc == 127 else None
        return failure(message, str(ended.get("error_code", "rsync_failed")), hint, rc=rc, cmd=shlex.join(argv))
    text = out.replace(MARK, "")
    return {"changed": MARK in out, "rc": 0, "cmd": shlex.join(argv), "msg": text, "stdout": text,
            "stdout_lines": text.splitlines()}
