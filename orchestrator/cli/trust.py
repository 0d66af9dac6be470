"""`orch trust`: enrol the SSH host keys of hosts, after showing their fingerprints."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import click

from orchestrator.cli.groups import HELP
from orchestrator.cli.options import inventory_options


@click.command("trust", context_settings=HELP, epilog="""\b
Examples:
  orch trust web1.example.net
  orch trust all -i inventory.yml          ask for each host of the inventory
  orch trust web1 --fingerprint SHA256:…   enrol only if the key is this one
  orch trust web1 --replace                the host was installed anew
""")
@click.argument("hosts", nargs=-1, required=True, metavar="HOST...")
@inventory_options()
@click.option("-y", "--yes", is_flag=True, help="Do not ask: trust on first use.")
@click.option("--replace", is_flag=True, help="Replace a key that is known already and differs.")
@click.option("--fingerprint", multiple=True, metavar="SHA256:…", help="Enrol only a key with this fingerprint.")
def command(hosts: tuple[str, ...], yes: bool, replace: bool, fingerprint: tuple[str, ...], **given: Any) -> None:
    """Enrol the host keys of HOSTs (names, addresses, or inventory patterns)."""
    from orchestrator.cli.enrolling import enrol_hosts

    sys.exit(asyncio.run(enrol_hosts(hosts, yes=yes, replace=replace, fingerprints=fingerprint, given=given)))
