"""The host's own TCP connections, from /proc/net/tcp and tcp6 (proc(5)). Parsing is pure."""

import socket
import struct

from modules.support.facts import reading

STATES = {"01": "ESTABLISHED", "02": "SYN_SENT", "03": "SYN_RECV", "04": "FIN_WAIT1", "05": "FIN_WAIT2",
          "06": "TIME_WAIT", "07": "CLOSE", "08": "CLOSE_WAIT", "09": "LAST_ACK", "0A": "LISTEN", "0B": "CLOSING"}
TABLES = ("/proc/net/tcp", "/proc/net/tcp6")


def address(text):
    """The address that the kernel prints in hexadecimal words of its own byte order. IPv4 within IPv6 becomes IPv4."""
    words = [int(text[at:at + 8], 16) for at in range(0, len(text), 8)]
    raw = b"".join(struct.pack("=I", word) for word in words)
    if len(raw) == 16 and raw[:12] == b"\0" * 10 + b"\xff\xff":
        raw = raw[12:]
    return socket.inet_ntop(socket.AF_INET if len(raw) == 4 else socket.AF_INET6, raw)


def parse(content):
    """(local address, local port, remote address, state) of each line."""
    for line in content.splitlines()[1:]:
        words = line.split()
        if len(words) > 3 and ":" in words[1]:
            here, port = words[1].split(":")
            yield address(here), int(port, 16), address(words[2].split(":")[0]), STATES.get(words[3], words[3])


def count(addresses, port, states, excluded):
    """How many connections of these states lead to the port; wildcard listening addresses count for any."""
    wildcards = {"0.0.0.0", "::"}
    found = 0
    for table in TABLES:
        for here, here_port, remote, state in parse(reading.text(table)):
            if here_port == port and state in states and remote not in excluded:
                found += bool(here in addresses or addresses & wildcards)
    return found
