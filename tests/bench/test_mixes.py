"""The bench's own claims: its mixes are the same for all engines, faults are seen, and its login leaves nothing."""

from __future__ import annotations

import pwd
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from tests.bench import account, trees
from tests.bench.compare import run_once
from tests.bench.engines import ENGINES, ROOT, WORK
from tests.bench.mixes import MIXES, PLAIN, SUDO, TASKS, Mix
from tests.lab import loopback

mixes = pytest.mark.parametrize("mix", MIXES.values(), ids=MIXES)


@pytest.fixture
def sudo() -> None:
    reason = account.missing()
    if reason:
        pytest.skip(f"no login with sudo: {reason}")


@pytest.fixture
def places() -> Iterator[Path]:
    """A folder that another account can reach; pytest's own are closed."""
    with tempfile.TemporaryDirectory(prefix="orch-bench-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


def task_names(mix: Mix) -> list[str]:
    [play] = yaml.safe_load((WORK / mix.playbook).read_text())
    return [task["name"] for task in play["tasks"]]


@mixes
def test_a_mix_has_twenty_numbered_tasks(mix: Mix) -> None:
    assert [int(name.split()[0]) for name in task_names(mix)] == list(range(1, TASKS + 1))


@mixes
def test_pyinfra_is_told_the_same_tasks_in_the_same_order(mix: Mix) -> None:
    """Tasks that only look are facts to pyinfra, and have no name there."""
    deploy = (WORK / mix.playbook).with_name(f"{Path(mix.playbook).stem}_pyinfra.py").read_text()
    named = re.findall(r'name="(\d+ [^"]+)"', deploy)
    facts = len(re.findall(r"^(?:\w+ = )?host\.get_fact\(", deploy, re.MULTILINE)) + ("# 1 facts" in deploy)
    assert named == [name for name in task_names(mix) if name in named]
    assert len(named) + facts == TASKS


@mixes
def test_orch_leaves_what_the_mix_expects(mix: Mix) -> None:
    reason = loopback.missing() or mix.missing()
    if reason:
        pytest.skip(f"mix {mix.name}: {reason}")
    outcome = run_once(ENGINES["orch"], 2, 120, mix)
    assert outcome.is_complete, outcome.last_words
    assert outcome.hosts_cpu_s > 0


def test_a_host_without_a_folder_is_at_fault(tmp_path: Path) -> None:
    assert PLAIN.faults(tmp_path / "host1") == ["."]


@pytest.mark.parametrize("spoil", [
    pytest.param(lambda tree: tree.pop("motd"), id="missing"),
    pytest.param(lambda tree: tree.update({"motd": tree["motd"]._replace(content="other")}), id="other content"),
    pytest.param(lambda tree: tree.update({"motd": tree["motd"]._replace(mode="0o644")}), id="other mode"),
    pytest.param(lambda tree: tree.update({"motd": tree["motd"]._replace(uid=7)}), id="other owner"),
])
def test_what_differs_is_named(spoil: Callable[[trees.Tree], object]) -> None:
    tree = trees.plain("host1", 0)
    spoil(tree)
    assert trees.differences(tree, trees.plain("host1", 0)) == ["motd"]


def test_what_is_too_much_is_named() -> None:
    expected = trees.fleet("host1", 0)
    assert trees.differences({**expected, "leftover": trees.Entry("0o644", "")}, expected) == ["leftover"]


def exists(name: str) -> bool:
    rules = (account.SUDOERS / name, account.SUDOERS / f"{name}.new")
    return name in {entry.pw_name for entry in pwd.getpwall()} or any(rule.exists() for rule in rules)


def test_the_login_may_use_sudo_and_is_gone_after_an_error(sudo: None, places: Path) -> None:
    with pytest.raises(ZeroDivisionError), account.sudo_account(places / "home") as login:
        who = ["runuser", "-u", login.name, "--", "sudo", "-n", "id", "-u"]
        assert subprocess.run(who, capture_output=True, text=True, check=True).stdout == "0\n"
        raise ZeroDivisionError
    assert not exists(login.name)


def test_what_runs_under_the_login_ends_with_it(sudo: None, places: Path) -> None:
    with account.sudo_account(places / "home") as login:
        command = ["runuser", "-u", login.name, "--", "sleep", "600"]
        process = subprocess.Popen(command, start_new_session=True)
        while "sleep" not in processes_of(login):
            assert process.poll() is None
    assert process.wait(timeout=10) != 0
    assert not exists(login.name)


def processes_of(login: account.Account) -> str:
    return subprocess.run(["ps", "-o", "comm=", "-U", login.name], capture_output=True, text=True).stdout


def run_program(program: str, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program, str(home)], cwd=ROOT, capture_output=True, text=True)


def test_what_a_killed_run_left_the_next_one_removes(sudo: None, places: Path) -> None:
    program = ("import os, sys; from pathlib import Path; from tests.bench.account import sudo_account\n"
               "with sudo_account(Path(sys.argv[1])) as login: print(login.name, flush=True); os._exit(9)")
    done = run_program(program, places / "home")
    left = done.stdout.strip()
    assert left.startswith(account.PREFIX) and exists(left)
    account.remove_abandoned()
    assert not exists(left)


def test_a_terminated_run_removes_its_login(sudo: None, places: Path) -> None:
    program = ("import os, signal, sys; from pathlib import Path; from tests.bench.account import sudo_account\n"
               "with sudo_account(Path(sys.argv[1])) as login:\n"
               "    print(login.name, flush=True); os.kill(os.getpid(), signal.SIGTERM); signal.pause()")
    done = run_program(program, places / "home")
    assert done.returncode == 128 + 15
    assert not exists(done.stdout.strip())


def test_the_mix_through_sudo_logs_in_as_someone_else(tmp_path: Path) -> None:
    reason = loopback.missing() or SUDO.missing()
    if reason:
        pytest.skip(f"mix {SUDO.name}: {reason}")
    folder = tmp_path / "run"
    folder.mkdir()
    with SUDO.hosts_side(folder) as (sshd, variables):
        assert pwd.getpwnam(sshd.user).pw_uid != 0
        assert variables.keys() == {"archive", "repository", "download_url"}
    assert not exists(sshd.user)
