"""`orch runs`: what was run, what came of it, what runs now."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.groups import HELP, NearestGroup

if TYPE_CHECKING:
    from orchestrator.store import Store

STORE = click.option("--store", "store_url", metavar="URL", envvar="ORCH_STORE", help="Database to read.")


@click.group("runs", cls=NearestGroup, context_settings=HELP, epilog="""\b
Examples:
  orch runs list
  orch runs show --failed
  orch runs watch""")
def command() -> None:
    """Look at runs: those that have ended, and the one that goes on now."""


@contextmanager
def _store(url: str | None) -> Iterator[Store]:
    """The project's store, without the engine: looking at runs needs no templates and no carriers."""
    from orchestrator.cli.options import state_directory
    from orchestrator.store import Store

    store = Store(url or str(state_directory() / "orch.db"))
    store.open()
    try:
        yield store
    finally:
        store.close()


@command.command("list", epilog="\b\nExample:\n  orch runs list -n 50")
@STORE
@click.option("-n", "--number", default=20, show_default=True, type=click.IntRange(1, 10_000), help="How many.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
def list_(store_url: str | None, number: int, as_json: bool) -> None:
    """List the latest runs."""
    from orchestrator.cli.display.runs import run_lines, run_object

    with _store(store_url) as store:
        runs = store.list_runs(limit=number)
    if as_json:
        for run in runs:
            click.echo(json.dumps(run_object(run), default=str))
    elif not runs:
        click.echo("No runs yet. Begin with: orch run PLAYBOOK -i INVENTORY")
    else:
        click.echo("\n".join(run_lines(runs)))


@command.command("show", epilog="\b\nExamples:\n  orch runs show\n  orch runs show 20260131-093005-7f3a9c51 --failed")
@click.argument("run", required=False)
@STORE
@click.option("--failed", is_flag=True, help="Only results that went wrong.")
@click.option("--host", metavar="HOST", help="Only this host's results.")
@click.option("-v", "--verbose", "verbosity", count=True, help="Show return values as well.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per result.")
def show(run: str | None, store_url: str | None, failed: bool, host: str | None, verbosity: int, as_json: bool) -> None:
    """Show what happened in RUN (the latest one when none is named)."""
    from orchestrator.cli.display.runs import result_object, show_run

    with _store(store_url) as store:
        record = _find(store, run)
        results = store.results(record.id, host=host, failed_only=failed)
    if as_json:
        for result in results:
            click.echo(json.dumps(result_object(result), default=str))
    else:
        click.echo(show_run(record, results, verbosity=verbosity))


@command.command("watch", epilog="\b\nExample:\n  orch runs watch")
@click.argument("run", required=False)
@STORE
def watch(run: str | None, store_url: str | None) -> None:
    """Follow RUN (the latest one when none is named) until it ends.

    A run that was left while hosts were away (`orch run --detach`) is gone on with: their jobs are in the mailbox.
    Passwords that it needs are given to orch run --resume RUN, which does the same.

    Ends with the run's own exit code: 0 well, 2 a host failed, 3 a host is away, 4 a host was unreachable, 130 stopped.
    """
    import time

    from orchestrator.cli.display.runs import result_line, summary_lines

    seen = 0
    with _store(store_url) as store:
        record = _find(store, run)
        was_left = record.status == "pending"
    if was_left:
        from orchestrator.cli.running import resume_run

        sys.exit(resume_run(record.id, {"store_url": store_url}))
    with _store(store_url) as store:
        while True:
            # The run first, then its results: what is stored before a run ends must not be missed.
            record = store.show_run(record.id) or record
            for result in store.results(record.id, after=seen):
                seen = max(seen, result.seq)
                click.echo(result_line(result))
            if record.ended is not None:
                break
            time.sleep(0.5)
    click.echo("\n".join(summary_lines(record)))
    sys.exit({"ok": 0, "failed": 2, "pending": 3, "unreachable": 4, "cancelled": 130}.get(record.status, 1))


@command.command("cancel", epilog="\b\nExample:\n  orch runs cancel 20260131-093005-7f3a9c51")
@click.argument("run", required=False)
@STORE
def cancel(run: str | None, store_url: str | None) -> None:
    """Ask RUN (the latest when none is named) to stop.

    What runs on its hosts is ended; nothing further begins. It can be resumed.
    """
    with _store(store_url) as store:
        record = _find(store, run)
        if record.ended is not None:
            raise click.ClickException(f"run {record.id} has ended already: {record.status}")
        store.request_cancel(record.id)
    click.echo(f"run {record.id} was asked to stop; see: orch runs watch {record.id}")


def _find(store: Store, run: str | None) -> Any:
    from orchestrator.errors import UsageError

    if run is None:
        latest = store.list_runs(limit=1)
        if not latest:
            raise UsageError("there are no runs yet", hint="orch run PLAYBOOK -i INVENTORY")
        return latest[0]
    record = store.show_run(run)
    if record is None:
        raise UsageError(f"there is no run {run!r}", hint="`orch runs list` shows them")
    return record
