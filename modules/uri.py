"""Talks to a web service: one request, and what came back.

    - name: The application answers
      uri:
        url: http://127.0.0.1:8080/health
        status_code: [200, 204]
        return_content: true
      register: health

Returns ``status``, ``msg``, ``url`` (after redirects), ``redirected``, ``elapsed`` (s), ``cookies``,
``cookies_string``, ``content`` (with ``return_content``, or when it failed), ``json`` (when the body is), ``path``
(with ``dest``), and each header in lower case with ``_`` for ``-``. A body over 64 MiB needs ``dest``.
Errors: ``status`` (the status is not in status_code; -1: there was no answer), ``bad_arguments``, ``no_path``,
``no_directory``, ``too_large``, ``truncated``.
"""

import json
import os
import re
import urllib.parse

from modules.api import Arg, Failed, exclusive
from modules.support.files.attributes import FILE_ARGS, plan, put, stat_values
from modules.support.files.placement import checksums, place_file
from modules.support.http.body import encode
from modules.support.http.download import URL_ARGS, shown
from modules.support.http.exchange import exchange

CONTENT_LIMIT_BYTES = 64 << 20
JSON_TYPE = re.compile(r"[\w.+-]+/(?:[\w.-]+\+)?(?:json|javascript)\s*(?:;|\Z)", re.IGNORECASE)
OURS = re.compile(r"_|ansible_|orch_|(?:failed|changed|skipped|unreachable|diff|warnings|deprecations|exception|"
                  r"results|invocation|rc|add_host|add_group|error_code|hint|content|json|cookies|path)\Z")
"""Names that have a meaning in a result: a server must not be able to set them by a header."""

ARGS = dict(
    FILE_ARGS,
    **URL_ARGS
)
ARGS.update({
    "url": Arg("str", "The http or https URL.", required=True),
    "url_username": Arg("str", "User for the server's authentication.", aliases=("user",)),
    "method": Arg("str", "The HTTP method.", default="GET"),
    "body": Arg("raw", "The request's body: text, or data for body_format."),
    "body_format": Arg("str", "How body becomes bytes; sets Content-Type.", default="raw",
                       choices=("form-urlencoded", "json", "raw", "form-multipart")),
    "src": Arg("raw", "File to send as the body: the playbook's, or the host's with remote_src."),
    "remote_src": Arg("bool", "src (and files of form-multipart) lie on the host.", default=False),
    "dest": Arg("path", "File, or directory, to save the response's body in."),
    "creates": Arg("path", "Do nothing when this exists."),
    "removes": Arg("path", "Do nothing when this does not exist."),
    "follow_redirects": Arg("str", "Which redirects to follow; safe: those of GET and HEAD.", default="safe",
                            choices=("all", "no", "none", "safe", "urllib2", "yes")),
    "return_content": Arg("bool", "Return the body as content.", default=False),
    "status_code": Arg("list", "The statuses that count as success.", default=[200], elements="int"),
    "force": Arg("bool", "Ask for no cached copy, and fetch dest anew whatever its date.", default=False),
    "ca_path": Arg("path", "PEM file of the CAs to trust."),
    "unix_socket": Arg("path", "Socket file to connect to in place of the URL's host."),
    "headers": Arg("dict", "Headers to send.", default={}),
    "timeout": Arg("int", "Seconds to wait for the server to go on.", default=30),
})
RULES = (exclusive("body", "src"),)


def run(args, host):
    if args["creates"] and os.path.exists(args["creates"]):
        return {"changed": False, "skipped": True, "msg": "skipped, since '{}' exists".format(args["creates"])}
    if args["removes"] and not os.path.exists(args["removes"]):
        return {"changed": False, "skipped": True,
                "msg": "skipped, since '{}' does not exist".format(args["removes"])}
    if args["use_gssapi"]:
        raise Failed("bad_arguments", "use_gssapi is not supported: no library for it may be assumed on a host")
    dest = args["dest"]
    since = os.stat(dest).st_mtime if dest and os.path.isfile(dest) else None
    headers = dict(args["headers"])
    data = _data(args, headers, host)
    try:
        exchanged = exchange(args, headers, data, since, host)
    finally:
        if hasattr(data, "close"):
            data.close()
    try:
        return _outcome(exchanged, args, host)
    finally:
        if exchanged.reply:
            exchanged.reply.close()


def values_of(exchanged, asked):
    """The return values that are known before the body is read."""
    values = {}
    if exchanged.reply:
        for name in set(each.lower() for each in exchanged.reply.headers.keys()):
            key = re.sub(r"\W", "_", name)
            if not OURS.match(key):
                values[key] = ", ".join(exchanged.reply.headers.get_all(name))
    if "location" in values:
        values["location"] = urllib.parse.urljoin(exchanged.url, values["location"])
    values.update(status=exchanged.status, url=exchanged.url, msg=exchanged.msg, elapsed=exchanged.elapsed_s,
                  redirected=exchanged.url != asked, cookies={each.name: each.value for each in exchanged.jar},
                  cookies_string=exchanged.cookies_string(), changed=False)
    return values


def _data(args, headers, host):
    """The body as bytes or an open file, with its Content-Type put into ``headers``; None without one."""
    if args["src"] is not None:
        path = args["src"]
        path = host.blob_file(path, os.path.dirname(host.tempfile())) if isinstance(path, dict) else str(path)
        kind = encode("", args["body_format"], host)[1] if args["body_format"] != "form-multipart" else None
        try:
            data = open(os.path.expanduser(path), "rb")
        except OSError as error:
            raise Failed("no_path", "Unable to open source file {}: {}".format(path, error.strerror))
    else:
        data, kind = encode(args["body"], args["body_format"], host)
    given = [name for name in headers if name.lower() == "content-type"]
    if kind and args["body_format"] == "form-multipart":
        for name in given:
            del headers[name]
    if kind and (args["body_format"] == "form-multipart" or not given):
        headers["Content-Type"] = kind
    return data


def _outcome(exchanged, args, host):
    values = values_of(exchanged, exchanged.asked.full_url)
    wanted = exchanged.status in args["status_code"]
    not_modified = exchanged.status == 304 and args["dest"]
    if not exchanged.reply or not_modified or args["method"].upper() == "HEAD":
        content = b""
    elif args["dest"] and wanted:
        values.update(_save(exchanged.reply, args, host))
        content = _read_back(values["path"]) if args["return_content"] or _is_json(exchanged.reply) else b""
    else:
        content = _content(exchanged.reply, values)
    if not_modified and not os.path.isdir(args["dest"]):
        values["path"] = args["dest"]
    text = content.decode(_charset(exchanged.reply), "surrogateescape")
    if exchanged.reply and _is_json(exchanged.reply):
        values.update(_parsed(text))
    if args["return_content"] or not (wanted or not_modified):
        values["content"] = text
    if wanted or not_modified:
        return values
    raise _failure("status", "Status code was {} and not {}: {}".format(
        exchanged.status, args["status_code"], exchanged.msg), values, args)


def _content(reply, values):
    try:
        return reply.content(CONTENT_LIMIT_BYTES)
    except Failed as fault:
        raise _failure(fault.code, "HTTP Error while fetching {}: {}".format(shown(reply.url), fault.message), values)


def _failure(code, message, values, args=None):
    """A `Failed` whose values have names that a server chose."""
    fault = Failed(code, message)
    fault.values = {name: value for name, value in values.items() if name not in ("msg", "changed")}
    if args is not None and not args["return_content"] and values["status"] == -1:
        fault.values.pop("content", None)
    return fault


def _is_json(reply):
    return JSON_TYPE.match(reply.headers.get("Content-Type") or "") is not None


def _charset(reply):
    """The codec for the body; surrogateescape needs one that is compatible with ASCII."""
    name = reply.headers.get_content_charset() if reply else None
    try:
        return name if name and b"\xff\x80\0".decode(name, "surrogateescape") else "utf-8"
    except (LookupError, UnicodeError):
        return "utf-8"


def _parsed(text):
    try:
        return {"json": json.loads(text)} if text else {}
    except (ValueError, RecursionError):
        return {}


def _read_back(path):
    if os.path.getsize(path) > CONTENT_LIMIT_BYTES:
        return b""
    with open(path, "rb") as file:
        return file.read()


def _save(reply, args, host):
    """Put the body in place when it differs; returns path, changed and the file's values."""
    path = args["dest"]
    if os.path.isdir(path):
        path = os.path.join(path, reply.file_name())
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        raise Failed("no_directory", "Could not replace file: the directory {} does not exist".format(folder))
    temp = host.tempfile(dir=folder)
    reply.save(temp)
    path = os.path.realpath(path)
    same = os.path.isfile(path) and checksums(path)["checksum"] == checksums(temp)["checksum"]
    planned = plan(path, args, host)
    if same:
        put(path, planned, host)
    else:
        place_file(path, temp, planned, args, host)
    return dict(stat_values(path), path=path, changed=not same or planned.changed)
