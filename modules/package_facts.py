"""Gathers the installed packages as facts; changes nothing.

Example::

    - name: Which packages are here
      ansible.builtin.package_facts:

Returns ``ansible_facts.packages``: name -> list of {name, version, source, arch …}. Errors: ``no_manager``.
"""

from modules.api import Arg, Failed

ARGS = {
    "manager": Arg("list", "Whom to ask: auto, apt, rpm, apk.", default=["auto"], elements="str"),
    "strategy": Arg("str", "Ask the first that is here, or all.", default="first", choices=("first", "all")),
}
CHECK_MODE = "run"
RETRY_SAFE = True


def run(args, host):
    names = [name for name, _ in READERS] if "auto" in args["manager"] else args["manager"]
    found, asked = {}, False
    for name, (program, read) in READERS:
        if name in names and host.which(program) and not (asked and args["strategy"] == "first"):
            asked = True
            for entry in read(host):
                found.setdefault(entry["name"], []).append(dict(entry, source=name))
    if not asked:
        raise Failed("no_manager", "Could not detect a supported package manager from the following list: {}".format(
            ", ".join(names)))
    return {"ansible_facts": {"packages": found}}


def rows(host, argv, names):
    """One dict a line of tab-separated output."""
    for line in host.query(argv, env={"LC_ALL": "C"}).stdout.splitlines():
        fields = line.split("\t")
        if len(fields) == len(names):
            yield dict(zip(names, fields))


def apt(host):
    """dpkg's database, installed packages only."""
    names = ("status", "name", "version", "arch", "category", "origin")
    shown = "${db:Status-Abbrev}\t${Package}\t${Version}\t${Architecture}\t${Section}\t${Origin}\n"
    for entry in rows(host, ["dpkg-query", "-W", "-f", shown], names):
        if entry.pop("status")[1:2] == "i":
            yield entry


def rpm(host):
    """rpm's database."""
    names = ("name", "version", "release", "epoch", "arch")
    shown = "%{NAME}\t%{VERSION}\t%{RELEASE}\t%{EPOCH}\t%{ARCH}\n"
    for entry in rows(host, ["rpm", "-qa", "--qf", shown], names):
        epoch = entry["epoch"]
        yield dict(entry, epoch=int(epoch) if epoch.isdigit() else None)


def apk(host):
    """apk's database: name-version-release, one a line."""
    for line in host.query(["apk", "info", "-v"]).stdout.splitlines():
        parts = line.strip().rsplit("-", 2)
        if len(parts) == 3:
            yield {"name": parts[0], "version": parts[1], "release": parts[2]}


READERS = (("apt", ("dpkg-query", apt)), ("rpm", ("rpm", rpm)), ("apk", ("apk", apk)))
