"""Access and modification times of a file, as `file` and `touch` set them."""

import os
import time

from modules.api import Arg, Failed

HELP = "preserve, now, or a time in {}_format; state=touch defaults to now."
TIME_ARGS = {
    "modification_time": Arg("str", HELP.format("modification_time")),
    "modification_time_format": Arg("str", "strftime format of modification_time.", default="%Y%m%d%H%M.%S"),
    "access_time": Arg("str", HELP.format("access_time")),
    "access_time_format": Arg("str", "strftime format of access_time.", default="%Y%m%d%H%M.%S"),
}


def wanted_times(args, status, default):
    """(access, modification), each in seconds, ``"now"`` or None to leave; None when nothing differs from ``status``.

    ``status`` is None for a file still to be made; ``default`` (now or preserve) stands for an argument not given.
    """
    have = (status.st_atime, status.st_mtime) if status else (None, None)
    wanted = []
    for name, now in zip(("access_time", "modification_time"), have):
        value = args[name] or default
        if value == "preserve" or (value == "now" and status is None):
            wanted.append(None)
        else:
            moment = value if value == "now" else _seconds(value, args[name + "_format"], name)
            wanted.append(None if moment == now else moment)
    return None if wanted == [None, None] else tuple(wanted)


def set_times(path, times):
    """Set what `wanted_times` gave; a link is not followed."""
    if times is None:
        return
    if times == ("now", "now") and not os.path.islink(path):
        os.utime(path)  # whoever may write a file may do this; any other times are its owner's to set
        return
    status, now = os.lstat(path), time.time()
    kept = (status.st_atime, status.st_mtime)
    moments = [now if each == "now" else have if each is None else each for each, have in zip(times, kept)]
    os.utime(path, tuple(moments), follow_symlinks=False)


def _seconds(text, form, name):
    try:
        return time.mktime(time.strptime(text, form))
    except (ValueError, OverflowError) as error:
        raise Failed("bad_time", "Error while obtaining timestamp for time {} using format {}: {}".format(
            text, form, error), "{0} is preserve, now or a time in {0}_format".format(name))
