"""subversion against a real repository, on a lab host."""

from __future__ import annotations

import pytest

from tests.lab.fixtures import LabHosts
from tests.modules.remote import Remote
from tests.modules.test_lab_more_system import installed

URL = "file:///srv/svn"
MAKE = f"""set -e; rm -rf /srv/svn /srv/copy* /srv/first; svnadmin create /srv/svn
svn mkdir -q -m dirs {URL}/trunk; svn checkout -q {URL}/trunk /srv/first
cd /srv/first; printf 'one\\r\\n\\377' > f; svn add -q f; svn commit -q -m one
printf two > f; svn commit -q -m two; svn copy -q -m branch {URL}/trunk {URL}/branch"""
LOOK = "find /srv/copy -path '*/.svn' -prune -o -type f -exec sha1sum {} + ; svnversion /srv/copy"


@pytest.fixture
def remote(lab_hosts: LabHosts) -> Remote:
    remote = Remote(lab_hosts(1)[0])
    if not remote.shell("command -v svnadmin"):
        installed(remote, "subversion")
    remote.shell(MAKE)
    return remote


def task(**args: object) -> dict[str, object]:
    return {"repo": f"{URL}/trunk", "dest": "/srv/copy", **args}


def test_a_copy_is_made_moved_and_followed(remote: Remote) -> None:
    done = remote.converge("subversion", task(revision="2"), LOOK)
    assert done["values"] == {**done["values"], "before": None, "after": ["Revision: 2", f"URL: {URL}/trunk"]}
    assert remote.shell("od -c /srv/copy/f | head -1").endswith("\\r  \\n 377")
    remote.converge("subversion", task(), LOOK)
    assert remote.shell("cat /srv/copy/f") == "two"
    remote.converge("subversion", task(revision="2"), LOOK)
    moved = remote.converge("subversion", task(repo=f"{URL}/branch"), LOOK)
    assert moved["values"]["before"] == ["Revision: 2", f"URL: {URL}/trunk"]
    assert moved["values"]["after"] == ["Revision: 4", f"URL: {URL}/branch"]


def test_local_changes_are_kept_unless_forced(remote: Remote) -> None:
    remote.converge("subversion", task(revision="2"), LOOK)
    remote.shell("echo mine > /srv/copy/f; echo new > /srv/copy/unversioned")
    remote.fails("subversion", task(), "modified", "modified files exist")
    remote.unchanged("subversion", task(update=False))
    remote.converge("subversion", task(force=True), LOOK)
    assert remote.shell("cat /srv/copy/f /srv/copy/unversioned") == "twonew"


def test_a_directory_with_files_is_taken_over_only_in_place(remote: Remote) -> None:
    remote.shell("mkdir /srv/copy; echo other > /srv/copy/mine")
    remote.fails("subversion", task(), "not_a_copy", "its not a subversion repository")
    remote.converge("subversion", task(in_place=True), LOOK)
    assert remote.shell("cat /srv/copy/mine /srv/copy/f") == "other\ntwo"


def test_an_export_has_the_files_alone(remote: Remote) -> None:
    assert remote.run("subversion", task(export=True))["status"] == "changed"
    assert remote.shell("ls -A /srv/copy") == "f"
    remote.fails("subversion", task(export=True), "exists")
    assert remote.run("subversion", task(export=True, force=True))["status"] == "changed"


def test_nothing_is_made_when_it_is_only_asked_for(remote: Remote) -> None:
    before = remote.shell("ls -A /srv")
    told = remote.unchanged("subversion", {"repo": URL, "checkout": False, "update": False})
    assert told["values"]["after"] == "Revision: 4"
    remote.unchanged("subversion", task(checkout=False))
    assert remote.shell("ls -A /srv") == before


FAULTS = [
    ("no dest", {"repo": URL}, "bad_arguments", "the destination directory must be specified"),
    ("no repository", {"repo": "file:///srv/none", "dest": "/srv/copy"}, "svn", "Unable to open"),
    ("an option for ssh", {"repo": "svn+ssh://-oProxyCommand=id/x", "dest": "/srv/copy"}, "bad_arguments", "dash"),
    ("an option for svn", {"repo": URL, "dest": "/srv/copy", "revision": "--x"}, "bad_arguments", "dash"),
]


@pytest.mark.parametrize(("args", "code", "says"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS])
def test_what_cannot_be_done_is_said(remote: Remote, args: dict[str, object], code: str, says: str) -> None:
    remote.fails("subversion", args, code, says)


def test_the_password_is_in_no_argument(remote: Remote) -> None:
    remote.shell("printf '#!/bin/sh\\necho \"$@\" >> /tmp/argv; exec /usr/bin/svn \"$@\"\\n' > /opt/svn; "
                 "chmod +x /opt/svn")
    remote.converge("subversion", task(username="u", password="s3cret", executable="/opt/svn"), LOOK)
    assert "--password-from-stdin" in remote.shell("cat /tmp/argv") and "s3cret" not in remote.shell("cat /tmp/argv")
