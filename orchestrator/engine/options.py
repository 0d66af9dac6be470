"""What the operator asked for: one value object from the command line (or the API) to the engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field


class RunOptions(Struct, frozen=True):
    """Options of one run, in the words of the command line. Times in seconds."""

    playbooks: tuple[str, ...] = ()
    inventory: tuple[str, ...] = ()
    limit: str | None = None
    extra_vars: Mapping[str, Any] = field(default_factory=dict)
    """As read from trusted input: values may be templates."""
    tags: tuple[str, ...] = ("all",)
    skip_tags: tuple[str, ...] = ()
    check: bool = False
    diff: bool = False
    forks: int = 0
    """Hosts worked on at once; 0 means every host of the batch."""
    start_at_task: str | None = None
    force_handlers: bool = False
    flush_cache: bool = False
    user: str | None = None
    connection: str | None = None
    private_key: str | None = None
    timeout_s: float | None = None
    become: bool | None = None
    become_user: str | None = None
    become_method: str | None = None
    ssh_common_args: str | None = None
    strategy: str = "linear"
    verbosity: int = 0
    gathering: str = "implicit"
    """implicit, explicit or smart, as Ansible's DEFAULT_GATHERING."""
    facts_modules: str = "smart"
    """The modules that gather facts, with commas between them; smart is setup."""
    task_timeout_s: float = 0.0
    """0: a task has no deadline but the run's."""
    run_timeout_s: float = 0.0
    any_errors_fatal: bool = False
    error_on_missing_handler: bool = True
    detach: bool = False
    """End when only hosts are left that have not called for their jobs."""
    priority: int = 0
    """Of a host's jobs in the mailbox, those of the highest are called for first."""
    job_ttl_s: float = 86_400.0
    """How long a job waits in the mailbox for its host."""
