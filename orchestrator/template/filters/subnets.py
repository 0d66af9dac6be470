"""Reckoning with networks: the n-th host, subnets of a size, sums of addresses."""

from __future__ import annotations

import ipaddress
from typing import Any

from orchestrator.errors import TemplateError
from orchestrator.template.filters.network import Interface, has_prefix, inside, is_network, parse, step_usable, usable

MAX_ADDRESSES = 1 << 16


def nthhost(value: Any, query: Any = "") -> Any:
    """The address at an index of a network."""
    item = parse(value)
    if item is None or query == "":
        return False
    try:
        return str(item.network[int(query)])
    except (IndexError, ValueError):
        return False


def ipsubnet(value: Any, query: Any = "", index: Any = None) -> Any:
    """How many subnets of a size a network has; with an index, that one. Of an address, its network of that size."""
    item = parse(value)
    if item is None:
        return False
    if query == "":
        return str(item.network)
    try:
        prefix = int(query)
    except ValueError:
        return _position(item, query)
    if has_prefix(value):
        return _split(item, prefix, index)
    networks = [str(item.network.supernet(new_prefix=size)) for size in range(prefix, item.network.prefixlen)]
    try:
        return networks[int(index or 0)]
    except IndexError:
        return False


def _split(item: Interface, prefix: int, index: Any) -> Any:
    net = item.network
    if prefix < net.prefixlen:
        if index is None:
            raise TemplateError(f"ipsubnet: {net} has no subnets of the size {prefix}")
        return f"{net.network_address}/{prefix}" if int(index) == 0 else False
    count = 1 << (prefix - net.prefixlen)
    if index is None:
        return str(count)
    number = int(index) + count if int(index) < 0 else int(index)
    if not 0 <= number < count:
        return False
    size = 1 << (net.max_prefixlen - prefix)
    return str(ipaddress.ip_network((int(net.network_address) + number * size, prefix)))


def _position(item: Interface, query: Any) -> str:
    """The place of this subnet among the subnets of its size in ``query``, from 1."""
    outer = parse(query)
    if outer is None:
        raise TemplateError(f"ipsubnet: {query!r} is neither a size nor a network")
    if not inside(item.network, outer.network):
        raise TemplateError(f"ipsubnet: {item.network} is not in the subnet {outer.network}")
    size = 1 << (item.network.max_prefixlen - item.network.prefixlen)
    return str((int(item.network.network_address) - int(outer.network.network_address)) // size + 1)


def ip4_hex(value: Any, delimiter: str = "") -> str:
    return delimiter.join(f"{int(part):02x}" for part in str(value).split("."))


def ipmath(value: Any, amount: Any) -> str:
    """The address so many further."""
    item = parse(value)
    if item is None:
        raise TemplateError(f"You must pass a valid IP address; {value} is invalid")
    try:
        return str(item.ip + int(amount))
    except ValueError:
        raise TemplateError(f"ipmath: there is no address {amount} from {item.ip}") from None


def next_nth_usable(value: Any, offset: Any) -> Any:
    item = parse(value)
    return step_usable(item, int(offset)) if item is not None else False


def previous_nth_usable(value: Any, offset: Any) -> Any:
    item = parse(value)
    return step_usable(item, -int(offset)) if item is not None else False


def usable_range(value: Any) -> dict[str, Any]:
    """Every address of a network, and how many there are."""
    item = parse(value)
    if item is None:
        raise TemplateError(f"usable_range: {value!r} is no network")
    if item.network.num_addresses > MAX_ADDRESSES:
        raise TemplateError(f"usable_range: the network has more than {MAX_ADDRESSES} addresses")
    addresses = [str(address) for address in item.network]
    return {"usable_ips": addresses, "number_of_ips": len(addresses)}


def network_in_network(value: Any, test: Any) -> bool:
    outer, inner = parse(value), parse(test)
    return outer is not None and inner is not None and inside(inner.network, outer.network)


def network_in_usable(value: Any, test: Any) -> bool:
    outer, inner = parse(value), parse(test)
    if outer is None or inner is None or outer.version != inner.version:
        return False
    first, last = usable(outer)
    return int(first) <= int(inner.network[0]) and int(inner.network[-1]) <= int(last)


def reduce_on_network(value: Any, network: Any) -> list[Any]:
    """Those of a list that lie in a network."""
    items = value if isinstance(value, (list, tuple)) else [value]
    return [item for item in items if network_in_network(network, item)]


def cidr_merge(value: Any, action: str = "merge") -> Any:
    """Networks that touch made one; ``span``: the smallest network that holds them all."""
    if action not in ("merge", "span"):
        raise TemplateError(f"cidr_merge: invalid action {action!r}", hint="there are: merge, span")
    try:
        networks: list[Any] = [ipaddress.ip_network(item, strict=False) for item in value]
    except ValueError as error:
        raise TemplateError(f"cidr_merge: {error}") from None
    if action == "merge":
        return [str(network) for network in ipaddress.collapse_addresses(networks)]
    if not networks:
        return None
    low, high = min(n[0] for n in networks), max(n[-1] for n in networks)
    outer = ipaddress.ip_network(f"{low}/{networks[0].max_prefixlen}")
    while high not in outer:
        outer = outer.supernet()
    return str(outer)


def ipv6form(value: Any, format: str = "") -> str:
    """``expand``: all digits; ``compress``: the shortest; ``x509``: all parts, without leading zeros."""
    item = parse(value)
    if item is None or item.version != 6:
        raise TemplateError(f"ipv6form: {value!r} is no IPv6 address")
    if format == "expand":
        return item.ip.exploded
    if format == "x509":
        return ":".join(f"{int(part, 16):x}" for part in item.ip.exploded.split(":"))
    if format != "compress":
        raise TemplateError(f"ipv6form: there is no form {format!r}", hint="there are: compress, expand, x509")
    return str(item.ip)


def is_subnet(value: Any) -> bool:
    item = parse(value)
    return item is not None and is_network(item, value)
