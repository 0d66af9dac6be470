"""A host's state is told in lines that differ only where an engine did something else."""

from __future__ import annotations

import json
from pathlib import Path

from tests.compat import state
from tests.compat.roles import fault
from tests.compat.state import Expected
from tests.compat.verdict import Ended
from tests.lab.hosts import LabHost

TEXT = """== packages
nginx
== conffiles
0123456789abcdef0123456789abcdef /etc/nginx.conf
== files
f|644|root|root||/etc/nginx.conf
f|600|root|root||/etc/own
l|777|root|root|/etc/own|/etc/link
f|644|root|root||/etc/passwd-
== sums
0123456789abcdef0123456789abcdef  /etc/nginx.conf
ffffffffffffffffffffffffffffffff  /etc/own
"""
RECAP = "PLAY RECAP ***\ntesthost : ok=2 changed={} unreachable=0 failed=0 skipped=0 rescued=0 ignored=0\n"


def test_files_of_packages_count_as_theirs_and_others_by_content() -> None:
    assert state.parse(TEXT) == {
        "pkgs: nginx",
        "file: f 644 root:root /etc/nginx.conf", "md5: /etc/nginx.conf pkg",
        "file: f 600 root:root /etc/own", "md5: /etc/own ffffffffffffffffffffffffffffffff",
        "file: l 777 root:root /etc/link -> /etc/own",
    }


def test_backups_are_told_without_their_time() -> None:
    text = "== files\nf|644|root|root||/etc/a.77.2026-11-21@08:57:52~\n"
    assert state.parse(text) == {"file: f 644 root:root /etc/a.BACKUP~"}


def test_changes_are_what_came_and_what_went() -> None:
    assert state.changes({"a", "b"}, {"b", "c"}) == ["+ c", "- a"]


def test_differences_are_told_but_for_what_is_unstable(tmp_path: Path) -> None:
    recording = tmp_path / "role.json"
    recording.write_text(json.dumps({"state": ["+ pkgs:  nginx", "+ file: f 644 root:root /etc/a"],
                                     "unstable": ["md5: /etc/seed 0123", "md5: /etc/b.12.2026-01-02@03:04:05~ 89ab"]}))
    found = ["+ pkgs: nginx", "+ file: f 600 root:root /etc/a", "+ md5: /etc/seed 4567", "+ md5: /etc/b.BACKUP~ cdef"]
    assert Expected.load(recording).differences(found) == [
        "missing + file: f 644 root:root /etc/a", "extra + file: f 600 root:root /etc/a"]


def test_what_holds_the_time_of_the_run_is_no_difference() -> None:
    expected = Expected(frozenset({"+ md5: /etc/pam.d/sshd 0123", "+ md5: /etc/pam.d/sshd.BACKUP~ 4567"}))
    found = ["+ md5: /etc/pam.d/sshd 89ab", "+ md5: /etc/pam.d/sshd.BACKUP~ cdef"]
    assert expected.differences(found, ["md5: /etc/pam.d/sshd "]) == [
        "missing + md5: /etc/pam.d/sshd.BACKUP~ 4567", "extra + md5: /etc/pam.d/sshd.BACKUP~ cdef"]


def test_two_good_runs_and_no_change_in_the_second_pass() -> None:
    assert fault([Ended(0, RECAP.format(3)), Ended(0, RECAP.format(0))]) == ""
    assert fault([Ended(0, RECAP.format(3)), Ended(0, RECAP.format(2))]) == "the second run changed 2"
    assert fault([Ended(2, "fatal: [testhost]: no")]) == "run 1: exit 2: fatal: [testhost]: no"


def test_a_change_to_a_real_host_is_seen_and_nothing_else(lab_host: LabHost) -> None:
    before = state.read(lab_host)
    lab_host.exec("echo mine > /etc/own && chmod 640 /etc/own")
    try:
        [*found] = state.changes(before, state.read(lab_host))
    finally:
        lab_host.exec("rm /etc/own")
    assert [entry.rsplit(" ", 1)[0] for entry in found] == ["+ file: f 640 root:root", "+ md5: /etc/own"]
