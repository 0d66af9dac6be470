"""`orch serve`: the page, the API, and the gateway that agentlets call."""

from __future__ import annotations

from pathlib import Path

import click

from orchestrator.cli.groups import HELP


@click.command("serve", context_settings=HELP, epilog="""\b
Examples:
  orch serve
  orch serve --name orch.example.com
  orch serve --page-host 0.0.0.0 --page-tls
  orch serve --proxy --agents-port 8080""")
@click.option("--page-host", default="127.0.0.1", show_default=True, metavar="ADDRESS",
              help="Listen for people, with page and API, on this address.")
@click.option("--page-port", type=click.IntRange(0, 65535),
              help="… and this port; the default is 8443 with TLS, else 8080; 0 takes a free one.")
@click.option("--page-tls", "own_tls", is_flag=True, help="TLS for the page, with a certificate of orch's own authority"
              " (orch ca show).")
@click.option("--tls-cert", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
              help="TLS for the page with this certificate (chain in PEM) …")
@click.option("--tls-key", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
              help="… and its key. Renewed files are taken while it runs.")
@click.option("--behind-proxy", "page_proxy", is_flag=True,
              help="The page is behind a proxy that ends TLS: its X-Forwarded-For and -Proto count.")
@click.option("--trusted-proxy", "proxies", multiple=True, metavar="ADDRESS",
              help="The proxy's address, or its network, when it is not on this machine.")
@click.option("--page-url", default="", metavar="URL", help="Where people reach the page, when it is another address:"
              " for links, mails, and logins by a provider.")
@click.option("--page-name", "page_names", multiple=True, metavar="NAME",
              help="A host name by which the page may be called, besides --name and --page-url.")
@click.option("--capacity", default=4, show_default=True, type=click.IntRange(0, 24),
              help="Runs, or slices, that this process drives at once; 0 leaves them to orch worker.")
@click.option("--log-level", default="info", show_default=True, type=click.Choice(["debug", "info", "warning",
              "error"]), help="What is logged; JSON lines on stderr.")
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
@click.option("--rollout", type=click.Choice(["0", "1", "10", "100"]),
              help="Per cent of the agents that update themselves to this version (all, unless said); once it is stored"
                   " `orch agents rollout` changes it.")
@click.option("--store", "store_url", metavar="URL", envvar="ORCH_STORE", help="Database; the default is a SQLite file"
              " of the project.")
def command(names: tuple[str, ...], agents_host: str | None, agents_port: int, is_behind_proxy: bool,
            url: str | None, rollout: str | None, store_url: str | None, page_host: str, page_port: int | None,
            own_tls: bool, tls_cert: Path | None, tls_key: Path | None, page_proxy: bool, proxies: tuple[str, ...],
            page_url: str, page_names: tuple[str, ...], capacity: int, log_level: str) -> None:
    """Serve people by a page and an API, and hosts that call in by themselves, since SSH does not reach them.

    The first start makes a certificate authority, the server's certificate, the master key and the first admin in the
    project's state directory, and prints the admin's one-time link. Then invite hosts: orch agents invite HOST
    """
    from api.serving import PageOptions, ServeOptions, run
    from orchestrator.cli.ending import end
    from orchestrator.cli.options import state_directory
    from orchestrator.errors import UsageError

    agents_host = agents_host or ("127.0.0.1" if is_behind_proxy else "0.0.0.0")
    if is_behind_proxy and agents_host not in ("127.0.0.1", "::1", "localhost"):
        raise UsageError("--proxy listens without TLS, on this machine alone", code="serve_proxy",
                         hint="--agents-host 127.0.0.1")
    page = PageOptions(page_host, page_port, tls_cert, tls_key, own_tls, page_proxy, proxies, page_url, page_names,
                       capacity=capacity)
    run(ServeOptions(state_directory(), store_url, names, agents_host, agents_port, is_behind_proxy, url,
                     None if rollout is None else int(rollout), page, log_level), click.echo)
    end()
