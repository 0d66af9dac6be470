"""Keeps the members of an archive unpacked in a directory.

    - name: The release is in place
      unarchive:
        src: app-1.2.tar.gz
        dest: /opt/app
        extra_opts: [--strip-components=1]
        creates: /opt/app/bin/app

zip, and tar plain or packed by gzip, bzip2, xz or zstd (where the host has zstd). Only what differs in contents, mode
or owner is written. As root, a tar's owners are kept. Returns ``handler``, ``dest``, ``src``, ``files`` (with
list_files), mode and owner of dest. Errors: ``no_path``, ``no_source``, ``no_handler``, ``path_denied``, ``damaged``,
``no_space``.
"""

import os

from modules.api import Arg, Failed, exclusive
from modules.support.files.archive_members import BROKEN, cleaned, opened
from modules.support.files.archive_placing import Placing, wanted_names
from modules.support.files.attributes import FILE_ARGS, stat_values
from modules.support.http.download import URL_ARGS, request
from modules.support.http.download import shown as without_password

ARGS = dict(
    FILE_ARGS,
    src=Arg("any", "The archive: the controller's, or with remote_src a path on the host or a URL.", required=True),
    dest=Arg("path", "The directory to unpack into; it must be there.", required=True),
    remote_src=Arg("bool", "src is on the host, or a URL that the host fetches.", default=False),
    copy=Arg("bool", "The opposite of remote_src, as it was called once.", default=True),
    creates=Arg("path", "Do nothing when this exists."),
    list_files=Arg("bool", "Return the members' names.", default=False),
    exclude=Arg("list", "Members to leave out, as shell patterns.", default=[], elements="str"),
    include=Arg("list", "Only these members, as shell patterns.", default=[], elements="str"),
    keep_newer=Arg("bool", "Leave a file that is newer than the archive's.", default=False),
    extra_opts=Arg("list", "Of tar's options: --strip-components=N, --no-same-owner; of unzip's: -j, -o.", default=[],
                   elements="str"),
    validate_certs=Arg("bool", "Check the server's certificate when src is a URL.", default=True),
    io_buffer_size=Arg("int", "Accepted; reading is always in flat memory.", default=65536),
    decrypt=Arg("bool", "Open a vaulted archive (done by the controller).", default=True),
    _original_basename=Arg("str", "The archive's name (filled in by the controller)."),
)
RULES = (exclusive("include", "exclude"),)
CHECK_MODE = "own"
RETRY_SAFE = True

HARMLESS = ("-o", "--overwrite", "--same-owner", "-p", "--preserve-permissions", "--same-permissions", "-q", "-v",
            "--keep-directory-symlink", "--no-overwrite-dir", "--touch", "-m")


def run(args, host):
    dest = args["dest"]
    if args["creates"] and os.path.exists(args["creates"]):
        return {"changed": False, "skipped": True, "msg": "skipped, since {} exists".format(args["creates"])}
    options = dict(parsed_options(args["extra_opts"]), root=os.path.abspath(dest))
    path, shown = _source(args, host)
    if not os.path.isdir(dest):
        raise Failed("no_path", "dest '{}' must be an existing dir".format(dest), dest=dest)
    archive = opened(path, host)
    try:
        return _unpack(archive, shown, options, args, host)
    except BROKEN as error:
        raise Failed("damaged", "the archive {} is damaged: {}".format(shown, error), handler=archive.handler)
    finally:
        archive.close()


def parsed_options(extra):
    """{"strip": n, "same_owner": bool, "junk": bool} for the options that mean something here; others are refused."""
    options = {"strip": 0, "same_owner": True, "junk": False}
    words = [part for word in extra for part in word.split()]
    while words:
        name, _, value = words.pop(0).partition("=")
        if name in ("--strip-components", "--strip"):
            value = value or (words.pop(0) if words else "")
            if not value.isdigit():
                raise Failed("bad_arguments", "extra_opts: {} needs a number, not {!r}".format(name, value))
            options["strip"] = int(value)
        elif name == "--no-same-owner":
            options["same_owner"] = False
        elif name == "-j":
            options["junk"] = True
        elif name not in HARMLESS:
            raise Failed("bad_arguments", "extra_opts: {} is not supported".format(name),
                         "--strip-components=N, --no-same-owner and -j are; include and exclude choose members")
    return options


def _source(args, host):
    """(path of the archive on this host, how results name it)."""
    src = args["src"]
    if isinstance(src, dict):
        # Beside the destination there is room for what is to come; in check mode that is not ours to write to.
        elsewhere = host.check_mode or not os.path.isdir(args["dest"])
        folder = os.path.dirname(host.tempfile()) if elsewhere else args["dest"]
        return host.blob_file(src, folder), args["_original_basename"]
    src = str(src)
    if "://" in src:
        settings = {name: arg.default for name, arg in URL_ARGS.items()}
        reply = request(src, dict(settings, validate_certs=args["validate_certs"]), host)
        try:
            temp = host.tempfile()
            reply.save(temp)
        finally:
            reply.close()
        return temp, without_password(src)
    path = os.path.expanduser(os.path.expandvars(src))
    if not os.path.exists(path):
        raise Failed("no_source", "Source '{}' does not exist".format(path))
    if not os.access(path, os.R_OK):
        raise Failed("permission_denied", "Source '{}' not readable".format(path))
    return path, path


def _unpack(archive, shown, options, args, host):
    dest = args["dest"]
    wanted = wanted_names(args)
    # Everything is looked at once before anything is written: one bad member, and nothing is.
    names, size = [], 0
    for member in archive.members():
        member = _named(member, options)
        if member is not None and wanted(member.name):
            names.append(member.name + ("/" if member.kind == "dir" else ""))
            size += member.size if member.kind == "file" else 0
    placing = Placing(dest, args, options["same_owner"], host)
    placing.check_room(size)
    for member in archive.members():
        member = _named(member, options)
        if member is not None and wanted(member.name):
            placing.bring(member, archive)
    placing.finish()
    values = dict(stat_values(dest), handler=archive.handler, dest=dest, src=shown, changed=bool(placing.changed))
    if placing.changed:
        values["extract_results"] = {"cmd": [], "rc": 0, "out": "", "err": ""}
        values["diff"] = [{"before": "", "after": "".join(line + "\n" for line in placing.changed),
                           "before_header": dest, "after_header": dest}]
    if args["list_files"]:
        values["files"] = names
    return values


def _named(member, options):
    member = cleaned(member, options["strip"], options["root"])
    if member is not None and options["junk"]:
        member.name = os.path.basename(member.name)
        return None if member.kind == "dir" else member
    return member
