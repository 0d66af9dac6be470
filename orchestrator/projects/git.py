"""Fetching a commit of a git repository: git by argument lists, with nothing of this account's or machine's settings.

The repository is bare and the tree is written from `git archive`: so no hook, no filter, no submodule and no link out
of the tree has a chance. A token reaches git by a pipe that it inherits, an SSH key stays in `key_agent`: neither is in
an argument, an environment, a file or ``.git/config``.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

from orchestrator.errors import OrchError
from orchestrator.projects.key_agent import agent
from orchestrator.projects.urls import COMMIT, GitUrl
from orchestrator.security.private_files import private_folder

TIME_LIMIT_S = 120.0
MOST_BYTES = 512 << 20
MOST_FILES = 50_000
POLL_S = 0.1
FETCHED = "refs/orch/fetched"
ATTRIBUTES = "* -export-ignore -export-subst -filter -ident\n"
"""The repository's own attributes would leave files out of an archive, or write things into them."""
LONGEST_ERROR = 500


class GitError(OrchError):
    """A repository could not be fetched; the message is git's own last line, without anything secret."""

    code = "project_fetch"


class Login(Struct, frozen=True):
    """How to get in: a token with its user, or an SSH key. ``repr`` shows neither."""

    username: str = ""
    token: str | None = None
    private_key: str | None = None
    passphrase: str | None = None
    certificate: str | None = None

    def __repr__(self) -> str:
        return f"Login({self.username!r})"


class Fetch(Struct, frozen=True):
    """All that one fetch needs; nothing of it is read from the store any more."""

    folder: Path
    """The project's own, below the state directory: ``repo.git`` and ``trees/COMMIT``."""
    url: GitUrl
    ref: str
    login: Login = Login()
    known_hosts: tuple[Path, ...] = ()
    time_limit_s: float = TIME_LIMIT_S
    most_bytes: int = MOST_BYTES


def fetch(wanted: Fetch) -> str:
    """Fetch the ref and write its tree; returns the commit. What was there before stays. Raises `GitError`."""
    deadline = time.monotonic() + wanted.time_limit_s
    repo = private_folder(wanted.folder) / "repo.git"
    with _Locked(wanted.folder / "lock"), ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="orch-git-")))
        git = _Git(repo, home, deadline, wanted.most_bytes)
        if not (repo / "HEAD").exists():
            shutil.rmtree(repo, ignore_errors=True)
            git.run("init", "--quiet", "--bare", "--template=", str(repo))
        (repo / "info").mkdir(exist_ok=True)
        (repo / "info" / "attributes").write_text(ATTRIBUTES)
        options, environment, descriptors = _access(wanted, home, stack)
        git.run(*options, "fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules",
                "--no-auto-maintenance", "--no-write-fetch-head", "--force", "--",
                wanted.url.text, f"{wanted.ref or 'HEAD'}:{FETCHED}",
                environment={"GIT_ALLOW_PROTOCOL": wanted.url.scheme, **environment}, descriptors=descriptors,
                bounded=True)
        commit = git.run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{FETCHED}^{{commit}}").strip()
        if not COMMIT.fullmatch(commit):
            raise GitError("what was fetched is no commit")
        _write_tree(git, commit, wanted)
    return commit


def _access(wanted: Fetch, home: Path, stack: ExitStack) -> tuple[list[str], dict[str, str], tuple[int, ...]]:
    """Options, environment and inherited descriptors by which git gets in."""
    login = wanted.login
    if wanted.url.scheme == "https":
        if login.token is None:
            return [], {}, ()
        reading = stack.enter_context(_piped(login.token))
        asking = home / "ask"
        asking.write_text(ASKPASS.format(python=sys.executable, descriptor=reading))
        asking.chmod(0o700)
        return (["-c", f"credential.username={login.username or 'git'}"], {"GIT_ASKPASS": str(asking)}, (reading,))
    if wanted.url.scheme == "ssh":
        path = stack.enter_context(agent(login.private_key, login.passphrase, login.certificate)) \
            if login.private_key else "none"
        trusted = " ".join(f'"{one}"' for one in wanted.known_hosts) or "none"
        words = ["ssh", "-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o",
                 f"UserKnownHostsFile={trusted}", "-o", "GlobalKnownHostsFile=none", "-o",
                 f"IdentityAgent={path}", "-o", "IdentityFile=none", "-o", "ForwardAgent=no", "-o",
                 "ClearAllForwardings=yes", "-o", "ConnectTimeout=20"]
        return [], {"GIT_SSH_COMMAND": shlex.join(words), "GIT_SSH_VARIANT": "ssh"}, ()
    return [], {}, ()


ASKPASS = """\
#!{python} -IS
import os, sys
if "password" in sys.argv[1].lower():
    sys.stdout.write(os.read({descriptor}, 65536).decode())
"""
"""Hands on what comes out of a pipe: the script itself knows nothing."""


@contextmanager
def _piped(text: str) -> Iterator[int]:
    reading, writing = os.pipe()
    try:
        os.write(writing, text.encode() + b"\n")  # a token is far below what a pipe holds
        os.close(writing)
        yield reading
    finally:
        os.close(reading)


class _Git:
    """git on one bare repository, until a deadline."""

    def __init__(self, repo: Path, home: Path, deadline: float, most_bytes: int) -> None:
        self._repo = repo
        self._home = home
        self._deadline = deadline
        self._most_bytes = most_bytes

    def command(self, arguments: Sequence[str]) -> list[str]:
        return ["git", "-c", "core.hooksPath=/dev/null", "-c", "http.followRedirects=false",
                "-c", "protocol.version=2", "-c", "gc.auto=0", "-c", "transfer.fsckObjects=true",
                "-c", "fetch.fsck.zeroPaddedFilemode=ignore", "-c", "safe.directory=*", "-c", "core.symlinks=true",
                f"--git-dir={self._repo}", *arguments]

    def environment(self, more: dict[str, str]) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO",
                                                    "https_proxy", "no_proxy") if name in os.environ}
        return {**kept, "HOME": str(self._home), "LC_ALL": "C", "GIT_CONFIG_NOSYSTEM": "1",
                "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": "none",
                "GIT_ATTR_NOSYSTEM": "1", **more}

    def run(self, *arguments: str, environment: dict[str, str] | None = None, descriptors: tuple[int, ...] = (),
            bounded: bool = False) -> str:
        """What git prints. Raises `GitError` with its last line, when it takes too long, or fetches too much."""
        with tempfile.TemporaryFile() as errors, tempfile.TemporaryFile() as output:
            process = subprocess.Popen(
                self.command(arguments), stdin=subprocess.DEVNULL, stdout=output, stderr=errors, cwd=self._home,
                env=self.environment(environment or {}), pass_fds=descriptors, start_new_session=True)
            fault = self._watch(process, bounded)
            if fault:
                raise GitError(fault)
            errors.seek(0)
            if process.returncode:
                raise GitError(explained(errors.read(65536).decode("utf-8", "replace")))
            output.seek(0)
            return output.read(65536).decode("utf-8", "replace")

    def _watch(self, process: subprocess.Popen[bytes], bounded: bool) -> str | None:
        while True:
            try:
                process.wait(POLL_S)
                return None
            except subprocess.TimeoutExpired:
                pass
            fault = None
            if time.monotonic() > self._deadline:
                fault = "it took too long"
            elif bounded and _size(self._repo) > self._most_bytes:
                fault = f"the repository is larger than {self._most_bytes >> 20} MiB"
            if fault:
                end(process)
                return fault

    def popen(self, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self.command(arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL, cwd=self._home, env=self.environment({}),
                                start_new_session=True)

    def is_late(self) -> bool:
        return time.monotonic() > self._deadline


def end(process: subprocess.Popen[Any]) -> None:
    """The whole group: git starts others."""
    try:
        os.killpg(process.pid, 9)
    except ProcessLookupError:
        pass
    process.wait()


def explained(said: str) -> str:
    """git's last words in one line; addresses in them never have a password, since none is in ours."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    meant = [line for line in lines if line.startswith(("fatal:", "error:", "ERROR", "Host key", "ssh:"))
             or "ermission denied" in line]
    text = "; ".join(dict.fromkeys(meant[:3])) or (lines[-1] if lines else "git failed without a word")
    return "".join(char if char.isprintable() else "?" for char in text)[:LONGEST_ERROR]


def _size(repo: Path) -> int:
    total = 0
    for folder, _, names in os.walk(repo / "objects"):
        for name in names:
            try:
                total += os.lstat(os.path.join(folder, name)).st_size
            except FileNotFoundError:
                continue  # git renames its packs while we look
    return total


def tree_path(folder: Path, commit: str) -> Path:
    return folder / "trees" / commit


def _write_tree(git: _Git, commit: str, wanted: Fetch) -> None:
    """The commit's files at their place, by one rename; nothing happens where they are."""
    place = tree_path(wanted.folder, commit)
    if place.is_dir():
        return
    private_folder(place.parent)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=place.parent) as made:
        into = Path(made) / "tree"
        into.mkdir(mode=0o700)
        process = git.popen("archive", "--format=tar", commit)
        assert process.stdout is not None
        try:
            _unpack(process.stdout, into, git, wanted.most_bytes)
        finally:
            process.stdout.close()
            end(process)
        os.rename(into, place)


def _unpack(stream: Any, into: Path, git: _Git, most_bytes: int) -> None:
    total = count = 0
    try:
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                total, count = total + member.size, count + 1
                if total > most_bytes or count > MOST_FILES:
                    raise GitError(f"its files are more than {most_bytes >> 20} MiB, or than {MOST_FILES}")
                if git.is_late():
                    raise GitError("it took too long")
                archive.extract(member, into, filter="data")
    except tarfile.FilterError as error:
        raise GitError(f"a file of it leads out of the repository: {error.tarinfo.name[:200]!r}") from None
    except tarfile.TarError as error:
        raise GitError(f"its files could not be read: {error}") from None


class _Locked:
    """One fetch of a project at a time, among all processes of this machine."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: Any = None

    def __enter__(self) -> None:
        import fcntl

        self._file = self._path.open("a")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise GitError("it is being fetched at this moment", code="project_busy") from None

    def __exit__(self, *_: object) -> None:
        self._file.close()
