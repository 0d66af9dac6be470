"""Options of a container: what is wanted in the Engine's words, what is there, and how the two are compared. Pure.

An `Option` names its place in the body of a create request; ``inspect`` has the same place, but what is not in
HostConfig lies under Config. Kinds and their usual comparison are those documented for community.docker:
value and list strict; set, dict and dicts (a list of dicts) allow_more_present.
"""

from modules.api import Failed
from modules.support.docker import values

HOST = "HostConfig"


class Option(object):
    """One option. ``convert`` makes the Engine's value; ``canon`` brings a value, wanted or there, into one form."""

    __slots__ = ("kind", "place", "convert", "canon", "update")

    def __init__(self, place, kind="value", convert=None, canon=None, update=False):
        self.place = (HOST, place[1:]) if place.startswith("*") else (place,)
        self.kind = kind
        self.convert = convert or (lambda value: value)
        self.canon = canon or (lambda value: value)
        self.update = update


def _bytes_rates(entries):
    return [{"Path": entry["path"], "Rate": values.size_bytes(entry["rate"])} for entry in entries]


def _rates(entries):
    return [{"Path": entry["path"], "Rate": int(entry["rate"])} for entry in entries]


def _requests(entries):
    keys = (("capabilities", "Capabilities"), ("count", "Count"), ("device_ids", "DeviceIDs"), ("driver", "Driver"),
            ("options", "Options"))
    return [{key: entry[name] for name, key in keys if entry[name] is not None} for entry in entries]


def _pairs(option):
    return lambda given: sorted("{}={}".format(*pair) for pair in values.texts(given, option).items())


def _strings(given):
    return {str(name): "" if value is None else str(value) for name, value in given.items()}


def _labels(given):
    return values.texts(given, "labels")


def _exposed(entries):
    found = {}
    for entry in entries:
        _, _, ports, protocol = values.split_port(str(entry))
        found.update(("{}/{}".format(port, protocol), {}) for port in ports)
    return found


def _mounts(entries):
    return [mount(entry) for entry in entries]


def mount(given):
    """One mount in the Engine's words."""
    made = {"Target": given["target"], "Type": given["type"]}
    for name, key in (("source", "Source"), ("read_only", "ReadOnly"), ("consistency", "Consistency")):
        if given[name] is not None:
            made[key] = given[name]
    parts = {
        "BindOptions": {"Propagation": given["propagation"], "CreateMountpoint": given["create_mountpoint"],
                        "NonRecursive": given["non_recursive"]},
        "VolumeOptions": {"NoCopy": given["no_copy"], "Labels": given["labels"] and _strings(given["labels"])},
        "TmpfsOptions": {"SizeBytes": given["tmpfs_size"] and values.size_bytes(given["tmpfs_size"]),
                         "Mode": int(given["tmpfs_mode"], 8) if given["tmpfs_mode"] else None},
    }
    if given["volume_driver"] or given["volume_options"]:
        parts["VolumeOptions"]["DriverConfig"] = {"Name": given["volume_driver"] or "",
                                                  "Options": _strings(given["volume_options"] or {})}
    if given["subpath"]:
        parts["ImageOptions" if given["type"] == "image" else "VolumeOptions"] = {"Subpath": given["subpath"]}
    for key, part in parts.items():
        said = {name: value for name, value in part.items() if value is not None}
        if said:
            made[key] = said
    return made


def _port_map(bindings):
    """Port -> its places; an address that is not said is any."""
    return {port: sorted((place.get("HostIp") or "0.0.0.0", str(place.get("HostPort") or ""))
                         for place in places or []) for port, places in bindings.items()}


def _caps(names):
    return [values.capability(name) for name in names]


def _network_mode(mode):
    return "bridge" if mode == "default" else mode


TABLE = {
    "auto_remove": Option("*AutoRemove"),
    "blkio_weight": Option("*BlkioWeight", update=True),
    "capabilities": Option("*CapAdd", "set", canon=_caps),
    "cap_drop": Option("*CapDrop", "set", canon=_caps),
    "cgroup_parent": Option("*CgroupParent"),
    "cgroupns_mode": Option("*CgroupnsMode"),
    "command": Option("Cmd", "list", values.words),
    "cpu_period": Option("*CpuPeriod", update=True),
    "cpu_quota": Option("*CpuQuota", update=True),
    "cpu_shares": Option("*CpuShares", update=True),
    "cpus": Option("*NanoCpus", convert=lambda cpus: int(round(cpus * 1e9)), update=True),
    "cpuset_cpus": Option("*CpusetCpus", update=True),
    "cpuset_mems": Option("*CpusetMems", update=True),
    "device_cgroup_rules": Option("*DeviceCgroupRules", "set"),
    "device_read_bps": Option("*BlkioDeviceReadBps", "dicts", _bytes_rates),
    "device_read_iops": Option("*BlkioDeviceReadIOps", "dicts", _rates),
    "device_write_bps": Option("*BlkioDeviceWriteBps", "dicts", _bytes_rates),
    "device_write_iops": Option("*BlkioDeviceWriteIOps", "dicts", _rates),
    "device_requests": Option("*DeviceRequests", "dicts", _requests),
    "devices": Option("*Devices", "dicts", lambda entries: [values.device(entry) for entry in entries]),
    "dns_opts": Option("*DnsOptions", "set"),
    "dns_search_domains": Option("*DnsSearch", "list"),
    "dns_servers": Option("*Dns", "list"),
    "domainname": Option("Domainname"),
    "entrypoint": Option("Entrypoint", "list"),
    "env": Option("Env", "set", _pairs("env")),
    "etc_hosts": Option("*ExtraHosts", "set", lambda given: sorted("{}:{}".format(*pair) for pair in given.items())),
    "exposed_ports": Option("ExposedPorts", "dict", _exposed),
    "groups": Option("*GroupAdd", "set"),
    "healthcheck": Option("Healthcheck", "dict", values.healthcheck),
    "hostname": Option("Hostname"),
    "init": Option("*Init"),
    "interactive": Option("OpenStdin"),
    "ipc_mode": Option("*IpcMode"),
    "kernel_memory": Option("*KernelMemory", convert=values.size_bytes, update=True),
    "labels": Option("Labels", "dict", _labels),
    "links": Option("*Links", "set", lambda entries: [entry if ":" in entry else "{0}:{0}".format(entry)
                                                      for entry in entries],
                    canon=lambda links: [":".join(part.rpartition("/")[2] for part in link.split(":"))
                                         for link in links]),
    "mac_address": Option("MacAddress", canon=lambda mac: (mac or "").replace("-", ":").lower()),
    "memory": Option("*Memory", convert=values.size_bytes, update=True),
    "memory_reservation": Option("*MemoryReservation", convert=values.size_bytes, update=True),
    "memory_swap": Option("*MemorySwap", convert=values.size_bytes, update=True),
    "memory_swappiness": Option("*MemorySwappiness"),
    "mounts": Option("*Mounts", "dicts", _mounts),
    "network_mode": Option("*NetworkMode", canon=_network_mode),
    "oom_killer": Option("*OomKillDisable"),
    "oom_score_adj": Option("*OomScoreAdj"),
    "pid_mode": Option("*PidMode"),
    "pids_limit": Option("*PidsLimit"),
    "privileged": Option("*Privileged"),
    "publish_all_ports": Option("*PublishAllPorts"),
    "published_ports": Option("*PortBindings", "dict", canon=_port_map),
    "read_only": Option("*ReadonlyRootfs"),
    "runtime": Option("*Runtime"),
    "security_opts": Option("*SecurityOpt", "set", canon=lambda entries: [
        entry.replace("=", ":", 1) if entry.startswith(("label=", "apparmor=", "seccomp=", "no-new-")) else entry
        for entry in ("no-new-privileges:true" if entry == "no-new-privileges" else entry for entry in entries)]),
    "shm_size": Option("*ShmSize", convert=values.size_bytes),
    "stop_signal": Option("StopSignal"),
    "storage_opts": Option("*StorageOpt", "dict", _strings),
    "sysctls": Option("*Sysctls", "dict", _strings),
    "tmpfs": Option("*Tmpfs", "dict", values.tmpfs),
    "tty": Option("Tty"),
    "ulimits": Option("*Ulimits", "dicts", lambda entries: [values.ulimit(entry) for entry in entries]),
    "user": Option("User"),
    "userns_mode": Option("*UsernsMode"),
    "uts": Option("*UTSMode"),
    "volume_driver": Option("*VolumeDriver"),
    "volumes_from": Option("*VolumesFrom", "set"),
    "working_dir": Option("WorkingDir"),
}
GROUPED = {"restart_policy": "value", "restart_retries": "value", "log_driver": "value", "log_options": "dict",
           "volumes": "set", "stop_timeout": "value"}
"""Options that share a place with others, or have two."""


def wanted(args):
    """option -> the Engine's value, for every option that is given."""
    found = {}
    for name, option in TABLE.items():
        if args[name] is not None:
            found[name] = option.convert(args[name])
    if args["published_ports"] is not None:
        found["published_ports"] = values.port_bindings(
            filter(None, args["published_ports"]), args["default_host_ip"] or "0.0.0.0")
    for name in ("restart_policy", "restart_retries", "log_driver", "stop_timeout"):
        if args[name] is not None:
            found[name] = args[name]
    if args["log_options"] is not None:
        found["log_options"] = _strings(args["log_options"])
    if args["volumes"] is not None:
        found["volumes"] = [values.volume(entry) for entry in args["volumes"] if entry]
    if found.get("healthcheck", 1) is None:
        del found["healthcheck"]
    if found.get("command") == []:
        del found["command"]  # the engine takes an empty one for none, and runs the image's
    return found


def body(found):
    """The create request's body for wanted options."""
    made = {HOST: {}}
    for name, value in found.items():
        if name in TABLE:
            place = TABLE[name].place
            target = made[HOST] if len(place) == 2 else made
            target[place[-1]] = value
    exposed = dict(made.get("ExposedPorts") or {}, **{port: {} for port in found.get("published_ports", {})})
    if exposed:
        made["ExposedPorts"] = exposed
    _grouped_body(found, made)
    return made


def _grouped_body(found, made):
    if "restart_policy" in found:
        made[HOST]["RestartPolicy"] = {"Name": found["restart_policy"],
                                       "MaximumRetryCount": found.get("restart_retries", 0)}
    if "log_driver" in found or "log_options" in found:
        made[HOST]["LogConfig"] = {"Type": found.get("log_driver", ""), "Config": found.get("log_options", {})}
    if "volumes" in found:
        made[HOST]["Binds"] = [entry for entry in found["volumes"] if values.is_bind(entry)]
        made["Volumes"] = {entry.partition(":")[0]: {} for entry in found["volumes"] if not values.is_bind(entry)}
    if "stop_timeout" in found:
        made["StopTimeout"] = found["stop_timeout"]


def present(name, inspected):
    """What an inspected container has for an option."""
    host, config = inspected[HOST], inspected["Config"]
    if name in TABLE:
        place = TABLE[name].place
        return (host if len(place) == 2 else config).get(place[-1])
    if name == "restart_policy":
        return (host.get("RestartPolicy") or {}).get("Name") or "no"
    if name == "restart_retries":
        return (host.get("RestartPolicy") or {}).get("MaximumRetryCount")
    if name == "log_driver":
        return (host.get("LogConfig") or {}).get("Type")
    if name == "log_options":
        return (host.get("LogConfig") or {}).get("Config")
    if name == "volumes":
        return [values.volume(entry) for entry in host.get("Binds") or []] + sorted(config.get("Volumes") or {})
    return config.get("StopTimeout")


def kind(name):
    return TABLE[name].kind if name in TABLE else GROUPED[name]


def comparisons(args):
    """option -> how it is compared, from ``comparisons``, purge_networks and ignore_image. `Failed` for nonsense."""
    given = dict(args["comparisons"] or {})
    everywhere = given.pop("*", None)
    how = {name: everywhere if everywhere in ("ignore", "strict") else default_comparison(name)
           for name in list(TABLE) + list(GROUPED)}
    how["networks"] = everywhere if everywhere in ("ignore", "strict") else "allow_more_present"
    how["image"] = "ignore" if everywhere == "ignore" or args["ignore_image"] else "strict"
    aliases = {"ports": "published_ports", "cap_add": "capabilities", "expose": "exposed_ports",
               "exposed": "exposed_ports", "log_opt": "log_options"}
    for name, value in given.items():
        name = aliases.get(name, name)
        if value not in ("strict", "ignore", "allow_more_present"):
            raise Failed("bad_arguments", "Unknown comparison mode '{}'!".format(value))
        if name not in how:
            raise Failed("bad_arguments", "Unknown module option '{}' in comparisons dict!".format(name))
        if value == "allow_more_present" and name != "networks" and (name == "image" or kind(name) == "value"):
            raise Failed("bad_arguments", "Option '{}' is a value and not a set/list/dict, so its comparison cannot be "
                         "allow_more_present".format(name))
        how[name] = value
    if args["purge_networks"]:
        how["networks"] = "strict"
    return how


def default_comparison(name):
    return "strict" if kind(name) in ("value", "list") else "allow_more_present"


def differences(found, inspected, how, image=None):
    """[(option, value there, value wanted)] that differ. ``image``: what it brings along counts as wanted too."""
    result = []
    for name in sorted(found):
        have = present(name, inspected)
        want = with_image(name, found[name], image)
        canon = TABLE[name].canon if name in TABLE else (lambda value: value)
        if not is_same(kind(name), how[name], canon(want), canon(have) if have is not None else None):
            result.append((name, have, found[name]))
    return result


def with_image(name, value, image):
    """A wanted value with what the image adds by itself: variables, labels, exposed ports, volumes."""
    config = (image or {}).get("Config") or {}
    if name == "env":
        given = {entry.partition("=")[0] for entry in value}
        return value + [entry for entry in config.get("Env") or [] if entry.partition("=")[0] not in given]
    if name in ("labels", "exposed_ports"):
        return dict(config.get("Labels" if name == "labels" else "ExposedPorts") or {}, **value)
    if name == "volumes":
        return value + [path for path in config.get("Volumes") or {} if path not in value]
    return value


def is_same(kind_, how, want, have):
    """Whether what is there does for what is wanted."""
    if how == "ignore":
        return True
    if kind_ == "value":
        return want == have or (not want and not have)
    if kind_ == "list":
        return list(want or []) == list(have or [])
    if kind_ == "set":
        want, have = set(want or ()), set(have or ())
        return want == have if how == "strict" else want <= have
    if kind_ == "dict":
        return _is_same_dict(how, want or {}, have or {})
    return _are_same_dicts(how, want or [], have or [])


def _is_same_dict(how, want, have):
    if how == "strict":
        return want == have
    return all(name in have and have[name] == value for name, value in want.items())


def _are_same_dicts(how, want, have):
    if how == "strict" and len(want) != len(have):
        return False
    return all(any(contains(there, entry) for there in have) for entry in want)


def contains(have, want):
    """Whether nested data has everything wanted; what is empty counts as not there."""
    if isinstance(want, dict):
        return isinstance(have, dict) and all(contains(have.get(name), value) for name, value in want.items())
    return want == have or (not want and not have)
