"""Ports for servers that must know theirs before they start."""

from __future__ import annotations

import random
import socket


def free_port(address: str = "127.0.0.1") -> int:
    """One that nobody has, from below those that the system gives away (ip_local_port_range): until the server has it,
    and while it is down, no connection and no other server of a test comes by it."""
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        try:
            socket.create_server((address, port)).close()
            return port
        except OSError:
            pass  # somebody has it
