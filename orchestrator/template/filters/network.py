"""Addresses and networks, on the standard library's ipaddress: ``ipaddr`` with its queries, and what is built on it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any

from orchestrator.errors import TemplateError

Interface = ipaddress.IPv4Interface | ipaddress.IPv6Interface
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def parse(value: Any) -> Interface | None:
    """An address with its prefix; a bare network (10.0.0.0/8) and a number too. None for what is neither."""
    if isinstance(value, bool) or value == 0:
        return None
    text = str(value)
    if "%" in text:
        return None
    try:
        return ipaddress.ip_interface(int(text) if text.isdigit() else text)
    except ValueError:
        return None


def has_prefix(value: Any) -> bool:
    return "/" in str(value)


def is_network(item: Interface, value: Any) -> bool:
    return has_prefix(value) and item.ip == item.network.network_address and item.network.num_addresses > 1


def shown(item: Interface, value: Any) -> str:
    """In the usual form, with a prefix if it came with one."""
    return str(item) if has_prefix(value) else str(item.ip)


def usable(item: Interface) -> tuple[Address, Address]:
    """The first and the last address that a host may have."""
    net = item.network
    return (net[0], net[-1]) if net.num_addresses <= 2 else (net[1], net[-2])


def _usable(item: Interface, value: Any) -> tuple[Address, Address] | None:
    if not has_prefix(value):
        raise TemplateError(f"ipaddr: {value} is not a network address", hint="give it a prefix: 10.0.0.0/24")
    return None if item.network.num_addresses == 1 else usable(item)


def _first_usable(item: Interface, value: Any) -> str | None:
    ends = _usable(item, value)
    return str(ends[0]) if ends else None


def _last_usable(item: Interface, value: Any) -> str | None:
    ends = _usable(item, value)
    return str(ends[1]) if ends else None


def _range_usable(item: Interface, value: Any) -> str | None:
    ends = _usable(item, value)
    return f"{ends[0]}-{ends[1]}" if ends else None


def _size_usable(item: Interface, value: Any) -> int:
    size = item.network.num_addresses
    return {1: 0, 2: 2}.get(size, size - 2)


def step_usable(item: Interface, offset: int) -> str | None:
    """The address so many further, if a host may have that one."""
    first, last = usable(item)
    try:
        moved = item.ip + offset
    except ValueError:
        return None
    return str(moved) if int(first) <= int(moved) <= int(last) else None


def _next_usable(item: Interface, value: Any) -> str | None:
    return step_usable(item, 1) if _usable(item, value) else None


def _previous_usable(item: Interface, value: Any) -> str | None:
    return step_usable(item, -1) if _usable(item, value) else None


def _peer(item: Interface, value: Any) -> str:
    if item.network.num_addresses == 2:
        return str(next(address for address in item.network if address != item.ip))
    ends = usable(item)
    if item.network.num_addresses != 4 or item.ip not in ends:
        raise TemplateError(f"ipaddr: {value} is not in a point-to-point network", hint="one has the prefix 30 or 31")
    return str(ends[1] if item.ip == ends[0] else ends[0])


def _host(item: Interface, value: Any) -> str | None:
    return None if is_network(item, value) and item.version == 4 else str(item)


def _with_prefix(item: Interface, value: Any) -> str | bool:
    return _host(item, value) or False


def _address(item: Interface, value: Any) -> str | None:
    return None if is_network(item, value) and item.version == 4 else str(item.ip)


def _gateway(item: Interface, value: Any) -> str | bool:
    """The address of a router, given with its network's prefix."""
    return str(item) if has_prefix(value) and not is_network(item, value) else False


def _to_v4(item: Interface, value: Any) -> str | bool:
    if item.version == 4:
        return shown(item, value)
    mapped = item.ip.ipv4_mapped
    return f"{mapped}/32" if mapped else False


def _to_v6(item: Interface, value: Any) -> str:
    return shown(item, value) if item.version == 6 else f"::ffff:{item.ip}/128"


def _six_to_four(item: Interface, value: Any) -> str | bool:
    if item.version == 6:
        return shown(item, value) if item.ip.sixtofour else False
    if is_network(item, value):
        return False
    digits = item.ip.packed.hex()
    return f"2002:{digits[:4]}:{digits[4:]}::1/48"


def _broadcast(item: Interface, value: Any) -> str | None:
    return str(item.network.broadcast_address) if item.network.num_addresses > 2 else None


def _wrapped(item: Interface, value: Any) -> str:
    if item.version == 4:
        return shown(item, value)
    return f"[{item.ip}]/{item.network.prefixlen}" if has_prefix(value) else f"[{item.ip}]"


def _when(test: Callable[[Address], bool]) -> Callable[[Interface, Any], Any]:
    """The value where the test holds, else nothing."""
    return lambda item, value: shown(item, value) if test(item.ip) else None


def _public(ip: Address) -> bool:
    return ip.is_global and not ip.is_multicast


_QUERIES: dict[str, Callable[[Interface, Any], Any]] = {
    "": shown,
    "bool": lambda i, v: True,
    "address": _address,
    "ip": _address,
    "host": _host,
    "host/prefix": _with_prefix,
    "hostnet": _gateway,
    "address/prefix": _with_prefix,
    "ip/prefix": _with_prefix,
    "gateway": _gateway,
    "gw": _gateway,
    "router": _gateway,
    "cidr": lambda i, v: str(i),
    "net": lambda i, v: str(i.network) if is_network(i, v) else None,
    "network": lambda i, v: str(i.network.network_address),
    "network_id": lambda i, v: str(i.network.network_address),
    "network/prefix": lambda i, v: str(i.network),
    "network_netmask": lambda i, v: f"{i.network.network_address} {i.netmask}",
    "network_wildcard": lambda i, v: f"{i.network.network_address} {i.hostmask}",
    "ip_netmask": lambda i, v: f"{i.ip} {i.netmask}" if has_prefix(v) and not is_network(i, v) else None,
    "ip_wildcard": lambda i, v: f"{i.ip} {i.hostmask}" if has_prefix(v) and not is_network(i, v) else None,
    "subnet": lambda i, v: str(i.network),
    "netmask": lambda i, v: str(i.netmask),
    "hostmask": lambda i, v: str(i.hostmask),
    "wildcard": lambda i, v: str(i.hostmask),
    "prefix": lambda i, v: i.network.prefixlen,
    "size": lambda i, v: i.network.num_addresses,
    "broadcast": _broadcast,
    "version": lambda i, v: i.version,
    "type": lambda i, v: "network" if is_network(i, v) else "address",
    "int": lambda i, v: f"{int(i.ip)}/{i.network.prefixlen}" if has_prefix(v) else int(i.ip),
    "revdns": lambda i, v: i.ip.reverse_pointer + ".",
    "wrap": _wrapped,
    "6to4": _six_to_four,
    "ipv4": _to_v4,
    "v4": _to_v4,
    "ipv6": _to_v6,
    "v6": _to_v6,
    "public": _when(_public),
    "private": _when(lambda ip: not ip.is_global),
    "unicast": _when(lambda ip: not ip.is_multicast),
    "multicast": _when(lambda ip: ip.is_multicast),
    "loopback": _when(lambda ip: ip.is_loopback),
    "lo": _when(lambda ip: ip.is_loopback),
    "link-local": _when(lambda ip: ip.is_link_local),
    "first_usable": _first_usable,
    "last_usable": _last_usable,
    "range_usable": _range_usable,
    "size_usable": _size_usable,
    "next_usable": _next_usable,
    "previous_usable": _previous_usable,
    "peer": _peer,
}


def ipaddr(value: Any, query: Any = "", version: Any = False, alias: str = "ipaddr") -> Any:
    """What ``query`` says of an address or network; False when it is none, None when it does not fit the query.

    ``query`` is a name, a network (that it must be in) or a number (which address of the network). Of a list, the
    answers of those that fit.
    """
    if isinstance(value, (list, tuple)):
        return [found for found in (ipaddr(item, query, version) for item in value) if found]
    item = parse(value)
    if item is None or (version and item.version != int(version)):
        return False
    if isinstance(query, bool) or query is None:
        query = ""
    if isinstance(query, int) or re.fullmatch(r"-?\d+", str(query)):
        return _nth(item, value, int(query))
    answer = _QUERIES.get(str(query))
    if answer is not None:
        return answer(item, value)
    within = parse(query)
    if within is None:
        known = ", ".join(filter(None, _QUERIES))
        raise TemplateError(f"ipaddr: there is no query {query!r}", hint=f"there are: {known}")
    return shown(item, value) if inside(item.network, within.network) else None


def inside(inner: Any, outer: Any) -> bool:
    """Whether a network lies wholly within another."""
    return inner.version == outer.version and inner[0] in outer and inner[-1] in outer


def _nth(item: Interface, value: Any, index: int) -> Any:
    if not has_prefix(value):
        return str(item.ip)
    try:
        return f"{item.network[index]}/{item.network.prefixlen}"
    except IndexError:
        return False


def ipv4(value: Any, query: Any = "") -> Any:
    return ipaddr(value, query, 4)


def ipv6(value: Any, query: Any = "") -> Any:
    return ipaddr(value, query, 6)


def ipwrap(value: Any, query: Any = "") -> Any:
    """IPv6 addresses in square brackets, anything else as it is."""
    if isinstance(value, (list, tuple)):
        return [ipwrap(item, query) for item in value]
    item = parse(value)
    return value if item is None else _wrapped(item, value)
