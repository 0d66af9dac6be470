"""Addresses and routes from the kernel over rtnetlink (man 7 rtnetlink): what ``ip addr`` and ``ip route`` print.

The parsers take the bytes of messages; `ask` is the only function that talks to the kernel. Numbers are those of
linux/rtnetlink.h, in the host's byte order.
"""

import socket
import struct

HEADER = struct.Struct("=IHHII")
ADDRESS = struct.Struct("=BBBBi")
ROUTE = struct.Struct("=BBBBBBBBI")
ATTRIBUTE = struct.Struct("=HH")
GET_ADDRESS, NEW_ADDRESS, GET_ROUTE, NEW_ROUTE, DONE, ERROR = 22, 20, 26, 24, 3, 2
REQUEST, DUMP = 0x1, 0x300
TABLE_LOCAL, TYPE_LOCAL = 255, 2
SCOPES = {0: "global", 200: "site", 253: "link", 254: "host", 255: "nowhere"}
LIMIT_BYTES = 16 * 1024 * 1024
TIMEOUT_S = 3


def ask(kind, body, flags=DUMP):
    """The messages (type, payload) that answer one request. Raises OSError."""
    line = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    try:
        line.settimeout(TIMEOUT_S)
        line.send(HEADER.pack(HEADER.size + len(body), kind, REQUEST | flags, 1, 0) + body)
        found, size = [], 0
        while size < LIMIT_BYTES:
            data = line.recv(65536)
            size += len(data)
            messages = list(split(data))
            found.extend(messages)
            if not data or not flags & DUMP or any(kind in (DONE, ERROR) for kind, _ in messages):
                break
        return found
    finally:
        line.close()


def split(data):
    """(type, payload) of each message in ``data``; stops at a malformed one."""
    at = 0
    while at + HEADER.size <= len(data):
        length, kind = HEADER.unpack_from(data, at)[:2]
        if length < HEADER.size:
            return
        yield kind, data[at + HEADER.size:at + length]
        at += (length + 3) & ~3


def attributes(data, at):
    """The attributes behind a message's fixed part: number -> bytes."""
    found = {}
    while at + ATTRIBUTE.size <= len(data):
        length, number = ATTRIBUTE.unpack_from(data, at)
        if length < ATTRIBUTE.size:
            break
        found[number & 0x3FFF] = data[at + ATTRIBUTE.size:at + length]
        at += (length + 3) & ~3
    return found


def parse_address(payload):
    """One address: family (4 or 6), index, address, prefix, scope, label, broadcast; None when it is of no use."""
    family, prefix, flags, scope, index = ADDRESS.unpack_from(payload)
    if family not in (socket.AF_INET, socket.AF_INET6):
        return None
    found = attributes(payload, ADDRESS.size)
    raw = found.get(2) or found.get(1)
    if raw is None:
        return None
    broadcast = found.get(4)
    return {"family": 4 if family == socket.AF_INET else 6, "index": index, "prefix": prefix,
            "address": socket.inet_ntop(family, raw), "scope": SCOPES.get(scope, str(scope)),
            "label": found.get(3, b"").rstrip(b"\0").decode("utf-8", "surrogateescape"),
            "broadcast": socket.inet_ntop(family, broadcast) if broadcast else ""}


def parse_route(payload):
    """One route: family, table, type, destination with its prefix, gateway, source, index of the interface."""
    family, length, _, _, table, _, _, kind, _ = ROUTE.unpack_from(payload)
    if family not in (socket.AF_INET, socket.AF_INET6):
        return None
    found = attributes(payload, ROUTE.size)
    bits = 32 if family == socket.AF_INET else 128

    def address(number):
        return socket.inet_ntop(family, found[number]) if len(found.get(number, b"")) == bits // 8 else None
    table = struct.unpack("=I", found[15])[0] if 15 in found else table
    destination = address(1)
    if destination and length != bits:
        destination = "{}/{}".format(destination, length)
    return {"family": 4 if family == socket.AF_INET else 6, "table": table, "type": kind, "destination": destination,
            "gateway": address(5), "source": address(7),
            "index": struct.unpack("=I", found[4])[0] if 4 in found else 0}


def addresses():
    """All addresses of the host, in the kernel's order."""
    answer = ask(GET_ADDRESS, ADDRESS.pack(socket.AF_UNSPEC, 0, 0, 0, 0))
    return [found for found in (parse_address(body) for kind, body in answer if kind == NEW_ADDRESS) if found]


def local_routes():
    """What the host answers to itself: the local table."""
    found = []
    for family in (socket.AF_INET, socket.AF_INET6):
        answer = ask(GET_ROUTE, ROUTE.pack(family, 0, 0, 0, 0, 0, 0, 0, 0))
        found.extend(parse_route(body) for kind, body in answer if kind == NEW_ROUTE)
    return [route for route in found if route and route["table"] == TABLE_LOCAL and route["type"] == TYPE_LOCAL]


def route_to(address):
    """The route a packet to ``address`` takes, or None."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    raw = socket.inet_pton(family, address)
    body = ROUTE.pack(family, len(raw) * 8, 0, 0, 0, 0, 0, 0, 0) + ATTRIBUTE.pack(4 + len(raw), 1) + raw
    for kind, payload in ask(GET_ROUTE, body, 0):
        if kind == NEW_ROUTE:
            return parse_route(payload)
    return None


def route_to_or_none(address):
    """As `route_to`; None also when the host has no such route or not that family at all."""
    try:
        return route_to(address)
    except OSError:
        return None
