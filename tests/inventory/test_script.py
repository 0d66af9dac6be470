"""Executable inventories: what they print, and what they do instead."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from inventory import InventoryError, load

FAULTS = {
    "status": ("echo 'no route to cloud' >&2; exit 3", "ended with 3", "no route to cloud"),
    "no-json": ("echo hello", "printed no JSON", "see for yourself"),
    "list": ("echo '[]'", "JSON object", ""),
    "group-shape": ("""echo '{"web": 5}'""", "group 'web' must be an object", ""),
    "hosts-shape": ("""echo '{"web": {"hosts": [1]}}'""", "list of names", ""),
    "vars-shape": ("""echo '{"web": {"vars": [1]}}'""", "vars of group 'web'", ""),
    "hostvars-shape": ("""echo '{"_meta": {"hostvars": []}}'""", "hostvars must be an object", ""),
    "deep": (f"{sys.executable} -c 'print(\"[\" * 200000)'", "no JSON", ""),
    "circle": ("""echo '{"a": {"children": ["b"]}, "b": {"children": ["a"]}}'""", "closes a circle", ""),
}

TELLS_EACH = """if [ "$1" = --list ]; then echo '{"web": HOSTS}'; else printf '{"me": "%s"}' "$2"; fi"""


def script(folder: Path, body: str) -> str:
    path = folder / "inventory.sh"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


def test_groups_children_vars_and_meta_are_read(tmp_path: Path) -> None:
    printed = ('{"_meta": {"hostvars": {"w1": {"a": "{{ x }}"}, "free": {"b": 1}}}, "web": {"hosts": ["w1", "w2"], '
               '"vars": {"v": 1}}, "old": ["o1"], "all": {"children": ["web"]}, "alone": {"v": 2}}')
    path = script(tmp_path, f"""[ "$1" = --list ] || exit 9; echo '{printed}'""")
    inventory = load([path])
    assert inventory.match("web") == ["w1", "w2"]
    assert inventory.match("old") == ["o1"]
    assert inventory.match("ungrouped") == ["free"]
    assert inventory.groups["alone"].vars == {"v": 2}
    assert inventory.groups["web"].vars == {"v": 1}
    assert inventory.hosts["free"].vars == {"b": 1}


def test_what_a_script_says_is_data_and_never_a_template(tmp_path: Path) -> None:
    printed = '{"_meta": {"hostvars": {"w1": {"a": "{{ x }}"}}}, "web": {"hosts": ["w1"], "vars": {"b": "{{ y }}"}}}'
    path = script(tmp_path, f"echo '{printed}'")

    def trust(text: str, *_: object) -> object:
        raise AssertionError("a script's text was offered as a template")

    inventory = load([path], trust=trust)
    assert inventory.hosts["w1"].vars == {"a": "{{ x }}"}
    assert not inventory.hosts["w1"].layers[0].trusted
    assert not inventory.groups["web"].layers[0].trusted


def test_without_meta_each_host_is_asked_for(tmp_path: Path) -> None:
    path = script(tmp_path, TELLS_EACH.replace("HOSTS", '["w1", "w2"]'))
    inventory = load([path])
    assert [inventory.hosts[name].vars for name in ("w1", "w2")] == [{"me": "w1"}, {"me": "w2"}]


def test_host_names_with_shell_characters_are_arguments_and_nothing_else(tmp_path: Path) -> None:
    path = script(tmp_path, TELLS_EACH.replace("HOSTS", f'["w; touch {tmp_path}/pwned"]'))
    inventory = load([path])
    assert list(inventory.hosts.values())[0].vars == {"me": f"w; touch {tmp_path}/pwned"}
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize(("body", "words", "hint"), FAULTS.values(), ids=FAULTS)
def test_a_script_that_fails_is_told(tmp_path: Path, body: str, words: str, hint: str) -> None:
    with pytest.raises(InventoryError, match=words) as caught:
        load([script(tmp_path, body)])
    assert hint in str(caught.value.hint)


def test_a_script_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    path = script(tmp_path, f"sleep 600 & echo $! > {tmp_path}/pid; wait")
    with pytest.raises(InventoryError, match="did not end within"):
        load([path], script_timeout_s=0.5)
    pid, deadline = int((tmp_path / "pid").read_text()), time.monotonic() + 60
    while running(pid) and time.monotonic() < deadline:
        time.sleep(0.01)  # it was told; on a busy machine the kernel takes its time
    assert not running(pid)


def running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def test_output_without_end_is_cut_off(tmp_path: Path) -> None:
    from inventory.sources.bounded import run_bounded

    ended = run_bounded([script(tmp_path, "exec yes")], timeout_s=60, max_bytes=1024 * 1024)
    assert ended.problem == "printed more than 1 MiB"
    assert ended.stdout == b""


def test_a_flood_on_stderr_keeps_only_its_end(tmp_path: Path) -> None:
    from inventory.sources.bounded import MAX_STDERR, run_bounded

    ended = run_bounded([script(tmp_path, "yes | head -c 3000000 >&2; echo last >&2")], timeout_s=60, max_bytes=1000)
    assert len(ended.stderr) <= MAX_STDERR
    assert ended.stderr.endswith(b"last\n")
    assert ended.problem is None


def test_an_executable_that_is_no_program_is_told(tmp_path: Path) -> None:
    path = tmp_path / "odd"
    path.write_text("#!/nonexistent/interpreter\n")
    os.chmod(path, 0o755)
    with pytest.raises(InventoryError, match="cannot be started"):
        load([str(path)])
