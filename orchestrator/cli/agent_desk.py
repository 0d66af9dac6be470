"""What the commands of `orch agents` share: the project's desk, options, and doing a thing for each of many hosts."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from orchestrator.agents.desk import Desk
    from orchestrator.security.authorities import Authority

STORE = click.option("--store", "store_url", metavar="URL", envvar="ORCH_STORE", help="Database; the default is a"
                     " SQLite file of the project.")
JSON = click.option("--json", "as_json", is_flag=True, help="JSON for programs.")
YES = click.option("-y", "--yes", is_flag=True, help="Do not ask.")
HOSTS = click.argument("hosts", nargs=-1, required=True, metavar="HOST...")


@contextmanager
def opened_desk(url: str | None) -> Iterator[Desk]:
    from orchestrator.agents.opening import open_desk
    from orchestrator.cli.options import state_directory

    desk = open_desk(state_directory(), url)
    try:
        yield desk
    finally:
        desk.close()
        desk.database.close()


def trusted_authorities() -> list[Authority]:
    """Those of the project, without the library that their certificates need; none where there is no authority."""
    from orchestrator.agents.office import utc_now
    from orchestrator.agents.opening import CA_FOLDER
    from orchestrator.cli.options import state_directory
    from orchestrator.errors import UsageError
    from orchestrator.security.authorities import trusted

    try:
        return trusted(state_directory() / CA_FOLDER, utc_now())
    except UsageError:
        return []


def operator() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "?"


def for_each(hosts: tuple[str, ...], store_url: str | None, act: Callable[[Desk, str], Any], done: str) -> None:
    """Do it for every host; what cannot be done for one does not keep it from the others. Ends with 1 then."""
    from orchestrator.errors import OrchError

    failed = False
    with opened_desk(store_url) as desk:
        for host in hosts:
            try:
                agent = act(desk, host)
            except OrchError as error:
                failed = True
                click.secho(f"{host}: {error.message}", fg="red", err=True)
                if error.hint:
                    click.echo(f"  hint: {error.hint}", err=True)
                continue
            click.echo(f"{agent.host}: {done}")
    if failed:
        sys.exit(1)


def confirm(yes: bool, question: str) -> None:
    if not yes:
        click.confirm(question, abort=True, err=True)
