"""Plain output is Ansible's default callback where scripts look: banners, host lines, recap.

The expected texts are what ansible-playbook 2.19 prints for these playbooks (ours, written for this), times aside.
Hosts of one task may come in any order in both programs, so most plays here have one host.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.conftest import Orch, unstamped

HEAD = "- hosts: web1\n  gather_facts: false\n  tasks:\n"


def banner(text: str) -> str:
    return f"{text} ".ljust(80, "*")


def recap(host: str, **counts: int) -> str:
    names = ("ok", "changed", "unreachable", "failed", "skipped", "rescued", "ignored")
    return f"{host:<26} : " + " ".join(f"{name}={counts.get(name, 0):<4}" for name in names)


CASES = [
    ("command and debug", "    - command: echo hi\n    - debug: {msg: hello}\n", [
        "", banner("TASK [command]"), "changed: [web1]",
        "", banner("TASK [debug]"), 'ok: [web1] => {', '    "msg": "hello"', "}"], {"ok": 2, "changed": 1}),
    ("debug of a variable", "    - debug: {var: x}\n      vars: {x: {a: [1, é]}}\n", [
        "", banner("TASK [debug]"), "ok: [web1] => {", '    "x": {', '        "a": [', "            1,",
        '            "é"', "        ]", "    }", "}"], {"ok": 1}),
    ("loop", "    - name: items\n      command: echo {{ item }}\n      loop: [a, b]\n", [
        "", banner("TASK [items]"), "changed: [web1] => (item=a)", "changed: [web1] => (item=b)"],
     {"ok": 1, "changed": 1}),
    ("loop with a label", "    - command: echo {{ item.k }}\n      loop: [{k: 1}]\n      loop_control: {label: L}\n", [
        "", banner("TASK [command]"), "changed: [web1] => (item=L)"], {"ok": 1, "changed": 1}),
    ("loop with skipped items", "    - command: echo {{ item }}\n      loop: [1, 2]\n      when: item == 1\n", [
        "", banner("TASK [command]"), "changed: [web1] => (item=1)", "skipping: [web1] => (item=2) "],
     {"ok": 1, "changed": 1}),
    ("loop of nothing", "    - command: echo\n      loop: []\n", [
        "", banner("TASK [command]"), "skipping: [web1]"], {"skipped": 1}),
    ("skipped", "    - command: echo\n      when: false\n", [
        "", banner("TASK [command]"), "skipping: [web1]"], {"skipped": 1}),
    ("include", "    - include_tasks: more.yml\n", [
        "", banner("TASK [include_tasks]"), "included: {folder}/more.yml for web1",
        "", banner("TASK [included]"), "ok: [web1] => {", '    "msg": "in"', "}"], {"ok": 2}),
    ("assert", "    - assert: {that: [1 == 1]}\n", [
        "", banner("TASK [assert]"), "ok: [web1] => {", '    "changed": false,',
        '    "msg": "All assertions passed"', "}"], {"ok": 1}),
    ("delegation", "    - command: echo\n      delegate_to: db1\n", [
        "", banner("TASK [command]"), "changed: [web1 -> db1]"], {"ok": 1, "changed": 1}),
    ("hidden by no_log", "    - command: echo {{ item }}\n      loop: [secret]\n      no_log: true\n", [
        "", banner("TASK [command]"), "changed: [web1] => (item=(censored due to no_log))"],
     {"ok": 1, "changed": 1}),
    ("retries", "    - name: again\n      shell: echo x >> tries; test $(wc -l < tries) -ge 3\n      register: r\n"
                "      until: r.rc == 0\n      retries: 2\n      delay: 0\n"
                "      args: {chdir: '{{ playbook_dir }}'}\n", [
        "", banner("TASK [again]"), "FAILED - RETRYING: [web1]: again (2 retries left).",
        "FAILED - RETRYING: [web1]: again (1 retries left).", "changed: [web1]"], {"ok": 1, "changed": 1}),
    ("handlers", "    - command: echo\n      notify: h\n  handlers:\n    - name: h\n      debug: {msg: x}\n", [
        "", banner("TASK [command]"), "changed: [web1]",
        "", banner("RUNNING HANDLER [h]"), "ok: [web1] => {", '    "msg": "x"', "}"], {"ok": 2, "changed": 1}),
    ("no host matched", "    - command: echo\n- name: nobody\n  hosts: nobody\n  tasks: []\n", [
        "", banner("TASK [command]"), "changed: [web1]",
        "", banner("PLAY [nobody]"), "skipping: no hosts matched"], {"ok": 1, "changed": 1}),
]


@pytest.mark.parametrize(("tasks", "lines", "counts"), [row[1:] for row in CASES], ids=[row[0] for row in CASES])
def test_well(orch: Orch, project: Path, tasks: str, lines: list[str], counts: dict[str, int]) -> None:
    (project / "site.yml").write_text(HEAD + tasks)
    (project / "more.yml").write_text("- name: included\n  debug: {msg: in}\n")
    said = orch("run", "site.yml", "-i", "inv.yml")
    expected = ["", banner("PLAY [web1]"), *(line.replace("{folder}", str(project)) for line in lines),
                "", banner("PLAY RECAP"), recap("web1", **counts), ""]
    assert said.out.split("\n")[:-1] == expected
    assert said.code == 0


FAILURES = [
    ("failed", "    - command: 'false'\n    - debug: {msg: never}\n", 2,
     ['fatal: [web1]: FAILED! => {"changed": true, "cmd": ["false"], "delta": "…", "end": "…", "msg": '
      '"non-zero return code", "rc": 1, "start": "…", "stderr": "", "stderr_lines": [], "stdout": "", '
      '"stdout_lines": []}'], {"failed": 1}),
    ("ignored", "    - fail: {msg: bye}\n      ignore_errors: true\n", 0,
     ['fatal: [web1]: FAILED! => {"changed": false, "msg": "bye"}', "...ignoring"], {"ok": 1, "ignored": 1}),
    ("rescued", "    - block:\n        - fail: {msg: bye}\n      rescue:\n        - debug: {msg: saved}\n", 0,
     ['fatal: [web1]: FAILED! => {"changed": false, "msg": "bye"}', "", banner("TASK [debug]"), "ok: [web1] => {",
      '    "msg": "saved"', "}"], {"ok": 1, "rescued": 1}),
    ("an item failed", "    - command: '{{ item }}'\n      loop: ['true', 'false']\n", 2,
     ["changed: [web1] => (item=true)", 'failed: [web1] (item=false) => {"ansible_loop_var": "item", "changed": true, '
      '"cmd": ["false"], "delta": "…", "end": "…", "item": "false", "msg": "non-zero return code", "rc": 1, "start": '
      '"…", "stderr": "", "stderr_lines": [], "stdout": "", "stdout_lines": []}'], {"failed": 1}),
    ("hidden by no_log", "    - fail: {msg: secret}\n      no_log: true\n", 2,
     ['fatal: [web1]: FAILED! => {"censored": "the output has been hidden due to the fact that \'no_log: true\' was '
      'specified for this result", "changed": false}'], {"failed": 1}),
]


@pytest.mark.parametrize(("tasks", "code", "lines", "counts"), [row[1:] for row in FAILURES],
                         ids=[row[0] for row in FAILURES])
def test_not_so_well(orch: Orch, project: Path, tasks: str, code: int, lines: list[str],
                     counts: dict[str, int]) -> None:
    (project / "site.yml").write_text(HEAD + tasks)
    said = orch("run", "site.yml", "-i", "inv.yml")
    out = unstamped(said.out).split("\n")
    assert _without_errors(out)[4:-5] == lines
    assert out[-3] == recap("web1", **counts)
    assert said.code == code


def _without_errors(lines: list[str]) -> list[str]:
    """The lines without ``[ERROR]`` and the excerpt that follows it, up to the host's own line."""
    kept: list[str] = []
    within = False
    for line in lines:
        within = line.startswith("[ERROR]: ") or (within and not re.match(r"(fatal|failed): ", line))
        if not within:
            kept.append(line)
    return kept


def test_an_error_says_where_it_is_and_shows_the_line(orch: Orch, project: Path) -> None:
    (project / "site.yml").write_text(HEAD + "    - name: breaks\n      fail: {msg: bye}\n")
    lines = orch("run", "site.yml", "-i", "inv.yml").lines
    start = lines.index("[ERROR]: Task failed: Action failed: bye")
    assert lines[start + 1].startswith("Origin: ") and lines[start + 1].endswith("site.yml:4:7")
    assert lines[start + 5:start + 7] == ["4     - name: breaks", "        ^ column 7"]


def test_differences(orch: Orch, project: Path) -> None:
    (project / "f").write_text("one\ntwo\n")
    (project / "site.yml").write_text(HEAD + f'    - copy: {{content: "one\\n2\\n", dest: {project}/f}}\n')
    lines = orch("run", "site.yml", "-i", "inv.yml", "-D").lines
    start = lines.index(f"--- before: {project}/f")
    assert lines[start + 1].startswith("+++ after")
    assert lines[start + 2:start + 7] == ["@@ -1,2 +1,2 @@", " one", "-two", "+2", ""]
    assert lines[start + 7] == "changed: [web1]"


def test_values_with_v(orch: Orch, project: Path) -> None:
    (project / "site.yml").write_text(HEAD + "    - ping:\n")
    assert 'ok: [web1] => {"changed": false, "ping": "pong"}' in orch("run", "site.yml", "-i", "inv.yml", "-v").lines


def test_an_unreachable_host(orch: Orch, project: Path) -> None:
    (project / "site.yml").write_text(HEAD + "    - ping:\n")
    said = orch("run", "site.yml", "-i", "inv.yml",
                "-e", "ansible_connection=ssh ansible_host=127.0.0.1 ansible_port=1")
    assert said.code == 4
    assert any(line.startswith("fatal: [web1]: UNREACHABLE! => {") and '"unreachable": true}' in line
               for line in said.lines)
    assert recap("web1", unreachable=1) in said.lines


COLORS = [
    ("nobody looks on", {}, False),
    ("asked for", {"FORCE_COLOR": "1"}, True),
    ("asked for in Ansible's words", {"ANSIBLE_FORCE_COLOR": "true"}, True),
    ("asked for and forbidden", {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
]


@pytest.mark.parametrize(("environment", "colored"), [row[1:] for row in COLORS], ids=[row[0] for row in COLORS])
def test_color(orch: Orch, project: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str],
               colored: bool) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    (project / "site.yml").write_text(HEAD + "    - ping:\n")
    assert ("\x1b[" in orch("run", "site.yml", "-i", "inv.yml").out) == colored


def test_what_a_host_prints_cannot_steer_the_terminal(orch: Orch, project: Path) -> None:
    (project / "site.yml").write_text(
        HEAD + "    - command: printf '\\033]0;owned\\007\\033[2J'\n      register: r\n    - debug: {var: r.stdout}\n"
        "    - fail: {msg: '{{ r.stdout }}'}\n")
    said = orch("run", "site.yml", "-i", "inv.yml", "-v")
    assert "owned" in said.out
    assert not set(said.out + said.err) & {"\x1b", "\x07"}
