"""Keeps a network of the Docker engine present or absent, with its addresses, and containers connected to it.

Example::

    - name: The back end has a network
      community.docker.docker_network:
        name: backend
        ipam_config:
          - subnet: 172.30.0.0/24
            gateway: 172.30.0.1
        connected: [db]

A network that differs is made anew: its containers are disconnected and connected again. Returns ``network`` (what
inspect shows). Errors: ``bad_arguments``,
``no_service``, ``docker_unreachable``, ``docker_error``.
"""

from modules.api import Arg, Change, Failed, Same
from modules.support.docker.client import CLIENT_ARGS, Client, quoted

POOL = {
    "subnet": Arg("str", "The subnet in CIDR form."),
    "iprange": Arg("str", "The part of it from which containers get addresses."),
    "gateway": Arg("str", "The gateway's address."),
    "aux_addresses": Arg("dict", "Addresses that are taken already, by host name."),
}
ARGS = dict(
    CLIENT_ARGS,
    name=Arg("str", "The network's name.", required=True, aliases=("network_name",)),
    state=Arg("str", "Whether it is there.", default="present", choices=("absent", "present")),
    connected=Arg("list", "Names of the containers connected to it.", default=[], elements="str",
                  aliases=("containers",)),
    appends=Arg("bool", "Leave containers that are not listed connected.", default=False, aliases=("incremental",)),
    force=Arg("bool", "Make it anew although nothing differs.", default=False),
    driver=Arg("str", "Its driver.", default="bridge"),
    driver_options=Arg("dict", "Options for the driver.", default={}),
    enable_ipv4=Arg("bool", "Whether it has IPv4."),
    enable_ipv6=Arg("bool", "Whether it has IPv6."),
    ipam_driver=Arg("str", "The driver that gives addresses."),
    ipam_driver_options=Arg("dict", "Options for that driver."),
    ipam_config=Arg("list", "Its pools of addresses.", elements="dict", suboptions=POOL),
    internal=Arg("bool", "Whether it leads nowhere outside."),
    labels=Arg("dict", "Its labels.", default={}),
    scope=Arg("str", "How far it reaches.", choices=("local", "global", "swarm")),
    attachable=Arg("bool", "Whether single containers may join a swarm's network."),
    ingress=Arg("bool", "Whether it is the swarm's routing mesh."),
    config_only=Arg("bool", "Whether it is only a configuration for other networks."),
    config_from=Arg("str", "The network that has its configuration."),
)
FLAGS = {"enable_ipv4": "EnableIPv4", "enable_ipv6": "EnableIPv6", "internal": "Internal", "scope": "Scope",
         "attachable": "Attachable", "ingress": "Ingress", "config_only": "ConfigOnly"}


def check(args, host):
    client = Client(args, host)
    now = client.get("/networks/{}".format(quoted(args["name"])), missing=True)
    if now is not None and now["Name"] != args["name"]:
        now = None  # the engine also finds a network by the start of its id
    if args["state"] == "absent":
        return Change({"exists": True}, {"exists": False}, data=(now, {})) if now else Same()
    different = differences(args, now) if now else {}
    anew = bool(now and (different or args["force"]))
    join, leave = membership(args, now)
    join = [name for name in join if not (now and is_member(client, name, args["name"]))]
    if now and not (anew or join or leave):
        return Same(network=now)
    before = {"exists": bool(now), "connected": names(now)}
    after = {"exists": True, "connected": sorted(set(names(now)) - set(leave) | set(join))}
    before.update((name, pair[0]) for name, pair in different.items())
    after.update((name, pair[1]) for name, pair in different.items())
    return Change(before, after, values={"network": now}, data=(now, {"anew": anew, "join": join, "leave": leave}))


def apply(args, change, host):
    client = Client(args, host)
    now, work = change.data
    if args["state"] == "absent":
        remove(client, now)
        return {}
    join = list(work["join"])
    if work["anew"]:
        join = sorted(set(join) | set(names(now)) - set(work["leave"]))
        remove(client, now)
        now = None
    if now is None:
        client.send("POST", "/networks/create", body=body(args))
    for name in work["leave"] if now else ():
        disconnect(client, args["name"], name)
    for name in join:
        client.send("POST", "/networks/{}/connect".format(quoted(args["name"])), body={"Container": name})
    return {"network": client.get("/networks/{}".format(quoted(args["name"])))}


def body(args):
    """The create request."""
    made = {"Name": args["name"], "Driver": args["driver"], "CheckDuplicate": True,
            "Options": texts(args["driver_options"]), "Labels": texts(args["labels"])}
    made.update((key, args[name]) for name, key in FLAGS.items() if args[name] is not None)
    if args["config_from"]:
        made["ConfigFrom"] = {"Network": args["config_from"]}
    if args["ipam_driver"] or args["ipam_config"] or args["ipam_driver_options"]:
        made["IPAM"] = {"Driver": args["ipam_driver"] or "default",
                        "Options": texts(args["ipam_driver_options"] or {}),
                        "Config": [pool(entry) for entry in args["ipam_config"] or []]}
    return made


def pool(entry):
    """One pool of addresses in the Engine's words."""
    if not entry["subnet"] and (entry["gateway"] or entry["iprange"]):
        raise Failed("bad_arguments", "A pool with a gateway or a range needs its subnet")
    made = {key: entry[name] for name, key in (("subnet", "Subnet"), ("iprange", "IPRange"), ("gateway", "Gateway"))
            if entry[name]}
    if entry["aux_addresses"]:
        made["AuxiliaryAddresses"] = texts(entry["aux_addresses"])
    return made


def differences(args, now):
    """argument -> (what is, what is wanted)."""
    wanted = body(args)
    found = {}
    if wanted["Driver"] != now["Driver"]:
        found["driver"] = (now["Driver"], wanted["Driver"])
    for name, key in (("driver_options", "Options"), ("labels", "Labels")):
        have = now.get(key) or {}
        if any(have.get(option) != value for option, value in wanted[key].items()):
            found[name] = (have, wanted[key])
    for name, key in FLAGS.items():
        if args[name] is not None and key in now and now[key] != args[name]:
            found[name] = (now[key], args[name])
    if args["config_from"] and (now.get("ConfigFrom") or {}).get("Network") != args["config_from"]:
        found["config_from"] = ((now.get("ConfigFrom") or {}).get("Network"), args["config_from"])
    found.update(pool_differences(args, wanted.get("IPAM") or {}, now.get("IPAM") or {}))
    return found


def pool_differences(args, wanted, have):
    """The same for addresses; only what a pool says is compared."""
    found = {}
    if args["ipam_driver"] and args["ipam_driver"] != have.get("Driver"):
        found["ipam_driver"] = (have.get("Driver"), args["ipam_driver"])
    options = have.get("Options") or {}
    if args["ipam_driver_options"] and wanted["Options"] != options:
        found["ipam_driver_options"] = (options, wanted["Options"])
    there = have.get("Config") or []
    if args["ipam_config"] and not all(any(is_pool(entry, pool_) for pool_ in there) for entry in wanted["Config"]):
        found["ipam_config"] = (there, wanted["Config"])
    return found


def is_pool(wanted, have):
    """Whether an existing pool has what a wanted one says; addresses are compared as such."""
    return all(canonical(have.get(key)) == canonical(value) for key, value in wanted.items())


def canonical(value):
    """An address or subnet in its shortest form; anything else as it is."""
    if not isinstance(value, str):
        return value or {}
    import ipaddress  # only networks with pools of their own come here
    try:
        return str(ipaddress.ip_network(value, strict=False) if "/" in value else ipaddress.ip_address(value))
    except ValueError:
        return value


def membership(args, now):
    """(containers to connect, containers to disconnect), by name or id as given."""
    there = (now or {}).get("Containers") or {}
    ids = {entry["Name"]: number for number, entry in there.items()}
    join = [name for name in args["connected"] if name not in ids and name not in there]
    wanted = set(args["connected"])
    leave = [] if args["appends"] else [name for name, number in sorted(ids.items())
                                        if name not in wanted and number not in wanted]
    return join, leave


def is_member(client, container, network):
    """Whether a container that does not run belongs to the network: the network itself shows running ones only."""
    there = client.get("/containers/{}/json".format(quoted(container)), missing=True)
    return bool(there) and network in there["NetworkSettings"]["Networks"]


def names(now):
    return sorted(entry["Name"] for entry in ((now or {}).get("Containers") or {}).values())


def remove(client, now):
    for name in names(now):
        disconnect(client, now["Id"], name)
    client.send("DELETE", "/networks/{}".format(quoted(now["Id"])), allow=(404,))


def disconnect(client, network, container):
    client.send("POST", "/networks/{}/disconnect".format(quoted(network)),
                body={"Container": container, "Force": True}, allow=(404,))


def texts(given):
    """Options and labels are texts; booleans as the command line writes them."""
    return {str(name): str(value).lower() if isinstance(value, bool) else str(value) for name, value in given.items()}
