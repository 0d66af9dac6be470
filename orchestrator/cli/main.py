"""`orch`: the command line. Commands are imported when they are called, so that `orch --help` costs next to nothing."""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from orchestrator.cli.groups import HELP, NearestGroup
from orchestrator.cli.staying import Staying

if TYPE_CHECKING:
    from orchestrator.errors import OrchError

EXIT_ERROR, EXIT_USAGE, EXIT_STOPPED, EXIT_UNEXPECTED = 1, 5, 130, 250
STARTUP_ALLOCATIONS = 100_000
"""New objects before the garbage collector looks at them. Start-up makes 90,000 (classes, functions, the playbook) that
all stay; to search them again and again, as the default of 700 has it, is 20 ms of a run's CPU."""

COMMANDS = {
    "run": ("run", "Run playbooks on the hosts of an inventory."),
    "exec": ("exec", "Run one module on hosts that match a pattern."),
    "plan": ("plan", "Show what a playbook would change; exit 2 when something would."),
    "apply": ("apply", "Make the changes of a plan that `orch plan --out` wrote, and no others."),
    "inventory": ("inventory", "Look at an inventory: list, graph, host."),
    "explain": ("explain", "Say where a variable's value comes from."),
    "runs": ("runs", "Look at runs: list, show, watch, cancel."),
    "agents": ("agents", "Invite and look after hosts that call in by themselves."),
    "ca": ("ca", "The authorities of gateway and SSH: init, show, rotate, retire, ssh-public."),
    "worker": ("worker", "Drive the runs of a server: on PostgreSQL, as many of these as there is need for."),
    "serve": ("serve", "Serve the page, the API, and hosts that SSH does not reach."),
    "users": ("users", "The people of the page and the API: list, add, lock, unlock, passwd, link."),
    "projects": ("projects", "Where a server's playbooks lie: list, add, change, sync, playbooks, delete."),
    "credentials": ("credentials", "What a server's runs log in with: kinds, list, add, share, rotate, uses, delete."),
    "schedules": ("schedules", "Runs by the clock: list, show, add, pause, resume, run, next."),
    "backup-db": ("backup_db", "Write the store and its keys into one file."),
    "restore-db": ("restore_db", "Put such a file into an empty store."),
    "lint": ("lint", "Say what a playbook uses that orch does not have, before it is run."),
    "vault": ("vault", "Encrypt, decrypt, view, edit and rekey vault files."),
    "doc": ("doc", "Read a module's documentation."),
    "trust": ("trust", "Enrol the SSH host keys of hosts."),
    "init": ("init", "Begin a project in this directory."),
}


class LazyGroup(NearestGroup):
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


@click.group(cls=LazyGroup, context_settings=HELP, epilog="""\b
Exit codes:
  0    all went well
  1    nothing was run: something is missing (a file, a role, a password, the store)
  2    a task failed on a host (orch plan: something would change)
  3    a host is away, and its job waits in the mailbox
  4    a host could not be reached; or the content has faults, and nothing was run
  5    nothing was run: wrong options
  130  stopped by Ctrl-C or `orch runs cancel`
  250  a fault of orch itself""")
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
    gc.set_threshold(STARTUP_ALLOCATIONS)
    if argv is not None:
        sys.exit(_exit_code(argv))
    stays = Staying()
    try:
        code = _exit_code(None, stays)
    except SystemExit as ended:
        if not isinstance(ended.code, int):
            raise
        code = ended.code
    stays.leave(code)


def _exit_code(argv: Sequence[str] | None, stays: Staying | None = None) -> int:
    try:
        returned = command.main(args=list(argv) if argv is not None else None, prog_name="orch", standalone_mode=False,
                                obj=stays)
        return returned if isinstance(returned, int) else 0
    except click.ClickException as error:
        _show_usage(error)
        return EXIT_USAGE if isinstance(error, click.UsageError) else EXIT_ERROR
    except (click.Abort, KeyboardInterrupt, EOFError):
        sys.stderr.write("\nstopped\n")
        return EXIT_STOPPED
    except BrokenPipeError:
        # The reader of our output has gone (`orch runs list | head`): nothing left to say, and Python must not
        # try to when it flushes on its way out.
        _discard_output()
        return 0
    except Exception as error:
        known = _known(error)
        if known is None:
            import traceback

            traceback.print_exc()
            return EXIT_UNEXPECTED
        from orchestrator.cli.display.errors import render_error
        from orchestrator.engine.recap import error_code

        sys.stderr.write(render_error(known).rstrip("\n") + "\n")
        return error_code(known)


def _show_usage(error: click.ClickException) -> None:
    """A wrong command line ends with 5, not with click's 2: that one says that a host failed or would be changed."""
    context = getattr(error, "ctx", None)
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        sys.stderr.write(f"{error.format_message()}\n")
        return
    sys.stderr.write(f"error: {error.format_message()}\n")
    if context is not None:
        sys.stderr.write(f"  hint: {context.command_path} --help\n")


def _known(error: Exception) -> OrchError | None:
    """The error as one of orch's own; the inventory, which knows nothing of the house, has a tree of its own."""
    from orchestrator.errors import InventoryFault, OrchError, Origin

    if isinstance(error, OrchError):
        return error
    if type(error).__module__ == "inventory.errors":
        from inventory import InventoryError

        assert isinstance(error, InventoryError)
        place = Origin(error.file, error.line or 0, error.column or 0) if error.file else None
        missing = error.file is not None and not os.path.exists(error.file)
        return InventoryFault(error.message, origin=place, hint=error.hint, code="file_missing" if missing else None)
    return None


def _discard_output() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


if __name__ == "__main__":
    main()
