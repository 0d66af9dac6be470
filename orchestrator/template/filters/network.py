"""Addresses and networks, on the standard library's ipaddress: the queries of ``ipaddr`` that playbooks use."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any

from orchestrator.errors import TemplateError

Interface = ipaddress.IPv4Interface | ipaddress.IPv6Interface


def _parse(value: Any) -> Interface | None:
    """An address with its prefix; a bare network (10.0.0.0/8) and a number too. None for what is neither."""
    if isinstance(value, bool):
        return None
    try:
        return ipaddress.ip_interface(value if isinstance(value, int) else str(value).strip())
    except ValueError:
        return None


def _has_prefix(value: Any) -> bool:
    return "/" in str(value)


def _is_network(item: Interface, value: Any) -> bool:
    return _has_prefix(value) and item.ip == item.network.network_address and item.network.num_addresses > 1


def _shown(item: Interface, value: Any) -> str:
    return str(item) if _has_prefix(value) else str(item.ip)


def _size(item: Interface, value: Any) -> int:
    return item.network.num_addresses


def _usable(item: Interface) -> tuple[Any, Any]:
    net = item.network
    if net.num_addresses <= 2:
        return net[0], net[-1]
    return net[1], (net[-2] if net.version == 4 else net[-1])


def _revdns(item: Interface, value: Any) -> str:
    return item.ip.reverse_pointer + "."


def _when(test: Callable[[Interface], bool]) -> Callable[[Interface, Any], Any]:
    return lambda item, value: value if test(item) else False


_QUERIES: dict[str, Callable[[Interface, Any], Any]] = {
    "": lambda i, v: v if not isinstance(v, int) else str(i.ip),
    "bool": lambda i, v: True,
    "address": lambda i, v: False if _is_network(i, v) else str(i.ip),
    "ip": lambda i, v: False if _is_network(i, v) else str(i.ip),
    "host": lambda i, v: False if _is_network(i, v) else str(i),
    "host/prefix": lambda i, v: False if _is_network(i, v) else str(i),
    "address/prefix": lambda i, v: False if _is_network(i, v) else str(i),
    "ip/prefix": lambda i, v: False if _is_network(i, v) else str(i),
    "net": lambda i, v: str(i.network) if _is_network(i, v) else False,
    "network": lambda i, v: str(i.network.network_address),
    "network_id": lambda i, v: str(i.network.network_address),
    "network/prefix": lambda i, v: str(i.network),
    "network_netmask": lambda i, v: f"{i.network.network_address} {i.netmask}",
    "subnet": lambda i, v: str(i.network),
    "netmask": lambda i, v: str(i.netmask),
    "hostmask": lambda i, v: str(i.hostmask),
    "wildcard": lambda i, v: str(i.hostmask),
    "prefix": lambda i, v: i.network.prefixlen,
    "size": _size,
    "broadcast": lambda i, v: str(i.network.broadcast_address) if i.network.num_addresses > 2 else "",
    "version": lambda i, v: i.version,
    "type": lambda i, v: "network" if _is_network(i, v) else "address",
    "int": lambda i, v: int(i.ip) if not _has_prefix(v) else f"{int(i.ip)}/{i.network.prefixlen}",
    "revdns": _revdns,
    "wrap": lambda i, v: _wrapped(i, v),
    "ipv4": _when(lambda i: i.version == 4),
    "v4": _when(lambda i: i.version == 4),
    "ipv6": _when(lambda i: i.version == 6),
    "v6": _when(lambda i: i.version == 6),
    "public": _when(lambda i: i.ip.is_global),
    "private": _when(lambda i: i.ip.is_private),
    "unicast": _when(lambda i: not i.ip.is_multicast),
    "multicast": _when(lambda i: i.ip.is_multicast),
    "loopback": _when(lambda i: i.ip.is_loopback),
    "lo": _when(lambda i: i.ip.is_loopback),
    "link-local": _when(lambda i: i.ip.is_link_local),
    "first_usable": lambda i, v: str(_usable(i)[0]),
    "last_usable": lambda i, v: str(_usable(i)[1]),
    "range_usable": lambda i, v: "{}-{}".format(*_usable(i)),
    "size_usable": lambda i, v: max(i.network.num_addresses - 2, 0) or i.network.num_addresses,
    "next_usable": lambda i, v: str(i.ip + 1) if i.ip + 1 <= _usable(i)[1] else "",
    "previous_usable": lambda i, v: str(i.ip - 1) if i.ip - 1 >= _usable(i)[0] else "",
    "peer": lambda i, v: str(next((n for n in i.network if n != i.ip), "")) if i.network.num_addresses == 2 else "",
}


def _wrapped(item: Interface, value: Any) -> str:
    if item.version == 4:
        return str(value)
    return f"[{item.ip}]/{item.network.prefixlen}" if _has_prefix(value) else f"[{item.ip}]"


def ipaddr(value: Any, query: Any = "", version: Any = False, alias: str = "ipaddr") -> Any:
    """What ``query`` says of an address or network; False when it does not fit. Of a list, those that fit."""
    if isinstance(value, (list, tuple)):
        found = [ipaddr(item, query, version) for item in value]
        return [item for item in found if item is not False and item is not None and item != ""]
    item = _parse(value)
    if item is None or (version and item.version != int(version)):
        return False
    if isinstance(query, bool) or query is None:
        query = ""
    if isinstance(query, int) or re.fullmatch(r"-?\d+", str(query)):
        return _nth(item, int(query))
    answer = _QUERIES.get(str(query))
    if answer is not None:
        return answer(item, value)
    within = _parse(query)
    if within is None:
        known = ", ".join(filter(None, _QUERIES))
        raise TemplateError(f"ipaddr: there is no query {query!r}", hint=f"there are: {known}")
    return value if item.version == within.version and item.ip in within.network else False


def _nth(item: Interface, index: int) -> Any:
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
    item = _parse(value)
    return value if item is None else _wrapped(item, value)


def nthhost(value: Any, query: Any = "") -> Any:
    """The address at an index of a network."""
    item = _parse(value)
    if item is None or query == "":
        return False
    try:
        return str(item.network[int(query)])
    except (IndexError, ValueError):
        return False


def ipsubnet(value: Any, query: Any = "", index: Any = None) -> Any:
    """How many subnets of a size a network has; with an index, that one."""
    item = _parse(value)
    if item is None:
        return False
    if query == "":
        return str(item.network)
    try:
        prefix = int(query)
    except ValueError:
        return _position(item, query)
    if index is None and not _is_network(item, value) and prefix < item.network.prefixlen:
        return str(item.network.supernet(new_prefix=prefix))
    if prefix < item.network.prefixlen:
        return False
    count = 1 << (prefix - item.network.prefixlen)
    if index is None:
        return str(count)
    return _subnet(item, prefix, int(index), count)


def _subnet(item: Interface, prefix: int, index: int, count: int) -> Any:
    index = index + count if index < 0 else index
    if not 0 <= index < count:
        return False
    size = 1 << (item.network.max_prefixlen - prefix)
    return str(ipaddress.ip_network((int(item.network.network_address) + index * size, prefix)))


def _position(item: Interface, query: Any) -> Any:
    """The place of this subnet among the subnets of its size in ``query``, from 1."""
    outer = _parse(query)
    if outer is None or item.network.prefixlen < outer.network.prefixlen or item.ip not in outer.network:
        return False
    size = 1 << (item.network.max_prefixlen - item.network.prefixlen)
    return str((int(item.network.network_address) - int(outer.network.network_address)) // size + 1)


def ip4_hex(value: Any, delimiter: str = "") -> str:
    return delimiter.join(f"{int(part):02x}" for part in str(value).split("."))


def ipmath(value: Any, amount: int) -> str:
    item = _parse(value)
    if item is None:
        raise TemplateError(f"ipmath: {value!r} is no address")
    return str(item.ip + int(amount))


def next_nth_usable(value: Any, offset: int) -> Any:
    item = _parse(value)
    return str(item.ip + offset) if item is not None and item.ip + offset <= _usable(item)[1] else ""


def previous_nth_usable(value: Any, offset: int) -> Any:
    item = _parse(value)
    return str(item.ip - offset) if item is not None and item.ip - offset >= _usable(item)[0] else ""


def usable_range(value: Any) -> dict[str, Any]:
    item = _parse(value)
    if item is None:
        raise TemplateError(f"usable_range: {value!r} is no network")
    if item.network.num_addresses > 1 << 16:
        raise TemplateError("usable_range: the network has more than 65536 addresses")
    addresses = [str(address) for address in item.network]
    return {"number_of_ips": len(addresses), "usable_ips": addresses}


def network_in_network(value: Any, test: Any) -> bool:
    outer, inner = _parse(value), _parse(test)
    if outer is None or inner is None or outer.version != inner.version:
        return False
    return inner.network[0] in outer.network and inner.network[-1] in outer.network


def network_in_usable(value: Any, test: Any) -> bool:
    outer, inner = _parse(value), _parse(test)
    if outer is None or inner is None or outer.version != inner.version:
        return False
    first, last = _usable(outer)
    return bool(first <= inner.network[0] and inner.network[-1] <= last)


def cidr_merge(value: Any, action: str = "merge") -> Any:
    """Networks that touch made one; ``span``: the smallest network that holds them all."""
    networks: list[Any] = [ipaddress.ip_network(item, strict=False) for item in value]
    if action == "span":
        low, high = min(n[0] for n in networks), max(n[-1] for n in networks)
        outer = ipaddress.ip_network(f"{low}/{networks[0].max_prefixlen}")
        while high not in outer:
            outer = outer.supernet()
        return str(outer)
    return [str(network) for network in ipaddress.collapse_addresses(networks)]


def hwaddr(value: Any, query: str = "", alias: str = "hwaddr") -> Any:
    """A MAC address in a form: bare, cisco, linux, unix, win; False for what is none."""
    digits = re.sub(r"[-:.]", "", str(value)).lower()
    if not re.fullmatch(r"[0-9a-f]{12}", digits):
        return False
    pairs = [digits[i:i + 2] for i in range(0, 12, 2)]
    forms = {
        "": value, "bool": True, "bare": digits.upper(), "linux": ":".join(pairs),
        "unix": ":".join(pair.lstrip("0") or "0" for pair in pairs), "win": "-".join(pairs).upper(),
        "cisco": ".".join(digits[i:i + 4] for i in range(0, 12, 4)), "eui48": "-".join(pairs).upper(),
        "int": int(digits, 16),
    }
    if query not in forms:
        raise TemplateError(f"hwaddr: there is no form {query!r}", hint=f"there are: {', '.join(filter(None, forms))}")
    return forms[query]


def macaddr(value: Any, query: str = "") -> Any:
    return hwaddr(value, query)
