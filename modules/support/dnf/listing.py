"""Which packages there are, for dnf's ``list`` argument: installed, updates, available, repos, or those of a name."""

from modules.api import Failed

FIELDS = ("name", "epoch", "version", "release", "arch", "repo")
INSTALLED = "\t".join(("%{NAME}", "%{EPOCHNUM}", "%{VERSION}", "%{RELEASE}", "%{ARCH}", "@System")) + "\n"
OFFERED = "\t".join(("%{name}", "%{epoch}", "%{version}", "%{release}", "%{arch}", "%{repoid}")) + "\n"


def listed(what, program, host):
    """The values of a task that only lists."""
    if what == "repos":
        done = host.query([program, "-q", "repolist"], env={"LC_ALL": "C"})
        rows = [line.split()[0] for line in done.stdout.splitlines()[1:] if line.split()]
        return {"changed": False, "results": [{"repoid": name, "state": "enabled"} for name in rows]}
    if what == "installed":
        return {"changed": False, "results": parsed(ask(host, ["rpm", "-qa", "--qf", INSTALLED]), "installed")}
    verb = {"updates": ["--upgrades"], "upgrades": ["--upgrades"], "available": ["--available"]}.get(what)
    here = [] if verb else parsed(ask(host, ["rpm", "-q", "--qf", INSTALLED, "--", what], False), "installed")
    offered = ask(host, [program, "-q", "repoquery", "--qf", OFFERED] + (verb or ["--available", what]))
    return {"changed": False, "results": here + parsed(offered, "available")}


def ask(host, argv, needed=True):
    done = host.query(argv, env={"LC_ALL": "C"})
    if done.rc != 0 and needed:
        raise Failed("dnf_failed", "{} failed: {}".format(argv[0], done.stderr.strip()), rc=done.rc)
    return done.stdout


def parsed(output, state):
    """One dict a package, with the names that Ansible gives."""
    found = []
    for line in output.splitlines():
        fields = line.split("\t")
        if len(fields) == len(FIELDS):
            entry = dict(zip(FIELDS, fields), yumstate=state)
            entry["nevra"] = "{name}-{epoch}:{version}-{release}.{arch}".format(**entry)
            entry["envra"] = "{epoch}:{name}-{version}-{release}.{arch}".format(**entry)
            found.append(entry)
    return found
