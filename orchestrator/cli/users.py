"""`orch users`: who may come in to the page and the API."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from orchestrator.cli.groups import HELP, NearestGroup
from orchestrator.cli.opened import JSON, STORE, listed, opened

if TYPE_CHECKING:
    pass

ROLE = click.Choice(["none", "viewer", "operator", "approver", "admin"])
NAME = click.argument("name")


@click.group("users", cls=NearestGroup, context_settings=HELP, epilog="""\b
Examples:
  orch users list
  orch users add ann --role operator
  orch users link ann""")
def command() -> None:
    """People: who they are, what they may do, who is locked out.

    Whoever may open the store by hand is an admin here.
    """


@command.command("list", epilog="\b\nExample:\n  orch users list --json")
@JSON
@STORE
def list_(as_json: bool, store_url: str | None) -> None:
    """List the users, their roles, and who is locked."""
    from msgspec import to_builtins

    with opened(store_url) as (control, by):
        for user in listed(lambda page: control.users.list(by, page)):
            if as_json:
                click.echo(json.dumps(to_builtins(user)))
            else:
                seen = f"{user.last_login:%Y-%m-%d %H:%M}" if user.last_login else "never"
                click.echo(f"{user.name:<24} {user.role:<9} {user.state:<7} {user.source:<6} last login {seen}")


@command.command("add", epilog="\b\nExample:\n  orch users add ann --role operator --email ann@example.com")
@NAME
@click.option("--role", type=ROLE, default="viewer", show_default=True, help="What it may do everywhere.")
@click.option("--email", default="", help="Address of mail.")
@click.option("--display-name", default="", help="Name for people.")
@STORE
def add(name: str, role: str, email: str, display_name: str, store_url: str | None) -> None:
    """Add a user, and print the one-time link by which it sets its password."""
    with opened(store_url) as (control, by):
        user = control.users.add(by, name, role, display_name=display_name, email=email)
        token = control.users.reset_link(by, user.id)
    click.echo(f"{user.name} is {user.role}. Its password is set, once and within a day, at this path of the page:",
               err=True)
    click.echo(f"/link/{token}")


@command.command("link", epilog="\b\nExample:\n  orch users link ann")
@NAME
@STORE
def link(name: str, store_url: str | None) -> None:
    """Print a one-time link by which NAME sets a new password; good for a day."""
    with opened(store_url) as (control, by):
        token = control.users.reset_link(by, control.users.named(name).id)
    click.echo(f"/link/{token}")


@command.command("passwd", epilog="\b\nExample:\n  orch users passwd ann")
@NAME
@STORE
def passwd(name: str, store_url: str | None) -> None:
    """Set NAME's password, which is asked for; its sessions and tokens end."""
    with opened(store_url) as (control, by):
        user = control.users.named(name)
        password = click.prompt("New password", hide_input=True, confirmation_prompt=True, err=True)
        control.users.set_password(by, user.id, password, must_change=False)
    click.echo(f"{user.name}: the password is set", err=True)


@command.command("lock", epilog="\b\nExample:\n  orch users lock ann")
@NAME
@STORE
def lock(name: str, store_url: str | None) -> None:
    """Lock NAME out: its sessions, tokens and links end at once."""
    with opened(store_url) as (control, by):
        control.users.lock(by, control.users.named(name).id)
    click.echo(f"{name} is locked", err=True)


@command.command("unlock", epilog="\b\nExample:\n  orch users unlock ann")
@NAME
@STORE
def unlock(name: str, store_url: str | None) -> None:
    """Let NAME log in again; its tokens stay revoked."""
    with opened(store_url) as (control, by):
        control.users.unlock(by, control.users.named(name).id)
    click.echo(f"{name} may log in again", err=True)
