"""An ssh-agent with one key, for the time of one fetch: the key stays in this process, ssh only has signatures made.

The protocol is that of draft-miller-ssh-agent: a list of the identities, and a signature over what ssh hands in.
"""

from __future__ import annotations

import os
import socket
import struct
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.refusals import Malformed

if TYPE_CHECKING:
    from asyncssh import SSHKeyPair

FAILURE, REQUEST_IDENTITIES, IDENTITIES, SIGN, SIGNATURE = 5, 11, 12, 13, 14
RSA_SHA256, RSA_SHA512 = 2, 4
MOST_BYTES = 256 * 1024
TIMEOUT_S = 120.0


@contextmanager
def agent(private_key: str, passphrase: str | None, certificate: str | None = None) -> Iterator[str]:
    """The path of the agent's socket, in a folder of its owner alone. Raises `Malformed` for a key it cannot open."""
    pairs = _pairs(private_key, passphrase, certificate)
    with tempfile.TemporaryDirectory(prefix="orch-key-") as folder:
        path = str(Path(folder) / "agent")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
            listening.bind(path)
            os.chmod(path, 0o600)
            listening.listen(8)
            serving = threading.Thread(target=_serve, args=(listening, pairs), daemon=True)
            serving.start()
            try:
                yield path
            finally:
                listening.shutdown(socket.SHUT_RDWR)
        serving.join(TIMEOUT_S)


def _pairs(private_key: str, passphrase: str | None, certificate: str | None) -> list[SSHKeyPair]:
    from orchestrator.security.ssh_library import asyncssh

    try:
        key = asyncssh.import_private_key(private_key, passphrase)
        given = (key, asyncssh.import_certificate(certificate)) if certificate else key
        return list(asyncssh.load_keypairs([given]))
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, ValueError):
        raise Malformed("the SSH key cannot be opened", code="credential_invalid") from None


def _serve(listening: socket.socket, pairs: list[SSHKeyPair]) -> None:
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return  # it was shut down: the fetch is over
        threading.Thread(target=_speak, args=(connection, pairs), daemon=True).start()


def _speak(connection: socket.socket, pairs: list[SSHKeyPair]) -> None:
    with connection:
        connection.settimeout(TIMEOUT_S)
        try:
            while True:
                size = struct.unpack("!I", _exactly(connection, 4))[0]
                if not 1 <= size <= MOST_BYTES:
                    return
                answer = answer_to(_exactly(connection, size), pairs)
                connection.sendall(struct.pack("!I", len(answer)) + answer)
        except (OSError, EOFError):
            return  # ssh has gone


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def answer_to(message: bytes, pairs: list[SSHKeyPair]) -> bytes:
    """What an agent with these keys says to one message. Pure."""
    if message[0] == REQUEST_IDENTITIES:
        listed = b"".join(_string(pair.public_data) + _string(b"orch") for pair in pairs)
        return bytes([IDENTITIES]) + struct.pack("!I", len(pairs)) + listed
    if message[0] == SIGN:
        try:
            blob, rest = _read(message[1:])
            data, rest = _read(rest)
            flags = struct.unpack("!I", rest[:4])[0]
        except struct.error:
            return bytes([FAILURE])
        for pair in pairs:
            if pair.public_data == blob:
                return bytes([SIGNATURE]) + _string(_signed(pair, data, flags))
    return bytes([FAILURE])


def _signed(pair: SSHKeyPair, data: bytes, flags: int) -> bytes:
    if pair.sig_algorithm.startswith(b"ssh-rsa") or pair.sig_algorithm.startswith(b"rsa-"):
        pair.set_sig_algorithm(b"rsa-sha2-512" if flags & RSA_SHA512 else b"rsa-sha2-256")
    return pair.sign(data)


def _string(data: bytes) -> bytes:
    return struct.pack("!I", len(data)) + data


def _read(data: bytes) -> tuple[bytes, bytes]:
    size = struct.unpack("!I", data[:4])[0]
    if size > len(data) - 4:
        raise struct.error
    return data[4:4 + size], data[4 + size:]
