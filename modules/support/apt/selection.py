"""Which of the packages a task names need apt at all: those that are not yet as they should be."""

import fnmatch

from modules.api import Failed
from modules.support.apt import packages as apt_packages

WILDCARDS = frozenset("*?[")


def select(names, args, host):
    """apt-get's operands for ``names`` by ``state``; empty when all is as it should be."""
    if args["state"] == "build-dep":
        return names
    specs = [apt_packages.parse_spec(name) for name in names]
    have = apt_packages.installed(host, [name for name, _, _ in specs])
    if args["state"] == "absent":
        return removable(specs, have, args["purge"])
    specs = list(expanded(specs, have, args, host))
    missing = [name for name, _, _ in specs if name not in have or not have[name].present]
    provided = provided_names(host, missing) if missing else set()
    if args["only_upgrade"]:
        specs = [spec for spec in specs if spec[0] not in missing]
    return wanted(specs, have, provided, args, host)


def removable(specs, have, purge):
    """The operands that are there (or, to be purged, have left their configuration)."""
    found = []
    for name, _, _ in specs:
        for key, entry in sorted(have.items()):
            matches = key == name or (WILDCARDS & set(name) and ":" not in key and fnmatch.fnmatchcase(key, name))
            if matches and (entry.present or (purge and entry.state.endswith("c"))) and key not in found:
                found.append(key)
    return found


def expanded(specs, have, args, host):
    """The specs with name patterns replaced by the names they stand for."""
    for name, operator, version in specs:
        if not WILDCARDS & set(name):
            yield name, operator, version
            continue
        matches = apt_packages.known_names(host, name)
        if not matches:
            raise Failed("no_package", "No package(s) matching '{}' available".format(name))
        for match in matches:
            if match not in have:
                have.update(apt_packages.installed(host, [match]))
            yield match, operator, version


def provided_names(host, missing):
    """Those of the missing names that are virtual, and provided by an installed package."""
    everything = apt_packages.installed(host, ())
    provided = {name for entry in everything.values() if entry.present for name in entry.provides} & set(missing)
    if not provided:
        return provided
    real = apt_packages.policy(host, sorted(provided))
    return {name for name in provided if name not in real or real[name][1] is None}


def wanted(specs, have, provided, args, host):
    """The operands that are not installed, not at the version, or with ``latest`` not the newest."""
    versioned = [name for name, operator, _ in specs if operator] or []
    latest = args["state"] == "latest"
    ask = [name for name, _, _ in specs] if latest else versioned
    known = apt_packages.policy(host, ask, args["default_release"])
    found = []
    for name, operator, version in specs:
        entry = have.get(name)
        here = entry.version if entry is not None and entry.present else None
        candidate = known.get(name, (None, None, []))[1]
        if operator:
            chosen = version_for(name, operator, version, here, known, host)
            if chosen != here:
                found.append("{}={}".format(name, chosen))
        elif (here is None and name not in provided) or (latest and candidate and here and candidate != here):
            found.append(name)
    return list(dict.fromkeys(found))


def version_for(name, operator, version, here, known, host):
    """The version that satisfies the spec: the installed one when it does, else the first apt offers that does."""
    def fits(offered):
        if operator == "=":
            return fnmatch.fnmatchcase(offered, version)
        return apt_packages.newer(host, offered, version)
    for offered in ([here] if here else []) + list(known.get(name, (None, None, []))[2]):
        if fits(offered):
            return offered
    raise Failed("no_version", "no available installation candidate for {}{}{}".format(name, operator, version))
