"""Becoming another user without a runtime: for `raw` and `script` on hosts that have no Python."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from orchestrator.errors import TaskFault

if TYPE_CHECKING:
    from orchestrator.engine.call import Call

PROMPT = "orch-password:"
TAKES_VALUE = "CDghpRrTtUu"
"""Letters behind which sudo reads a value: the rest of such a word is no list of flags."""
_MISSING = re.compile(r"^(?:sudo: )?(?:a password is required|a terminal is required)", re.MULTILINE)
_WRONG = re.compile(r"^(sudo|su): (?:\d+ incorrect password|no password was provided|Authentication failure)",
                    re.MULTILINE)


def as_user(call: Call, command: str, executable: str | None = None) -> tuple[str, bytes]:
    """The command line and its stdin, so that it runs as the task's become user, and in its environment.

    A password goes in by stdin (``sudo -S``; ``su`` reads it where it has no terminal), never on the command line.
    """
    shell = executable or "/bin/sh"
    exports = "".join(f"{name}={shlex.quote(value)} " for name, value in call.environment().items())
    if exports:
        command = f"export {exports}; {command}"
    identity = call.become_identity()
    if identity is None:
        return (f"{shell} -c {shlex.quote(command)}" if executable or exports else command), b""
    stdin = (identity.password() + "\n").encode() if identity.password else b""
    exe = shlex.split(identity.exe or identity.method)
    if identity.method == "sudo":
        words = [*exe, *(["-S", "-p", PROMPT] if stdin else ["-n"]), *_flags(identity.flags), "-u", identity.user, "--",
                 shell, "-c", command]
    elif identity.method == "su":
        words = [*exe, *shlex.split(identity.flags or ""), identity.user, "-c", f"{shell} -c {shlex.quote(command)}"]
    else:
        raise TaskFault(f"raw cannot become a user by '{identity.method}'", code="become_method",
                        origin=call.task.origin, hint="use become_method: sudo, or install Python on the host first")
    line = " ".join(shlex.quote(w) for w in words)
    folder = call.variable("ansible_sudo_chdir") if identity.method == "sudo" else None
    return (f"cd {shlex.quote(str(folder))} && {line}" if folder else line), stdin


def complaint(stdin: bytes, stderr: str) -> str | None:
    """What sudo or su mean by what they print, in Ansible's words; None when it is not about the password."""
    if not stdin:
        return "Missing sudo password" if _MISSING.search(stderr) else None
    wrong = _WRONG.search(stderr)
    return None if wrong is None else f"Incorrect {wrong.group(1)} password"


def unprompted(stderr: str) -> str:
    """The text without the question that was answered by stdin."""
    return stderr.removeprefix(PROMPT).removeprefix("Password: ")


def _flags(given: str | None) -> list[str]:
    """The flags without those that say how to ask: whether to ask is decided by there being a password."""
    words = []
    for word in shlex.split("-H" if given is None else given):
        if re.fullmatch(r"-[A-Za-z]+", word) and word[1] not in TAKES_VALUE:
            word = "-" + "".join(letter for letter in word[1:] if letter not in "Sn")
        if word not in ("-", "--stdin", "--non-interactive"):
            words.append(word)
    return words
