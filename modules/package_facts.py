"""Gathers the installed packages as facts; changes nothing.

Example::

    - name: Which packages are here
      ansible.builtin.package_facts:

Returns ``ansible_facts.packages``: name -> list of {name, version, source, arch …}. A manager that was asked for by
name and cannot be used is a warning; ``no_manager`` when that leaves none.
"""

from modules.api import Arg, Failed

ARGS = {
    "manager": Arg("list", "Whom to ask, in this order: auto, apt, rpm, apk, or the name of another one of rpm's.",
                   default=["auto"], elements="str"),
    "strategy": Arg("str", "Ask until the first that answers, or all.", default="first", choices=("first", "all")),
}
CHECK_MODE = "run"
RETRY_SAFE = True
KIN = {"dnf": "rpm", "dnf5": "rpm", "yum": "rpm", "zypper": "rpm"}


def run(args, host):
    wanted = expanded(args["manager"])
    found, answered = {}, False
    for name in wanted:
        entries = asked(name, host, "auto" not in args["manager"])
        answered = answered or entries is not None
        for entry in entries or ():
            found.setdefault(entry["name"], []).append(dict(entry, source=name))
        if answered and args["strategy"] == "first":
            break
    if not answered:
        raise Failed("no_manager", "Could not detect a supported package manager from the following list: {}, or the "
                     "required Python library is not installed. Check warnings for details.".format(wanted))
    return {"ansible_facts": {"packages": found}}


def expanded(names):
    """The readers' names, in order, each once; ``auto`` stands for all of them."""
    result = []
    for name in names:
        for each in READERS if name == "auto" else [KIN.get(name, name)]:
            if each not in result:
                result.append(each)
    return result


def asked(name, host, by_name):
    """What one manager lists, or None when it does not answer. With ``by_name`` a warning says why."""
    program, read = READERS.get(name, (name, None))
    path = host.which(program) or "/usr/bin/" + program  # whatever PATH the task was given
    if read is None or not host.exists(path):
        if by_name:
            why = "{} is not there".format(program) if read else "it is unknown here"
            host.warn("Requested package manager {} was not usable by this module: {}".format(name, why))
        return None
    try:
        entries = list(read(path, host))
    except Failed as fault:
        entries, why = [], fault.message
    else:
        why = "Unable to list packages"
    if not entries:
        host.warn("Failed to retrieve packages with {}: {}".format(name, why))
    return entries or None


def rows(host, argv, names):
    """One dict a line of tab-separated output."""
    for line in host.query(argv, env={"LC_ALL": "C"}).stdout.splitlines():
        fields = line.split("\t")
        if len(fields) == len(names):
            yield dict(zip(names, fields))


def apt(program, host):
    """dpkg's database, installed packages only."""
    names = ("status", "name", "version", "arch", "category", "origin")
    shown = "${db:Status-Abbrev}\t${Package}\t${Version}\t${Architecture}\t${Section}\t${Origin}\n"
    for entry in rows(host, [program, "-W", "-f", shown], names):
        if entry.pop("status")[1:2] == "i":
            yield entry


def rpm(program, host):
    """rpm's database."""
    names = ("name", "version", "release", "epoch", "arch")
    shown = "%{NAME}\t%{VERSION}\t%{RELEASE}\t%{EPOCH}\t%{ARCH}\n"
    for entry in rows(host, [program, "-qa", "--qf", shown], names):
        epoch = entry["epoch"]
        yield dict(entry, epoch=int(epoch) if epoch.isdigit() else None)


def apk(program, host):
    """apk's database: name-version-release, one a line."""
    for line in host.query([program, "info", "-v"]).stdout.splitlines():
        parts = line.strip().rsplit("-", 2)
        if len(parts) == 3:
            yield {"name": parts[0], "version": parts[1], "release": parts[2]}


READERS = {"apt": ("dpkg-query", apt), "rpm": ("rpm", rpm), "apk": ("apk", apk)}
