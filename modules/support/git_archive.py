"""An archive of a commit's files, as `git archive` makes it. Two are the same when their bytes are, as for Ansible."""

import os

from modules.api import Change, Failed

FORMATS = {".zip": "zip", ".gz": "tar.gz", ".tar": "tar", ".tgz": "tar.gz"}


def archive_change(git, args, found):
    """`Change` when the archive is not that of the version, else ``found``, the `Same` of the working tree."""
    path = _path(args)
    commit = _commit(git, args, found.values["after"])
    before = git.host.digest(path) if os.path.exists(path) else None
    after = git.digest(*_command(args, commit))
    if before == after:
        return found
    return Change("sha256 {}\n".format(before) if before else "", "sha256 {}\n".format(after), path, path,
                  dict(found.values, archive=path), data="archive")


def put_archive(git, args, after):
    """Make the archive in one rename, unless it is there already. ``after``: the commit of the working tree."""
    path = _path(args)
    commit = _commit(git, args, after)
    if os.path.isdir(path):
        raise Failed("bad_arguments", "archive is a directory: {}".format(path))
    if os.path.exists(path) and git.host.digest(path) == git.digest(*_command(args, commit)):
        return
    temp = git.host.tempfile(dir=os.path.dirname(path))
    git.do(*_command(args, commit, "--output=" + temp))
    umask = git.umask
    git.host.replace(temp, path, mode=None if umask is None or os.path.exists(path) else 0o666 & ~umask)


def check_archive(args):
    """Refuse a name that says no format."""
    if args["archive"] and os.path.splitext(args["archive"])[1] not in FORMATS:
        message = "Unable to get file extension from archive file name : {}".format(args["archive"])
        raise Failed("bad_arguments", message, "It ends in .zip, .tar, .tar.gz or .tgz")


def _commit(git, args, after):
    """What is packed; without update the version that the repository knows, whatever is checked out."""
    if args["update"] or args["version"] == "HEAD":
        return after
    return git.ask("rev-parse", "--verify", args["version"] + "^{commit}").strip()


def _command(args, commit, *more):
    name = FORMATS[os.path.splitext(args["archive"])[1]]
    prefix = ["--prefix=" + args["archive_prefix"]] if args["archive_prefix"] else []
    return ["archive", "--format=" + name] + prefix + list(more) + [commit]


def _path(args):
    """A relative one is within the working tree."""
    return os.path.join(args["dest"], args["archive"])
