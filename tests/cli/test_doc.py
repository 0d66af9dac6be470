"""`orch doc` is read by people: what matters first, nothing wider than the terminal, nothing that is the machine's."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from modules import registry
from modules.api import Arg, exclusive, one_of, required_by, required_if, together
from modules.registry import ModuleInfo
from orchestrator.cli import doc
from orchestrator.engine.actions import register_all

register_all()


@pytest.mark.parametrize("name", registry.names())
def test_every_module_prints_well(name: str) -> None:
    lines = [click.unstyle(line) for line in doc.page(registry.describe(name), name, 80)]
    assert lines[2], "the first thing is what it does"
    example = [line for line in lines if line.startswith("    ")]
    assert all(len(line) <= 80 for line in lines if line not in example), [line for line in lines if len(line) > 80]
    assert not any("``" in line or line.endswith("::") for line in lines)
    assert not any(line.strip().startswith("_") for line in lines)
    assert "\n\n\n" not in "\n".join(lines)


def test_a_page_has_what_is_needed_first_and_what_all_files_have_last() -> None:
    args = {
        "mode": Arg("mode", "Permissions."), "selevel": Arg("str", "Label."), "_own": Arg("str", "The controller's."),
        "state": Arg("str", "How.", default="present", choices=["present", "absent"], aliases=["is"]),
        "secret": Arg("str", "Hidden.", no_log=True), "path": Arg("path", "Where ``it`` goes.", required=True),
        "parts": Arg("list", "Parts.", elements="dict", suboptions={"name": Arg("str", "Its name.", required=True)}),
    }
    info = ModuleInfo("thing", args, rules=(exclusive("state", "secret"), one_of("path", "_own")), kind="run",
                      check_mode="skip", retry_safe=False, doc="Makes things.\n\nExample::\n\n    - thing:\n")
    assert list(doc.page(info, "ns.things.thing", 60)) == [
        "\x1b[1mthing\x1b[0m  (ns.things.thing)", "", "Makes things.", "", "Example:", "", "    - thing:", "",
        "Acts each time. In check mode it is skipped. After an", "interruption it is not run again by itself.", "",
        "\x1b[1mArguments\x1b[0m",
        "  \x1b[1mpath\x1b[0m  path; required", "      Where it goes.",
        "  \x1b[1mstate\x1b[0m  str; default present; one of present, absent; also",
        "    is", "      How.",
        "  \x1b[1msecret\x1b[0m  str; never shown", "      Hidden.",
        "  \x1b[1mparts\x1b[0m  list of dict", "      Parts.",
        "      \x1b[1mname\x1b[0m  str; required", "          Its name.",
        "", "\x1b[1mArguments for the file\x1b[0m",
        "  \x1b[1mmode\x1b[0m  mode", "      Permissions.", "  \x1b[1mselevel\x1b[0m  str", "      Label.",
        "", "\x1b[1mTogether\x1b[0m", "  At most one of state and secret.",
    ]


@pytest.mark.parametrize(("rule", "sentence"), [
    (one_of("a", "b", "c"), "One of a, b or c is needed."),
    (exclusive("a", "b"), "At most one of a and b."),
    (together("a", "b"), "All of a and b, or none."),
    (required_if("state", "present", "a", "b"), "state: present needs a and b."),
    (required_if("on", True, "a"), "on: true needs a."),
    (required_by("a", "b"), "a needs b."),
    (one_of("src", "_tree"), ""),
], ids=lambda value: value if isinstance(value, str) else value[0])
def test_rules_are_sentences(rule: tuple[str, tuple[str, ...]], sentence: str) -> None:
    assert doc._rule(*rule) == sentence


def test_the_list_fits_and_an_unknown_name_gets_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    listed = CliRunner().invoke(doc.command, []).output.splitlines()
    assert len(listed) == len(registry.names()) and max(map(len, listed)) <= 60
    missing = CliRunner().invoke(doc.command, ["cpoy"])
    assert missing.exit_code == 1 and "copy" in str(getattr(missing.exception, "hint", ""))
