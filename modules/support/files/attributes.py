"""Mode, owner, group and chattr flags of one file: what they are, what they should be, and putting them in place.

Links are never followed here: a caller that wants a link's target resolves it first. `put` works on an open
descriptor of exactly the file that was looked at, so that nobody can slip a link in between (CVE-2024-9902).
"""

import grp
import os
import pwd
import stat

from modules.api import Arg, Failed
from modules.support.files.mode import leading_zero, parse_mode, umask

SELINUX = "SELinux label part; accepted, and left to the policy's own defaults."
FILE_ARGS = {
    "mode": Arg("mode", "Permissions: '0644' (quoted), or symbolic as u=rw,g=r,o=."),
    "owner": Arg("str", "Name or number of the user that owns the file."),
    "group": Arg("str", "Name or number of the group that owns the file."),
    "seuser": Arg("str", SELINUX),
    "serole": Arg("str", SELINUX),
    "setype": Arg("str", SELINUX),
    "selevel": Arg("str", SELINUX),
    "attributes": Arg("str", "chattr(1) flags, as +i or =ei.", aliases=("attr",)),
    "unsafe_writes": Arg("bool", "Write in place where a rename is impossible (a bind-mounted file).", default=False),
}


class Planned(object):
    """What `put` will set: numbers, or None to leave. ``before``/``after`` hold what differs, for the diff."""

    __slots__ = ("mode", "uid", "gid", "flags", "before", "after", "identity")

    def __init__(self, mode=None, uid=None, gid=None, flags=None, identity=None):
        self.mode = mode
        self.uid = uid
        self.gid = gid
        self.flags = flags
        self.identity = identity
        self.before = {}
        self.after = {}

    @property
    def changed(self):
        return bool(self.after)


def plan(path, args, host, is_dir=False, new=False, mode=None):
    """The attributes that ``args`` ask of ``path``, compared with what it has (a link itself, not its target).

    For a path that does not exist, or is ``new`` because it will be replaced by another kind of file, everything asked
    for is planned and nothing counts as a difference. ``mode`` stands in for ``args["mode"]``. Raises `Failed`
    (``bad_mode``, ``no_user``, ``no_group``).
    """
    try:
        now = None if new else os.lstat(path)
    except OSError:
        now = None
    is_dir = stat.S_ISDIR(now.st_mode) if now else is_dir
    wanted = mode if mode is not None else args.get("mode")
    current = stat.S_IMODE(now.st_mode) if now else (0o777 if is_dir else 0o666) & ~umask()
    planned = Planned(uid=user_id(args.get("owner")), gid=group_id(args.get("group")))
    if wanted is not None and not (now and stat.S_ISLNK(now.st_mode)):
        planned.mode = parse_mode(wanted, current, is_dir)
    if now:
        planned.identity = (now.st_dev, now.st_ino)
        _differ(planned, "owner", now.st_uid, planned.uid)
        _differ(planned, "group", now.st_gid, planned.gid)
        _differ(planned, "mode", leading_zero(current), None if planned.mode is None else leading_zero(planned.mode))
    _plan_flags(path, args, host, planned, now)
    return planned


def put(path, planned, host, created=False):
    """Set what was planned, on exactly the file looked at; with ``created`` on whatever this task has just made there.

    Raises `Failed` with code ``swapped`` when another file stands in its place by now, ``attributes`` when refused.
    """
    if planned.uid is None and planned.gid is None and planned.mode is None and not planned.flags:
        return
    fd = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        now = os.fstat(fd)
        if not created and planned.identity not in (None, (now.st_dev, now.st_ino)):
            raise Failed("swapped", "{} was replaced by another file while this task ran".format(path))
        _set_owner(path, fd, now, planned)
        if planned.mode is not None and not stat.S_ISLNK(now.st_mode):
            _set_mode(path, fd, planned)
    finally:
        os.close(fd)
    if planned.flags:
        _set_flags(path, planned, host)


def stat_values(path):
    """What results say of a file: uid, gid, owner, group, mode, state, size. Empty when there is none."""
    try:
        now = os.lstat(path)
    except OSError:
        return {}
    return {"uid": now.st_uid, "gid": now.st_gid, "owner": user_name(now.st_uid), "group": group_name(now.st_gid),
            "mode": leading_zero(now.st_mode), "state": state_of(now), "size": now.st_size}


def state_of(status):
    """``link``, ``directory``, ``hard`` (a file of several names) or ``file``."""
    if stat.S_ISLNK(status.st_mode):
        return "link"
    if stat.S_ISDIR(status.st_mode):
        return "directory"
    return "hard" if status.st_nlink > 1 else "file"


def user_id(owner):
    """The uid for a name or number; None for None. Raises `Failed` with code ``no_user``."""
    if owner is None or str(owner).isdigit():
        return None if owner is None else int(owner)
    try:
        return pwd.getpwnam(owner).pw_uid
    except KeyError:
        raise Failed("no_user", "chown failed: failed to look up user {}".format(owner))


def group_id(group):
    """The gid for a name or number; None for None. Raises `Failed` with code ``no_group``."""
    if group is None or str(group).isdigit():
        return None if group is None else int(group)
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        raise Failed("no_group", "chgrp failed: failed to look up group {}".format(group))


def unknown(args):
    """{argument: warning} for an owner and a group that the host does not have (yet); for check mode."""
    found = {}
    ways = (("owner", "user", pwd.getpwuid, user_id), ("group", "group", grp.getgrgid, group_id))
    for name, kind, by_id, by_name in ways:
        value = args.get(name)
        try:
            if value is not None and not str(value).isdigit():
                by_name(value)
            elif value is not None:
                by_id(int(value))
        except (KeyError, Failed):
            number = " with {}id".format(kind[0]) if str(value).isdigit() else ""
            found[name] = ("failed to look up {0}{1} {2}. Create {0} up to this point in real play: an earlier task "
                           "may do so".format(kind, number, value))
    return found


def user_name(uid):
    """The name of a uid, or the number as text where nobody has it."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def group_name(gid):
    """The name of a gid, or the number as text where none has it."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def _differ(planned, name, now, wanted):
    if wanted is not None and now != wanted:
        planned.before[name] = now
        planned.after[name] = wanted


def _plan_flags(path, args, host, planned, now):
    """``+i`` adds, ``-i`` takes away, ``=ei`` or ``ei`` sets.

    What counts as a change is Ansible's: taking away always does, and so do flags that are not all that `lsattr`
    shows, in its order (``+i`` where it shows ``ie``). Only ``=ei``, with which Ansible fails, goes by the set.
    """
    wanted = args.get("attributes")
    if not wanted:
        return
    operator = wanted[0] if wanted[0] in "+-=" else "="
    named = wanted.lstrip("+-=")
    letters = set(named)
    if now is None:
        planned.flags = operator + "".join(sorted(letters))
        return
    shown = _flags(path, host)
    have = set(shown)
    same = have == letters if wanted.startswith("=") else shown == named
    if operator == "-" or not same:
        planned.flags = operator + "".join(sorted(letters))
        planned.before["attributes"] = "".join(sorted(have))
        after = {"+": have | letters, "-": have - letters, "=": letters}[operator]
        planned.after["attributes"] = "".join(sorted(after))


def _flags(path, host):
    shown = host.query(["lsattr", "-d", "--", path])
    return shown.stdout.split(" ", 1)[0].replace("-", "") if shown.rc == 0 else ""


def _set_flags(path, planned, host):
    done = host.run(["chattr", planned.flags, "--", path])
    if done.rc != 0:
        raise Failed("attributes", "chattr failed", details=done.stderr.strip(), rc=done.rc)


def _set_owner(path, fd, now, planned):
    uid = -1 if planned.uid in (None, now.st_uid) else planned.uid
    gid = -1 if planned.gid in (None, now.st_gid) else planned.gid
    if uid == -1 and gid == -1:
        return
    try:
        if stat.S_ISLNK(now.st_mode):
            os.chown(path, uid, gid, follow_symlinks=False)
        else:
            os.chown(_by_descriptor(fd, path), uid, gid)
    except OSError as error:
        which = "chown" if uid != -1 else "chgrp"
        raise Failed("attributes", "{} failed".format(which), details=str(error), path=path)


def _set_mode(path, fd, planned):
    try:
        target = _by_descriptor(fd, path)
        # A change of owner takes the setuid bits away, so the mode is compared and set after it.
        if stat.S_IMODE(os.stat(target).st_mode) != planned.mode:
            os.chmod(target, planned.mode)
    except OSError as error:
        raise Failed("attributes", "chmod failed", details=str(error), path=path)


def _by_descriptor(fd, path):
    """A path that can only mean the open file. Without /proc there is none, and the plain path must do."""
    by_fd = "/proc/self/fd/%d" % fd
    return by_fd if os.path.exists(by_fd) else path
