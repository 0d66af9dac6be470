"""`orch serve`: the server that agentlets call."""

from __future__ import annotations

import click

from orchestrator.cli.groups import HELP


@click.command("serve", context_settings=HELP, epilog="""\b
Examples:
  orch serve
  orch serve --name orch.example.com
  orch serve --proxy --agents-port 8080""")
@click.option("--name", "names", multiple=True, metavar="NAME",
              help="Host name or address by which agents call this server (more than once for several); the default is"
                   " this machine's names and addresses.")
@click.option("--agents-host", metavar="ADDRESS",
              help="Listen for agents on this address; the default is all of IPv4, with --proxy 127.0.0.1.")
@click.option("--agents-port", default=8444, show_default=True, type=click.IntRange(0, 65535),
              help="… and this port; 0 takes a free one.")
@click.option("--proxy", "is_behind_proxy", is_flag=True,
              help="Plain HTTP, for a proxy on this machine that ends TLS: agents sign their requests.")
@click.option("--url", metavar="URL", help="Where agents call, when it is another address: https://orch.example.com")
@click.option("--rollout", default="100", show_default=True, type=click.Choice(["0", "1", "10", "100"]),
              help="Per cent of the agents that update themselves to this version.")
@click.option("--store", "store_url", metavar="URL", envvar="ORCH_STORE", help="Database; the default is a SQLite file"
              " of the project.")
def command(names: tuple[str, ...], agents_host: str | None, agents_port: int, is_behind_proxy: bool,
            url: str | None, rollout: str, store_url: str | None) -> None:
    """Serve the agents: hosts that call in by themselves, since SSH does not reach them.

    The first start makes a certificate authority, the server's certificate and the master key in the project's
    state directory. Then invite hosts: orch agents invite HOST
    """
    from api.serving import ServeOptions, run
    from orchestrator.cli.options import state_directory
    from orchestrator.errors import UsageError

    agents_host = agents_host or ("127.0.0.1" if is_behind_proxy else "0.0.0.0")
    if is_behind_proxy and agents_host not in ("127.0.0.1", "::1", "localhost"):
        raise UsageError("--proxy listens without TLS, on this machine alone", code="serve_proxy",
                         hint="--agents-host 127.0.0.1")
    run(ServeOptions(state_directory(), store_url, names, agents_host, agents_port, is_behind_proxy, url,
                     int(rollout)), click.echo)
