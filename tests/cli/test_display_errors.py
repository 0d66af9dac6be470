"""Errors on paper: the sentence, the place with its line and a caret, the way there, the hint; several as a list."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.cli.display.errors import render_error
from orchestrator.cli.display.excerpt import excerpt, origin_of
from orchestrator.errors import Faults, OrchError, Origin, SyntaxFault, UndefinedVariable

ORIGINS = {
    "all": ("site.yml:12:7", Origin("site.yml", 12, 7)), "line": ("site.yml:12", Origin("site.yml", 12)),
    "file": ("site.yml", Origin("site.yml")), "colon-in-path": ("a:b/c.yml:1:2", Origin("a:b/c.yml", 1, 2)),
    "windows": ("C:/x.yml:3:4", Origin("C:/x.yml", 3, 4)), "none": ("<extra vars>", Origin("<extra vars>")),
}


@pytest.fixture
def site(tmp_path: Path) -> str:
    path = tmp_path / "site.yml"
    head = "- hosts: all\n  tasks:\n\t- debug: {msg: '{{ nope }}'}\n"
    path.write_text(head + "\n" * 6 + f"  long: {'x' * 300} END\n")
    return str(path)


def test_an_error_shows_its_place_with_a_caret_the_way_there_and_the_hint(site: str) -> None:
    error = UndefinedVariable("'nope' is undefined", origin=Origin(site, 3, 16), hint="define it\nor use default()",
                              trail=("import_playbook at all.yml:1:3", "include_tasks at site.yml:9:5"))
    assert render_error(error, color=False).splitlines() == [
        "error: 'nope' is undefined", f"  --> {site}:3:16", "  1 - hosts: all", "  2   tasks:",
        "  3  - debug: {msg: '{{ nope }}'}", "                   ^ column 16", "  from include_tasks at site.yml:9:5",
        "  from import_playbook at all.yml:1:3", "  hint: define it", "        or use default()",
    ]


def test_several_faults_are_a_numbered_list_with_their_count(site: str) -> None:
    first = SyntaxFault("first", origin=Origin(site, 1, 1))
    faults = Faults([first, OrchError("second", hint="do"), OrchError("third")])
    text = render_error(faults, color=False)
    assert text.splitlines()[0] == "3 faults; no host was touched"
    assert [line for line in text.splitlines() if line[:1].isdigit()][1:] == ["1. first", "2. second", "3. third"]
    assert "  hint: do" in text


def test_one_fault_is_shown_as_an_error_alone() -> None:
    assert render_error(Faults([OrchError("only")]), color=False) == "error: only"


@pytest.mark.parametrize(("text", "origin"), ORIGINS.values(), ids=ORIGINS)
def test_a_place_is_read_back_from_its_text(text: str, origin: Origin) -> None:
    assert origin_of(text) == origin


def test_without_a_column_the_line_is_underlined(site: str) -> None:
    assert excerpt(Origin(site, 2))[-1] == "    ^^^^^^"


def test_the_part_of_a_long_line_around_the_mark_is_shown(site: str) -> None:
    *_, line, mark = excerpt(Origin(site, 10, 310), columns=60)
    assert line.startswith("10 ...x")
    assert line.endswith("END")
    assert mark.endswith("^ column 310")
    assert len(line) <= 63
    assert line[mark.index("^")] == "E"


def test_wide_characters_keep_the_caret_below(tmp_path: Path) -> None:
    path = tmp_path / "wide.yml"
    path.write_text("日本: {{ x }}\n")
    assert excerpt(Origin(str(path), 1, 5)) == ["1 日本: {{ x }}", "        ^ column 5"]


@pytest.mark.parametrize("origin", [Origin("/nonexistent", 3, 1), Origin("<extra vars>"), Origin("/", 1, 1)])
def test_a_place_that_cannot_be_read_has_no_lines(origin: Origin) -> None:
    assert excerpt(origin) == []


def test_a_line_beyond_the_file_has_no_lines(site: str) -> None:
    assert excerpt(Origin(site, 999, 1)) == []


def test_neither_message_nor_file_can_drive_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "hostile.yml"
    path.write_text("a: \x1b[2J\u202e\n")
    error = OrchError("bad \x1b]0;x\x07", origin=Origin(str(path), 1, 1), hint="\x9b31m", trail=("\x1b[31m",))
    assert {c for c in render_error(error, color=False) if not c.isprintable()} == {"\n"}


def test_colours_come_only_where_wanted() -> None:
    assert "\x1b[31m" in render_error(OrchError("x"), color=True)
    assert "\x1b" not in render_error(OrchError("x"))
