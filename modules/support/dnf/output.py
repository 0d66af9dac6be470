"""What dnf and yum print, read: the table of a transaction, what is missing; and rpm's order of versions. Pure."""

import re

ARCHITECTURE = r"(?:noarch|x86_64|i[3-6]86|aarch64|armv7hl|ppc64le|s390x|riscv64|src)"
ROW = re.compile(r"^\s*(?P<name>\S+)\s+(?P<arch>" + ARCHITECTURE + r")\s+(?P<version>\S+)\s+\S+")
HEADING = re.compile(r"^\s*(Installing|Upgrading|Updating|Downgrading|Reinstalling|Removing|Erasing)\b.*:\s*$")
MISSING = re.compile(r"No match for argument: (\S.*)|No package (\S+) available"
                     r"|^(?:Error: )?Unable to find a match: (.+)", re.MULTILINE)


class Step(object):
    """One row of a transaction: ``act`` (Installed or Removed), ``package`` (name-version.arch), ``section``."""

    __slots__ = ("act", "package", "section")

    def __init__(self, act, package, section):
        self.act = act
        self.package = package
        self.section = section

    def __str__(self):
        return "{}: {}".format(self.act, self.package)


def transaction(output):
    """The steps of the table that dnf shows before it asks."""
    found, section, pending = [], None, ""
    for line in output.splitlines():
        heading = HEADING.match(line)
        if heading:
            section, pending = heading.group(1), ""
            continue
        if section is None:
            continue
        if not line.strip() or line.startswith(("Transaction Summary", "=")):
            section = None if line.startswith("Transaction") else section
            continue
        row = ROW.match(pending + line)
        if row:
            act = "Removed" if section in ("Removing", "Erasing") else "Installed"
            found.append(Step(act, "{name}-{version}.{arch}".format(**row.groupdict()), section))
        # A name that is too long for its column stands in a line of its own.
        pending = line.strip() + " " if not row and len(line.split()) == 1 else ""
    return found


def missing(output):
    """The names for which dnf has no package, in its order."""
    found = []
    for match in MISSING.finditer(output):
        text = match.group(1) or match.group(2)
        for name in [text.strip()] if text else match.group(3).split():
            if name not in found:
                found.append(name)
    return found


def has_nothing_to_do(output):
    return re.search(r"^\s*Nothing to do", output, re.MULTILINE) is not None


def constraint(spec):
    """(name, operator, version) of ``httpd >= 2.4``; None for any other spec."""
    match = re.match(r"(\S+)\s+(<=|>=|<|>|==|=)\s+(\S+)$", spec.strip())
    return match.groups() if match else None


def satisfies(version, operator, wanted):
    """Whether an installed ``[epoch:]version[-release]`` fits. What the wanted one does not say does not count."""
    order = compare_evr(version, wanted)
    return {"<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}.get(operator, order == 0)


def compare_evr(have, wanted):
    """-1, 0 or 1; a release is compared only when both have one."""
    (epoch, version, release), (w_epoch, w_version, w_release) = split_evr(have), split_evr(wanted)
    return (compare(epoch, w_epoch) or compare(version, w_version)
            or (compare(release, w_release) if release and w_release else 0))


def split_evr(text):
    epoch, colon, rest = text.rpartition(":")
    version, _, release = rest.partition("-")
    return epoch if colon and epoch.isdigit() else "0", version, release


def compare(one, other):
    """rpm's order of versions: runs of digits as numbers, of letters as text; ``~`` is before the end, ``^`` behind."""
    parts = [re.findall(r"\d+|[A-Za-z]+|~|\^", text) for text in (one, other)]
    for index in range(max(len(part) for part in parts)):
        mine, theirs = (part[index] if index < len(part) else "" for part in parts)
        order = compare_part(mine, theirs)
        if order:
            return order
    return 0


def compare_part(mine, theirs):
    if mine == theirs:
        return 0
    ranks = [rank(part) for part in (mine, theirs)]
    if ranks[0] != ranks[1]:
        return 1 if ranks[0] > ranks[1] else -1
    if mine.isdigit():
        return (int(mine) > int(theirs)) - (int(mine) < int(theirs))
    return (mine > theirs) - (mine < theirs)


def rank(part):
    """~ is before the end of a version, which is before ^, letters and numbers."""
    return 0 if part == "~" else 1 if part == "" else 2 if part == "^" else 4 if part.isdigit() else 3
