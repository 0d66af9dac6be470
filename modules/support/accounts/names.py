"""Names of users and groups that are safe to put on a command line."""

import re

from modules.api import Failed

NAME = re.compile(r"[^-:/\s,\x00-\x1f\x7f][^:/\s,\x00-\x1f\x7f]*$")


def check_name(name, kind):
    """`Failed` (``bad_name``) for a name that is empty, starts with '-', or would break the lines of /etc/passwd."""
    if not NAME.match(name or ""):
        raise Failed("bad_name", "'{}' is not a {} name".format(name, kind))
    return name
