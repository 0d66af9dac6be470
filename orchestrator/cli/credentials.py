"""`orch credentials`: what runs of the server log in with. Secrets come by standard input or from files, never as words
of the command line."""

from __future__ import annotations

import json
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.groups import HELP, NearestGroup
from orchestrator.cli.opened import JSON, STORE, listed, named, opened
from orchestrator.errors import UsageError

if TYPE_CHECKING:
    from orchestrator.access.rights import Identity
    from orchestrator.control.control import Control
    from orchestrator.credentials.credentials import Credential

NAME = click.argument("name")
VALUES = click.option("--value", "values", multiple=True, metavar="NAME=VALUE", help="A value that is no secret.")
FILES = click.option("--file", "files", multiple=True, metavar="NAME=FILE", help="A value from a file; - is standard"
                     " input. Secrets come this way; those that are missing are asked for.")
SHARED = click.option("--with", "shared", multiple=True, metavar="WHOM", help="Who may use it without a grant:"
                      " operators, project:NAME, inventory:NAME. May be given more than once.")
MOST_BYTES = 256 * 1024


@click.group("credentials", cls=NearestGroup, context_settings=HELP, epilog="""\b
Examples:
  orch credentials kinds
  orch credentials add deploy ssh_key --value username=deploy --file private_key=deploy.key
  orch credentials add short ssh_certificate --value principals=deploy
  orch credentials rotate deploy --file private_key=new.key""")
def command() -> None:
    """Keys and passwords for the runs of a server: sealed in its store, shown to nobody."""


@command.command("kinds", epilog="\b\nExample:\n  orch credentials kinds")
def kinds() -> None:
    """List the kinds there are, with their fields."""
    from orchestrator.credentials.kinds import KINDS

    for kind in KINDS.values():
        click.echo(f"{click.style(kind.name, bold=True)}  {kind.help}")
        for field in kind.fields:
            notes = [word for word, on in (("secret", field.secret), ("needed", field.required)) if on]
            click.echo(f"    {field.name:18} {', '.join(notes):15} {field.help or field.label}".rstrip())


@command.command("list", epilog="\b\nExample:\n  orch credentials list --json")
@JSON
@STORE
def list_(as_json: bool, store_url: str | None) -> None:
    """List the credentials, and when each was used last."""
    from msgspec import to_builtins

    with opened(store_url) as (control, by):
        rows = _all(control, by)
    if as_json:
        for row in rows:
            click.echo(json.dumps(to_builtins(row)))
    elif not rows:
        click.echo("No credentials yet. Begin with: orch credentials add NAME KIND")
    else:
        click.echo(click.style(f"{'NAME':24} {'KIND':16} {'CHANGED (UTC)':17} LAST USED", bold=True))
        for row in rows:
            used = f"{row.last_used:%Y-%m-%d %H:%M}" if row.last_used else "never"
            click.echo(f"{row.name:24} {row.kind:16} {row.changed:%Y-%m-%d %H:%M}  {used}")


@command.command("add", epilog="\b\nExample:\n  orch credentials add deploy ssh_key --file private_key=deploy.key")
@NAME
@click.argument("kind")
@VALUES
@FILES
@SHARED
@STORE
def add(name: str, kind: str, values: tuple[str, ...], files: tuple[str, ...], shared: tuple[str, ...],
        store_url: str | None) -> None:
    """Add a credential NAME of a KIND (see `orch credentials kinds`)."""
    from orchestrator.credentials.kinds import kind_of

    with opened(store_url) as (control, by):
        given = _given(kind, values, files)
        for field in kind_of(kind).fields:
            if field.required and field.secret and field.name not in given:
                given[field.name] = click.prompt(field.label, hide_input=True, err=True)
        made = control.credentials.create(by, name, kind, given, _sharing(control, by, shared))
    click.echo(f"{made.name}: is kept as {made.id}")


@command.command("share", epilog="\b\nExample:\n  orch credentials share deploy --with project:site")
@NAME
@SHARED
@STORE
def share(name: str, shared: tuple[str, ...], store_url: str | None) -> None:
    """Say who may use credential NAME without a grant: admins alone, when nobody is named."""
    with opened(store_url) as (control, by):
        row = _named(control, by, name)
        changed = control.credentials.change(by, row.id, row.version, shared=_sharing(control, by, shared))
    click.echo(f"{changed.name}: {', '.join(shared) or 'admins, and those with a grant'}")


@command.command("rotate", epilog="\b\nExample:\n  orch credentials rotate deploy --file private_key=new.key")
@NAME
@VALUES
@FILES
@STORE
def rotate(name: str, values: tuple[str, ...], files: tuple[str, ...], store_url: str | None) -> None:
    """Replace values of credential NAME; those that are not given stay."""
    with opened(store_url) as (control, by):
        row = _named(control, by, name)
        given = _given(row.kind, values, files)
        if not given:
            raise UsageError("nothing to replace was given", hint="--file NAME=FILE, --value NAME=VALUE")
        changed = control.credentials.change(by, row.id, row.version, values=given)
    click.echo(f"{changed.name}: version {changed.version}")


@command.command("uses", epilog="\b\nExample:\n  orch credentials uses deploy")
@NAME
@STORE
def uses(name: str, store_url: str | None) -> None:
    """Say what needs credential NAME, and who used it when."""
    with opened(store_url) as (control, by):
        row = _named(control, by, name)
        users, seen = control.credentials.users(by, row.id), control.credentials.uses(by, row.id)
    for user in users:
        click.echo(f"needed by {user}")
    for one in seen:
        click.echo(f"{one.at:%Y-%m-%d %H:%M:%S}  {one.actor or '-':20} {one.what}")


@command.command("delete", epilog="\b\nExample:\n  orch credentials delete deploy")
@NAME
@STORE
def delete(name: str, store_url: str | None) -> None:
    """Delete credential NAME, unless a schedule or project needs it."""
    with opened(store_url) as (control, by):
        row = _named(control, by, name)
        control.credentials.delete(by, row.id, row.version)
    click.echo(f"{name}: is gone")


def _all(control: Control, by: Identity) -> list[Credential]:
    return listed(lambda page: control.credentials.list(by, page))


def _named(control: Control, by: Identity, name: str) -> Credential:
    return named(_all(control, by), name, "credential")


def _sharing(control: Control, by: Identity, shared: tuple[str, ...]) -> list[str]:
    """With names as ids."""
    rooms: dict[str, Any] = {"project": control.projects, "inventory": control.inventories}
    found = []
    for one in shared:
        kind, _, name = one.partition(":")
        rows = listed(partial(rooms[kind].list, by)) if name and kind in rooms else []
        found.append(f"{kind}:{named(rows, name, kind).id}" if rows else one)
    return found


def _given(kind: str, values: tuple[str, ...], files: tuple[str, ...]) -> dict[str, Any]:
    """The values of both options. Raises `UsageError`, for a secret on the command line too."""
    from orchestrator.credentials.kinds import LIST, kind_of

    fields = {field.name: field for field in kind_of(kind).fields}
    found: dict[str, Any] = {}
    for text in values:
        name, mark, value = text.partition("=")
        if name in fields and fields[name].secret:
            raise UsageError(f"{name} is a secret: everybody can read a command line",
                             hint=f"--file {name}=FILE, or --file {name}=- for standard input")
        if not mark:
            raise UsageError(f"a value is NAME=VALUE, not {text!r}")
        is_list = name in fields and fields[name].type == LIST
        found[name] = [word for word in value.split(",") if word] if is_list else value
    for text in files:
        name, mark, path = text.partition("=")
        if not mark:
            raise UsageError(f"a value from a file is NAME=FILE, not {text!r}")
        found[name] = _read(path, is_text=name in fields and fields[name].type == "lines")
    return found


def _read(path: str, is_text: bool) -> str:
    try:
        if path == "-":
            text = sys.stdin.read(MOST_BYTES)
        else:
            with open(path, encoding="utf-8") as file:
                text = file.read(MOST_BYTES)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {path}: {getattr(error, 'strerror', None) or 'it is no text'}") from None
    return text if is_text else text.rstrip("\r\n")
