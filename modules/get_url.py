"""Keeps a file equal to what a URL gives.

    - name: The release
      get_url:
        url: https://example.com/app-1.2.tar.gz
        dest: /opt/app.tar.gz
        checksum: sha256:https://example.com/SHA256SUMS

A file that is there is only fetched again when the server has a newer one (or with ``force``), and only replaced when
it differs. Returns ``url``, ``dest``, ``status_code``, ``msg``, ``checksum_src``, ``checksum_dest`` (SHA-1),
``md5sum``, ``elapsed``, ``backup_file``, mode and owner. Errors: ``http_error`` (values: status_code, response),
``request``, ``truncated``, ``checksum``, ``no_directory``, ``bad_arguments``.
"""

import hashlib
import os
import re
import urllib.parse

from modules.api import Arg, Failed
from modules.support.files.attributes import FILE_ARGS, plan, put, stat_values
from modules.support.files.copy_source import HostFile
from modules.support.files.placement import BACKUP_ARG, checksums, place_file
from modules.support.http.download import URL_ARGS, request, shown

LISTING_LIMIT_BYTES = 4 << 20
GNU_LINE = re.compile(r"(?P<digest>[0-9a-fA-F]{8,})\s+\*?(?P<file>.+)\Z")
BSD_LINE = re.compile(r"\S+\s*\((?P<file>.+)\)\s*=\s*(?P<digest>[0-9a-fA-F]{8,})\Z")

ARGS = dict(
    FILE_ARGS,
    url=Arg("str", "Where to fetch it: http, https, ftp or file.", required=True),
    dest=Arg("path", "The file; or a directory, into which it goes under the server's name for it.", required=True),
    tmp_dest=Arg("path", "Directory to download into; the destination's own when not given."),
    force=Arg("bool", "Fetch it even when the file is there.", default=False),
    checksum=Arg("str", "ALGORITHM:DIGEST, or ALGORITHM:URL of a list of digests.", default=""),
    backup=BACKUP_ARG,
    **URL_ARGS
)
CHECK_MODE = "own"
RETRY_SAFE = True


def run(args, host):
    dest, url = args["dest"], args["url"]
    is_folder = os.path.isdir(dest)
    if not is_folder and not os.path.isdir(os.path.dirname(dest) or "."):
        raise Failed("no_directory", "Destination {} does not exist".format(os.path.dirname(dest)), dest=dest)
    wanted = digest_wanted(args, host)
    there = not is_folder and os.path.exists(dest)
    if wanted and there and not args["force"] and host.digest(dest, wanted[0]) == wanted[1]:
        return _unchanged(args, host, dest, {"msg": "file already exists", "url": shown(url)})
    since = os.stat(dest).st_mtime if there and not wanted and not args["force"] else None
    reply = request(url, args, host, since)
    try:
        values = {"url": shown(reply.url), "status_code": reply.status, "elapsed": reply.elapsed_s()}
        if reply.status == 304:
            return _unchanged(args, host, dest, dict(values, msg="HTTP Error 304: Not Modified"))
        if is_folder:
            dest = os.path.join(dest, reply.file_name())
        size = "unknown" if reply.size_bytes is None else reply.size_bytes
        values.update(dest=dest, msg="OK ({} bytes)".format(size))
        if host.check_mode:
            return dict(values, changed=True)
        return _save(reply, dest, wanted, values, args, host)
    finally:
        reply.close()


def digest_wanted(args, host):
    """(algorithm, hex digest) that the file must have, or None. A list of digests is fetched and searched."""
    if not args["checksum"]:
        return None
    algorithm, colon, value = args["checksum"].partition(":")
    algorithm, value = algorithm.strip().lower(), value.strip()
    if not colon or algorithm not in hashlib.algorithms_available or algorithm.startswith("shake"):
        raise Failed("bad_arguments", "The checksum must be ALGORITHM:DIGEST with one of {}".format(
            ", ".join(sorted(each for each in hashlib.algorithms_guaranteed if not each.startswith("shake")))))
    if "://" in value:
        value = _from_listing(value, args, host)
    return algorithm, re.sub(r"\W+", "", value).lower()


def find_digest(text, name):
    """The digest for ``name`` in a list as sha256sum(1) or BSD's tools write them; a lone digest is for anything."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    for line in lines:
        match = GNU_LINE.match(line) or BSD_LINE.match(line)
        if match and os.path.basename(match.group("file")) == name:
            return match.group("digest")
    if len(lines) == 1 and re.match(r"[0-9a-fA-F]{8,}\Z", lines[0]):
        return lines[0]
    return None


def _from_listing(url, args, host):
    reply = request(url, args, host)
    temp = host.tempfile()
    try:
        if (reply.size_bytes or 0) > LISTING_LIMIT_BYTES:
            raise Failed("checksum", "The list of digests at {} is too large".format(shown(url)))
        reply.save(temp)
    finally:
        reply.close()
    with open(temp, encoding="utf-8", errors="surrogateescape") as file:
        text = file.read(LISTING_LIMIT_BYTES)
    name = os.path.basename(urllib.parse.unquote(urllib.parse.urlsplit(args["url"]).path))
    digest = find_digest(text, name)
    if digest is None:
        raise Failed("checksum", "Unable to find a checksum for file '{}' in '{}'".format(name, shown(url)))
    return digest


def _save(reply, dest, wanted, values, args, host):
    folder = os.path.dirname(dest) or "."
    temp = host.tempfile(dir=args["tmp_dest"] or folder)
    reply.save(temp)
    values["elapsed"] = reply.elapsed_s()
    sums = checksums(temp)
    values.update(src=temp, md5sum=sums["md5sum"], checksum_src=sums["checksum"], checksum_dest=None)
    if os.path.isfile(dest):
        values["checksum_dest"] = checksums(dest)["checksum"]
    if wanted:
        have = host.digest(temp, wanted[0])
        if have != wanted[1]:
            raise Failed("checksum", "The checksum for {} did not match {}; it was {}.".format(
                shown(args["url"]), wanted[1], have), **values)
    if values["checksum_dest"] == values["checksum_src"]:
        return _unchanged(args, host, dest, values)
    if args["tmp_dest"]:
        temp = HostFile(temp).temp(folder, host)
    path = os.path.realpath(dest)
    values.update(place_file(path, temp, plan(path, args, host), args, host))
    values.update(stat_values(path), changed=True)
    return values


def _unchanged(args, host, dest, values):
    """The contents are right; mode and owner are seen to all the same."""
    path = os.path.realpath(dest)
    planned = plan(path, args, host)
    if planned.changed and not host.check_mode:
        put(path, planned, host)
    result = dict(stat_values(path), **values)
    result.update(dest=dest, changed=planned.changed)
    return result
