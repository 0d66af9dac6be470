"""`orch backup-db`: the store and its keys in one file."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from orchestrator.cli.groups import HELP

STORE = click.option("--store", "store_url", metavar="URL", envvar="ORCH_STORE",
                     help="The database; the default is a SQLite file of the project.")
PASSPHRASE = click.option("--passphrase-file", type=click.Path(path_type=Path), metavar="FILE",
                          help="Seal the backup with the passphrase in this file (its first line).")


@click.command("backup-db", context_settings=HELP, epilog="""\b
Examples:
  orch backup-db /backup/orch-monday.zip --passphrase-file /root/backup.pass
  orch backup-db keys-elsewhere.zip --without-keys

Runs may go on meanwhile: the backup is of the moment it begins. Without the keys (master.key, ca, ssh-ca) nothing of
what is sealed in it opens; with them, and without a passphrase, whoever has the file has the fleet.""")
@click.argument("target", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--without-keys", is_flag=True, help="Leave out the keys: they are kept elsewhere.")
@PASSPHRASE
@STORE
def command(target: Path, without_keys: bool, passphrase_file: Path | None, store_url: str | None) -> None:
    """Write the store, and the keys that belong to it, into FILE."""
    from orchestrator.cli.options import state_directory
    from orchestrator.control.backup import back_up

    with Progress() as progress:
        manifest = back_up(state_directory(), store_url, target.absolute(), with_keys=not without_keys,
                           passphrase=passphrase_in(passphrase_file), progress=progress.on)
    rows = sum(part.rows for part in manifest.tables.values())
    size = target.stat().st_size / (1 << 20)
    click.echo(f"{rows:,} rows and {len(manifest.files)} files of {manifest.where} are in {target} ({size:.1f} MiB)")
    if manifest.files and passphrase_file is None:
        click.secho("It holds the master key in the open: keep it as you keep passwords, or use --passphrase-file.",
                    fg="yellow", err=True)


def passphrase_in(file: Path | None) -> bytes | None:
    if file is None:
        return None
    try:
        found = file.read_bytes().split(b"\n")[0].strip()
    except OSError as error:
        raise click.ClickException(f"the passphrase cannot be read: {error.strerror}: {file}") from error
    if len(found) < 12:
        raise click.ClickException(f"a passphrase has 12 characters at least: {file}")
    return found


class Progress:
    """One line that tells how far it is, for a person who looks on."""

    def __init__(self) -> None:
        self._shows = sys.stderr.isatty()

    def __enter__(self) -> Progress:
        return self

    def on(self, table: str, rows: int) -> None:
        if self._shows:
            click.echo(f"\r\x1b[K{table}: {rows:,} rows", nl=False, err=True)

    def __exit__(self, *_: object) -> None:
        if self._shows:
            click.echo("\r\x1b[K", nl=False, err=True)
