"""Options that several commands share, in the words that fingers know from Ansible."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from orchestrator.content.vault import Vault
    from orchestrator.engine.options import RunOptions
    from orchestrator.engine.setup import Secrets, Workbench

F = TypeVar("F", bound=Callable[..., Any])


class Duration(click.ParamType[float]):
    """A time as people write it; see `orchestrator.durations`."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        from orchestrator.durations import seconds

        if isinstance(value, float):
            return value
        try:
            return seconds(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


DURATION = Duration()


def _apply(options: list[Callable[[F], F]]) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def inventory_options() -> Callable[[F], F]:
    """-i, -l, -e and the vault options: what is needed to know hosts and their variables."""
    return _apply([
        click.option("-i", "--inventory", "--inventory-file", multiple=True, metavar="SOURCE",
                     help="File, directory, script, host1,host2, or agentlets: for all that are enrolled. Several are"
                          " merged in order."),
        click.option("-l", "--limit", metavar="PATTERN", help="Only these hosts: web:&prod:!db3, ~regex, web[0:5]."),
        click.option("-e", "--extra-vars", multiple=True, metavar="VARS",
                     help="name=value …, a JSON or YAML mapping, or @file."),
        vault_options(),
    ])


def vault_options() -> Callable[[F], F]:
    """Where vault passwords come from."""
    return _apply([
        click.option("--vault-password-file", "--vault-pass-file", "vault_files", multiple=True, metavar="FILE",
                     help="File (or executable) with the vault password."),
        click.option("--vault-id", "vault_ids", multiple=True, metavar="ID@SOURCE",
                     help="Vault identity: label@file or label@prompt."),
        click.option("-J", "--ask-vault-pass", "--ask-vault-password", "ask_vault", is_flag=True,
                     help="Ask for the vault password."),
    ])


def connection_options() -> Callable[[F], F]:
    """How to reach hosts and whom to become."""
    return _apply([
        click.option("-u", "--user", metavar="USER", help="Log in as this user."),
        click.option("-k", "--ask-pass", is_flag=True, help="Ask for the login password."),
        click.option("--private-key", "--key-file", metavar="FILE", help="Log in with this key."),
        click.option("-c", "--connection", metavar="TYPE", help="ssh or local."),
        click.option("-T", "--timeout", type=float, metavar="SECONDS", help="How long a connect may take."),
        click.option("--ssh-common-args", metavar="ARGS", help="ssh options for all hosts (ProxyJump …)."),
        click.option("--ssh-extra-args", metavar="ARGS", help="The same: both are counted."),
        click.option("-b", "--become", is_flag=True, default=None, help="Become another user (root unless said)."),
        click.option("--become-user", metavar="USER", help="Become this user."),
        click.option("--become-method", metavar="METHOD", help="sudo, su or doas."),
        click.option("-K", "--ask-become-pass", is_flag=True, help="Ask for the become password."),
        click.option("--become-password-file", "--become-pass-file", metavar="FILE",
                     help="File with the become password."),
        click.option("--connection-password-file", "--conn-pass-file", metavar="FILE",
                     help="File with the login password."),
        click.option("-f", "--forks", type=click.IntRange(min=0), default=0, metavar="N",
                     help="Hosts worked on at once; 0, the default, means all."),
        click.option("--priority", type=click.IntRange(-100, 100), default=0, metavar="N",
                     help="In a host's mailbox, jobs with a higher one go first."),
        click.option("--job-ttl", type=DURATION, metavar="TIME",
                     help="How long a job waits in the mailbox for a host that is away: 30m, 24h (the default), 7d."),
        click.option("-C", "--check", is_flag=True, help="Change nothing: say what would be changed."),
        click.option("-D", "--diff", is_flag=True, help="Show the differences of changed files."),
    ])


def output_options() -> Callable[[F], F]:
    return _apply([
        click.option("-v", "--verbose", "verbosity", count=True, help="Say more (-vvv for even more)."),
        click.option("--json", "as_json", is_flag=True, help="One JSON object per line for each event."),
        click.option("--plain", is_flag=True, help="Plain lines on a terminal too, in the shape of Ansible's."),
        click.option("--store", "store_url", metavar="URL", envvar="ORCH_STORE",
                     help="Database to record in; the default is a SQLite file of the project."),
    ])


def workbench(playbooks: tuple[str, ...], given: dict[str, Any], **overrides: Any) -> Workbench:
    """Passwords asked for, inventory and playbooks read. ``overrides`` are `RunOptions` fields that a command sets.

    Raises `Faults` with all that is wrong in the files; no host has been touched then.
    """
    from msgspec.structs import replace

    from orchestrator.engine.setup import prepare

    secrets = secrets_from(given)
    options = replace(run_options(playbooks, given, secrets.vault), **overrides)
    return prepare(options, secrets, store_url=given.get("store_url"))


def run_options(playbooks: tuple[str, ...], given: dict[str, Any], vault: Vault | None = None) -> RunOptions:
    """The options of a run from what click has parsed, with Ansible's environment variables behind them."""
    from orchestrator.cli.extra_vars import parse_extra_vars
    from orchestrator.engine.ansible_cfg import with_config
    from orchestrator.engine.options import RunOptions

    environ = with_config(os.environ)

    def flag(name: str, default: bool = False) -> bool:
        return environ.get(name, str(default)).strip().lower() in ("1", "true", "yes", "on")

    limit = given.get("limit")
    return RunOptions(
        playbooks=playbooks, inventory=inventory_sources(given.get("inventory") or (), environ), limit=limit,
        extra_vars=parse_extra_vars(given.get("extra_vars") or (), vault),
        tags=_words(given.get("tags")) or _words((environ.get("ANSIBLE_RUN_TAGS", ""),)) or ("all",),
        skip_tags=_words(given.get("skip_tags")) or _words((environ.get("ANSIBLE_SKIP_TAGS", ""),)),
        check=bool(given.get("check")), diff=bool(given.get("diff")) or flag("ANSIBLE_DIFF_ALWAYS"),
        detach=bool(given.get("detach")), priority=given.get("priority") or 0,
        job_ttl_s=given.get("job_ttl") or RunOptions().job_ttl_s,
        forks=given.get("forks") or 0, start_at_task=given.get("start_at_task"),
        force_handlers=bool(given.get("force_handlers")) or flag("ANSIBLE_FORCE_HANDLERS"),
        flush_cache=bool(given.get("flush_cache")), user=given.get("user") or environ.get("ANSIBLE_REMOTE_USER"),
        connection=given.get("connection"), private_key=given.get("private_key"), timeout_s=given.get("timeout"),
        become=given.get("become") or flag("ANSIBLE_BECOME") or None,
        become_user=given.get("become_user") or environ.get("ANSIBLE_BECOME_USER"),
        become_method=given.get("become_method") or environ.get("ANSIBLE_BECOME_METHOD"),
        ssh_common_args=_joined(given, "ssh_common_args", "ssh_extra_args"),
        verbosity=given.get("verbosity") or 0,
        gathering=environ.get("ANSIBLE_GATHERING", "implicit"),
        facts_modules=environ.get("ANSIBLE_FACTS_MODULES") or "smart",
        strategy=environ.get("ANSIBLE_STRATEGY", "linear"),
        any_errors_fatal=flag("ANSIBLE_ANY_ERRORS_FATAL"),
        task_timeout_s=float(environ.get("ANSIBLE_TASK_TIMEOUT") or 0),
        error_on_missing_handler=flag("ANSIBLE_ERROR_ON_MISSING_HANDLER", True),
    )


def inventory_sources(given: tuple[str, ...], environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """-i as given, else ANSIBLE_INVENTORY, else the project's own inventory."""
    if given:
        return given
    if environ.get("ANSIBLE_INVENTORY"):
        return tuple(s for s in environ["ANSIBLE_INVENTORY"].split(",") if s)
    for name in ("inventory.yml", "inventory.yaml", "inventory.ini", "inventory", "hosts.yml", "hosts"):
        if Path(name).exists():
            return (name,)
    return ()


def _joined(given: dict[str, Any], *names: str) -> str | None:
    return " ".join(given[name] for name in names if given.get(name)) or None


def _words(values: Any) -> tuple[str, ...]:
    return tuple(w.strip() for value in values or () for w in str(value).split(",") if w.strip())


def secrets_from(given: dict[str, Any]) -> Secrets:
    """Ask for the passwords that were asked for, in Ansible's order: login, become, vault."""
    from orchestrator.cli.passwords import ask_secrets

    return ask_secrets(given)


def state_directory() -> Path:
    from orchestrator.store.state import state_dir

    return Path(state_dir())
