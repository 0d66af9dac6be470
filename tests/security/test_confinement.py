"""The two fences around content: which files and programs they refuse, each by itself and both together."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.errors import TaskFault, TemplateError
from orchestrator.security import landlock
from orchestrator.security.confinement import CODE, Bounds, Fence, is_below, without

BOUNDS = Bounds(own=("/srv/site", "/var/orch/projects/p1"), files=("/var/orch/orch.db",), scratch=("/tmp",),
                installed=("/usr/share/ansible", "/srv/site/vendor", "/var/orch/x"),
                secrets=("/var/orch", "/tmp/key", "/srv/site/.orch"))


@pytest.mark.parametrize("path, reads, writes", [
    ("/srv/site/a", True, True), ("/srv/site", True, True), ("/srv/site2/a", True, False),
    ("/var/orch/orch.db", True, True), ("/var/orch/orch.db-wal", False, False), ("/var/orch/master.key", False, False),
    ("/var/orch/projects/p1/site.yml", True, True), ("/var/orch/projects/p2/site.yml", False, False),
    ("/srv/site/../../var/orch/master.key", False, False), ("/etc/passwd", True, False), ("/tmp/x", True, True),
    ("/tmp/key", False, False), ("/var/orchard", True, False), ("/srv/site/.orch/master.key", False, False),
    ("/srv/site/.orchid", True, True)])
def test_what_the_process_opens(path: str, reads: bool, writes: bool) -> None:
    assert (BOUNDS.opens(path, to_write=False), BOUNDS.opens(path, to_write=True)) == (reads, writes)


@pytest.mark.parametrize("path, named, loaded", [
    ("/srv/site/files/a", True, False), ("/srv/site/vendor/p.py", True, False), ("/etc/passwd", False, False),
    ("/srv/site/.orch/master.key", False, False), ("/var/orch/projects/p1/x", True, False),
    ("/usr/share/ansible/plugins/p.py", True, True), ("/var/orch/x/p.py", False, False), ("/tmp/p.py", False, False)])
def test_what_a_playbook_may_name_and_what_runs(path: str, named: bool, loaded: bool) -> None:
    assert (BOUNDS.names(path), BOUNDS.loads(path)) == (named, loaded)


def test_a_link_out_of_the_content_is_where_it_leads(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "secret").write_text("x")
    (tmp_path / "site" / "link").symlink_to(tmp_path / "secret")
    own = Bounds((str(tmp_path / "site"),), (), (), (), (str(tmp_path / "secret"),))
    assert not own.names(str(tmp_path / "site" / "link")) and not own.opens(str(tmp_path / "site/link"), to_write=False)


def test_what_is_beside_a_secret_is_allowed_by_name(tmp_path: Path) -> None:
    for name in ("a/b/key", "a/c", "d"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "up").symlink_to(tmp_path / "a")
    secret = str(tmp_path / "a/b/key")
    assert sorted(without(str(tmp_path), [secret])) == [str(tmp_path / "a/c"), str(tmp_path / "d")]
    assert without(str(tmp_path / "d"), [secret]) == [str(tmp_path / "d")]
    assert without(secret, [secret]) == [] and is_below("/a", ["/"])


def test_each_refusal_says_what_it_is_about_and_who_may_allow_it() -> None:
    fence = Fence(BOUNDS, checks_files=True)
    for event, args, kind, said in (
            ("orch.local", ("web1",), TaskFault, "web1: this project may not run tasks"),
            ("orch.content", ("/etc/passwd",), TemplateError, "/etc/passwd"),
            ("subprocess.Popen", ("sh", [], None, None), TaskFault, "may not start programs")):
        with pytest.raises(kind, match=said) as refused:
            fence(event, args)
        assert refused.value.code == CODE and "--runs-here" in str(refused.value.hint)
    for event, args in (("orch.plugin", ("/srv/site/filter_plugins/x.py",)), ("open", ("/var/orch/master.key", "r", 0)),
                        ("open", ("/etc/motd", "w", 1))):
        with pytest.raises(PermissionError):
            fence(event, args)
    for event, args in (("open", (3, "r", 0)), ("open", (b"/etc/hosts", "r", 0)), ("import", ("os",)),
                        ("orch.content", ("/srv/site/x",))):
        fence(event, args)
    Fence(BOUNDS, checks_files=False)("open", ("/var/orch/master.key", "r", 0))


PROGRAM = """
import ctypes, os, subprocess, sys
sys.path.insert(0, {root!r})
from orchestrator.security import confinement, landlock
state, site = sys.argv[1:3]
if sys.argv[3] == "python":
    landlock.restrict = lambda read, write: False
within = confinement.bounds([site], [f"{{state}}/orch.db"], secrets=[state])
print(confinement.confine(within))
def tried(act):
    try:
        print(act())
    except Exception as error:
        print(type(error).__name__)
libc = ctypes.CDLL(None)
tried(lambda: open(f"{{site}}/site.yml").read())
tried(lambda: open(f"{{state}}/orch.db").read())
tried(lambda: open(f"{{state}}/master.key").read())
tried(lambda: open(f"{{site}}/files/made", "w").write("12"))
tried(lambda: open(os.path.dirname(site) + "/made", "w").write("12"))
tried(lambda: subprocess.run(["true"]).returncode)
tried(lambda: os.rename(f"{{state}}/master.key", f"{{site}}/files/stolen"))
print(libc.open(f"{{state}}/master.key".encode(), 0) >= 0, libc.open(f"{{site}}/site.yml".encode(), 0) >= 0,
      libc.system(b"true") == 0)
"""


@pytest.mark.parametrize("by", ["kernel", "python"])
def test_a_confined_process_keeps_to_its_own(tmp_path: Path, by: str) -> None:
    if by == "kernel" and not landlock.version():
        pytest.skip("this kernel has no Landlock")
    state, site = tmp_path / "site" / "folder" / ".orch", tmp_path / "site" / "folder"
    state.mkdir(parents=True)
    (site / "files").mkdir()
    for path in (state / "orch.db", state / "master.key", site / "site.yml"):
        path.write_text(path.name)
    ended = subprocess.run([sys.executable, "-c", PROGRAM.format(root=str(Path.cwd())), str(state), str(site), by],
                           capture_output=True, text=True, timeout=120, env={"TMPDIR": str(site / "files")})
    assert ended.stderr == ""
    assert ended.stdout.splitlines() == [
        str(by == "kernel"), "site.yml", "orch.db", "PermissionError", "2", "PermissionError", "TaskFault",
        # What goes past Python's own functions, only the kernel refuses.
        *(("PermissionError", "False True False") if by == "kernel" else ("None", "False True True"))]


def test_rights_are_those_that_the_kernel_knows() -> None:
    assert landlock.handled(1) & (landlock.REFER | landlock.TRUNCATE) == 0
    assert landlock.handled(2) & landlock.TRUNCATE == 0 and landlock.handled(2) & landlock.REFER
    assert landlock.handled(7) == landlock.handled(3)
