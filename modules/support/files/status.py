"""What a file is, in the names that the `stat` and `find` modules return it under."""

import os
import stat

from modules.support.files.attributes import group_name, user_name
from modules.support.files.mode import octal

PERMISSIONS = ("rusr", "wusr", "xusr", "rgrp", "wgrp", "xgrp", "roth", "woth", "xoth")


def status_values(path, now):
    """The values that both modules return, for an ``os.stat_result``. Times are seconds since 1970, with fractions."""
    mode = now.st_mode
    values = {
        "path": path,
        "mode": octal(mode),
        "isdir": stat.S_ISDIR(mode),
        "ischr": stat.S_ISCHR(mode),
        "isblk": stat.S_ISBLK(mode),
        "isreg": stat.S_ISREG(mode),
        "isfifo": stat.S_ISFIFO(mode),
        "islnk": stat.S_ISLNK(mode),
        "issock": stat.S_ISSOCK(mode),
        "uid": now.st_uid,
        "gid": now.st_gid,
        "size": now.st_size,
        "inode": now.st_ino,
        "dev": now.st_dev,
        "nlink": now.st_nlink,
        "atime": now.st_atime,
        "mtime": now.st_mtime,
        "ctime": now.st_ctime,
        "isuid": bool(mode & stat.S_ISUID),
        "isgid": bool(mode & stat.S_ISGID),
        "pw_name": user_name(now.st_uid),
        "gr_name": group_name(now.st_gid),
    }
    for name in PERMISSIONS:
        values[name] = bool(mode & getattr(stat, "S_I" + name.upper()))
    return values


def link_values(path):
    """``lnk_target`` as it is written in the link, ``lnk_source`` as the path it leads to."""
    return {"lnk_source": os.path.realpath(path), "lnk_target": os.readlink(path)}
