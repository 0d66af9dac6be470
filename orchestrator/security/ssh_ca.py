"""The SSH certificate authority: user certificates that live as long as a run does.

One ed25519 key in a folder of its own (0700, the key 0600). Hosts trust it by one line of TrustedUserCAKeys; a run then
logs in with a key that is made for it in memory and is worth nothing a few minutes after its end.
See ssh-keygen(1), CERTIFICATES, and sshd_config(5), TrustedUserCAKeys.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from orchestrator.errors import UsageError
from orchestrator.security.private_files import write_private

if TYPE_CHECKING:
    from asyncssh import SSHKey

FOLDER = "ssh-ca"
KEY = "user_ca_ed25519"
COMMENT = "orch-user-ca"
SKEW = timedelta(minutes=5)
"""How far a host's clock may be behind ours."""
BEHIND_RUN = timedelta(minutes=15)
LONGEST = timedelta(days=7)


class UserCertificate(Struct, frozen=True):
    """A key and its certificate, both as OpenSSH writes them. ``repr`` shows neither."""

    private_key: str
    certificate: str
    serial: int
    key_id: str
    valid_until: datetime

    def __repr__(self) -> str:
        return f"UserCertificate({self.key_id!r}, serial={self.serial})"


class SshAuthority:
    """The authority below a state directory. Its key is read for each act and kept nowhere."""

    def __init__(self, state_dir: str | os.PathLike[str], clock: Callable[[], datetime] = lambda: datetime.now(UTC)):
        self.folder = Path(state_dir) / FOLDER
        self._clock = clock

    def exists(self) -> bool:
        return (self.folder / KEY).exists()

    def create(self) -> None:
        """Make the key, where there is none; of two processes that do so at once, one key stays."""
        if self.exists():
            return
        from orchestrator.security.ssh_library import asyncssh

        key = asyncssh.generate_private_key("ssh-ed25519", comment=COMMENT)
        write_private(self.folder / KEY, key.export_private_key(), keep=True)

    def public_line(self) -> str:
        """The line for the file that TrustedUserCAKeys names. Raises `UsageError` where there is no authority."""
        return self._key().export_public_key().decode().strip()

    def issue(self, principals: Sequence[str], key_id: str, run_timeout: timedelta, *,
              source_addresses: Sequence[str] = ()) -> UserCertificate:
        """A new key with a certificate for these principals, good until 15 minutes after the run must have ended.

        It may run commands, open terminals and go on to other hosts (a jump host forwards a port); forwarding of the
        agent and of X11, and the host's ``~/.ssh/rc``, it may not use. ``key_id`` is what sshd logs: the run.
        Raises `UsageError` without principals.
        """
        if not principals:
            # Without principals a certificate is good for every account there is.
            raise UsageError("an SSH certificate needs a principal", code="ssh_ca")
        from orchestrator.security.ssh_library import asyncssh

        now = self._clock()
        until = now + min(max(run_timeout, timedelta(0)) + BEHIND_RUN, LONGEST)
        key, serial = asyncssh.generate_private_key("ssh-ed25519"), secrets.randbits(63)
        certificate = self._key().generate_user_certificate(
            key, key_id, serial=serial, principals=list(principals), valid_after=now - SKEW, valid_before=until,
            source_address=list(source_addresses) or None, permit_x11_forwarding=False,
            permit_agent_forwarding=False, permit_user_rc=False)
        return UserCertificate(key.export_private_key().decode(), certificate.export_certificate().decode(), serial,
                               key_id, until)

    def _key(self) -> SSHKey:
        from orchestrator.security.ssh_library import asyncssh

        path = self.folder / KEY
        try:
            if path.stat().st_mode & 0o077:
                raise UsageError(f"others may read the SSH authority's key: {path}", code="ssh_ca",
                                 hint=f"chmod 600 {path}")
            return asyncssh.import_private_key(path.read_bytes())
        except FileNotFoundError:
            raise UsageError(f"there is no SSH certificate authority in {self.folder}", code="ssh_ca",
                             hint="orch ca ssh-public makes it") from None
        except (OSError, asyncssh.KeyImportError) as error:
            raise UsageError(f"the SSH authority's key cannot be read: {path}: {error}", code="ssh_ca",
                             hint="restore it from your backup") from None
