"""`orch schedules`: runs that a server begins by the clock."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.groups import HELP, NearestGroup
from orchestrator.cli.opened import JSON, STORE, opened

if TYPE_CHECKING:
    from datetime import datetime

    from orchestrator.control.control import Control

NAME = click.argument("name")


@click.group("schedules", cls=NearestGroup, context_settings=HELP, epilog="""\b
Examples:
  orch schedules list
  orch schedules add nightly '30 2 * * mon-fri' --project site --playbook site.yml --inventory prod
  orch schedules next nightly""")
def command() -> None:
    """Runs that a server begins by the clock: orch serve has to be running for that.

    Whoever may open the store by hand is an admin here.
    """


@command.command("list", epilog="\b\nExample:\n  orch schedules list --json")
@JSON
@STORE
def list_(as_json: bool, store_url: str | None) -> None:
    """List the schedules, and when each is due next."""
    with opened(store_url) as (control, by):
        found = control.schedules.visible(by)
    for one in found:
        if as_json:
            click.echo(_json(one))
        else:
            click.echo(f"{one.name:<24} {one.state:<7} {one.kind:<4} {one.timing:<24} {one.timezone:<16} "
                       f"next {_moment(one.next_due)}  last success {_moment(one.last_success)}")
    if not found and not as_json:
        click.echo("No schedules yet. Begin with: orch schedules add", err=True)


@command.command("show", epilog="\b\nExample:\n  orch schedules show nightly")
@NAME
@JSON
@STORE
def show(name: str, as_json: bool, store_url: str | None) -> None:
    """Show schedule NAME, and what became of its latest times."""
    from msgspec import to_builtins

    from orchestrator.store.paging import PageRequest

    with opened(store_url) as (control, by):
        one = control.schedules.by_name(by, name)
        fires = control.schedules.fires(by, one.id, PageRequest(20)).items
        names = control.schedules.extra_var_names(one)
    if as_json:
        click.echo(_json({**to_builtins(one), "extra_vars": names, "fires": to_builtins(fires)}))
        return
    shown = {**to_builtins(one), "extra_vars": ", ".join(names), "request": json.dumps(one.request, sort_keys=True),
             "blackouts": json.dumps(one.blackouts)}
    for field, value in shown.items():
        click.echo(f"{field:<15} {'' if value is None else value}")
    for fire in fires:
        click.echo(f"  {_moment(fire.due)}  {fire.outcome:<9} {fire.run_id or ''}  {fire.reason}".rstrip())


@command.command("next", epilog="\b\nExample:\n  orch schedules next nightly -n 3")
@NAME
@click.option("-n", "--number", default=10, show_default=True, type=click.IntRange(1, 100), help="How many.")
@STORE
def next_(name: str, number: int, store_url: str | None) -> None:
    """Show the next times of schedule NAME, on the clock of its time zone."""
    with opened(store_url) as (control, by):
        times = control.schedules.next_times(by, control.schedules.by_name(by, name).id, number)
    for one in times:
        click.echo(f"{one.local}{f'  {one.blackout}: nothing will start' if one.blackout else ''}")


@command.command("add", epilog="\b\nExamples:\n  orch schedules add hourly 'every 1h' --project site --playbook "
                               "site.yml --inventory prod --limit web\n  orch schedules add drift @daily --plan "
                               "--project site --playbook site.yml --inventory prod")
@NAME
@click.argument("timing")
@click.option("--project", required=True, metavar="NAME", help="Project that has the playbook.")
@click.option("--playbook", required=True, metavar="PATH", help="Its path within the project.")
@click.option("--inventory", required=True, metavar="NAME", help="Inventory that has the hosts.")
@click.option("-l", "--limit", metavar="PATTERN", help="Which hosts; every run looks anew who that is.")
@click.option("-t", "--tags", multiple=True, metavar="TAG", help="Only tasks with this tag.")
@click.option("--plan", "is_plan", is_flag=True, help="Only look what would change, and keep it as drift.")
@click.option("--timezone", default="UTC", show_default=True, metavar="ZONE", help="Whose clock the times are on.")
@click.option("--misfire", type=click.Choice(["skip", "once", "all"]), default="once", show_default=True,
              help="What is made up for after downtime.")
@click.option("--overlap", type=click.Choice(["skip", "queue", "cancel"]), default="skip", show_default=True,
              help="When the run before has not ended.")
@click.option("--jitter", default="0", metavar="TIME", help="Put each time off by up to this (5m).")
@click.option("--grace", default="5m", show_default=True, metavar="TIME", help="How late a run may start.")
@click.option("--catch-up", default="0", metavar="TIME",
              help="Run at once when nothing has succeeded for so long (26h).")
@click.option("--paused", is_flag=True, help="Do not begin yet.")
@STORE
def add(name: str, timing: str, project: str, playbook: str, inventory: str, limit: str | None, tags: tuple[str, ...],
        is_plan: bool, jitter: str, grace: str, catch_up: str, store_url: str | None, **more: Any) -> None:
    """Add a schedule: NAME runs at TIMING.

    TIMING is five fields as in crontab(5), @hourly, @daily, @weekly, @monthly, @yearly, or 'every 15m'.
    """
    from orchestrator.scheduling.records import ScheduleDraft

    with opened(store_url) as (control, by):
        request: dict[str, Any] = {"project_id": _id(control, "projects", "project", project), "playbook": playbook,
                                   "inventory_id": _id(control, "inventories", "inventory", inventory),
                                   "limit": limit, "tags": list(tags)}
        made = control.schedules.create(by, ScheduleDraft(
            name, timing, request, kind="plan" if is_plan else "run", jitter_s=_seconds("--jitter", jitter),
            grace_s=_seconds("--grace", grace), catch_up_age_s=_seconds("--catch-up", catch_up), **more))
    click.echo(f"{made.name}: {f'next {_moment(made.next_due)}' if made.next_due else 'paused'}")


@command.command("pause", epilog="\b\nExample:\n  orch schedules pause nightly")
@NAME
@STORE
def pause(name: str, store_url: str | None) -> None:
    """Let nothing of NAME start until it is resumed."""
    with opened(store_url) as (control, by):
        control.schedules.pause(by, control.schedules.by_name(by, name).id)
    click.echo(f"{name} is paused", err=True)


@command.command("resume", epilog="\b\nExample:\n  orch schedules resume nightly")
@NAME
@STORE
def resume(name: str, store_url: str | None) -> None:
    """Let NAME go on; times that have passed meanwhile are not made up for."""
    with opened(store_url) as (control, by):
        made = control.schedules.resume(by, control.schedules.by_name(by, name).id)
    click.echo(f"{name}: next {_moment(made.next_due)}", err=True)


@command.command("run", epilog="\b\nExample:\n  orch schedules run nightly")
@NAME
@STORE
def run(name: str, store_url: str | None) -> None:
    """Have NAME run now; a server's worker takes it. Prints the run's id."""
    with opened(store_url) as (control, by):
        click.echo(control.schedules.run_now(by, control.schedules.by_name(by, name).id))


def _id(control: Control, table: str, what: str, name: str) -> str:
    """The id of what is called that, or has that id."""
    from orchestrator.refusals import NotFound

    rows = control.books.database.select(f'SELECT "id" FROM {table} WHERE "name" = ? OR "id" = ?', (name, name))
    if not rows:
        raise NotFound(f"there is no {what} {name!r}", hint="the page lists what there is")
    return str(rows[0][0])


def _seconds(option: str, text: str) -> int:
    from orchestrator.durations import seconds

    try:
        return int(seconds(text))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=option) from error


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "-"


def _json(value: Any) -> str:
    from msgspec import to_builtins

    return json.dumps(to_builtins(value), sort_keys=True)
