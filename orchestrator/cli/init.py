"""`orch init`: a project's first files."""

from __future__ import annotations

from pathlib import Path

import click

from orchestrator.cli.groups import HELP

FILES = {
    "inventory.yml": """\
all:
  hosts:
    localhost:
      ansible_connection: local
  # children:
  #   web:
  #     hosts:
  #       web1: {ansible_host: 192.0.2.10, ansible_user: root}
""",
    "site.yml": """\
- name: first steps
  hosts: all
  tasks:
    - name: say where we are
      debug:
        msg: >-
          {{ inventory_hostname }} runs {{ ansible_facts['distribution'] }}
          {{ ansible_facts['distribution_version'] }}
""",
    ".orch/.gitignore": "*\n",
}


@click.command("init", context_settings=HELP,
               epilog="\b\nExample:\n  orch init my-fleet && cd my-fleet && orch run site.yml")
@click.argument("directory", default=".", type=click.Path(file_okay=False, path_type=Path))
def command(directory: Path) -> None:
    """Begin a project in DIRECTORY: an inventory, a playbook, a place for state. Existing files are kept."""
    for name, text in FILES.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700 if name.startswith(".orch") else 0o777)
        if path.exists():
            click.echo(f"kept     {path}")
            continue
        path.write_text(text)
        click.echo(f"created  {path}")
    click.echo(f"\nNext:  {'' if directory == Path('.') else f'cd {directory} && '}orch run site.yml")
