"""A package file named by path or URL: fetched where needed, compared with what is installed."""

import os

from modules.api import Failed
from modules.support.apt import packages

TIMEOUT_S = 60


def to_install(args, host):
    """The path of the file when it is to be installed, else None. In check mode a URL is not fetched."""
    path = args["deb"]
    if "://" in path:
        if host.check_mode:
            host.warn("check mode does not fetch {}; it would be looked at".format(path))
            return None
        path = fetch(path, host)
    elif not os.path.exists(path):
        raise Failed("no_file", "Unable to install package: {} does not exist".format(path))
    name, version, architecture = described(path, host)
    have = packages.installed(host, [name])
    entry = have.get("{}:{}".format(name, architecture)) or have.get(name)
    if entry is not None and entry.present:
        if entry.version == version:
            return None
        newer = packages.newer(host, version, entry.version)
        if not newer and not (args["allow_downgrade"] or args["force"]):
            raise Failed("older", "A later version of {} is already installed ({} > {})".format(
                name, entry.version, version), "allow_downgrade: true would put the older one in place")
    return os.path.abspath(path)


def described(path, host):
    """(name, version, architecture) of a package file."""
    done = host.query(["dpkg-deb", "--show", "--showformat", "${Package}\t${Version}\t${Architecture}", path])
    fields = done.stdout.strip().split("\t")
    if done.rc != 0 or len(fields) != 3:
        raise Failed("bad_deb", "Unable to install package: {}".format(done.stderr.strip()), stderr=done.stderr)
    return fields


def fetch(url, host):
    """The URL's contents in a temp file, by its own name's suffix."""
    import shutil
    import urllib.request  # costs 20 ms, and packages seldom come from a URL
    path = host.tempfile(suffix=".deb")
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer, open(path, "wb") as file:
            shutil.copyfileobj(answer, file, 1 << 18)
    except (OSError, ValueError) as error:
        raise Failed("fetch", "Failure downloading {}: {}".format(url, error))
    # apt reads the file as the user _apt.
    os.chmod(path, 0o644)
    return path
