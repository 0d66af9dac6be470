"""What an engine printed is read as a person would read it."""

from __future__ import annotations

import pytest

from tests.compat.recap import first_error, parse_counters, parse_recap, plain

OUTPUT = """
PLAY [one] *******

PLAY RECAP ********
ignored : ok=9

PLAY RECAP *********************************************************************
host1                      : ok=2    changed=1    unreachable=0    failed=0    skipped=3    rescued=0    ignored=0
db-2.example.org           : ok=0    changed=0    unreachable=1    failed=0    skipped=0    rescued=0    ignored=0

a last word: not=a recap
"""


def test_the_last_recap_counts() -> None:
    assert parse_recap(OUTPUT) == {
        "host1": parse_counters("ok=2 changed=1 skipped=3"),
        "db-2.example.org": parse_counters("unreachable=1"),
    }


@pytest.mark.parametrize("output", ["", "ok=1 changed=2", "TASK [PLAY]"])
def test_without_the_title_there_is_no_recap(output: str) -> None:
    assert parse_recap(output) is None


def test_counters_that_are_not_named_are_zero() -> None:
    counters = parse_counters("ok=1")
    assert counters.pop("ok") == 1
    assert set(counters.values()) == {0} and len(counters) == 6


def test_colours_are_taken_out() -> None:
    assert plain("\x1b[0;32mok\x1b[0m: [host]") == "ok: [host]"


@pytest.mark.parametrize(("output", "error"), [
    pytest.param("TASK [a]\nok: [h]\nfatal: [h]: FAILED! => broken\nPLAY RECAP\n", "fatal: [h]: FAILED! => broken",
                 id="fatal"),
    pytest.param("TASK [a]\nfatal: [h]: expected\n...ignoring\nTASK [b]\nfatal: [h]: real\n", "fatal: [h]: real",
                 id="an ignored error is none"),
    pytest.param("[ERROR]: Task failed: no\nOrigin: roles/a/tasks/main.yml:7:3\n", "[ERROR]: Task failed: no "
                 "at roles/a/tasks/main.yml:7", id="with its place"),
    pytest.param("2 faults; no host was touched\n\n1. unknown module x\n  --> a.yml:1:3\n",
                 "1. unknown module x at a.yml:1", id="the first of several faults"),
    pytest.param("one\n\ntwo\n", "two", id="without an error, the last line"),
    pytest.param("", "", id="nothing"),
])
def test_the_first_error_is_told(output: str, error: str) -> None:
    assert first_error(output) == error


def test_an_endless_line_is_cut() -> None:
    assert len(first_error("fatal: " + "x" * 10_000)) <= 300
