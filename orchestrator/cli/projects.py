"""`orch projects`: where a server's playbooks lie."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from orchestrator.cli.groups import HELP, NearestGroup
from orchestrator.cli.opened import JSON, STORE, listed, named, opened
from orchestrator.errors import UsageError

if TYPE_CHECKING:
    from orchestrator.access.rights import Identity
    from orchestrator.control.control import Control
    from orchestrator.projects.projects import Project

NAME = click.argument("name")


@click.group("projects", cls=NearestGroup, context_settings=HELP, epilog="""\b
Examples:
  orch projects add site --path /srv/playbooks
  orch projects add web --git https://git.example.com/web.git --ref main --credential forge
  orch projects sync web""")
def command() -> None:
    """Directories and git repositories that hold the playbooks of a server."""


@command.command("list", epilog="\b\nExample:\n  orch projects list --json")
@JSON
@STORE
def list_(as_json: bool, store_url: str | None) -> None:
    """List the projects, and what is used of each now."""
    from msgspec import to_builtins

    with opened(store_url) as (control, by):
        rows = _all(control, by)
    if as_json:
        for row in rows:
            click.echo(json.dumps(to_builtins(row)))
    elif not rows:
        click.echo("No projects yet. Begin with: orch projects add NAME --path FOLDER")
    for row in () if as_json else rows:
        used = row.path or f"{row.url} {row.ref} {row.commit[:12] or '(not fetched yet)'}".replace("  ", " ")
        click.echo(f"{row.name:24} {used}")
        if row.sync_error:
            click.secho(f"{'':24} {row.sync_error}", fg="red")


@command.command("add", epilog="\b\nExample:\n  orch projects add site --path /srv/playbooks")
@NAME
@click.option("--path", metavar="FOLDER", help="A folder below one that the server may read"
              " (ORCH_PROJECT_ROOTS, or the settings).")
@click.option("--git", "url", metavar="URL", help="A repository: https, ssh, or file:// below such a folder.")
@click.option("--ref", default="", metavar="REF", help="Branch, tag or commit; the default is the repository's own.")
@click.option("--credential", metavar="NAME", help="A git_token for https, an ssh_key for ssh.")
@click.option("--runs-here", is_flag=True, help="Its tasks and plugins may run on the server itself, as its account.")
@STORE
def add(name: str, path: str | None, url: str | None, ref: str, credential: str | None, runs_here: bool,
        store_url: str | None) -> None:
    """Add a project NAME; a repository is fetched at once."""
    from pathlib import Path

    if (path is None) == (url is None):
        raise UsageError("a project is a folder (--path) or a repository (--git)")
    with opened(store_url) as (control, by):
        credential_id = _credential(control, by, credential) if credential else None
        if path is not None:
            made = control.projects.create(by, name, "directory", path=str(Path(path).absolute()), ref=ref,
                                           credential_id=credential_id, runs_here=runs_here)
        else:
            made = control.projects.create(by, name, "git", url=url or "", ref=ref, credential_id=credential_id,
                                           runs_here=runs_here)
            made = control.projects.sync(by, made.id)
    click.echo(f"{made.name}: is kept as {made.id}{f', at {made.commit[:12]}' if made.commit else ''}")


@command.command("change", epilog="\b\nExample:\n  orch projects change site --no-runs-here")
@NAME
@click.option("--runs-here/--no-runs-here", default=None, help="Whether its tasks and plugins may run on the server.")
@STORE
def change(name: str, runs_here: bool | None, store_url: str | None) -> None:
    """Change what project NAME may do."""
    if runs_here is None:
        raise UsageError("nothing to change was given", hint="--runs-here, --no-runs-here")
    with opened(store_url) as (control, by):
        row = _named(control, by, name)
        control.projects.change(by, row.id, row.version, runs_here=runs_here)
    click.echo(f"{name}: its content {'may run' if runs_here else 'does not run'} on the server")


@command.command("sync", epilog="\b\nExample:\n  orch projects sync web")
@NAME
@STORE
def sync(name: str, store_url: str | None) -> None:
    """Fetch the repository of project NAME. Runs that are under way keep what they began with."""
    with opened(store_url) as (control, by):
        row = control.projects.sync(by, _named(control, by, name).id)
        wrong = control.inventories.mirror_project(row.id)
    click.echo(f"{row.name}: {row.commit[:12] or 'a directory, which is always as it is'}")
    for line in wrong:
        click.secho(line, fg="red", err=True)


@command.command("playbooks", epilog="\b\nExample:\n  orch projects playbooks web")
@NAME
@STORE
def playbooks(name: str, store_url: str | None) -> None:
    """List the playbooks and roles of project NAME, by reading its files."""
    with opened(store_url) as (control, by):
        found = control.projects.contents(by, _named(control, by, name).id)
    for playbook in found.playbooks:
        click.echo(f"{playbook.path:40} {', '.join(play.name for play in playbook.plays)}")
    for role in found.roles:
        click.echo(f"{role.path:40} {role.description}".rstrip())


@command.command("delete", epilog="\b\nExample:\n  orch projects delete web")
@NAME
@STORE
def delete(name: str, store_url: str | None) -> None:
    """Delete project NAME, unless something needs it. The files of a directory stay."""
    with opened(store_url) as (control, by):
        row = _named(control, by, name)
        control.projects.delete(by, row.id, row.version)
    click.echo(f"{name}: is gone")


def _all(control: Control, by: Identity) -> list[Project]:
    return listed(lambda page: control.projects.list(by, page))


def _named(control: Control, by: Identity, name: str) -> Project:
    return named(_all(control, by), name, "project")


def _credential(control: Control, by: Identity, name: str) -> str:
    return named(listed(lambda page: control.credentials.list(by, page)), name, "credential").id
