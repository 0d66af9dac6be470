"""The part of a run that connects: how each host is reached, with the operator's options and settings laid over it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.carriers.base import Settings
from orchestrator.carriers.privileges import become_of
from orchestrator.carriers.target import TargetOptions, target_of
from orchestrator.engine.links import Links
from orchestrator.errors import UsageError

if TYPE_CHECKING:
    from orchestrator.carriers.mailroom import MailRoom
    from orchestrator.engine.opening import Opening
    from orchestrator.engine.setup import Workbench

CONNECTION_DEFAULTS = {"ansible_python_interpreter": "ANSIBLE_PYTHON_INTERPRETER",
                       "ansible_port": "ANSIBLE_REMOTE_PORT", "ansible_su_prompt_l10n": "ANSIBLE_SU_PROMPT_L10N"}
CONNECT_TIMEOUT_S = 90.0


def make_links(bench: Workbench, run_id: str, state_dir: Path, environ: Mapping[str, str],
               warn: Callable[[str], None], store_url: str | None = None, resumes: int = 0) -> Links:
    """Connections for a run; nothing is opened yet."""
    options = bench.options
    settings = Settings(
        run_id=run_id, resumes=resumes, state_dir=str(state_dir), warn=warn,
        host_key_checking=_host_key_checking(environ),
        ask_passphrase=_ask_passphrase, local_folder=bench.variables.playbook_dir,
        kept=bench.kept, persist_s=_persist_s(environ),
        mailroom=_mailroom(state_dir, store_url, environ, bench.secrets.opening),
        priority=options.priority, job_ttl_s=options.job_ttl_s, keys=bench.secrets.keys,
    )
    target_options = TargetOptions(
        private_key_file=options.private_key, timeout_s=options.timeout_s,
        ssh_common_args=options.ssh_common_args or "", password=bench.secrets.login, environ=environ,
    )
    implicit = {"localhost", "127.0.0.1", "::1"} - set(bench.inventory.hosts)

    def target(name: str, get: Callable[[str], Any], keywords: Mapping[str, Any]) -> Any:
        if name not in implicit:
            get = _with_defaults(get, environ)
        return target_of(name, get, target_options, keywords=keywords, implicit=name in implicit)

    def become(get: Callable[[str], Any], **keywords: Any) -> Any:
        return become_of(get, password=bench.secrets.become, **keywords)

    def connect(resolved: Any) -> Any:
        from orchestrator.carriers.open import open_connection

        return open_connection(resolved, settings)

    async def finish() -> None:
        from orchestrator.carriers.open import close_shared

        await close_shared(settings)
        if settings.mailroom is not None:
            await settings.mailroom.close()

    return Links(target_of=target, become_of=become, open_connection=connect, connect_timeout_s=CONNECT_TIMEOUT_S,
                 finish=finish, enrolled=settings.mailroom.enrolled if settings.mailroom else None)


def _mailroom(state_dir: Path, store_url: str | None, environ: Mapping[str, str],
              opening: Opening | None) -> MailRoom | None:
    """The mailbox, where an agentlet can have been enrolled from here: its jobs are sealed with the master key."""
    given = opening.master if opening is not None else None
    if opening is not None and given is None:
        return None
    if given is None and not (environ.get("ORCH_MASTER_KEY_FILE") or (state_dir / "master.key").exists()):
        return None
    from orchestrator.carriers.mailroom import MailRoom

    def opened() -> Any:
        from orchestrator.agents.opening import open_post

        return open_post(state_dir, store_url, given)

    return MailRoom(opened)


def _with_defaults(get: Callable[[str], Any], environ: Mapping[str, str]) -> Callable[[str], Any]:
    """Connection variables with the settings behind them that are their defaults."""
    defaults = {name: environ[setting] for name, setting in CONNECTION_DEFAULTS.items() if environ.get(setting)}
    if not defaults:
        return get

    def found(name: str) -> Any:
        value = get(name)
        return defaults.get(name) if value is None else value

    return found


def _host_key_checking(environ: Mapping[str, str]) -> bool:
    return environ.get("ANSIBLE_HOST_KEY_CHECKING", "true").strip().lower() not in ("false", "no", "0", "off")


def _persist_s(environ: Mapping[str, str]) -> float:
    """How long a sound line waits for the next run, where no ControlPersist says it."""
    from orchestrator.durations import seconds

    word = environ.get("ORCH_KEEP_CONNECTIONS", "").strip().lower() or "60s"
    try:
        return 0.0 if word in ("no", "false", "off") else seconds(word)
    except ValueError as error:
        raise UsageError(f"ORCH_KEEP_CONNECTIONS: {error}", hint="0 keeps none") from None


def _ask_passphrase(path: str) -> str | None:
    import getpass
    import sys

    if not sys.stdin.isatty():
        return None
    return getpass.getpass(f"Enter passphrase for key '{path}': ")
