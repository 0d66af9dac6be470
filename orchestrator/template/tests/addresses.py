"""Tests of network addresses, in the names of ansible.utils."""

from __future__ import annotations

import ipaddress
from typing import Any

from orchestrator.template.filters.hardware import hwaddr

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _address(value: Any) -> _Address | None:
    try:
        return ipaddress.ip_address(str(value))
    except ValueError:
        return None


def _network(value: Any) -> _Network | None:
    try:
        return ipaddress.ip_network(str(value))
    except ValueError:
        return None


def ip(value: Any) -> bool:
    """An address, or a network (without host bits)."""
    return _network(value) is not None


def ip_address(value: Any) -> bool:
    return _address(value) is not None


def ipv4(value: Any) -> bool:
    return isinstance(_network(value), ipaddress.IPv4Network)


def ipv6(value: Any) -> bool:
    return isinstance(_network(value), ipaddress.IPv6Network)


def ipv4_address(value: Any) -> bool:
    return isinstance(_address(value), ipaddress.IPv4Address)


def ipv6_address(value: Any) -> bool:
    return isinstance(_address(value), ipaddress.IPv6Address)


def _bits(value: Any) -> str:
    address = _address(value)
    return f"{int(address):032b}" if isinstance(address, ipaddress.IPv4Address) else ""


def ipv4_netmask(value: Any) -> bool:
    """Ones, then zeros."""
    return "1" in _bits(value) and "01" not in _bits(value)


def ipv4_hostmask(value: Any) -> bool:
    """Zeros, then ones."""
    return "1" in _bits(value) and "10" not in _bits(value)


def ipv6_ipv4_mapped(value: Any) -> bool:
    address = _address(value)
    return isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None


def ipv6_sixtofour(value: Any) -> bool:
    address = _address(value)
    return isinstance(address, ipaddress.IPv6Address) and address.sixtofour is not None


def ipv6_teredo(value: Any) -> bool:
    address = _address(value)
    return isinstance(address, ipaddress.IPv6Address) and address.teredo is not None


def loopback(value: Any) -> bool:
    network = _network(value)
    return network is not None and network.is_loopback


def multicast(value: Any) -> bool:
    network = _network(value)
    return network is not None and network.is_multicast


def private(value: Any) -> bool:
    network = _network(value)
    return network is not None and network.is_private


def public(value: Any) -> bool:
    network = _network(value)
    return network is not None and network.is_global


def reserved(value: Any) -> bool:
    network = _network(value)
    return network is not None and network.is_reserved


def unspecified(value: Any) -> bool:
    network = _network(value)
    return network is not None and network.is_unspecified


def in_network(value: Any, network: Any) -> bool:
    inner, outer = _network(value), _network(network)
    if inner is None or outer is None or inner.version != outer.version:
        return False
    return inner[0] in outer and inner[-1] in outer


def not_in_network(value: Any, network: Any) -> bool:
    return not in_network(value, network)


def in_any_network(value: Any, networks: Any) -> bool:
    return any(in_network(value, network) for network in networks)


def in_one_network(value: Any, networks: Any) -> bool:
    """In exactly one of them."""
    return sum(in_network(value, network) for network in networks) == 1


def supernet_of(value: Any, network: Any) -> bool:
    return in_network(network, value)


def mac(value: Any) -> bool:
    return isinstance(value, str) and hwaddr(value, "bool") is True


def resolvable(value: Any) -> bool:
    """Whether this machine finds the name of the address, or the address of the name."""
    import socket

    try:
        return bool(socket.gethostbyaddr(str(value)) if _address(value) else socket.getaddrinfo(str(value), None))
    except OSError:
        return False
