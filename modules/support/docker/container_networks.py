"""The networks a container is in: what is wanted in the Engine's words, and what differs. Pure."""


def endpoint(network):
    """The Engine's EndpointConfig for one entry of ``networks``."""
    made = {}
    addresses = {key: network[name] for name, key in (("ipv4_address", "IPv4Address"), ("ipv6_address", "IPv6Address"))
                 if network[name]}
    if addresses:
        made["IPAMConfig"] = addresses
    for name, key in (("aliases", "Aliases"), ("links", "Links"), ("mac_address", "MacAddress"),
                      ("driver_opts", "DriverOpts"), ("gw_priority", "GwPriority")):
        if network[name]:
            made[key] = network[name]
    return made


def attached(inspected):
    """network's name -> what the container has there."""
    return (inspected.get("NetworkSettings") or {}).get("Networks") or {}


def to_change(wanted, inspected):
    """([entries that are missing], [entries that are there but differ])."""
    have = attached(inspected)
    missing = [entry for entry in wanted if entry["name"] not in have]
    differing = [entry for entry in wanted if entry["name"] in have and not is_same(entry, have[entry["name"]])]
    return missing, differing


def surplus(wanted, inspected):
    """Names of networks that are not wanted."""
    names = {entry["name"] for entry in wanted}
    return sorted(name for name in attached(inspected) if name not in names)


def is_same(entry, have):
    """Whether an attachment has the addresses, aliases and links that are asked for; more of them does not matter."""
    own = have.get("IPAMConfig") or {}
    if entry["ipv4_address"] and entry["ipv4_address"] != own.get("IPv4Address"):
        return False
    if entry["ipv6_address"] and _plain(entry["ipv6_address"]) != _plain(own.get("IPv6Address")):
        return False
    if entry["mac_address"] and entry["mac_address"].lower() != (have.get("MacAddress") or "").lower():
        return False
    return (set(entry["aliases"] or ()) <= set(have.get("Aliases") or ())
            and set(entry["links"] or ()) <= set(have.get("Links") or ()))


def _plain(address):
    import ipaddress  # few containers are given an IPv6 address
    try:
        return str(ipaddress.ip_address(address or ""))
    except ValueError:
        return address
