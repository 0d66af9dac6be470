"""Finds files by name, age, size, type, mode and contents; changes nothing.

    - name: Logs that nobody has needed for a month
      find:
        paths: /var/log/app
        patterns: '*.log.gz'
        age: 30d
        recurse: true
      register: old

Returns ``files`` (as `stat` tells of each, without mimetype and attributes), ``matched``, ``examined``, ``msg`` and
``skipped_paths`` (path -> why). The order is by folder and name. Errors: ``bad_arguments``, ``bad_pattern``.
"""

import fnmatch
import os
import re
import stat
import time

from modules.api import Arg, Failed
from modules.support.files.mode import parse_mode
from modules.support.files.status import link_values, status_values

ARGS = {
    "paths": Arg("list", "Folders to look in.", required=True, elements="path", aliases=("name", "path")),
    "patterns": Arg("list", "Names to find, as shell patterns or regular expressions; any of them.", default=[],
                    elements="str", aliases=("pattern",)),
    "excludes": Arg("list", "Names to leave out, written like patterns.", elements="str", aliases=("exclude",)),
    "use_regex": Arg("bool", "patterns and excludes are regular expressions, matched from a name's start.",
                     default=False),
    "contains": Arg("str", "Regular expression that a line of the file begins with."),
    "read_whole_file": Arg("bool", "Look for contains anywhere in the file, across lines.", default=False),
    "encoding": Arg("str", "Character encoding for contains; UTF-8 when not given."),
    "age": Arg("str", "At least this old (30d, 2w, 3600); with a minus at most this old."),
    "age_stamp": Arg("str", "Which time age is about.", default="mtime", choices=("atime", "ctime", "mtime")),
    "size": Arg("str", "At least this large (10m, 512k); with a minus at most this large."),
    "file_type": Arg("str", "What to find.", default="file", choices=("any", "directory", "file", "link")),
    "mode": Arg("mode", "Permissions to find, octal or symbolic."),
    "exact_mode": Arg("bool", "The mode must be the same; otherwise one common bit suffices.", default=True),
    "recurse": Arg("bool", "Look in the folders below as well.", default=False),
    "depth": Arg("int", "How many levels below to look at most; 1 is paths themselves."),
    "hidden": Arg("bool", "Find names that begin with a dot, too.", default=False),
    "follow": Arg("bool", "Descend into folders that are links.", default=False),
    "get_checksum": Arg("bool", "Return each plain file's checksum.", default=False),
    "checksum_algorithm": Arg("str", "Algorithm of the checksum.", default="sha1",
                              choices=("md5", "sha1", "sha224", "sha256", "sha384", "sha512"),
                              aliases=("checksum", "checksum_algo")),
    "limit": Arg("int", "Stop after this many."),
}
CHECK_MODE = "run"
RETRY_SAFE = True

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
BYTES = {"b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
KINDS = {"file": stat.S_ISREG, "directory": stat.S_ISDIR, "link": stat.S_ISLNK, "any": lambda mode: True}
CONTENTS_LIMIT_BYTES = 64 << 20


def run(args, host):
    wanted = Wanted(args)
    files, examined, skipped = [], 0, {}
    full = False
    for root in args["paths"]:
        if not os.path.isdir(root):
            skipped[root] = "'{}' is not a directory".format(root)
            continue
        try:
            for path, level in walk(root, args, skipped):
                examined += 1
                now = _lstat(path, skipped) if args["depth"] is None or level <= args["depth"] else None
                if now is not None and wanted(path, now, host):
                    files.append(_values(path, now, args, host))
                    full = args["limit"] is not None and len(files) >= args["limit"]
                    if full:
                        break
        except Illegible as error:
            skipped[root] = str(error)
        if full:
            break
    for path, why in skipped.items():
        host.warn("Skipped '{}' path due to this access issue: {}".format(path, why))
    msg = "Not all paths examined, check warnings for details" if skipped else "All paths examined"
    return {"changed": False, "files": files, "matched": len(files), "examined": examined, "skipped_paths": skipped,
            "msg": "Limit of matches reached" if full else msg}


class Illegible(Exception):
    """A file's characters are not in the encoding that was given for ``contains``."""


class Wanted(object):
    """Whether a file is one of those asked for. Bad arguments are `Failed` at once, before anything is looked at."""

    def __init__(self, args):
        self.args = args
        self.kind = KINDS[args["file_type"]]
        self.names = self._patterns("patterns") or [re.compile("")]
        self.excluded = self._patterns("excludes")
        self.age = amount("age", args["age"], SECONDS)
        self.size = amount("size", args["size"], BYTES)
        self.contains = None
        if args["contains"] is not None:
            self.contains = _compiled("contains", args["contains"])
        self.now = time.time()
        if args["mode"] is not None:
            parse_mode(args["mode"], 0, False, 0)

    def __call__(self, path, status, host):
        name = os.path.basename(path)
        if not self.kind(status.st_mode) or (name.startswith(".") and not self.args["hidden"]):
            return False
        if not any(each.match(name) for each in self.names) or any(each.match(name) for each in self.excluded):
            return False
        return self._fits_numbers(status) and self._fits_contents(path, status, host)

    def _fits_numbers(self, status):
        if self.age is not None:
            old = self.now - getattr(status, "st_" + self.args["age_stamp"])
            if not (old >= self.age if self.age >= 0 else old <= -self.age):
                return False
        if self.size is not None and stat.S_ISREG(status.st_mode):
            size = status.st_size
            if not (size >= self.size if self.size >= 0 else size <= -self.size):
                return False
        if self.args["mode"] is None:
            return True
        mode = parse_mode(self.args["mode"], 0, stat.S_ISDIR(status.st_mode), 0)
        have = stat.S_IMODE(status.st_mode)
        return have == mode if self.args["exact_mode"] else bool(have & mode)

    def _fits_contents(self, path, status, host):
        if self.contains is None or not stat.S_ISREG(status.st_mode):
            return self.contains is None or self.args["file_type"] == "any"
        encoding = self.args["encoding"]
        try:
            with open(path, encoding=encoding or "utf-8", errors="strict" if encoding else "surrogateescape") as file:
                if self.args["read_whole_file"]:
                    return self.contains.search(file.read(CONTENTS_LIMIT_BYTES)) is not None
                return any(self.contains.match(line) for line in _lines(file))
        except LookupError as error:
            raise Illegible(str(error))
        except UnicodeError:
            raise Illegible("Failed to read the file {} due to an encoding error. current encoding: {}".format(
                path, encoding))
        except OSError as error:
            host.warn("Cannot look for contains in {}: {}".format(path, error))
            return False

    def _patterns(self, name):
        regex = self.args["use_regex"]
        return [_compiled(name, each if regex else fnmatch.translate(each)) for each in self.args[name] or ()]


def walk(root, args, skipped):
    """(path, level) of all below ``root`` that recurse, depth and follow allow, folder by folder; a loop of links ends.

    What is one level deeper than ``depth`` comes along, since Ansible counts it as examined.
    """
    for folder, folders, files in os.walk(root, followlinks=args["follow"],
                                          onerror=lambda error: skipped.update({error.filename: error.strerror})):
        folders.sort()
        level = folder[len(root.rstrip("/")):].count("/") + 1
        for name in sorted(files) + folders:
            yield os.path.join(folder, name), level
        if not args["recurse"] or (args["depth"] is not None and level > args["depth"]):
            del folders[:]
        elif args["follow"]:
            folders[:] = [name for name in folders if not _leads_up(os.path.join(folder, name))]


def amount(name, text, units):
    """``-2w`` as seconds, ``10k`` as bytes; None for None."""
    if text is None:
        return None
    match = re.match(r"(-?\d+)([a-z]?)\Z", str(text).strip().lower())
    unit = match.group(2) if match else None
    if match is None or (unit and unit not in units):
        raise Failed("bad_arguments", "failed to process {}".format(name),
                     "{!r} is no number with a unit of {}".format(text, ", ".join(units)), **{name: text})
    return int(match.group(1)) * units.get(unit, 1)


def _values(path, now, args, host):
    values = status_values(path, now)
    if values["islnk"]:
        values.update(link_values(path))
    if args["get_checksum"] and values["isreg"]:
        try:
            values["checksum"] = host.digest(path, args["checksum_algorithm"])
        except Failed as fault:
            host.warn("No checksum of {}: {}".format(path, fault.message))
    return values


def _leads_up(path):
    """A link to a folder above itself: descending into it would never end."""
    return os.path.islink(path) and (os.path.realpath(os.path.dirname(path)) + "/").startswith(
        os.path.realpath(path).rstrip("/") + "/")


def _lines(file):
    """Lines of at most 1 MiB, so that a file without line ends stays in bounds."""
    return iter(lambda: file.readline(1 << 20), "")


def _lstat(path, skipped):
    try:
        return os.lstat(path)
    except OSError as error:
        skipped[path] = error.strerror
        return None


def _compiled(name, source):
    try:
        return re.compile(source)
    except re.error as error:
        raise Failed("bad_pattern", "{} is no valid regular expression: {}: {}".format(name, source, error))
