"""Dumps a database of PostgreSQL into a file and restores it: plain SQL, or pg_dump's own formats by the file's name.

``.tar``, ``.pgc`` (custom) and ``.dir`` (directory) are pg_dump's; anything else is SQL, compressed where it says so.
"""

import os
import shlex

from modules.support.database_files import is_compressed, pack, unpack

FORMATS = {".tar": "tar", ".pgc": "custom", ".dir": "directory"}


def format_of(target):
    """pg_dump's format for a file's name."""
    return "plain" if is_compressed(target) else FORMATS.get(os.path.splitext(target)[1], "plain")


def dump(session, args):
    """Dumps in one act, but for a directory, which pg_dump fills itself; the commands that ran."""
    host, target, kind = session.host, args["target"], format_of(args["target"])
    words = shlex.split(args["target_opts"]) + shlex.split(args["dump_extra_args"] or "")
    made = target if kind == "directory" else host.tempfile(os.path.dirname(target) or ".")
    argv = session.argv("pg_dump", "--format=" + kind, "--file=" + made, *words)
    session.must(host.run(argv, env=session.environment()))
    if kind != "directory":
        host.replace(pack(made, target, host), target, mode=None if os.path.exists(target) else 0o600)
    return [" ".join(argv)]


def restore(session, args):
    """Restores into the session's database; the commands that ran."""
    host, kind = session.host, format_of(args["target"])
    path = unpack(args["target"], host)
    words = shlex.split(args["target_opts"])
    if kind == "plain":
        argv = session.argv("psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--file=" + path, *words)
    else:
        argv = session.argv("pg_restore", "--format=" + kind, *words) + ["--", path]
    session.must(host.run(argv, env=session.environment()))
    return [" ".join(argv)]
