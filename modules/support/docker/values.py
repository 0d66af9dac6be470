"""Values as people write them for containers, turned into the Engine's: sizes, durations, ports, volumes. Pure."""

import os
import re
import shlex

from modules.api import Failed

UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50}
SECONDS = {"us": 10 ** 3, "ms": 10 ** 6, "s": 10 ** 9, "m": 60 * 10 ** 9, "h": 3600 * 10 ** 9}
MODES = frozenset("rw ro z Z consistent delegated cached rprivate private rshared shared rslave slave nocopy".split())


def size_bytes(value):
    """``512m``, ``1.5g``, ``2GiB`` or a number as bytes; ``unlimited`` is -1."""
    text = str(value).strip()
    if text in ("unlimited", "-1"):
        return -1
    match = re.match(r"([0-9]+(?:\.[0-9]*)?)\s*([bkmgtp]?)(?:i?b)?\Z", text.lower())
    if not match:
        raise Failed("bad_arguments", "'{}' is not a size such as 512m or 1g".format(value))
    return int(float(match.group(1)) * UNITS[match.group(2)])


def nanoseconds(value):
    """``1m30s``, ``500ms`` as nanoseconds."""
    text = str(value).strip()
    parts = re.findall(r"([0-9]+(?:\.[0-9]+)?)(us|ms|s|m|h)", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise Failed("bad_arguments", "'{}' is not a duration such as 1m30s".format(value))
    return int(sum(float(number) * SECONDS[unit] for number, unit in parts))


def healthcheck(given):
    """The Engine's Healthcheck; None when nothing is said."""
    if given is None:
        return None
    result = {}
    if given["test"] is not None:
        result["Test"] = health_test(given["test"], given["test_cli_compatible"])
        if result["Test"] == ["NONE"]:
            return result
    for name, key in (("interval", "Interval"), ("timeout", "Timeout"), ("start_period", "StartPeriod"),
                      ("start_interval", "StartInterval")):
        if given[name] is not None:
            result[key] = nanoseconds(given[name])
    if given["retries"] is not None:
        result["Retries"] = given["retries"]
    return result or None


def health_test(test, cli_compatible):
    """A test's words: a text is for the shell; a list says CMD, CMD-SHELL or NONE first, or is a command."""
    if isinstance(test, (list, tuple)):
        words = [str(word) for word in test]
        if not words:
            return [] if cli_compatible else ["NONE"]
        return words if words[0] in ("NONE", "CMD", "CMD-SHELL") else ["CMD"] + words
    text = str(test)
    return ["NONE"] if text.strip() in ("", "NONE") else ["CMD-SHELL", text]


def words(value):
    """A command as a list of words: a text is split as a shell does."""
    if isinstance(value, (list, tuple)):
        return [str(word) for word in value]
    return shlex.split(str(value))


def texts(given, option):
    """A dict whose values are texts. A boolean is ambiguous (true, True, yes …), so it is refused."""
    for name, value in given.items():
        if isinstance(value, bool) or isinstance(value, (list, dict)):
            raise Failed("bad_arguments", "Non-string value found for {} option. Ambiguous {} options must be wrapped "
                         "in quotes to avoid them being interpreted. Key: {}".format(option, option, name))
    return {str(name): "" if value is None else str(value) for name, value in given.items()}


def env_file(text):
    """name -> value of a file of NAME=VALUE lines; comments and lines without = are passed over."""
    found = {}
    for line in text.splitlines():
        line = line.strip()
        if line and not line.startswith("#") and "=" in line:
            name, _, value = line.partition("=")
            found[name.strip()] = value.strip()
    return found


def port_bindings(entries, default_ip):
    """``8080:80``, ``127.0.0.1::80``, ``[::1]:8000-8010:8000-8010/udp`` as the Engine's PortBindings."""
    result = {}
    for entry in entries:
        address, host_ports, container_ports, protocol = split_port(str(entry))
        if host_ports and len(host_ports) != len(container_ports):
            if len(container_ports) != 1:
                raise Failed("bad_arguments", "Port ranges differ in length: {}".format(entry))
            host_ports = ["{}-{}".format(host_ports[0], host_ports[-1])]
        for index, port in enumerate(container_ports):
            binding = {"HostIp": default_ip if address is None else address,
                       "HostPort": str(host_ports[index]) if host_ports else ""}
            result.setdefault("{}/{}".format(port, protocol), []).append(binding)
    return result


def split_port(entry):
    """(address or None, host's ports, container's ports, protocol)."""
    body, _, protocol = entry.partition("/")
    match = re.match(r"(?:(?:\[([^]]*)\]|([^\[\]:]*)):)?(?:([0-9-]*):)?([0-9]+(?:-[0-9]+)?)\Z", body)
    if not match:
        raise Failed("bad_arguments", "'{}' is not a port to publish, such as 8080:80".format(entry))
    bracketed, address, host_ports, container_ports = match.groups()
    address = bracketed if bracketed is not None else address
    # One colon only: what stands before it is a port of the host.
    if host_ports is None and address is not None and bracketed is None and re.match(r"[0-9-]*\Z", address):
        address, host_ports = None, address
    return address or None, numbers(host_ports, entry), numbers(container_ports, entry), (protocol or "tcp").lower()


def numbers(text, entry):
    """``80`` or ``80-82`` as a list of numbers."""
    if not text:
        return []
    first, _, last = text.partition("-")
    ports = range(int(first), int(last or first) + 1)
    if not ports or ports[-1] > 65535:
        raise Failed("bad_arguments", "'{}' is not a range of ports".format(entry))
    return list(ports)


def volume(entry):
    """``host:container[:mode]`` with its mode and an absolute path on the host; a lone path as it is."""
    parts = entry.split(":")
    if len(parts) == 1:
        return entry
    if len(parts) == 2 and parts[1].split(",")[0] in MODES:
        return entry
    source, target = parts[0], parts[1]
    if source.startswith((".", "~")):
        source = os.path.abspath(os.path.expanduser(source))
    return ":".join([source, target, parts[2] if len(parts) > 2 else "rw"])


def is_bind(entry):
    """Whether a volume has a place on the host (a path or a named volume)."""
    parts = entry.split(":")
    return len(parts) == 3 or (len(parts) == 2 and parts[1].split(",")[0] not in MODES)


def device(entry):
    """``/dev/a[:/dev/b[:rwm]]`` as the Engine's."""
    parts = entry.split(":")
    inside = parts[1] if len(parts) > 1 else parts[0]
    return {"PathOnHost": parts[0], "PathInContainer": inside,
            "CgroupPermissions": parts[2] if len(parts) > 2 else "rwm"}


def ulimit(entry):
    """``nofile:1024[:4096]`` as the Engine's."""
    parts = entry.replace("=", ":", 1).split(":")
    if len(parts) not in (2, 3) or not all(re.match(r"-?[0-9]+\Z", part) for part in parts[1:]):
        raise Failed("bad_arguments", "'{}' is not a limit such as nofile:1024:4096".format(entry))
    return {"Name": parts[0], "Soft": int(parts[1]), "Hard": int(parts[-1])}


def tmpfs(entries):
    """``/run:rw,size=64m`` as path -> options."""
    return {entry.partition(":")[0]: entry.partition(":")[2] for entry in entries}


def capability(name):
    """A capability without its CAP_, in capitals."""
    upper = name.upper()
    return upper[4:] if upper.startswith("CAP_") else upper
