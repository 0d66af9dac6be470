"""A user's account as it is: /etc/passwd, /etc/shadow (when it may be read) and the supplementary groups."""

import grp
import pwd

from modules.api import Failed

SHADOW = "/etc/shadow"
DAY_S = 86400


class Account(object):
    """One account. ``shadow`` is the list of its fields, empty where /etc/shadow does not tell."""

    def __init__(self, entry, groups, shadow):
        self.name = entry.pw_name
        self.uid = entry.pw_uid
        self.gid = entry.pw_gid
        self.comment = entry.pw_gecos
        self.home = entry.pw_dir
        self.shell = entry.pw_shell
        self.groups = groups
        self.shadow = shadow

    @property
    def password(self):
        return self.shadow[1] if self.shadow else None

    @property
    def locked(self):
        return bool(self.shadow) and self.shadow[1].startswith("!")

    def aging(self, index):
        """A number field of shadow(5): 3 minimum, 4 maximum, 5 warning, 6 inactivity, 7 expiry; None when unset."""
        text = self.shadow[index] if len(self.shadow) > index else ""
        return int(text) if text.lstrip("-").isdigit() else None


def read(name, host):
    """The `Account`, or None."""
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    groups = sorted(group.gr_name for group in grp.getgrall() if name in group.gr_mem and group.gr_gid != entry.pw_gid)
    return Account(entry, groups, shadow_fields(name, host))


def shadow_fields(name, host):
    """The fields of the user's shadow line; none when it may not be read (then a password counts as different)."""
    try:
        with open(SHADOW, "rb") as file:
            return find_line(file.read().decode("utf-8", "surrogateescape"), name)
    except OSError:
        return []


def find_line(content, name):
    """The fields of the line that starts with ``name`` in a colon-separated text."""
    for line in content.splitlines():
        if line.startswith(name + ":"):
            return line.split(":")
    return []


def group_name(group):
    """The name for a group's name or number. `Failed`: ``no_group``."""
    try:
        return grp.getgrnam(group).gr_name
    except KeyError:
        pass
    try:
        return grp.getgrgid(int(group)).gr_name
    except (KeyError, ValueError):
        raise Failed("no_group", "Group {} does not exist".format(group), "create it first, with the group module")


def group_number(group):
    """The gid for a group's name or number."""
    return grp.getgrnam(group_name(group)).gr_gid


def group_exists(group):
    """Whether there is a group of that name or number."""
    try:
        group_name(group)
    except Failed:
        return False
    return True
