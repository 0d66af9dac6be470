"""Network facts: interfaces, addresses, the default route, the resolver."""

import os
import socket
import struct

from modules.support.facts import netlink, reading

TYPES = {"1": "ether", "32": "infiniband", "512": "ppp", "772": "loopback", "65534": "tunnel"}
PROBES = (("default_ipv4", "8.8.8.8"), ("default_ipv6", "2404:6800:400a:800::1012"))
NO_ADDRESS = "00:00:00:00:00:00"
PROMISCUOUS = 0x100
NUMBER = struct.Struct("!I")


def collect(host):
    """``interfaces``, one fact for each, ``default_ipv4/6``, ``all_ipv4/6_addresses``, ``locally_reachable_ips``."""
    try:
        addresses, local = netlink.addresses(), netlink.local_routes()
        routes = {name: netlink.route_to_or_none(probe) for name, probe in PROBES}
    except OSError as error:
        host.warn("cannot ask the kernel for addresses: {}".format(error))
        addresses, local, routes = [], [], {}
    names = dict(socket.if_nameindex())
    interfaces = {name: read_interface(name) for name in names.values()}
    place(addresses, names, interfaces)
    facts = summary(addresses, local)
    for name, _ in PROBES:
        facts[name] = default(routes.get(name), names, interfaces, 4 if name.endswith("4") else 6)
    facts["interfaces"] = list(interfaces)
    for name, values in interfaces.items():
        facts[name.replace(":", "_").replace("-", "_")] = values
    return facts


def summary(addresses, local):
    """The facts about all addresses together."""
    reachable = {4: [], 6: []}
    for route in local:
        if route["destination"] and route["destination"] not in reachable[route["family"]]:
            reachable[route["family"]].append(route["destination"])
    return {
        "all_ipv4_addresses": [entry["address"] for entry in addresses
                               if entry["family"] == 4 and not entry["address"].startswith("127.")],
        "all_ipv6_addresses": [entry["address"] for entry in addresses
                               if entry["family"] == 6 and entry["address"] != "::1"],
        "locally_reachable_ips": {"ipv4": reachable[4], "ipv6": reachable[6]},
    }


def place(addresses, names, interfaces):
    """Give each address to its interface; a second IPv4 address is a secondary, a label of its own an alias."""
    for entry in addresses:
        name = names.get(entry["index"])
        if name is None:
            continue
        owner = interfaces[name]
        if entry["family"] == 6:
            owner.setdefault("ipv6", []).append(
                {"address": entry["address"], "prefix": str(entry["prefix"]), "scope": entry["scope"]})
            continue
        values = ipv4(entry)
        label = entry["label"]
        if label and label != name and ":" in label:
            interfaces[label] = {"ipv4": values}
        if "ipv4" in owner:
            owner.setdefault("ipv4_secondaries", []).append(values)
        else:
            owner["ipv4"] = values


def ipv4(entry):
    """One IPv4 address with its network, as Ansible describes it."""
    mask = 0xFFFFFFFF << (32 - entry["prefix"]) & 0xFFFFFFFF
    number = NUMBER.unpack(socket.inet_aton(entry["address"]))[0]
    return {"address": entry["address"], "broadcast": entry["broadcast"],
            "netmask": socket.inet_ntoa(NUMBER.pack(mask)), "network": socket.inet_ntoa(NUMBER.pack(number & mask)),
            "prefix": str(entry["prefix"])}


def default(route, names, interfaces, family):
    """The default route's fact; empty without a route."""
    name = names.get(route["index"]) if route else None
    if not name or not route["source"] or not route["gateway"]:
        return {}
    owner = interfaces[name]
    found = {"interface": name, "address": route["source"], "gateway": route["gateway"],
             "mtu": owner.get("mtu"), "type": owner.get("type", "unknown"), "macaddress": owner.get("macaddress", "")}
    if family == 4:
        for values in [owner.get("ipv4", {})] + owner.get("ipv4_secondaries", []):
            if values.get("address") == route["source"]:
                found.update(values, alias=name)
    else:
        for values in owner.get("ipv6", ()):
            if values["address"] == route["source"]:
                found.update(values)
    return found


def read_interface(name):
    """What /sys/class/net knows of one interface."""
    base = os.path.join("/sys/class/net", name)

    def entry(file):
        return reading.line(os.path.join(base, file))
    values = {"device": name, "active": entry("operstate") not in ("down", "")}
    mac = entry("address")
    if mac and mac != NO_ADDRESS:
        values["macaddress"] = mac
    if entry("mtu"):
        values["mtu"] = int(entry("mtu"))
    if entry("type"):
        values["type"] = TYPES.get(entry("type"), "unknown")
    values["promisc"] = bool(int(entry("flags") or "0", 16) & PROMISCUOUS)
    device = os.path.join(base, "device")
    if os.path.exists(device):
        values["pciid"] = os.path.basename(os.path.realpath(device))
        driver = os.path.realpath(os.path.join(device, "driver", "module"))
        if os.path.exists(driver):
            values["module"] = os.path.basename(driver)
    speed = entry("speed")
    if speed:
        values["speed"] = int(speed)
    values.update(composite(base, entry))
    return values


def composite(base, entry):
    """What a bridge or a bond consists of."""
    if os.path.isdir(os.path.join(base, "bridge")):
        members = os.path.join(base, "brif")
        return {"type": "bridge", "interfaces": sorted(os.listdir(members)) if os.path.isdir(members) else [],
                "id": entry("bridge/bridge_id"), "stp": entry("bridge/stp_state") == "1"}
    if os.path.isdir(os.path.join(base, "bonding")):
        return {"type": "bonding", "slaves": entry("bonding/slaves").split(),
                "mode": entry("bonding/mode").split(" ")[0], "miimon": entry("bonding/miimon"),
                "lacp_rate": entry("bonding/lacp_rate").split(" ")[0], "primary": entry("bonding/primary")}
    return {}


def dns(host):
    """``dns``: the resolver's configuration."""
    return {"dns": parse_resolv_conf(reading.text("/etc/resolv.conf"))}


def parse_resolv_conf(content):
    """man 5 resolv.conf, as a dict."""
    found = {}
    for raw in content.splitlines():
        words = raw.split()
        if not words or words[0][0] in "#;":
            continue
        keyword, values = words[0], words[1:]
        if keyword == "nameserver":
            found.setdefault("nameservers", []).extend(values[:1])
        elif keyword == "domain" and values:
            found["domain"] = values[0]
        elif keyword in ("search", "sortlist"):
            found[keyword] = values
        elif keyword == "options":
            options = found.setdefault("options", {})
            for option in values:
                name, _, value = option.partition(":")
                options[name] = value or True
    return found
