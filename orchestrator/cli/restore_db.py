"""`orch restore-db`: a backup of the store, put into an empty place."""

from __future__ import annotations

from pathlib import Path

import click

from orchestrator.cli.backup_db import PASSPHRASE, STORE, Progress, passphrase_in
from orchestrator.cli.groups import HELP


@click.command("restore-db", context_settings=HELP, epilog="""\b
Examples:
  orch restore-db /backup/orch-monday.zip --passphrase-file /root/backup.pass
  ORCH_STATE_DIR=/srv/orch orch restore-db monday.zip --store postgresql://orch@db/orch

A backup of a SQLite store can be restored into PostgreSQL, and the other way round.""")
@click.argument("source", metavar="FILE", type=click.Path(path_type=Path))
@PASSPHRASE
@STORE
def command(source: Path, passphrase_file: Path | None, store_url: str | None) -> None:
    """Put the backup in FILE into an empty store. A store that is in use is never overwritten."""
    from orchestrator.cli.options import state_directory
    from orchestrator.control.backup import restore as put_back

    with Progress() as progress:
        manifest = put_back(source, state_directory(), store_url, passphrase=passphrase_in(passphrase_file),
                            progress=progress.on)
    rows = sum(part.rows for part in manifest.tables.values())
    click.echo(f"{rows:,} rows and {len(manifest.files)} files are back, as of {manifest.made:%Y-%m-%d %H:%M} UTC")
    if not manifest.files:
        click.secho("The backup came without keys: put master.key, ca and ssh-ca into the state directory before you go"
                    " on.", fg="yellow", err=True)
