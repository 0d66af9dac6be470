"""A command line that cannot be meant says so, says what to do, touches nothing and ends with 1."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Orch

GOOD = "- hosts: all\n  gather_facts: false\n  tasks:\n    - name: touch it\n      command: touch {}\n"

WRONG = [
    ("unknown command", ["rnu"], ["no command 'rnu'", "Did you mean 'run'?"]),
    ("unknown command, nothing near", ["xyzzy"], ["There are: run, exec, plan"]),
    ("unknown subcommand", ["runs", "lst"], ["no command 'lst'", "Did you mean 'list'?"]),
    ("unknown subcommand of inventory", ["inventory", "grph"], ["Did you mean 'graph'?"]),
    ("unknown option", ["run", "--chek", "good.yml"], ["--chek", "--check", "orch run --help"]),
    ("no playbook", ["run"], ["PLAYBOOK", "--resume RUN"]),
    ("missing playbook", ["run", "missing.yml", "-i", "inv.yml"], ["cannot read missing.yml", "No such file"]),
    ("a folder as playbook", ["run", ".", "-i", "inv.yml"], ["Is a directory"]),
    ("missing inventory", ["run", "good.yml", "-i", "missing"], ["no inventory at missing", "-i missing,"]),
    ("extra vars without a value", ["run", "good.yml", "-i", "inv.yml", "-e", "broken"], ["-e broken", "name=value"]),
    ("extra vars, open quote", ["run", "good.yml", "-i", "inv.yml", "-e", "a='b"], ["opened and never closed"]),
    ("extra vars, broken JSON", ["run", "good.yml", "-i", "inv.yml", "-e", '{"a": 1'], ["invalid YAML", "-e:2:1"]),
    ("extra vars, a list", ["run", "good.yml", "-i", "inv.yml", "-e", "[1]"], ["not a list"]),
    ("extra vars, missing file", ["run", "good.yml", "-i", "inv.yml", "-e", "@no.yml"], ["cannot read no.yml"]),
    ("extra vars, no file", ["run", "good.yml", "-i", "inv.yml", "-e", "@"], ["names no file"]),
    ("limit of nobody", ["run", "good.yml", "-i", "inv.yml", "-l", "wbe1"], ["'wbe1'", "did you mean 'web1'?"]),
    ("missing limit file", ["run", "good.yml", "-i", "inv.yml", "-l", "@no"], ["cannot read the limit file no"]),
    ("start that does not exist", ["run", "good.yml", "-i", "inv.yml", "--start-at-task", "touhc it"],
     ["no task 'touhc it'", "did you mean 'touch it'?"]),
    ("forks in words", ["run", "good.yml", "-f", "many"], ["--forks", "many"]),
    ("missing password file", ["run", "good.yml", "--vault-password-file", "no"], ["password file no"]),
    ("missing become password file", ["run", "good.yml", "--become-password-file", "no"], ["password file no"]),
    ("resume of no run", ["run", "--resume", "nope"], ["no run 'nope'", "orch runs list"]),
    ("show of no run", ["runs", "show", "nope"], ["no run 'nope'"]),
    ("show before any run", ["runs", "show"], ["no runs yet"]),
    ("unknown module", ["exec", "all", "-i", "inv.yml", "-m", "comand", "-a", "id"], ["did you mean 'command'?"]),
    ("nothing to execute", ["exec", "all", "-i", "inv.yml"], ["with -a"]),
    ("module arguments, broken JSON", ["exec", "all", "-i", "inv.yml", "-m", "ping", "-a", '{"a"'], ["-a is no JSON"]),
    ("unknown argument", ["exec", "all", "-i", "inv.yml", "-m", "ping", "-a", "nope=1"],
     ["no argument nope", "-m ping"]),
    ("documentation of nothing", ["doc", "copyy"], ["Did you mean 'copy'?"]),
    ("unknown host", ["inventory", "host", "wbe1", "-i", "inv.yml"], ["did you mean 'web1'?"]),
    ("unknown group", ["inventory", "graph", "wbe", "-i", "inv.yml"], ["did you mean 'web'?"]),
    ("explain for nobody", ["explain", "var", "nobody", "port", "-i", "inv.yml"], ["no host 'nobody'"]),
    ("tabs in YAML", ["run", "tabs.yml", "-i", "inv.yml"], ["tabs.yml:2:"]),
]


USAGE, CONTENT = 5, 4
CODES = {
    "unknown command": USAGE, "unknown command, nothing near": USAGE, "unknown subcommand": USAGE,
    "unknown subcommand of inventory": USAGE, "unknown option": USAGE, "no playbook": USAGE, "forks in words": USAGE,
    "extra vars, broken JSON": CONTENT, "unknown argument": CONTENT, "tabs in YAML": CONTENT,
}


@pytest.mark.parametrize(("case", "argv", "told"), WRONG, ids=[row[0] for row in WRONG])
def test_a_wrong_command_line_says_what_to_do(
    orch: Orch, project: Path, case: str, argv: list[str], told: list[str]
) -> None:
    mark = project / "touched"
    (project / "good.yml").write_text(GOOD.format(mark))
    (project / "tabs.yml").write_text("- hosts: all\n\ttasks: []\n")
    said = orch(*argv)
    assert said.code == CODES.get(case, 1)
    assert said.out == ""
    for text in told:
        assert text in said.err
    assert "Traceback" not in said.err
    assert not mark.exists()


FIVE_FAULTS = """\
- hosts: all
  gather_facts: false
  tasks:
    - name: touch it
      command: touch touched
    - copyy: {src: a, dest: b}
    - stat: {pth: /etc}
    - debug: {msg: "{{ broken"}
    - command: echo
      whne: true
    - block: not a list
"""


def test_five_faults_are_told_at_once_each_with_its_place(orch: Orch, project: Path) -> None:
    (project / "faulty.yml").write_text(FIVE_FAULTS)
    said = orch("run", "faulty.yml", "-i", "inv.yml")
    assert said.code == 4
    assert said.out == ""
    for place in ("faulty.yml:6:", "faulty.yml:7:", "faulty.yml:8:", "faulty.yml:10:", "faulty.yml:11:"):
        assert place in said.err
    assert "no host was touched" in said.err
    assert not (project / "touched").exists()


HELPS = [[], ["run"], ["exec"], ["plan"], ["inventory"], ["inventory", "list"], ["inventory", "graph"],
         ["inventory", "host"], ["explain"], ["explain", "var"], ["runs"], ["runs", "list"], ["runs", "show"],
         ["runs", "watch"], ["runs", "cancel"], ["doc"], ["trust"], ["init"]]


@pytest.mark.parametrize("argv", HELPS, ids=[" ".join(argv) or "orch" for argv in HELPS])
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_every_help_has_an_example(orch: Orch, argv: list[str], flag: str) -> None:
    said = orch(*argv, flag)
    assert said.code == 0
    assert said.err == ""
    assert "Example" in said.out or "First steps" in said.out
    assert max(map(len, said.lines)) <= 120


@pytest.mark.parametrize("argv", [[], ["run"], ["exec"], ["plan"]], ids=["orch", "run", "exec", "plan"])
def test_exit_codes_are_told_by_help(orch: Orch, argv: list[str]) -> None:
    assert "Exit codes" in orch(*argv, "--help").out
