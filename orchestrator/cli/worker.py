"""`orch worker`: a process that drives the runs of a server."""

from __future__ import annotations

import click

from orchestrator.cli.groups import HELP


@click.command("worker", context_settings=HELP, epilog="""\b
Examples:
  orch worker --store postgresql://orch@db/orch
  orch worker --store postgresql://orch@db/orch --capacity 8

It needs the master key of the server (master.key in the state directory, or ORCH_MASTER_KEY_FILE), and the
projects' directories where the server has them. SIGTERM: what runs is left to other workers.""")
@click.option("--store", "store_url", metavar="URL", envvar="ORCH_STORE", help="Database of the server; the default is"
              " a SQLite file of the project, which one worker or server uses at a time.")
@click.option("--capacity", default=4, show_default=True, type=click.IntRange(1, 24), help="Runs, or slices, at once.")
@click.option("--silence", "silent_s", default=12.0, show_default=True, type=click.FloatRange(8, 600),
              help="Seconds after which another worker that does not show itself is taken for dead.")
def command(store_url: str | None, capacity: int, silent_s: float) -> None:
    """Drive runs that are asked for by the page, the API and schedules, until it is stopped."""
    import logging
    import signal
    import threading

    from orchestrator.cli.ending import end
    from orchestrator.cli.options import state_directory
    from orchestrator.control.control import open_control
    from orchestrator.control.working import worker_of
    from orchestrator.runs.worker import WorkerOptions
    from orchestrator.scheduling.threads import ClockThreads

    logging.basicConfig(format="%(asctime)s %(name)s %(levelname)s %(message)s", level=logging.WARNING)
    worker = worker_of(WorkerOptions(state_directory(), store_url, capacity, "worker", silent_s))
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
    # The server's clock may be what has died: whatever lives tells what did not happen.
    watch = ClockThreads(lambda: open_control(state_directory(), store_url), clock=False)
    worker.start()
    watch.start()
    click.echo(f"worker {worker.id}: {capacity} at once")
    asked.wait()
    click.echo("stopping: what runs is left to other workers, or to the next start")
    worker.stop()
    watch.stop()
    end()
