"""What apt and dpkg know of packages: installed versions, candidates, simulations. Queries and parsers, no writing."""

import fnmatch
import re

from modules.api import Failed

ENV = {"DEBIAN_FRONTEND": "noninteractive", "DEBIAN_PRIORITY": "critical", "LC_ALL": "C", "LANG": "C"}
FORMAT = "${db:Status-Abbrev}\t${Package}\t${Architecture}\t${Version}\t${Provides}\n"
SPEC = re.compile(r"(?P<name>[a-zA-Z0-9*?\[][a-zA-Z0-9+.\-*?\[\]]*(?::[a-z0-9-]+)?)"
                  r"(?:(?P<operator>=|>=)(?P<version>\S+))?$")
ACTION = re.compile(r"^(Inst|Remv|Purg) (\S+)(?: \[([^\]]*)\])?(?: \((\S+))?")


class Installed(object):
    """One package of dpkg's database. ``state`` is its two letters: ``ii`` installed, ``rc`` only its configuration."""

    __slots__ = ("state", "name", "architecture", "version", "provides")

    def __init__(self, state, name, architecture, version, provides):
        self.state = state
        self.name = name
        self.architecture = architecture
        self.version = version
        self.provides = provides

    @property
    def present(self):
        return self.state[1:2] in ("i", "W", "t", "U", "F", "H")


def parse_spec(text):
    """(name, operator, version) of ``name``, ``name=1.2*`` or ``name>=1.2``. `Failed`: ``bad_package``."""
    found = SPEC.match(text.strip())
    # apt takes "name-" as a wish to remove.
    if not found or found.group("name").endswith("-"):
        raise Failed("bad_package", "'{}' is not a package name".format(text), "use name, name:arch or name=version")
    return found.group("name"), found.group("operator"), found.group("version")


def parse_dpkg(output):
    """name and name:architecture -> `Installed`, of dpkg-query's output in `FORMAT`."""
    found = {}
    for line in output.splitlines():
        fields = line.split("\t")
        if len(fields) != 5:
            continue
        state, name, architecture, version, provides = fields
        entry = Installed(state.rstrip(), name, architecture, version,
                          [part.split("(")[0].strip() for part in provides.split(",") if part.strip()])
        found["{}:{}".format(name, architecture)] = entry
        if name not in found or entry.present:
            found[name] = entry
    return found


def installed(host, names):
    """What dpkg has of ``names`` (shell patterns allowed; all packages for none)."""
    argv = ["dpkg-query", "-W", "-f", FORMAT, "--"] + list(names) if names else ["dpkg-query", "-W", "-f", FORMAT]
    return parse_dpkg(host.query(argv, env=ENV).stdout)


def parse_policy(output):
    """name -> (installed or None, candidate or None, [versions]) of ``apt-cache policy``'s output."""
    found, name = {}, None
    for line in output.splitlines():
        if line and not line.startswith(" "):
            name = line.rstrip(":").strip()
            found[name] = [None, None, []]
            continue
        words = line.split()
        if name is None or not words:
            continue
        if words[0] in ("Installed:", "Candidate:"):
            value = words[1] if len(words) > 1 and words[1] != "(none)" else None
            found[name][0 if words[0] == "Installed:" else 1] = value
        elif re.match(r"^( \*\*\*|    ) \S+ -?\d+$", line):
            found[name][2].append(words[-2])
    return {name: tuple(entry) for name, entry in found.items()}


def policy(host, names, release=None):
    """Installed, candidate and known versions of ``names``; a name that apt does not know is not among them."""
    argv = ["apt-cache"] + (["-o", "APT::Default-Release=" + release] if release else []) + ["policy", "--"]
    return parse_policy(host.query(argv + list(names), env=ENV).stdout) if names else {}


def known_names(host, pattern):
    """The names in apt's lists that match a shell pattern."""
    prefix = re.match(r"[^*?\[]*", pattern).group(0)
    names = host.query(["apt-cache", "pkgnames", prefix], env=ENV).stdout.split()
    return sorted(fnmatch.filter(names, pattern))


def newer(host, version, than):
    """Whether ``version`` is at least ``than``, by dpkg's rules."""
    return host.query(["dpkg", "--compare-versions", version, "ge", than]).rc == 0


def parse_simulation(output):
    """[(act, name, old version or None, new version or None)] of ``apt-get -s``: Inst, Remv, Purg."""
    found = []
    for line in output.splitlines():
        match = ACTION.match(line)
        if match:
            act, name, old, new = match.groups()
            found.append((act, name, old, new if act == "Inst" else None))
    return found


def diff_of(actions):
    """Before and after, one package a line, of a simulation."""
    removals = {name for act, name, _, _ in actions if act != "Inst"}
    before = ["{} {}\n".format(name, old) for act, name, old, _ in actions if old]
    after = ["{} {}\n".format(name, new) for act, name, _, new in actions if act == "Inst" and name not in removals]
    return {"before": "".join(sorted(set(before))), "after": "".join(sorted(after)),
            "before_header": "packages", "after_header": "packages"}


def explain(stderr):
    """(code, message) for what apt complains about."""
    for pattern in (r"Unable to locate package (\S+)", r"Couldn't find any package by (?:glob|regex) '([^']+)'",
                    r"Package '(\S+)' has no installation candidate"):
        found = re.search(pattern, stderr)
        if found:
            return "no_package", "No package matching '{}' is available".format(found.group(1))
    found = re.search(r"Version '([^']+)' for '([^']+)' was not found", stderr)
    if found:
        return "no_version", "no available installation candidate for {}={}".format(found.group(2), found.group(1))
    if "Could not get lock" in stderr or "Unable to acquire the dpkg" in stderr:
        return "locked", "another program holds apt's lock: {}".format(last_line(stderr))
    if "dpkg was interrupted" in stderr:
        return "interrupted", "dpkg was interrupted; run 'dpkg --configure -a' to correct the problem"
    return "apt_failed", last_line(stderr) or "apt-get failed"


def last_line(text):
    """The last error line of an output, or its last line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("E:")]
    return (errors or lines or [""])[-1]
