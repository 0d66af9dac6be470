"""Tests of network addresses."""

from __future__ import annotations

import ipaddress
from typing import Any

from orchestrator.template.filters.network import hwaddr


def _address(value: Any) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(str(value))
    except ValueError:
        return None


def ip(value: Any) -> bool:
    return _address(value) is not None


def ipv4(value: Any) -> bool:
    return isinstance(_address(value), ipaddress.IPv4Address)


def ipv6(value: Any) -> bool:
    return isinstance(_address(value), ipaddress.IPv6Address)


def loopback(value: Any) -> bool:
    address = _address(value)
    return address is not None and address.is_loopback


def multicast(value: Any) -> bool:
    address = _address(value)
    return address is not None and address.is_multicast


def private(value: Any) -> bool:
    address = _address(value)
    return address is not None and address.is_private


def public(value: Any) -> bool:
    address = _address(value)
    return address is not None and address.is_global


def in_network(value: Any, network: Any) -> bool:
    try:
        inner = ipaddress.ip_network(str(value), strict=False)
        outer = ipaddress.ip_network(str(network), strict=False)
    except ValueError:
        return False
    return inner.version == outer.version and inner[0] in outer and inner[-1] in outer


def in_any_network(value: Any, networks: Any) -> bool:
    return any(in_network(value, network) for network in networks)


def mac(value: Any) -> bool:
    return bool(hwaddr(value, "bool"))
