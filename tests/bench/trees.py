"""What a run left in a host's folder, and what it should have left: compared path by path."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import NamedTuple

from tests.bench import supplies


class Entry(NamedTuple):
    mode: str
    """Octal, or "link"."""
    content: str
    """Of a file; the target of a link; empty for a folder."""
    uid: int = 0


Tree = dict[str, Entry]
"""Path below the host's folder -> what is there."""

GIT_FOLDER = ".git"


def read(place: Path) -> Tree:
    """Everything below ``place``; of a repository only that it is there, since its inside is git's own."""
    tree: Tree = {}
    for path in place.rglob("*"):
        name = path.relative_to(place)
        if GIT_FOLDER in name.parts[:-1]:
            continue
        status = path.lstat()
        if path.is_symlink():
            tree[str(name)] = Entry("link", path.readlink().name, status.st_uid)
        else:
            content = "" if path.is_dir() else path.read_text(errors="replace")
            tree[str(name)] = Entry(oct(status.st_mode & 0o777), content, status.st_uid)
    return tree


def differences(found: Tree, expected: Tree) -> list[str]:
    """Paths that differ. White space at a file's end does not count: pyinfra and Ansible differ there in templates."""
    return sorted(name for name in found.keys() | expected.keys()
                  if _without_last_newlines(found.get(name)) != _without_last_newlines(expected.get(name)))


def plain(label: str, uid: int) -> Tree:
    """What work/twenty.yml leaves on a host named ``label`` when its files belong to ``uid``."""
    workers = "".join(f"worker{n} = {9000 + n}; " for n in range(10))
    return _owned(uid, {
        "etc": ("0o750", ""), "log": ("0o755", ""), "current": ("link", "app.conf"),
        "etc/base.conf": ("0o644", "alpha = 1\nbeta = 20\nGAMMA = 3\ndelta = 4\n"),
        "motd": ("0o640", "plain text\n"), "count": ("0o644", "3\n"), "log/first": ("0o640", "plain text\n"),
        "etc/app.conf": ("0o644", f"# written for {label}\n{workers}"),
        "etc/env": ("0o600", f"HOST={label}\nMODE=bench\n"), "summary": ("0o644", "Linux 2\n"),
    })


def fleet(label: str, uid: int) -> Tree:
    """What work/fleet.yml leaves."""
    base = ("alpha = 1\nbeta = 20\ngamma = 3\n"
            f"# BEGIN MANAGED BLOCK\nlisten = 127.0.0.1\nname = {label}\n# END MANAGED BLOCK\n")
    workers = "".join(f"worker{n} = {9000 + n}; " for n in range(10))
    release = {f"release/{name}": (oct(mode), content) for name, (mode, content) in supplies.RELEASE.items()}
    sources = {f"src/{name}": ("0o644", content) for name, content in supplies.SOURCES.items()}
    return _owned(uid, {
        "etc": ("0o750", ""), "release": ("0o755", ""), "release/bin": ("0o755", ""), "release/share": ("0o755", ""),
        "src": ("0o755", ""), f"src/{GIT_FOLDER}": ("0o755", ""), "current": ("link", "release"),
        "etc/app.conf": ("0o640", f"# {label} runs {platform.system()} on {platform.machine()}\n{workers}"),
        "etc/env": ("0o600", f"HOST={label}\nNODE={platform.node().split('.')[0]}\n"),
        "etc/base.conf": ("0o644", base), "etc/base.conf.first": ("0o600", base),
        "payload.txt": ("0o644", supplies.DOWNLOAD), "sums": ("0o644", f"{len(supplies.SOURCES)}\n"),
        **release, **sources,
    })


def _owned(uid: int, entries: dict[str, tuple[str, str]]) -> Tree:
    return {name: Entry(mode, content, uid) for name, (mode, content) in entries.items()}


def _without_last_newlines(entry: Entry | None) -> Entry | None:
    return entry and entry._replace(content=entry.content.rstrip())
