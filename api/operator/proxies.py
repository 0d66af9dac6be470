"""Which proxies in front of us are believed, and the one spelling of an address. Pure."""

from __future__ import annotations

from functools import cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

THIS_MACHINE = ("127.0.0.1", "::1")


@cache
def networks(proxies: frozenset[str]) -> tuple[IPv4Network | IPv6Network, ...]:
    """Addresses and networks (``10.42.0.0/16``) as they are compared. Raises ValueError for what is neither."""
    return tuple(ip_network(one) for one in sorted(proxies))


def is_trusted(address: str, proxies: frozenset[str]) -> bool:
    plain = plain_address(address)
    return bool(plain) and any(ip_address(plain) in network for network in networks(proxies))


def plain_address(text: str) -> str:
    """An IP address without port, brackets and zone; IPv4 within IPv6 as IPv4. Empty for what is none.

    A socket that listens on ``::`` tells of IPv4 clients in the second spelling, some proxies write ports.
    """
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    return str((found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found)
