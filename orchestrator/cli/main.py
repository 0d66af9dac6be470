"""`orch`: the command line. Commands are imported when they are called, so that `orch --help` costs next to nothing."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

import click

COMMANDS = {
    "run": ("run", "Run playbooks on the hosts of an inventory."),
    "exec": ("exec", "Run one module on hosts that match a pattern."),
    "plan": ("plan", "Show what a playbook would change; exit 2 when something would."),
    "inventory": ("inventory", "Look at an inventory: list, graph, host."),
    "explain": ("explain", "Say where a variable's value comes from."),
    "runs": ("runs", "Look at runs: list, show, watch, cancel."),
    "doc": ("doc", "Read a module's documentation."),
    "trust": ("trust", "Enrol the SSH host keys of hosts."),
    "init": ("init", "Begin a project in this directory."),
}


class LazyGroup(click.Group):
    """Knows its commands' names and one-line helps; loads a command's file only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f"orchestrator.cli.{COMMANDS[name][0]}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            close = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else f" Commands: {', '.join(COMMANDS)}."
            raise click.UsageError(f"No such command {args[0]!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]},
             epilog="Exit codes: 0 well, 1 error, 2 a host failed, 4 a host was unreachable, 130 stopped.")
@click.version_option(package_name="orch-fleet", prog_name="orch")
def command() -> None:
    """Push orchestrator with a pull fallback: your Ansible playbooks, many times faster, on every host.

    \b
    First steps:
      orch init                                  begin a project here
      orch trust -i inventory.yml all            enrol the hosts' SSH keys
      orch run site.yml -i inventory.yml         run a playbook
      orch runs show                             read what happened
    """


def main(argv: Sequence[str] | None = None) -> None:
    """The console script. Errors that orch knows are shown with their place and hint; others keep their traceback."""
    from orchestrator.errors import OrchError

    try:
        command.main(args=list(argv) if argv is not None else None, prog_name="orch")
    except OrchError as error:
        from orchestrator.cli.display.errors import render_error

        sys.stderr.write(render_error(error).rstrip("\n") + "\n")
        sys.exit(1)
    except BrokenPipeError:
        # The reader of our output has gone (`orch runs list | head`): nothing left to say.
        sys.stderr.close()
        sys.exit(0)


if __name__ == "__main__":
    main()
