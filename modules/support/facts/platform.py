"""What kind of machine and system this is, and who we are on it: kernel, names, Python, user, time, command line."""

import os
import pwd
import shlex
import socket
import sys
import time

from modules.support.facts import reading

KEY_TYPES = ("dsa", "rsa", "ecdsa", "ed25519")
KEY_FOLDERS = ("/etc/ssh", "/etc/openssh", "/etc")


def collect(host):
    """Kernel, architecture, host names, machine id."""
    system, node, kernel, kernel_version, machine = os.uname()
    bits = "64" if sys.maxsize > 2 ** 32 else "32"
    full_name = qualified(node)
    facts = {
        "system": system, "kernel": kernel, "kernel_version": kernel_version, "machine": machine,
        "architecture": architecture(machine), "userspace_bits": bits,
        "userspace_architecture": architecture(machine) if bits == "64" else narrow(machine),
        "python_version": sys.version.split()[0], "nodename": node, "hostname": node.split(".")[0],
        "fqdn": full_name, "domain": full_name.partition(".")[2],
    }
    machine_id = reading.line("/etc/machine-id") or reading.line("/var/lib/dbus/machine-id")
    if machine_id:
        facts["machine_id"] = machine_id
    return facts


def qualified(node):
    """The name of this host with its domain, as `socket.getfqdn` finds it."""
    try:
        name, aliases, _ = socket.gethostbyaddr(node.encode("ascii"))  # bytes: the codec idna costs 3 ms
    except UnicodeEncodeError:
        return socket.getfqdn()
    except OSError:
        return node
    return next((known for known in [name] + aliases if "." in known), name)


def architecture(machine):
    """The architecture for a machine name of uname(2)."""
    if machine in ("x86_64", "amd64"):
        return "x86_64"
    return "i386" if machine in ("i386", "i486", "i586", "i686") else machine


def narrow(machine):
    """What a 32-bit user space on that machine is."""
    return {"x86_64": "i386", "aarch64": "arm", "i686": "i386"}.get(machine, architecture(machine))


def python(host):
    """``python``: the interpreter that runs the modules."""
    info = sys.version_info
    version = {"major": info[0], "minor": info[1], "micro": info[2], "releaselevel": info[3], "serial": info[4]}
    try:
        import _ssl  # what ssl is made of; ssl itself costs 5 ms more
        has_context = hasattr(_ssl, "_SSLContext")
    except ImportError:
        has_context = False
    return {"python": {"version": version, "version_info": list(info), "executable": sys.executable,
                       "has_sslcontext": has_context, "type": sys.implementation.name}}


def user(host):
    """Who the task runs as."""
    uid = os.geteuid()
    facts = {"real_user_id": os.getuid(), "effective_user_id": uid, "real_group_id": os.getgid(),
             "effective_group_id": os.getegid(), "user_id": host.user}
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return facts
    facts.update(user_id=entry.pw_name, user_uid=entry.pw_uid, user_gid=entry.pw_gid, user_gecos=entry.pw_gecos,
                 user_dir=entry.pw_dir, user_shell=entry.pw_shell)
    return facts


def env(host):
    """``env``: the task's environment, the variables it sets for itself included."""
    return {"env": dict(os.environ, **{name: str(value) for name, value in host.environment.items()})}


def date_time(host):
    """``date_time``: now, in local time and in UTC."""
    time.tzset()  # the process may be older than the host's time zone
    return {"date_time": times_of(time.time())}


def times_of(epoch):
    """The fact for one moment (seconds since the epoch)."""
    seconds, micro = divmod(round(epoch * 1000000), 1000000)
    utc, local = time.gmtime(seconds), time.localtime(seconds)

    def now(form):
        return time.strftime(form, local)
    return {
        "year": now("%Y"), "month": now("%m"), "day": now("%d"), "hour": now("%H"), "minute": now("%M"),
        "second": now("%S"), "weekday": now("%A"), "weekday_number": now("%w"), "weeknumber": now("%W"),
        "date": now("%Y-%m-%d"), "time": now("%H:%M:%S"), "epoch": str(int(epoch)), "epoch_int": str(int(epoch)),
        "iso8601": time.strftime("%Y-%m-%dT%H:%M:%SZ", utc),
        "iso8601_micro": "{}.{:06d}Z".format(time.strftime("%Y-%m-%dT%H:%M:%S", utc), micro),
        "iso8601_basic": "{}{:06d}".format(now("%Y%m%dT%H%M%S"), micro), "iso8601_basic_short": now("%Y%m%dT%H%M%S"),
        "tz": now("%Z"), "tz_dst": time.tzname[1], "tz_offset": now("%z"),
    }


def cmdline(host):
    """``cmdline`` and ``proc_cmdline``: the kernel's command line."""
    content = reading.text("/proc/cmdline")
    return {"cmdline": parse_cmdline(content, False), "proc_cmdline": parse_cmdline(content, True)}


def parse_cmdline(content, repeated):
    """name -> value, True without one; of a repeated name the last value, or with ``repeated`` the list of all."""
    found = {}
    try:
        words = shlex.split(content)
    except ValueError:
        words = content.split()
    for word in words:
        name, equals, value = word.partition("=")
        value = value if equals else True
        if repeated and equals and name in found:
            earlier = found[name] if isinstance(found[name], list) else [found[name]]
            value = earlier + [value]
        found[name] = value
    return found


def ssh_host_keys(host):
    """``ssh_host_key_<type>_public`` and its ``_keytype``."""
    facts = {}
    for folder in KEY_FOLDERS:
        for kind in KEY_TYPES:
            words = reading.line("{}/ssh_host_{}_key.pub".format(folder, kind)).split()
            if len(words) > 1:
                name = "ssh_host_key_{}_public".format(kind)
                facts[name] = words[1]
                facts[name + "_keytype"] = words[0]
        if facts:
            break
    return facts


def loadavg(host):
    """``loadavg``: of the last 1, 5 and 15 minutes."""
    one, five, fifteen = os.getloadavg()
    return {"loadavg": {"1m": one, "5m": five, "15m": fifteen}}


def chroot(host):
    """``is_chroot``: whether our root is not that of process 1."""
    if os.environ.get("debian_chroot"):
        return {"is_chroot": True}
    here = os.stat("/")
    try:
        init = os.stat("/proc/1/root/.")
    except OSError:
        # Not root: a real root directory has inode 2 (ext), 128 (xfs) or 256 (btrfs).
        return {"is_chroot": here.st_ino not in (2, 128, 256)}
    return {"is_chroot": (here.st_ino, here.st_dev) != (init.st_ino, init.st_dev)}
