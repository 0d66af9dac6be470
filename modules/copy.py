"""Keeps a file, or a directory's files, equal to a source, with mode, owner and group.

    - name: The configuration
      copy:
        src: app.conf
        dest: /etc/app/app.conf
        mode: '0640'
        validate: app --check %s

Only what differs travels. Returns ``dest``, ``src``, ``checksum`` (SHA-1), ``md5sum``, ``backup_file``, ``mode``,
``owner``, ``group``, ``uid``, ``gid``, ``size``, ``state``. Errors: ``no_directory``, ``no_source``, ``wrong_type``,
``checksum``, ``validation``, ``path_denied``, ``no_space``, ``bad_mode``.
"""

import os

from modules.api import Arg, Change, Failed, Same, exclusive, one_of
from modules.support.files import copy_tree
from modules.support.files.attributes import plan, put, stat_values
from modules.support.files.copy_file import change, look, mode_of, place
from modules.support.files.copy_source import Blob, Contents, HostFile
from modules.support.files.placement import PLACE_ARGS, check_validate
from modules.support.files.tree import make_folders, missing_folders

ARGS = dict(
    PLACE_ARGS,
    src=Arg("any", "File or directory: the controller's, or with remote_src the host's. A directory with a slash at "
                   "the end stands for its contents."),
    content=Arg("any", "The contents themselves, in place of src."),
    dest=Arg("path", "Where it goes; a directory when src is one, or when it ends in a slash.", required=True),
    remote_src=Arg("bool", "src is on the host.", default=False),
    force=Arg("bool", "Replace a file that differs; otherwise only make a missing one.", default=True),
    follow=Arg("bool", "When dest is a link, write to what it leads to; otherwise replace the link.", default=False),
    local_follow=Arg("bool", "Follow links inside a source directory; otherwise copy them as links.", default=True),
    directory_mode=Arg("mode", "Permissions of directories that are made on the way."),
    checksum=Arg("str", "SHA-1 that the file must have."),
    decrypt=Arg("bool", "Open a vaulted source (done by the controller).", default=True),
    _tree=Arg("list", "A source directory's entries (filled in by the controller).", elements="dict"),
    _original_basename=Arg("str", "The source's name (filled in by the controller)."),
    _source=Arg("str", "The source's path for the result (filled in by the controller)."),
)
RULES = (one_of("src", "content", "_tree"), exclusive("src", "content"), exclusive("src", "_tree"))


def check(args, host):
    check_validate(args)
    src = args["src"]
    if args["_tree"] is not None:
        return _check_tree(args["_tree"], args, host)
    if isinstance(src, str):
        src = os.path.expanduser(os.path.expandvars(src))
        if not os.path.exists(src):
            raise Failed("no_source", "Source {} not found".format(src))
        if os.path.isdir(src):
            name = "" if src.endswith("/") else os.path.basename(src)
            return _check_tree(copy_tree.entries_of(src, name, args["local_follow"]), args, host)
        if not os.path.isfile(src):  # a device or pipe may give bytes for ever
            raise Failed("wrong_type", "Cannot copy invalid source '{}': not a file".format(src))
    return _check_file(_source(src, args), args, host)


def apply(args, work, host):
    if isinstance(work.data, list):
        copy_tree.apply(work.data, args, host)
        return stat_values(work.values["dest"].rstrip("/") or "/")
    folders, piece = work.data
    make_folders([path for path, _ in folders])
    for path, planned in folders:
        put(path, planned, host, created=True)
    values = place(piece, args, host)
    if "checksum" not in values:
        values.update(checksum=host.digest(piece.path, "sha1"))
    return dict(stat_values(piece.path), **values)


def _source(src, args):
    if isinstance(src, dict):
        return Blob(src)
    if isinstance(src, str):
        return HostFile(os.path.expanduser(os.path.expandvars(src)))
    content = args["content"]
    if isinstance(content, dict) and "blob" in content:
        return Blob(content)
    text = content if isinstance(content, (str, bytes)) else str(content)
    return Contents(text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape"))


def _check_file(source, args, host):
    dest, folders = _destination(args, host)
    values = {"dest": dest, "src": _shown(args)}
    if os.path.lexists(dest) and not args["force"]:
        return Same(msg="file already exists", **values)
    mode = args["mode"]
    if mode == "preserve":
        mode = mode_of(source.path) if isinstance(source, HostFile) else None
    piece = look(dest, source, dict(args, mode=None), host, mode=mode)
    if piece is None:
        values.update(stat_values(dest))
        return Same(checksum=host.digest(dest, "sha1"), **values)
    found = change([piece], values)
    found.data = (folders, piece)
    return found


def _destination(args, host):
    """(the file's own path, [(folder to make before, `Planned`)]). A directory as dest takes the source's name."""
    dest, name = args["dest"], args["_original_basename"]
    if isinstance(args["src"], str):
        name = name or os.path.basename(args["src"])
    if dest.endswith("/") or os.path.isdir(dest):
        if not name:
            raise Failed("bad_arguments", "can not use content with a dir as dest", dest=dest)
        folder = dest
        dest = os.path.join(dest, os.path.basename(name))
        wanted = dict(args, mode=args["directory_mode"], attributes=None)
        folders = [(each, plan(each, wanted, host, is_dir=True)) for each in missing_folders(folder)]
        return _followed(dest, args), folders
    folder = os.path.dirname(dest) or "."
    if not os.path.isdir(folder):
        raise Failed("no_directory", "Destination directory {} does not exist".format(folder),
                     "A task with file: path={} state=directory before this one makes it".format(folder), dest=dest)
    return _followed(dest, args), []


def _followed(dest, args):
    return os.path.realpath(dest) if args["follow"] and os.path.islink(dest) else dest


def _check_tree(entries, args, host):
    values = {"dest": args["dest"], "src": _shown(args)}
    found = copy_tree.check(args["dest"], entries, args, host)
    if found is None:
        return Same(**dict(stat_values(args["dest"].rstrip("/") or "/"), **values))
    return Change(diff=found.diff, values=values, data=found.data)


def _shown(args):
    if isinstance(args["src"], str):
        return args["src"]
    return args["_source"] or args["_original_basename"]
