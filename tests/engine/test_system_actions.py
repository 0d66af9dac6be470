"""The controller's halves of uri, expect, synchronize and reboot, on a host that is this machine."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from agentlet.arguments import validate
from orchestrator.carriers.target import Target
from orchestrator.engine.actions import synchronize
from tests.engine.harness import run_play
from tests.modules.echo_web import echoing

HERE = Target("web", "ssh", "", "192.0.2.7", ssh_options=(
    ("port", "2222"), ("user", "ops"), ("identityfile", "/keys/one two"), ("proxyjump", "bastion")))
SSH = ("ssh -S none -o BatchMode=yes -o port=2222 -o user=ops -o 'identityfile=\"/keys/one two\"' "
       "-o proxyjump=bastion")
OWN_SSH = ("ssh -o BatchMode=yes -o port=7 -o identityfile=/k -o stricthostkeychecking=yes -o user=ops "
           "-o proxyjump=bastion")

LINES: dict[str, tuple[dict[str, Any], list[str], list[str]]] = {
    "push": ({}, ["rsync", "--delay-updates", "--compress", "--archive", f"--rsh={SSH}"], ["/l/a/", "192.0.2.7:/b"]),
    "pull": ({"mode": "pull"}, ["rsync", "--delay-updates", "--compress", "--archive", f"--rsh={SSH}"],
             ["192.0.2.7:a/", "/l/a/"]),
    "parts of archive": ({"archive": False, "recursive": True, "delay_updates": False, "compress": False,
                          "delete": True},
                         ["rsync", "--delete-after", "--recursive", f"--rsh={SSH}"], ["/l/a/", "192.0.2.7:/b"]),
    "without owners": ({"owner": False, "group": False, "links": True, "rsync_opts": ["--exclude=.git"]},
                       ["rsync", "--delay-updates", "--compress", "--archive", "--no-owner", "--no-group",
                        f"--rsh={SSH}", "--exclude=.git"], ["/l/a/", "192.0.2.7:/b"]),
    "its own ssh": ({"dest_port": 7, "private_key": "/k", "verify_host": True, "ssh_connection_multiplexing": True,
                     "rsync_timeout": 9},
                    ["rsync", "--delay-updates", "--compress", "--archive", "--timeout=9", f"--rsh={OWN_SSH}"],
                    ["/l/a/", "192.0.2.7:/b"]),
}


@pytest.mark.parametrize(("more", "options", "ends"), LINES.values(), ids=LINES.keys())
def test_rsync_gets_the_connections_own_options(more: dict[str, Any], options: list[str], ends: list[str]) -> None:
    args = validate({"src": "a/", "dest": "/b", **more}, synchronize.ARGS)
    argv = synchronize.rsync_argv(args, HERE, False, "/l/a/", None)
    assert argv == [*options, f"--out-format={synchronize.MARK}%i %n%L", "--", *ends]


def test_rsync_runs_dry_in_check_mode_and_as_another_user() -> None:
    args = validate({"src": "a", "dest": "/b"}, synchronize.ARGS)
    argv = synchronize.rsync_argv(args, HERE, True, "a", "sudo -n -u app rsync")
    assert argv[1] == "--dry-run" and "--rsync-path=sudo -n -u app rsync" in argv


@pytest.mark.skipif(shutil.which("rsync") is None, reason="this machine has no rsync")
def test_a_tree_is_made_equal_once(tmp_path: Path) -> None:
    ran = run_play(tmp_path, f"""
        - hosts: all
          gather_facts: false
          tasks:
            - {{synchronize: {{src: tree/, dest: {tmp_path}/to}}, check_mode: true, register: dry}}
            - {{stat: {{path: {tmp_path}/to}}, register: after_dry}}
            - {{synchronize: {{src: tree/, dest: {tmp_path}/to, delete: true}}, register: first}}
            - synchronize: {{src: tree/, dest: {tmp_path}/to, delete: true}}
              delegate_to: localhost
              register: again
            - {{synchronize: {{src: /nonexistent, dest: /x}}, register: bad, ignore_errors: true}}
            - debug:
                msg: "{{{{ [dry is changed, after_dry.stat.exists, first is changed, again is changed, bad.rc] }}}}"
        """, files={"tree/sub/f": "x"})
    assert ran.messages()[-1] == [True, False, True, False, 23]
    assert (tmp_path / "to/sub/f").read_text() == "x"


def test_files_of_the_playbook_are_sent_by_uri(tmp_path: Path) -> None:
    with echoing() as url:
        ran = run_play(tmp_path, f"""
            - hosts: all
              gather_facts: false
              tasks:
                - {{uri: {{url: "{url}/echo", method: POST, src: up.txt}}, register: one}}
                - uri:
                    url: "{url}/echo"
                    method: POST
                    body_format: form-multipart
                    body: {{file: {{filename: up.txt, multipart_encoding: 7or8bit}}}}
                  register: two
                - {{uri: {{url: "{url}/echo"}}, check_mode: true, register: dry}}
                - {{uri: {{url: "{url}/echo", src: nosuch.txt}}, register: bad, ignore_errors: true}}
                - debug:
                    msg: "{{{{ [one.json.body, 'hello' in two.json.body, dry.msg, bad.msg] }}}}"
            """, files={"files/up.txt": "hello"})
    body, sent, dry, bad = ran.messages()[-1]
    assert (body, sent, dry) == ("hello", True, "This action (uri) does not support check mode.")
    assert "nosuch.txt" in bad


def test_expect_waits_for_ever_when_told_null(tmp_path: Path) -> None:
    ran = run_play(tmp_path, """
        - hosts: all
          gather_facts: false
          tasks:
            - expect: {command: "sh -c 'printf Name:; read n; echo hi $n'", responses: {"Name:": ann}, timeout: null}
              register: told
            - debug: {msg: "{{ told.stdout_lines[-1] }}"}
        """)
    assert ran.messages()[-1] == "Name:hi ann"


def test_the_controller_is_not_rebooted(tmp_path: Path) -> None:
    ran = run_play(tmp_path, """
        - hosts: all
          gather_facts: false
          tasks:
            - {reboot: , register: done, ignore_errors: true}
            - debug: {msg: "{{ [done is failed, done.rebooted, done.msg] }}"}
        """)
    failed, rebooted, message = ran.messages()[-1]
    assert (failed, rebooted) == (True, False) and "local connection" in message


def test_tasks_on_this_machine_run_in_the_playbooks_folder(tmp_path: Path) -> None:
    ran = run_play(tmp_path, """
        - hosts: all
          tasks:
            - command: cat here
            - raw: cat here
    """, files={"here": "found"})
    assert [result.values["stdout"] for result in ran.results] == ["found", "found"]


def test_pause_says_how_long_it_was(tmp_path: Path) -> None:
    ran = run_play(tmp_path, """
        - hosts: all
          tasks: [pause: {seconds: 0.1}]
    """)
    assert ran.results[0].values["stdout"].startswith("Paused for 0.1")
    assert ran.results[0].values["stdout"].endswith(" seconds")


def test_unarchive_wants_remote_src_for_a_url_and_hides_its_password(tmp_path: Path) -> None:
    ran = run_play(tmp_path, """
        - hosts: all
          tasks: [unarchive: {src: "http://ann:s3cret@127.0.0.1/x", dest: /tmp}]
    """)
    message = ran.results[0].values["msg"]
    assert "is only supported when remote_src is True" in message and "ann" not in message and "s3cret" not in message


def test_package_takes_the_defaults_of_the_manager_that_is_used(tmp_path: Path) -> None:
    ran = run_play(tmp_path, """
        - hosts: all
          module_defaults: {apt: {nonsense: 1}}
          tasks:
            - {package: {name: x, use: apt}, ignore_errors: true, register: asked}
            - {package: {name: x}, vars: {ansible_package_use: apt}, ignore_errors: true, register: told}
            - {package: {name: x, use: none}, ignore_errors: true, register: other}
            - assert: {that: ["'nonsense' in asked.msg", "'nonsense' in told.msg", "'nonsense' not in other.msg"]}
    """)
    assert ran.ended.exit_code == 0, ran.results[-1]
