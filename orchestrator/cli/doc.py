"""`orch doc`: the modules and what they take."""

from __future__ import annotations

import click

from orchestrator.cli.groups import HELP


@click.command("doc", context_settings=HELP,
               epilog="\b\nExamples:\n  orch doc\n  orch doc copy")
@click.argument("module", required=False)
def command(module: str | None) -> None:
    """Show MODULE's documentation, or list all modules."""
    from modules import registry
    from orchestrator.engine.actions import register_all
    from orchestrator.errors import UsageError

    register_all()
    if module is None:
        for name in registry.names():
            info = registry.describe(name)
            click.echo(f"{name:24} {_first_line(info.doc)}")
        return
    info = registry.describe(module)
    if info is None:
        near = registry.nearest(module)
        raise UsageError(f"there is no module {module!r}", hint=f"Did you mean {near!r}?" if near else None)
    click.echo(f"{click.style(info.name, bold=True)}\n\n{info.doc.strip()}\n")
    if info.args:
        click.echo(click.style("Arguments", bold=True))
    for name, arg in info.args.items():
        click.echo(f"  {name}{_facts(arg)}\n      {arg.help}")


def _first_line(doc: str) -> str:
    return doc.strip().split("\n", 1)[0]


def _facts(arg: object) -> str:
    words = [str(getattr(arg, "type", "str"))]
    if getattr(arg, "required", False):
        words.append("required")
    if getattr(arg, "default", None) not in (None, "", [], {}):
        words.append(f"default {arg.default!r}")  # type: ignore[attr-defined]
    if getattr(arg, "choices", None):
        words.append("one of " + ", ".join(map(str, arg.choices)))  # type: ignore[attr-defined]
    if getattr(arg, "aliases", ()):
        words.append("also " + ", ".join(arg.aliases))  # type: ignore[attr-defined]
    return f" ({'; '.join(words)})"
