"""Keeps a path a file, directory, link, hard link or absent, with its mode, owner and times.

    - name: The application's folder
      file:
        path: /srv/app
        state: directory
        owner: app
        mode: '0750'

Returns ``path`` (``dest``, ``src`` for links; ``dest`` for touch), ``state``, ``mode``, ``owner``, ``group``, ``uid``,
``gid``, ``size``. Errors: ``no_path``, ``wrong_type``, ``no_source``, ``not_empty``, ``bad_mode``, ``bad_time``,
``no_user``, ``no_group``. ``recurse`` follows a link inside the tree only when root or this user made it.
"""

import os
import stat

from modules.api import Arg, Change, Failed, Same
from modules.support.files import links as link_making
from modules.support.files.attributes import FILE_ARGS, plan, put, stat_values, state_of, unknown
from modules.support.files.times import TIME_ARGS, set_times, wanted_times
from modules.support.files.tree import contents, make_folders, missing_folders, plan_tree

ARGS = dict(
    FILE_ARGS,
    path=Arg("path", "The path.", required=True, aliases=("dest", "name")),
    state=Arg("str", "What the path should be. Default: directory with recurse, else what it is.",
              choices=("absent", "directory", "file", "hard", "link", "touch")),
    src=Arg("path", "What a link (relative or absolute) or hard link leads to."),
    recurse=Arg("bool", "Set mode, owner and group on everything below a directory too.", default=False),
    force=Arg("bool", "Make a link to what does not exist, or in place of a file or empty directory.", default=False),
    follow=Arg("bool", "Work on what a link leads to, not on the link.", default=True),
    _diff_peek=Arg("bool", "Has no effect; Ansible's own modules give it to each other."),
    **TIME_ARGS
)


class Work(object):
    """What `apply` does: ``act(path)``, then attributes for [(path, `Planned`)], then times."""

    __slots__ = ("path", "act", "planned", "times")

    def __init__(self, path, act=None, planned=(), times=None):
        self.path = path
        self.act = act
        self.planned = list(planned)
        self.times = times


def check(args, host):
    if host.check_mode:
        args = _foreseen(args, host)
    change = _check(args, host)
    if isinstance(change, Same) and host.diff:  # Ansible's has the path in any case
        change.values["diff"] = {"before": {"path": args["path"]}, "after": {"path": args["path"]}}
    return change


def _foreseen(args, host):
    """The arguments without an owner or group that an earlier task of the run would have made, with a warning."""
    missing = unknown(args)
    for _, message in sorted(missing.items(), reverse=True):
        host.warn(message)
    return args if os.path.lexists(args["path"]) else dict(args, **{name: None for name in missing})


def _check(args, host):
    state, path = _state(args), args["path"]
    if args["recurse"] and state != "directory":
        raise Failed("bad_arguments", "recurse option requires state to be 'directory'", path=path)
    if args["src"] is not None and state not in ("link", "hard", "absent"):
        raise Failed("bad_arguments", "src option requires state to be 'link' or 'hard'", path=path)
    if state in ("link", "hard"):
        return _check_link(state, args, host)
    if state == "absent":
        return _check_absent(path.rstrip("/") or "/")
    if args["follow"] and os.path.islink(path):
        path = os.path.realpath(path)
    return {"file": _check_file, "touch": _check_touch, "directory": _check_directory}[state](path, args, host)


def apply(args, change, host):
    work = change.data
    is_new = not os.path.lexists(work.path)
    if work.act:
        work.act(work.path)
    try:
        # From the leaves to the root: a folder that becomes closed to us is closed last.
        for path, planned in reversed(work.planned):
            put(path, planned, host, created=bool(work.act))
    except Failed:
        if is_new and work.act and os.path.isfile(work.path):
            os.unlink(work.path)  # a file that is not as it was asked for is worse than none
        raise
    set_times(work.path, work.times)
    return stat_values(work.path)


def _state(args):
    """The state to reach when none is given: what the path is now, else a file."""
    if args["state"] or args["recurse"]:
        return args["state"] or "directory"
    now = _status(args["path"], follow=args["follow"])
    if now is None:
        return "file"
    return state_of(now) if stat.S_ISDIR(now.st_mode) or stat.S_ISLNK(now.st_mode) else "file"


def _check_absent(path):
    now = _status(path, follow=False)
    values = {"path": path, "state": "absent"}
    if now is None:
        return Same(**values)
    before = {"path": path, "state": state_of(now)}
    if stat.S_ISDIR(now.st_mode):
        before["path_content"] = contents(path)
        if os.path.realpath(path) == "/":
            raise Failed("bad_arguments", "refusing to remove the root directory", path=path)
    return Change(before, values, values=values, data=Work(path, _remove))


def _check_file(path, args, host):
    now = _status(path, follow=False)
    if now is None and os.path.islink(args["path"]):
        host.warn("Cannot set fs attributes on a non-existent symlink target. follow should be set to False to avoid "
                  "this.")
        return Same(dest=args["path"], src=None)
    if now is None:
        raise Failed("no_path", "file ({}) is absent, cannot continue".format(path), path=path, state="absent")
    if stat.S_ISDIR(now.st_mode):
        raise Failed("wrong_type", "file ({}) is directory, cannot continue".format(path),
                     **dict(stat_values(path), path=path))
    return _attributes(path, [(path, plan(path, args, host))], wanted_times(args, now, "preserve"), {"path": path})


def _check_touch(path, args, host):
    now = _status(path, follow=False)
    if now is not None:
        times = wanted_times(args, now, "now")
        return _attributes(path, [(path, plan(path, args, host))], times, {"dest": path})
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        raise Failed("no_directory", "Error, could not touch target: there is no directory {}".format(folder),
                     path=path)
    work = Work(path, _touch, [(path, plan(path, args, host))], wanted_times(args, None, "now"))
    return Change({"path": path, "state": "absent"}, {"path": path, "state": "touch"}, values={"dest": path}, data=work)


def _check_directory(path, args, host):
    now = _status(path, follow=False)
    if now is not None and not stat.S_ISDIR(now.st_mode):
        raise Failed("wrong_type", "{} already exists as a {}".format(path, state_of(now)),
                     **dict(stat_values(path), path=path))
    if now is not None:
        planned = plan_tree(path, args, host) if args["recurse"] else [(path, plan(path, args, host))]
        return _attributes(path, planned, wanted_times(args, now, "preserve"), {"path": path})
    missing = missing_folders(path)
    # Every folder made on the way gets the attributes asked for, as in Ansible.
    planned = [(each, plan(each, args, host, is_dir=True)) for each in missing]
    work = Work(path, lambda _: make_folders(missing), planned, wanted_times(args, None, "preserve"))
    return Change({"path": path, "state": "absent"}, {"path": path, "state": "directory"}, values={"path": path},
                  data=work)


def _check_link(state, args, host):
    link = getattr(link_making, {"link": "symbolic", "hard": "hard"}[state])(args, host)
    values = {"dest": link.path, "src": link.src}
    if not link.is_new:
        times = wanted_times(args, os.lstat(link.path), "preserve")
        return _attributes(link.path, link.planned, times, values)
    after = {"path": link.path, "state": state}
    if "src" in link.before:
        after["src"] = link.src
    work = Work(link.path, lambda _: link_making.make(link, state), link.planned)
    return Change(dict(link.before, path=link.path), after, values=values, data=work)


def _attributes(path, planned, times, values):
    """`Same` with what the path is, or the `Change` of attributes and times alone."""
    differing = [pair for pair in planned if pair[1].changed]
    if not differing and times is None:
        return Same(**dict(stat_values(path), **values))
    before, after = {"path": path}, {"path": path}
    for each, plan_of_it in differing:
        own = each == planned[0][0]
        (before if own else before.setdefault("below", {}).setdefault(each, {})).update(plan_of_it.before)
        (after if own else after.setdefault("below", {}).setdefault(each, {})).update(plan_of_it.after)
    if times is not None:
        now = os.lstat(path)
        before.update(atime=now.st_atime, mtime=now.st_mtime)
        after.update(atime=now.st_atime if times[0] is None else times[0],
                     mtime=now.st_mtime if times[1] is None else times[1])
    return Change(before, after, values=values, data=Work(path, None, differing, times))


def _remove(path):
    if os.path.isdir(path) and not os.path.islink(path):
        import shutil  # costs 3 ms, and most tasks remove nothing
        shutil.rmtree(path)
    else:
        os.unlink(path)


def _touch(path):
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666))


def _status(path, follow):
    try:
        return os.stat(path) if follow else os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
