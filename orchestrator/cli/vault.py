"""`orch vault`: encrypted files and values, in the format of ansible-vault."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from orchestrator.cli.groups import HELP, NearestGroup
from orchestrator.cli.options import vault_options

if TYPE_CHECKING:
    from orchestrator.cli.vault_secrets import VaultKeys

F = TypeVar("F", bound=Callable[..., Any])
STDIN = "-"


def _encrypting(function: F) -> F:
    option = click.option("--encrypt-vault-id", metavar="ID", help="Encrypt with this one of several identities.")
    return option(function)


def _keys(given: dict[str, Any], *, is_new: bool = False) -> VaultKeys:
    from orchestrator.cli.vault_secrets import vault_keys

    return vault_keys(given, is_new=is_new)


class VaultGroup(NearestGroup):
    """Its commands are known under ansible-vault's names too: ``encrypt_string``."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        return super().resolve_command(ctx, [args[0].replace("_", "-"), *args[1:]] if args else args)


@click.group("vault", cls=VaultGroup, context_settings=HELP, epilog="""\b
Examples:
  orch vault create group_vars/all/secrets.yml
  orch vault edit group_vars/all/secrets.yml
  orch vault encrypt-string --name db_password       type it, then Ctrl-D
  orch vault rekey secrets.yml --new-vault-id prod@prompt

The password comes from --vault-id, --vault-password-file, ANSIBLE_VAULT_PASSWORD_FILE, or is asked for.""")
def command() -> None:
    """Encrypt, decrypt, view, edit and rekey vault files; encrypt single values."""


@command.command("encrypt", context_settings=HELP)
@click.argument("files", nargs=-1, metavar="[FILE]...")
@click.option("--output", metavar="FILE", help="Write here; - is standard output.")
@_encrypting
@vault_options()
def encrypt(files: tuple[str, ...], output: str | None, **given: Any) -> None:
    """Encrypt FILEs in place, or standard input."""
    from orchestrator.cli import vault_files

    keys = _keys(given, is_new=True)
    _each(files, output, lambda content, place: vault_files.encrypted(content, keys, place))
    _tell("encrypted", files)


@command.command("decrypt", context_settings=HELP)
@click.argument("files", nargs=-1, metavar="[FILE]...")
@click.option("--output", metavar="FILE", help="Write here; - is standard output.")
@vault_options()
def decrypt(files: tuple[str, ...], output: str | None, **given: Any) -> None:
    """Decrypt FILEs in place, or standard input."""
    from orchestrator.cli import vault_files

    keys = _keys(given)
    _each(files, output, lambda content, place: vault_files.decrypted(content, keys, place))
    _tell("decrypted", files)


@command.command("view", context_settings=HELP)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@vault_options()
def view(files: tuple[str, ...], **given: Any) -> None:
    """Show what FILEs hold; through a pager on a terminal."""
    from orchestrator.cli import vault_files

    keys = _keys(given)
    plain = b"".join(vault_files.decrypted(vault_files.read(file), keys, file) for file in files)
    if sys.stdout.isatty():
        click.echo_via_pager(plain.decode("utf-8", "replace"))
    else:
        vault_files.print_bytes(plain)


@command.command("create", context_settings=HELP)
@click.argument("file")
@_encrypting
@vault_options()
def create(file: str, **given: Any) -> None:
    """Make a new encrypted FILE in an editor ($VISUAL, $EDITOR, vi)."""
    from orchestrator.cli import vault_files
    from orchestrator.errors import UsageError

    if Path(file).exists():
        raise UsageError(f"{file} exists", hint=f"orch vault edit {file}")
    keys = _keys(given, is_new=True)
    vault_files.write(file, keys.encrypt(vault_files.edited(b"", file)).encode())


@command.command("edit", context_settings=HELP)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@_encrypting
@vault_options()
def edit(files: tuple[str, ...], **given: Any) -> None:
    """Open encrypted FILEs in an editor. Nothing is written when nothing was changed."""
    from orchestrator.cli import vault_files

    keys = _keys(given)
    for file in files:
        before = vault_files.decrypted(text := vault_files.read(file), keys, file)
        after = vault_files.edited(before, file)
        if after != before:
            vault_files.write(file, keys.encrypt(after, label=vault_files.label_of(text)).encode())


@command.command("rekey", context_settings=HELP)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--new-vault-id", metavar="ID@SOURCE", help="Identity to encrypt with from now on.")
@click.option("--new-vault-password-file", metavar="FILE", help="File with the new password.")
@vault_options()
def rekey(files: tuple[str, ...], new_vault_id: str | None, new_vault_password_file: str | None, **given: Any) -> None:
    """Encrypt FILEs anew with another password. All are opened before the first one is written."""
    from orchestrator.cli import vault_files
    from orchestrator.cli.vault_secrets import new_key

    keys = _keys(given)
    opened = [(file, vault_files.decrypted(vault_files.read(file), keys, file)) for file in files]
    new = new_key(new_vault_id, new_vault_password_file)
    for file, plain in opened:
        vault_files.write(file, new.encrypt(plain).encode())
    _tell("rekeyed", files)


@command.command("encrypt-string", context_settings=HELP)
@click.argument("values", nargs=-1, metavar="[STRING]...")
@click.option("-n", "--name", "names", multiple=True, metavar="NAME", help="Variable name; one for each STRING.")
@click.option("--stdin-name", metavar="NAME", help="Read the value from standard input, and give it this name.")
@click.option("-p", "--prompt", is_flag=True, help="Ask for the value; it is not shown.")
@_encrypting
@vault_options()
def encrypt_string(values: tuple[str, ...], names: tuple[str, ...], stdin_name: str | None, prompt: bool,
                   **given: Any) -> None:
    """Print STRINGs as encrypted YAML values. Better from standard input: a STRING here is in the shell's history."""
    from orchestrator.cli import vault_files

    keys = _keys(given, is_new=True)
    named = vault_files.named_values(values, names, stdin_name, prompt)
    click.echo("\n".join(vault_files.yaml_value(name, keys.encrypt(text)) for name, text in named))


def _each(files: tuple[str, ...], output: str | None, change: Callable[[bytes, str], bytes]) -> None:
    """Change files in place, or one of them into ``output``; nothing is written before all could be changed."""
    from orchestrator.cli import vault_files
    from orchestrator.errors import UsageError

    sources = files or (STDIN,)
    if output is not None and len(sources) > 1:
        raise UsageError("--output takes one file", hint="leave it out to change files in place")
    changed = [(file, change(vault_files.read(file), file)) for file in sources]
    for file, content in changed:
        place = output or file
        if place == STDIN:
            vault_files.print_bytes(content)
        else:
            vault_files.write(place, content, like=file)


def _tell(what: str, files: tuple[str, ...]) -> None:
    if files and sys.stderr.isatty():
        click.echo(f"{what}: {', '.join(files)}", err=True)
