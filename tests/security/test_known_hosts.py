"""known_hosts files: what is trusted for whom, and what orch writes into its own."""

from __future__ import annotations

import os
from pathlib import Path

import asyncssh
import pytest

from orchestrator.errors import UsageError
from orchestrator.security.host_keys import enrol, enrol_authority, enrolled, host_key, remove
from orchestrator.security.known_hosts import KnownHosts, Trusted

KEYS = [asyncssh.generate_private_key("ssh-ed25519").convert_to_public() for _ in range(3)]
A, B, C = (host_key(key) for key in KEYS)


def lookup(text: str, host: str = "web", port: int = 22) -> Trusted:
    known = KnownHosts()
    known.load(text)
    return known.lookup(host, port)


ROWS = [
    ("a name", f"web {A.text}", "web", 22, 1),
    ("one of several names", f"x,web,10.0.0.1 {A.text} comment here", "10.0.0.1", 22, 1),
    ("any case", f"Web.Example {A.text}", "WEB.example", 22, 1),
    ("a pattern", f"*.example {A.text}", "a.example", 22, 1),
    ("a negated pattern", f"*.example,!a.example {A.text}", "a.example", 22, 0),
    ("brackets are no set", f"[w]eb* {A.text}", "web1", 22, 0),
    ("a port of its own", f"[web]:2222 {A.text}", "web", 2222, 1),
    ("another port", f"[web]:2222 {A.text}", "web", 22, 0),
    ("another name", f"web2 {A.text}", "web", 22, 0),
    ("a comment", f"# web {A.text}", "web", 22, 0),
    ("a damaged line", f"web\nweb ssh-ed25519\nweb ssh-ed25519 AAAA\n|1|x|y {A.text}\nweb {A.text}", "web", 22, 1),
    ("an unknown marker", f"@odd web {A.text}", "web", 22, 0),
]


@pytest.mark.parametrize(("text", "host", "port", "count"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_lookup(text: str, host: str, port: int, count: int) -> None:
    assert len(lookup(text, host, port).keys) == count


def test_markers_are_told_apart() -> None:
    found = lookup(f"web {A.text}\n@cert-authority * {B.text}\n@revoked * {C.text}")
    assert ([*map(host_key, found.keys)], [*map(host_key, found.authorities)], [*map(host_key, found.revoked)]) == (
        [A],
        [B],
        [C],
    )


def test_the_key_of_port_22_is_only_good_as_a_match_at_another_port() -> None:
    found = lookup(f"web {A.text}", "web", 2222)
    assert not found.keys and [*map(host_key, found.other_port)] == [A]


def test_absent_files_and_devices_are_empty(tmp_path: Path) -> None:
    assert not KnownHosts.read([str(tmp_path / "absent"), os.devnull, str(tmp_path)]).lookup("web").keys


def test_enrolling_replaces_only_when_asked(tmp_path: Path) -> None:
    path = str(tmp_path / "state" / "known_hosts")
    assert enrol(path, "Web", 22, [A]) == [A]
    assert enrol(path, "web", 22, [A, B]) == [B]
    assert enrolled(path, "web") == [A, B] and enrolled(path, "web", 2222) == []
    assert enrol(path, "web", 22, [C], replace=True) == [C]
    assert enrolled(path, "web") == [C]
    assert os.stat(path).st_mode & 0o777 == 0o600 and os.listdir(tmp_path / "state") == ["known_hosts"]


def test_removing_leaves_the_others(tmp_path: Path) -> None:
    path = str(tmp_path / "known_hosts")
    enrol(path, "web", 22, [A])
    enrol(path, "web", 2222, [B])
    enrol_authority(path, "*.example", C)
    assert remove(path, "web") == 1 and remove(path, "web") == 0
    assert enrolled(path, "web", 2222) == [B]
    assert KnownHosts.read([path]).lookup("a.example").authorities


@pytest.mark.parametrize("name", ["", "-x", "a b", "a\nb", "@revoked", "#x", "|1|"])
def test_names_that_would_mean_something_else_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        enrol(str(tmp_path / "known_hosts"), name, 22, [A])
