"""What goes over the line besides frames: asyncssh's ignore packets, where the cipher asks for them."""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterator

import asyncssh
import pytest

from .conftest import Opener
from .sshd import Sshd

IGNORE = asyncssh.constants.MSG_IGNORE


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Iterator[collections.Counter[int]]:
    """Packets that were encrypted, by their kind."""
    counted: collections.Counter[int] = collections.Counter()

    def count(connection: asyncssh.SSHClientConnection, kind: int, *rest: object) -> None:
        counted[kind] += connection.get_extra_info("send_cipher") is not None

    monkeypatch.setattr(asyncssh.SSHClientConnection, "log_sent_packet", count)
    yield counted


@pytest.mark.parametrize(("cipher", "ignores"), [
    ("aes256-gcm@openssh.com", False), ("chacha20-poly1305@openssh.com", False), ("aes256-ctr", False),
    ("aes256-cbc", True),
])
async def test_ignore_packets_go_with_cbc_alone(cipher: str, ignores: bool, new_server: Callable[..., Sshd],
                                                opener: Opener, sent: collections.Counter[int]) -> None:
    server = new_server("one", f"Ciphers {cipher}")
    connection = opener(server, ansible_ssh_common_args=f"-o Ciphers={cipher}")
    await connection.open(60)
    assert sum(sent.values()) > 3 and bool(sent[IGNORE]) == ignores, sent
