"""What every carrier offers to the engine, and the plain data that goes over it.

A `Connection` belongs to one host and one event loop. It is opened once, carries any number of jobs at a time, and
raises `Unreachable` (with a stable code and a hint) when the host cannot be reached or was lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct, field

if TYPE_CHECKING:
    from orchestrator.carriers.kept.lines import KeptLines
    from orchestrator.carriers.mailroom import MailRoom
    from orchestrator.credentials.materials import KeyMaterial

EventHandler = Callable[[dict[str, Any]], None]
BlobSource = Mapping[str, "str | PathLike[str] | bytes"]
"""SHA-256 hex -> the file's path, or the bytes themselves. Only what the host asks for is read."""


class Job(Struct):
    """An ordered list of fully rendered tasks for one host; the task dicts are those of docs/interfaces.md."""

    id: str
    attempt: int
    tasks: list[dict[str, Any]]
    deadline_s: float | None = None
    check: bool = False
    diff: bool = False


class JobEnd(Struct, frozen=True):
    """How a job ended, as the host says: ``digest_ok`` is False when its events are not those it counted."""

    status: str
    count: int
    digest_ok: bool


class HostInfo(Struct, frozen=True):
    """What the runtime says of itself when it has booted. It came from the host: data, never to be rendered."""

    protocol: int
    python: tuple[int, ...]
    platform: str
    pid: int
    user: str
    uid: int
    home: str
    receipts: str | None = None
    time: float = 0.0
    executable: str = ""
    """The path of its Python."""
    banner: str = ""
    """What the login printed before the marker, capped."""


class RawEnd(Struct, frozen=True):
    """A finished raw command. ``rc`` is 128+N when signal N ended it, -1 when it ran out of time."""

    rc: int
    stdout: bytes
    stderr: bytes
    timed_out: bool = False
    truncated: bool = False


class UploadSink(Protocol):
    """Where an uploaded file goes; called in order, synchronously. An exception it raises ends the job's upload."""

    def write(self, data: bytes) -> None: ...

    def close(self) -> None:
        """Called once, after the last byte."""
        ...

    def abort(self) -> None:
        """Called once instead of ``close`` when the upload cannot be completed."""
        ...


Uploads = Callable[[str, str, int, "int | str | None"], UploadSink]
"""(stream, path on the host, size in bytes, mode) -> sink. The path is the host's word: check it before using it."""


class Connection(Protocol):
    """One host's line. All methods belong to the loop it was opened in."""

    name: str

    @property
    def carrier(self) -> str:
        """ssh, local or mailbox."""
        ...

    @property
    def reason(self) -> str:
        """Why it is this one."""
        ...

    async def open(self, deadline_s: float | None = None) -> HostInfo:
        """Connect and boot the runtime; idempotent. Raises `Unreachable` or `HostKeyError` with code and hint."""
        ...

    async def run_job(
        self, job: Job, on_event: EventHandler, blobs: BlobSource | None = None, *, uploads: Uploads | None = None
    ) -> JobEnd:
        """Run a job to its end. ``on_event`` gets each event in order, synchronously, and must not block.

        Raises `Unreachable` when the host is lost or outlives the job's deadline, `ProtocolError` when it sends what
        it may not. Cancelling the awaiting task sends ``cancel`` to the host.
        """
        ...

    async def raw(self, command: str, stdin: bytes = b"", timeout_s: float | None = None) -> RawEnd:
        """Run a shell command without Python. Output is capped; on timeout the command is killed if possible."""
        ...

    def cancel(self, job_id: str) -> None:
        """Ask the host to end the job; `run_job` returns when it has confirmed."""
        ...

    def leave(self, job_id: str) -> None:
        """Nobody waits for this job any longer if the host has not called for it: `run_job` raises `Pending`.

        A job that the host has begun is waited for all the same. Where there is no mailbox, nothing happens.
        """
        ...

    def ack(self, job_id: str, attempt: int) -> None:
        """Tell the host that the job's results are stored: its receipts may go."""
        ...

    def set_secret(self, name: str, value: str) -> None:
        """Hand the runtime a password that jobs refer to by name. Kept in memory only, here and there."""
        ...

    async def close(self, *, keep: bool = False) -> None:
        """Say bye and wait, briefly, until nothing of the runtime is left.

        ``keep``: a line that is as good as new may wait for the next run (`Settings.kept`); else it is closed, whoever
        opened it.
        """
        ...

    def abandon(self) -> None:
        """Drop the line without waiting; what runs on the host ends by the rules of a lost carrier."""
        ...


def _registry_sources(module: str) -> list[tuple[str, str]]:
    from modules import registry

    found: list[tuple[str, str]] = registry.sources(module)
    return found


class Settings(Struct):
    """What holds for all connections of a run. ``shared`` is kept by the carriers: keys, jump hosts, limits."""

    run_id: str = ""
    resumes: int = 0
    """How often the run has been resumed: hosts begin nothing for a process that drove it before."""
    state_dir: str | None = None
    """Where orch's own ``known_hosts`` lies; None: no such file."""
    host_key_checking: bool | str = True
    """True or "yes", "accept-new", or False or "no". A host's own StrictHostKeyChecking option wins."""
    connect_timeout_s: float = 10.0
    """TCP connect, per attempt; ConnectTimeout, ansible_ssh_timeout and ansible_timeout override it."""
    login_timeout_s: float = 60.0
    """From TCP connect to authenticated, per attempt."""
    boot_timeout_s: float = 60.0
    """From the session to the runtime's ready. Long, since hundreds of hosts on one machine boot at once."""
    connects_at_once: int = 50
    connect_attempts: int = 8
    """How often a connection that the server dropped before authentication is tried again (MaxStartups)."""
    keepalive_s: float = 10.0
    keepalive_count: int = 3
    job_grace_s: float = 20.0
    """How long after a job's deadline the host may take to confirm its end."""
    keep_s: float = 600.0
    """How long a task may go on after the carrier was lost."""
    memory_limit_bytes: int | None = None
    raw_output_bytes: int = 10 << 20
    local_folder: str | None = None
    """Where tasks on this machine run: the playbook's folder, as relative paths in them are meant. None: here."""
    ssh_config_file: str | None = None
    """None: ~/.ssh/config and /etc/ssh/ssh_config. An empty string: none at all."""
    use_agent: bool = True
    keys: tuple[KeyMaterial, ...] = ()
    """Keys that the run was given. They are tried first; the agent and the default files are left out then, since those
    belong to whoever started the server."""
    ask_passphrase: Callable[[str], str | None] | None = None
    """Asked once per key file (its path is given); None from it means: leave that key out."""
    warn: Callable[[str], None] | None = None
    kept: KeptLines | None = None
    """Lines of earlier runs, and the place for those that are to outlive this one. None: neither is looked for."""
    persist_s: float = 60.0
    """How long such a line waits for the next run, unless the host's ControlPersist says otherwise; 0: not at all."""
    sources: Callable[[str], list[tuple[str, str]]] = _registry_sources
    """Module name -> [(dotted name, source text)], in the order of import."""
    mailroom: MailRoom | None = None
    """The way to hosts with an agentlet. None: there are none, and nothing of it is loaded."""
    job_ttl_s: float = 86_400.0
    """How long a job waits for its host to call for it."""
    priority: int = 0
    """Of a host's jobs in the mailbox the one with the highest is called for first."""
    shared: dict[str, Any] = field(default_factory=dict)
