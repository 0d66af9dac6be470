"""apt's sources in the one-line style (sources.list(5)): reading lines, and what files become. No writing here."""

import os
import re

from modules.api import Failed

MAIN = "/etc/apt/sources.list"
FOLDER = "/etc/apt/sources.list.d"
TYPES = ("deb", "deb-src")


def sources_of(line):
    """(source with single spaces and without its comment, whether it counts), or None for any other line.

    A line that is commented out is a source too, so that adding it takes the mark away.
    """
    text = line.strip()
    enabled = not text.startswith("#")
    source = normal(text.lstrip("# \t"))
    if source is None or not (enabled or re.match(r"deb(?:-src)? (?:\[[^\]]*\] )?[a-z0-9+.-]+:", source)):
        return None
    return source, enabled


def normal(text):
    """A source as one-spaced text, or None when it is none."""
    words = re.split(r"(?:^|\s)#", text, maxsplit=1)[0].split()
    if len(words) < 2 or words[0] not in TYPES:
        return None
    found = re.match(r"(\S+) \[ ?([^\]]*?) ?\] ?(\S.*)$", " ".join(words))
    return "{} [{}] {}".format(*found.groups()) if found else " ".join(words)


def valid(repo):
    """The source that a task names, or `Failed` with ``bad_repo``."""
    source = normal(repo)
    if source is None or "\n" in repo.strip():
        raise Failed("bad_repo", "Invalid repository string: {}".format(repo),
                     "it begins with deb or deb-src, then URI, suite and components; or it is ppa:OWNER/NAME")
    return source


def file_name(source):
    """The file's name that Ansible gives: the URI without scheme, user and anything but letters and digits."""
    words = re.sub(r"\[[^\]]*\]", "", source).split()
    place = words[1] if len(words) > 1 else words[0]
    place = re.sub(r"^[a-zA-Z0-9+.-]+://", "", place)
    place = place.rpartition("@")[2] if "@" in place.split("/")[0] else place
    return re.sub(r"[^a-zA-Z0-9]+", "_", place).strip("_")


def path_for(filename, source):
    """Where a new source goes."""
    if filename and filename.startswith("/"):
        return filename if filename.endswith(".list") else filename + ".list"
    name = filename or file_name(source)
    if "/" in name:
        raise Failed("bad_arguments", "filename is a name in {}, or a full path".format(FOLDER))
    return os.path.join(FOLDER, name + ".list")


def read(host):
    """path -> text of every file of one-line sources, in apt's order."""
    paths = [MAIN] if host.exists(MAIN) else []
    names = os.listdir(FOLDER) if os.path.isdir(FOLDER) else []
    paths += [os.path.join(FOLDER, name) for name in sorted(names) if name.endswith(".list")]
    # A link without a target is nobody's source.
    return {path: host.read_text(path) for path in paths if os.path.isfile(path)}


def added(files, source, new_path):
    """path -> new text, of the files that change; nothing when the source counts already."""
    off = {}
    for path, text in files.items():
        lines = text.splitlines(True)
        for index, line in enumerate(lines):
            found = sources_of(line)
            if found == (source, True):
                return {}
            if found == (source, False):
                lines[index] = re.sub(r"^[\s#]*", "", line)
                off[path] = "".join(lines)
    if off:
        return off
    text = files.get(new_path, "")
    return {new_path: text + ("\n" if text and not text.endswith("\n") else "") + source + "\n"}


def removed(files, source):
    """path -> new text (None: the file goes, since nothing is left in it), of the files that change."""
    changes = {}
    for path, text in files.items():
        lines = text.splitlines(True)
        kept = [line for line in lines if sources_of(line) != (source, True)]
        if len(kept) < len(lines):
            left = "".join(kept)
            changes[path] = left if left.strip() or path == MAIN else None
    return changes
