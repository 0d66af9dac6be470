"""`orch doc`: the modules and what they take."""

from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.groups import HELP

if TYPE_CHECKING:
    from modules.registry import ModuleInfo

WIDEST = 110
"""Longer lines are hard to read, however wide the terminal is."""

OF_FILES = ("mode", "owner", "group", "seuser", "serole", "setype", "selevel", "attributes", "unsafe_writes")
"""Arguments that every module has which writes a file; they come last."""

KINDS = {
    "state": "Looks first, and changes only what differs. In check mode it says what it would change.",
    "run": "In check mode it runs: it changes nothing.",
    "skip": "Acts each time. In check mode it is skipped.",
    "own": "Acts each time it is asked to. In check mode it says what it can foresee.",
    "action": "Runs on the controller.",
}


@click.command("doc", context_settings=HELP,
               epilog="\b\nExamples:\n  orch doc\n  orch doc copy\n  orch doc ansible.posix.sysctl")
@click.argument("module", required=False)
def command(module: str | None) -> None:
    """Show MODULE's documentation, or list all modules."""
    from modules import registry
    from orchestrator.engine.actions import register_all
    from orchestrator.errors import UsageError

    register_all()
    width = min(WIDEST, shutil.get_terminal_size((WIDEST, 24)).columns)
    if module is None:
        for name in registry.names():
            line = f"{name:24} {_plain(_first_line(registry.describe(name).doc))}"
            click.echo(line if len(line) <= width else line[: width - 2].rstrip(" ,.") + " …")
        return
    info = registry.describe(module)
    if info is None:
        near = registry.nearest(module)
        raise UsageError(f"there is no module {module!r}", hint=f"Did you mean {near!r}?" if near else None)
    from modules.collection_names import full_name

    click.echo("\n".join(page(info, full_name(info.name), width)))


def page(info: ModuleInfo, full_name: str, width: int) -> Iterator[str]:
    """The lines of one module's documentation, at most ``width`` wide but for its example."""
    yield click.style(info.name, bold=True) + (f"  ({full_name})" if full_name != info.name else "")
    yield ""
    yield from _prose(info.doc, width)
    yield from textwrap.wrap(_kind(info), width)
    own = {name: arg for name, arg in info.args.items() if not name.startswith("_")}
    of_files = [name for name in OF_FILES if name in own] if "selevel" in own else []
    rest = sorted((name for name in own if name not in of_files), key=lambda name: not own[name].required)
    for heading, names in (("Arguments", rest), ("Arguments for the file", of_files)):
        if names:
            yield ""
            yield click.style(heading, bold=True)
            for name in names:
                yield from _argument(name, own[name], width, 2)
    rules = [sentence for rule in info.rules if (sentence := _rule(*rule))]
    if rules:
        yield ""
        yield click.style("Together", bold=True)
        for sentence in rules:
            yield from textwrap.wrap(sentence, width, initial_indent="  ", subsequent_indent="    ")


def _prose(doc: str, width: int) -> Iterator[str]:
    """Paragraphs to the width, the example as it stands."""
    for part in re.split(r"\n{2,}", _plain(doc.strip())):
        if part.startswith("    "):
            yield from part.splitlines()
        else:
            yield from textwrap.wrap(part, width, break_on_hyphens=False)
        yield ""


def _plain(text: str) -> str:
    """The markup of docstrings is for those who read the source."""
    return re.sub(r"::$", ":", text.replace("``", "`"), flags=re.MULTILINE).replace("`", "")


def _kind(info: ModuleInfo) -> str:
    words = KINDS[info.check_mode if info.kind == "run" else info.kind]
    return words if info.retry_safe else f"{words} After an interruption it is not run again by itself."


def _argument(name: str, arg: Any, width: int, indent: int) -> Iterator[str]:
    room = " " * indent
    facts = textwrap.wrap(f"{name}  {_facts(arg)}", width, initial_indent=room, subsequent_indent=room + "  ",
                          break_on_hyphens=False)
    yield facts[0].replace(name, click.style(name, bold=True), 1)
    yield from facts[1:]
    yield from textwrap.wrap(_plain(arg.help), width, initial_indent=room + "    ", subsequent_indent=room + "    ")
    for inner, described in (arg.suboptions or {}).items():
        yield from _argument(inner, described, width, indent + 4)


def _facts(arg: Any) -> str:
    words = [f"list of {arg.elements}" if arg.type == "list" and arg.elements else arg.type]
    if arg.required:
        words.append("required")
    if arg.default not in (None, "", [], {}):
        words.append(f"default {_yaml(arg.default)}")
    if arg.choices:
        words.append("one of " + ", ".join(_yaml(choice) for choice in arg.choices))
    if arg.aliases:
        words.append("also " + ", ".join(arg.aliases))
    if arg.no_log:
        words.append("never shown")
    return "; ".join(words)


def _yaml(value: Any) -> str:
    """As a playbook has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _rule(kind: str, names: Iterable[str]) -> str:
    given = [name for name in names if not str(name).startswith("_")]
    if len(given) < 2:
        return ""
    first, *others = given
    match kind:
        case "one_of":
            return f"One of {_and(given, 'or')} is needed."
        case "exclusive":
            return f"At most one of {_and(given, 'and')}."
        case "together":
            return f"All of {_and(given, 'and')}, or none."
        case "required_if":
            return f"{first}: {_yaml(others[0])} needs {_and(others[1:], 'and')}."
        case _:
            return f"{first} needs {_and(others, 'and')}."


def _and(names: list[str], word: str) -> str:
    return f"{', '.join(names[:-1])} {word} {names[-1]}" if len(names) > 1 else names[0]


def _first_line(doc: str) -> str:
    return doc.strip().split("\n", 1)[0]
