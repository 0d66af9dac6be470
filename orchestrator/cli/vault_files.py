"""Files of `orch vault`: read whole, written in one rename; plain text is on disk only while an editor is open."""

from __future__ import annotations

import getpass
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.content.vault import is_vault
from orchestrator.errors import Origin, UsageError, VaultError
from orchestrator.template import vault_format

if TYPE_CHECKING:
    from orchestrator.cli.vault_secrets import VaultKeys

MAX_BYTES = 256 * 1024 * 1024
STDIN = "-"


def read(file: str) -> bytes:
    """A whole file; ``-`` is standard input."""
    try:
        data = sys.stdin.buffer.read(MAX_BYTES + 1) if file == STDIN else _read(file)
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise UsageError(f"{file} is larger than {MAX_BYTES >> 20} MiB")
    return data


def _read(file: str) -> bytes:
    with open(file, "rb") as stream:
        return stream.read(MAX_BYTES + 1)


def write(file: str, content: bytes, like: str | None = None) -> None:
    """Replace a file in one rename. A new file is 0600, or as the file ``like`` is; an old one keeps mode and owner."""
    path = Path(os.path.realpath(file))
    model = next((Path(p) for p in (path, like) if p and Path(p).is_file()), None)
    try:
        fd, temp = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise UsageError(f"cannot write beside {file}: {error.strerror}") from error
    try:
        with os.fdopen(fd, "wb") as stream:
            stream.write(content)
            if model is not None:
                _keep(stream.fileno(), model)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temp, path)
    except BaseException as error:
        os.unlink(temp)
        if isinstance(error, OSError):
            raise UsageError(f"cannot write {file}: {error.strerror}") from error
        raise


def _keep(fd: int, model: Path) -> None:
    info = model.stat()
    os.fchmod(fd, info.st_mode & 0o7777)
    try:
        os.fchown(fd, info.st_uid, info.st_gid)
    except PermissionError:
        pass  # somebody else's file stays readable to whom its mode allows; it becomes ours


def print_bytes(content: bytes) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def encrypted(content: bytes, keys: VaultKeys, place: str) -> bytes:
    """Raises `UsageError` for what is encrypted already."""
    if is_vault(content):
        raise UsageError(f"{place} is encrypted already")
    return keys.encrypt(content).encode()


def decrypted(content: bytes, keys: VaultKeys, place: str) -> bytes:
    """Raises `VaultError` for what is no vault, or of another password."""
    if not is_vault(content):
        raise VaultError("this is not encrypted", origin=Origin(place))
    return keys.decrypt(content.decode("ascii", "replace"), place)


def label_of(content: bytes) -> str | None:
    """The identity that a vault text names."""
    return vault_format.parse(content.decode("ascii", "replace")).label


def edited(content: bytes, name: str) -> bytes:
    """What the person makes of ``content`` in an editor. It is in a 0700 folder then, in memory where that can be."""
    memory = "/dev/shm"
    folder = tempfile.mkdtemp(prefix="orch-vault-", dir=memory if os.access(memory, os.W_OK | os.X_OK) else None)
    try:
        path = Path(folder, Path(name).name)  # editors choose their colours by the name
        path.touch(mode=0o600)
        path.write_bytes(content)
        editor = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
        try:
            ended = subprocess.run([*editor, str(path)], check=False)
        except OSError as error:
            raise UsageError(f"the editor {editor[0]} cannot be started: {error.strerror}",
                             hint="set EDITOR to one that is there") from error
        if ended.returncode:
            raise UsageError(f"the editor ended with {ended.returncode}; {name} is as it was")
        return path.read_bytes()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def named_values(values: tuple[str, ...], names: tuple[str, ...], stdin_name: str | None,
                 prompt: bool) -> list[tuple[str | None, bytes]]:
    """Values to encrypt, each with its name or None: from the command line, from a prompt, from standard input."""
    found: list[tuple[str | None, bytes]] = []
    if len(names) > len(values) + (1 if prompt or not values else 0):
        raise UsageError("there are more names than values")
    padded: Iterable[str | None] = [*names, *[None] * len(values)]
    left = list(padded)
    for value in values:
        found.append((left.pop(0), sys.stdin.buffer.read(MAX_BYTES) if value == STDIN else value.encode()))
    if prompt:
        found.append((left.pop(0) if left else None, getpass.getpass("String to encrypt: ").encode()))
    elif stdin_name is not None or not values:
        if sys.stdin.isatty():
            sys.stderr.write("Type the value, then Ctrl-D (twice if the line has not ended):\n")
        found.append((stdin_name or (left.pop(0) if left else None), sys.stdin.buffer.read(MAX_BYTES)))
    return found


def yaml_value(name: str | None, text: str) -> str:
    """A vault text as a YAML value that can be pasted into a file of variables."""
    lines = [f"{name}: !vault |" if name else "!vault |", *(f"          {line}" for line in text.splitlines())]
    return "\n".join(lines)
