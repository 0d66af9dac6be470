"""update-alternatives: what it says, read, and a name on a lab host."""

from __future__ import annotations

from typing import Any

import pytest

from modules.support.text import alternatives
from tests.lab.fixtures import LabHosts
from tests.modules.remote import Remote

QUERY = """Name: editor
Link: /usr/bin/editor
Slaves:
 editor.1.gz /usr/share/man/man1/editor.1.gz
Status: auto
Best: /bin/nano
Value: /bin/nano

Alternative: /bin/ed
Priority: -100

Alternative: /bin/nano
Priority: 40
Slaves:
 editor.1.gz /usr/share/man/man1/nano.1.gz
"""
DISPLAY = """java - status is manual.
 link currently points to /usr/lib/jvm/java-11/bin/java
/usr/lib/jvm/java-11/bin/java - family java-11-openjdk.x86_64 priority 1100
 slave jre: /usr/lib/jvm/java-11
 follower man: (null)
/usr/lib/jvm/java-8/bin/java - priority 800
Current `best' version is /usr/lib/jvm/java-11/bin/java.
"""


def test_debians_words_are_read() -> None:
    group = alternatives.parse_query(QUERY)
    assert (group.link, group.mode, group.value) == ("/usr/bin/editor", "auto", "/bin/nano")
    assert {path: choice.priority for path, choice in group.choices.items()} == {"/bin/ed": -100, "/bin/nano": 40}
    assert group.choices["/bin/nano"].subcommands == {"editor.1.gz": "/usr/share/man/man1/nano.1.gz"}
    assert group.links == {"editor.1.gz": "/usr/share/man/man1/editor.1.gz"}


def test_red_hats_words_are_read() -> None:
    group = alternatives.parse_display(DISPLAY)
    assert (group.mode, group.value) == ("manual", "/usr/lib/jvm/java-11/bin/java")
    first, second = group.choices.values()
    assert (first.priority, first.family, first.subcommands) == (
        1100, "java-11-openjdk.x86_64", {"jre": "/usr/lib/jvm/java-11"})
    assert (second.priority, second.family, second.subcommands) == (800, None, {})
    assert alternatives.parse_display("").choices == {}


@pytest.fixture
def remote(lab_hosts: LabHosts) -> Remote:
    remote = Remote(lab_hosts(1)[0])
    remote.shell("update-alternatives --remove-all orchalt; mkdir -p /opt/alt; cd /opt/alt; touch a b a.1 b.1")
    return remote


def test_an_alternative_comes_is_chosen_and_goes(remote: Remote) -> None:
    look = "update-alternatives --query orchalt; ls -l /etc/alternatives /opt/alt"
    value = "readlink -f /opt/alt/link"
    args: dict[str, Any] = {"name": "orchalt", "path": "/opt/alt/a"}
    remote.fails("alternatives", args, "no_link", "missing the link")
    remote.fails("alternatives", {**args, "path": "/opt/alt/c", "link": "/opt/alt/link"}, "no_path", "does not exist")
    remote.converge("alternatives", {**args, "link": "/opt/alt/link", "state": "present", "priority": 10}, look)
    remote.converge("alternatives", {"name": "orchalt", "path": "/opt/alt/b", "state": "present"}, look)
    assert remote.shell(value) == "/opt/alt/b", "the fallback priority, 50, is higher"
    remote.converge("alternatives", args, look)
    assert remote.shell(value) == "/opt/alt/a"
    remote.converge("alternatives", {**args, "state": "auto"}, look)
    assert remote.shell(value) == "/opt/alt/b"
    changed = remote.converge("alternatives", {**args, "state": "auto", "priority": 99}, look)
    assert changed["diff"][0]["after"]["priority"] == 99 and remote.shell(value) == "/opt/alt/a"
    remote.converge("alternatives", {**args, "state": "absent"}, look)
    assert remote.shell(value) == "/opt/alt/b"
    remote.unchanged("alternatives", {"name": "nosuchname", "path": "/bin/x", "state": "absent"})


def test_what_follows_is_kept(remote: Remote) -> None:
    look = "update-alternatives --query orchalt; readlink -f /opt/alt/man"
    args = {"name": "orchalt", "path": "/opt/alt/a", "link": "/opt/alt/link"}
    page = {"name": "orchalt.1", "path": "/opt/alt/a.1", "link": "/opt/alt/man"}
    remote.converge("alternatives", {**args, "subcommands": [page]}, look)
    assert remote.shell("readlink -f /opt/alt/man") == "/opt/alt/a.1"
    remote.unchanged("alternatives", args)
    remote.converge("alternatives", {**args, "subcommands": [{**page, "path": "/opt/alt/b.1"}]}, look)
    remote.converge("alternatives", {**args, "subcommands": []}, look)
    assert "/opt/alt/b.1" not in remote.shell("update-alternatives --query orchalt")
