"""What can go wrong between an operator and a host: each ends with a sentence that helps, and nothing is lost."""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import DEADLINE_S


def fatal(ended) -> str:
    return ended.out + ended.err


def test_five_mistakes_print_five_places_and_touch_no_host(project):
    project.inventory = "192.0.2.1,"  # nobody answers there: a run that touched it would say so
    project.write(site="""
        - hosts: all
          tasks:
            - name: one
              coppy: {src: a, dest: b}
            - name: two
              file: {path: /tmp/x, stat: absent}
            - name: three
              debug: {msg: "{{ broken"}
            - name: four
              command: "true"
              regster: out
            - include_vars: "{{ x }}.yml"
              when: a ==
    """)
    ended = project.run()
    assert ended.rc == 4
    text = fatal(ended)
    for place in ("site.yml:5:", "site.yml:7:", "site.yml:9:", "site.yml:12:", "site.yml:14:"):
        assert place in text, text
    assert "copy" in text and "register" in text and "state" in text
    assert "5 faults" in text
    assert "PLAY" not in ended.out


@pytest.mark.parametrize(("playbook", "words"), [
    ("- hosts: all\n  tasks:\n   - debug: {msg: [}\n", ["site.yml:3:"]),
    ("- hosts: all\n\ttasks: []\n", ["site.yml:2:", "tab"]),
    ("hosts: all\n", ["site.yml:1:", "list"]),
    ("", ["empty"]),
], ids=["yaml", "tab", "no-list", "empty"])
def test_bad_yaml_is_placed(project, playbook, words):
    (project.folder / "site.yml").write_text(playbook)
    ended = project.run("-c", "local")
    assert ended.rc == 4
    for word in words:
        assert word in fatal(ended), fatal(ended)


@pytest.mark.parametrize(("setting", "rc"), [("warn", 0), ("error", 4), ("ignore", 0)])
def test_a_key_given_twice_is_a_warning_unless_it_is_to_be_an_error(project, setting, rc):
    project.env["ANSIBLE_DUPLICATE_YAML_DICT_KEY"] = setting
    project.write(site="""
        - hosts: localhost
          gather_facts: false
          tasks:
            - debug: {msg: first}
              debug: {msg: second}
    """)
    ended = project.run("-c", "local")
    assert ended.rc == rc, fatal(ended)
    assert ("site.yml:6:" in fatal(ended)) is (setting != "ignore")
    assert ("second" in ended.out) is (rc == 0)


def test_an_unreachable_host_says_why_and_the_others_go_on(project, lab_host):
    project.hosts(lab_host)
    with open(project.inventory, "a") as file:
        file.write("nobody ansible_host=127.0.0.1 ansible_port=1\nnowhere ansible_host=no-such-host.invalid\n")
    project.write(site="- {hosts: all, gather_facts: false, tasks: [{ping: }]}")
    ended = project.run()
    assert ended.rc == 4
    assert ended.recap(lab_host.name)["ok"] == 1
    assert ended.recap("nobody")["unreachable"] == ended.recap("nowhere")["unreachable"] == 1
    assert "refuses" in ended.out and "no-such-host.invalid" in ended.out


def test_an_unknown_key_stops_the_host_and_trust_enrols_it(project, lab_host):
    line = lab_host.inventory_line("root").split(" ansible_ssh_common_args")[0]
    (project.folder / "inventory.ini").write_text(line + "\n")
    project.inventory = str(project.folder / "inventory.ini")
    project.env["HOME"] = str(project.folder)
    project.write(site="- {hosts: all, gather_facts: false, tasks: [{ping: }]}")
    refused = project.run()
    assert refused.rc == 4
    assert "orch trust" in fatal(refused) and "SHA256:" in fatal(refused)
    shown = project.orch("trust", lab_host.name, "-i", project.inventory)
    assert shown.rc == 1 and "SHA256:" in shown.out
    fingerprint = subprocess.run(["ssh-keygen", "-lf", "-"], input=lab_host.host_key, text=True, capture_output=True,
                                 check=True).stdout.split()[1]
    assert fingerprint in shown.out
    enrolled = project.orch("trust", lab_host.name, "-i", project.inventory, "--fingerprint", fingerprint)
    assert enrolled.rc == 0, fatal(enrolled)
    assert project.run().rc == 0


def test_a_changed_key_shows_both_fingerprints(project, lab_hosts):
    one, two = lab_hosts(2)
    known = project.folder / "known_hosts"
    known.write_text(f"{one.address} {two.host_key}\n")
    (project.folder / "inventory.ini").write_text(
        f"victim ansible_host={one.address} ansible_user=root ansible_ssh_private_key_file={one.key} "
        f"ansible_ssh_common_args='-o UserKnownHostsFile={known}'\n")
    project.inventory = str(project.folder / "inventory.ini")
    project.write(site="- {hosts: all, gather_facts: false, tasks: [{ping: }]}")
    ended = project.run()
    assert ended.rc == 4
    assert fatal(ended).count("SHA256:") >= 2
    assert "changed" in fatal(ended)


BECOME = """
    - hosts: all
      gather_facts: false
      become: true
      tasks:
        - {command: id -un, register: who}
        - {assert: {that: "who.stdout == 'root'"}}
"""


def test_sudo_with_a_password_from_a_file(project, lab_host):
    project.hosts(lab_host, user="ops")
    project.write(site=BECOME)
    (project.folder / "pass").write_text("ops-secret\n")
    ended = project.run("--become-password-file", str(project.folder / "pass"))
    assert ended.rc == 0, fatal(ended)


def test_a_wrong_sudo_password_is_named_and_not_shown(project, lab_host):
    project.hosts(lab_host, user="ops")
    project.write(site=BECOME)
    (project.folder / "pass").write_text("wr0ng-canary\n")
    ended = project.run("--become-password-file", str(project.folder / "pass"))
    assert ended.rc == 2
    assert "password" in fatal(ended)
    assert "wr0ng-canary" not in fatal(ended)
    for path in Path(project.folder / "state").rglob("*"):
        if path.is_file():
            assert b"wr0ng-canary" not in path.read_bytes(), path


def test_a_missing_sudo_password_says_how_to_give_it(project, lab_host):
    project.hosts(lab_host, user="ops")
    project.write(site=BECOME)
    ended = project.run()
    assert ended.rc == 2
    assert "-K" in fatal(ended) or "ask-become-pass" in fatal(ended)


def test_su_with_the_password_of_root(project, lab_host):
    project.hosts(lab_host, user="plain")
    project.write(site=BECOME)
    (project.folder / "pass").write_text("root-secret\n")
    ended = project.run("--become-method", "su", "--become-password-file", str(project.folder / "pass"))
    assert ended.rc == 0, fatal(ended)


def test_a_full_disk_is_told_and_the_old_file_stays(project, lab_host):
    lab_host.exec("mkdir -p /run/small && (mountpoint -q /run/small || mount -t tmpfs -o size=1m none /run/small)")
    lab_host.exec("echo old > /run/small/file")
    project.hosts(lab_host)
    (project.folder / "big").write_bytes(os.urandom(3 << 20))
    project.write(site="- {hosts: all, gather_facts: false, tasks: [{copy: {src: big, dest: /run/small/file}}]}")
    ended = project.run()
    assert ended.rc == 2
    assert "space" in fatal(ended).lower()
    assert lab_host.exec("cat /run/small/file").strip() == "old"
    assert lab_host.exec("ls -A /run/small").split() == ["file"]


def test_output_that_is_not_utf_8_survives(project, lab_host):
    project.hosts(lab_host)
    project.write(site=r"""
        - hosts: all
          gather_facts: false
          tasks:
            - {shell: "printf 'caf\\351 \\377'", register: out}
            - {copy: {dest: /run/kept, content: "{{ out.stdout }}"}}
    """)
    ended = project.run("-v")
    assert ended.rc == 0, fatal(ended)
    assert lab_host.exec("od -An -tx1 /run/kept").split() == ["63", "61", "66", "e9", "20", "ff"]
    assert len(project.results()) == 2


def test_a_host_without_python_takes_raw_and_script_and_says_how_to_bootstrap(project, no_python_host):
    project.hosts(no_python_host)
    (project.folder / "hello.sh").write_text("#!/bin/sh\necho hello $1 from $(hostname)\n")
    project.write(site="""
        - hosts: all
          gather_facts: false
          tasks:
            - {raw: "echo raw works", register: r}
            - {script: hello.sh you, register: s}
            - {debug: {msg: "{{ r.stdout }} / {{ s.stdout }}"}}
            - ping:
    """)
    ended = project.run()
    assert "raw works" in ended.out and "hello you from" in ended.out
    assert ended.rc in (2, 4)
    assert "python" in fatal(ended).lower() and "raw" in fatal(ended)


@pytest.mark.parametrize("fixture", ["bullseye_host", "trixie_host"])
def test_old_and_new_pythons(project, request, fixture):
    host = request.getfixturevalue(fixture)
    project.hosts(host)
    project.write(site="""
        - hosts: all
          tasks:
            - {copy: {dest: /root/x, content: "{{ ansible_python_version }}"}}
            - {lineinfile: {path: /root/x, line: more}}
            - {command: cat /root/x, register: out}
            - {user: {name: tester, shell: /bin/sh}}
            - {apt: {name: sudo, state: present}}
    """)
    assert project.run().rc == 0
    again = project.run()
    assert again.recap(host.name)["changed"] <= 3, fatal(again)


def peak_bytes_until_end(process: subprocess.Popen) -> int:
    """The most memory that `process` has had, looked at until it ends.

    Not `ru_maxrss` of wait4: what a program started by this one inherits there is the peak of pytest itself.
    """
    peak, deadline = 0, time.monotonic() + DEADLINE_S
    while process.poll() is None:
        assert time.monotonic() < deadline, "it does not end"
        status = Path(f"/proc/{process.pid}/status").read_text()
        peak = max([peak, *(int(kib) << 10 for kib in re.findall(r"VmHWM:\s+(\d+) kB", status))])
        time.sleep(0.02)
    return peak


def test_two_gigabytes_through_copy_and_fetch_in_flat_memory(project, lab_host):
    project.hosts(lab_host)
    size = 2 << 30
    with open(project.folder / "big", "wb") as file:
        file.truncate(size)
        file.seek(size // 2)
        file.write(b"middle")
    project.write(site="""
        - hosts: all
          gather_facts: false
          tasks:
            - {copy: {src: big, dest: /root/big}}
            - {fetch: {src: /root/big, dest: back, flat: true}}
    """)
    process = project.start("run", "site.yml", "-i", project.inventory)
    peak = peak_bytes_until_end(process)
    out, err = process.communicate()
    try:
        assert process.returncode == 0, out + err
        assert (project.folder / "back").stat().st_size == size
        assert subprocess.run(["cmp", project.folder / "big", project.folder / "back"]).returncode == 0
        assert peak < 400 << 20
    finally:
        lab_host.exec("rm -f /root/big")
        for name in ("big", "back"):
            (project.folder / name).unlink(missing_ok=True)
