"""Where a notification may be sent: no address by which the server would speak to itself or to its cloud. Pure.

The name is looked up once, every address of it is judged, and the one that is connected to is the one that was judged:
a name that changes its mind in between (DNS rebinding) changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from orchestrator.refusals import Malformed, Refused

Address = IPv4Address | IPv6Address
LONGEST_URL = 2_000
METADATA = tuple(ip_network(one) for one in (
    "169.254.0.0/16", "fd00:ec2::254/128", "100.100.100.200/32", "192.0.0.192/32", "168.63.129.16/32"))
"""Of clouds: Amazon, Google and most others; Alibaba; Oracle; Azure."""
_NAT64 = ip_network("64:ff9b::/96")


def split(url: str) -> SplitResult:
    """The parts of an address that may be called. Raises `Malformed`."""
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise _malformed("it has other characters than an address has")
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  raises for what is no port
    except ValueError as error:
        raise _malformed("it is no address") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _malformed("it begins with https:// and a host")
    if "@" in parts.netloc or parts.fragment:
        raise _malformed("a user, a password or a fragment has no place in it")
    return parts


def origin(url: str) -> str:
    """What may be shown of an address whose path is a key: scheme, host, port."""
    parts = split(url)
    return f"{parts.scheme}://{parts.netloc}"


def refuse_inner(host: str, addresses: Iterable[str], allowed: Sequence[str] = ()) -> list[str]:
    """The addresses, or `Refused` when any of them leads inside. ``allowed``: networks that an admin has opened."""
    networks = [ip_network(one, strict=False) for one in allowed]
    found = list(dict.fromkeys(addresses))
    for one in found:
        address = ip_address(one.partition("%")[0])
        if any(address in network for network in networks):
            continue
        why = _why_not(address)
        if why:
            raise Refused(f"{host} leads to {address}, {why}: notifications are not sent there", code="address_refused",
                          hint="an admin can open a network for it: setting notify.allowed_networks")
    if not found:
        raise Refused(f"{host} has no address", code="address_unknown")
    return found


def _why_not(address: Address) -> str:
    inner = _embedded(address)
    if inner is not None and _why_not(inner):
        return _why_not(inner)
    if any(address in network for network in METADATA):
        return "where clouds tell machines their secrets"
    for is_so, why in ((address.is_loopback, "this machine itself"), (address.is_unspecified, "this machine itself"),
                       (address.is_link_local, "a link-local address"), (address.is_multicast, "a multicast address")):
        if is_so:
            return why
    if isinstance(address, IPv4Address) and (address in ip_network("0.0.0.0/8") or address.is_reserved):
        return "a reserved address"
    if isinstance(address, IPv6Address) and address.is_site_local:
        return "a site-local address"
    return ""


def _embedded(address: Address) -> IPv4Address | None:
    """The IPv4 address within one of IPv6's ways to write it."""
    if isinstance(address, IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _NAT64 or int(address) >> 32 == 0 and int(address) > 1:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def _malformed(why: str) -> Malformed:
    return Malformed(f"this address cannot be used: {why}", code="url")
