"""`orch exec`: output in the shape of Ansible's ad-hoc commands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Orch

SHAPES = [
    ("a command", ["-a", "echo hi"], 0, "web1 | CHANGED | rc=0 >>\nhi\n"),
    ("output on both streams", ["-m", "shell", "-a", "echo out; echo err >&2"], 0,
     "web1 | CHANGED | rc=0 >>\nout\nerr\n"),
    ("a command that fails", ["-m", "shell", "-a", "echo out; exit 3"], 2,
     "web1 | FAILED | rc=3 >>\nout\nnon-zero return code\n"),
    ("no output", ["-a", "true"], 0, "web1 | CHANGED | rc=0 >>\n"),
    ("raw", ["-m", "raw", "-a", "echo raw"], 0, "web1 | CHANGED | rc=0 >>\nraw\n"),
    ("another module", ["-m", "ping"], 0, 'web1 | SUCCESS => {\n    "changed": false,\n    "ping": "pong"\n}\n'),
    ("its full name", ["-m", "ansible.builtin.ping"], 0,
     'web1 | SUCCESS => {\n    "changed": false,\n    "ping": "pong"\n}\n'),
    ("arguments as JSON", ["-m", "debug", "-a", '{"msg": "a b"}'], 0, 'web1 | SUCCESS => {\n    "msg": "a b"\n}\n'),
    ("a variable of the host", ["-a", "echo {{ port }}"], 0, "web1 | CHANGED | rc=0 >>\n8080\n"),
    ("check mode", ["-a", "echo hi", "-C"], 0, "web1 | SKIPPED\n"),
    ("one line", ["-a", "echo hi", "-o"], 0, "web1 | CHANGED | rc=0 | (stdout) hi\n"),
    ("one line of another module", ["-m", "ping", "-o"], 0,
     'web1 | SUCCESS => {"changed": false, "ping": "pong"}\n'),
    ("a module that fails", ["-m", "fail", "-a", "msg=bye"], 2,
     'web1 | FAILED! => {\n    "changed": false,\n    "msg": "bye"\n}\n'),
    ("hosts only", ["-a", "echo hi", "--list-hosts"], 0, "  hosts (1):\n    web1\n"),
    ("control characters and bytes that are no UTF-8", ["-m", "command", "-a", r'printf "\033[31m\xff\n"'], 0,
     "web1 | CHANGED | rc=0 >>\n\\x1b[31m\\udcff\n"),
]


@pytest.mark.parametrize(("argv", "code", "out"), [row[1:] for row in SHAPES], ids=[row[0] for row in SHAPES])
def test_shape(orch: Orch, argv: list[str], code: int, out: str) -> None:
    said = orch("exec", "web1", "-i", "inv.yml", *argv)
    assert (said.out, said.code) == (out, code)


def test_an_unreachable_host_is_4_and_named(orch: Orch) -> None:
    said = orch("exec", "web1", "-i", "inv.yml", "-m", "ping", "-c", "ssh",
                "-e", "ansible_connection=ssh ansible_host=127.0.0.1 ansible_port=1")
    assert said.code == 4
    assert said.out.startswith("web1 | UNREACHABLE! => {\n")
    assert json.loads(said.out.partition(" => ")[2])["unreachable"] is True


def test_nobody_matched_is_said(orch: Orch) -> None:
    said = orch("exec", "nobody", "-i", "inv.yml", "-m", "ping")
    assert (said.code, said.out) == (0, "")
    assert "no hosts matched" in said.err


def test_files_are_looked_for_from_here(orch: Orch, project: Path) -> None:
    (project / "hello.sh").write_text("#!/bin/sh\necho from here\n")
    assert "from here" in orch("exec", "web1", "-i", "inv.yml", "-m", "script", "-a", "./hello.sh").out
    orch("exec", "web1", "-i", "inv.yml", "-m", "copy", "-a", f"src=hello.sh dest={project}/copied")
    assert (project / "copied").read_text() == (project / "hello.sh").read_text()


def test_nothing_is_written_into_the_folder(orch: Orch, project: Path) -> None:
    before = sorted(project.rglob("*"))
    orch("exec", "web1", "-i", "inv.yml", "-a", "true")
    assert sorted(project.rglob("*")) == before


def test_the_run_is_listed_by_its_module(orch: Orch) -> None:
    orch("exec", "web1", "-i", "inv.yml", "-m", "ping")
    assert "exec ping" in orch("runs", "list").out


def test_differences_are_shown(orch: Orch, project: Path) -> None:
    said = orch("exec", "web1", "-i", "inv.yml", "-D", "-m", "copy", "-a", f"content=x dest={project}/new")
    assert "+x" in said.lines
