"""The body of a request, as `uri` takes it: JSON, a form, or a form of several parts."""

import json
import mimetypes
import os
import urllib.parse
import uuid

from modules.api import Failed

LIMIT_BYTES = 64 << 20
TYPES = {"json": "application/json", "form-urlencoded": "application/x-www-form-urlencoded"}


def encode(body, body_format, host):
    """(bytes or None, Content-Type or None) for a body. Raises `Failed` with ``bad_arguments`` or ``no_path``."""
    if body is None:
        return None, None
    if body_format == "form-multipart":
        return _multipart(body, host)
    if body_format == "json" and not isinstance(body, (str, bytes)):
        body = json.dumps(body)
    elif body_format == "form-urlencoded" and not isinstance(body, str):
        body = _form(body)
    elif not isinstance(body, (str, bytes)):
        body = json.dumps(body) if isinstance(body, (dict, list)) else str(body)
    data = body if isinstance(body, bytes) else body.encode("utf-8", "surrogateescape")
    return data, TYPES.get(body_format)


def _form(body):
    """A form's text; a list as a value gives its name several times."""
    pairs = body.items() if isinstance(body, dict) else body
    try:
        pairs = [_pair(pair) for pair in pairs]
    except (ValueError, TypeError) as error:
        raise Failed("bad_arguments", "failed to parse body as form_urlencoded: {}".format(error),
                     "write a mapping, or a list of [name, value]")
    return urllib.parse.urlencode(pairs, doseq=True)


def _pair(pair):
    if isinstance(pair, (str, dict)):
        raise ValueError("too many values to unpack: {!r} is no [name, value]".format(pair))
    name, value = pair
    return str(name), [str(each) for each in value] if isinstance(value, (list, tuple)) else str(value)


def _multipart(body, host):
    """A ``multipart/form-data`` body (RFC 7578)."""
    if not isinstance(body, dict):
        raise Failed("bad_arguments", "failed to parse body as form-multipart: body must be a mapping")
    boundary = uuid.uuid4().hex
    parts = [_part(str(name), field, boundary, host) for name, field in body.items()]
    return (b"".join(parts) + "--{}--\r\n".format(boundary).encode("ascii"),
            "multipart/form-data; boundary={}".format(boundary))


def _part(name, field, boundary, host):
    if isinstance(field, str):
        field = {"content": field}
    if not isinstance(field, dict):
        raise Failed("bad_arguments", "failed to parse body as form-multipart: value must be a string, or mapping, "
                     "cannot be type {}".format(type(field).__name__), "quote the value of {}".format(name))
    file_name, encoding = field.get("filename"), field.get("multipart_encoding") or "base64"
    if encoding not in ("base64", "7or8bit"):
        raise Failed("bad_arguments", "multipart_encoding of {} must be base64 or 7or8bit".format(name))
    data, is_file = _data(name, field, host)
    headers = ['Content-Disposition: form-data; name="{}"'.format(_quoted(name))]
    if file_name:
        headers[0] += '; filename="{}"'.format(_quoted(os.path.basename(file_name)))
    guessed = mimetypes.guess_type(file_name)[0] if file_name else "text/plain"
    headers.append("Content-Type: {}".format(_quoted(field.get("mime_type") or guessed or "application/octet-stream")))
    if is_file and encoding == "base64":
        import base64  # only files need it
        headers.append("Content-Transfer-Encoding: base64")
        data = base64.encodebytes(data).replace(b"\n", b"\r\n")
    head = "--{}\r\n{}\r\n\r\n".format(boundary, "\r\n".join(headers))
    return head.encode("utf-8", "surrogateescape") + data + b"\r\n"


def _data(name, field, host):
    """(a part's bytes, whether they are a file's)."""
    if field.get("content") is not None:
        return str(field["content"]).encode("utf-8", "surrogateescape"), False
    if isinstance(field.get("blob"), dict):  # a file that lies with the playbook
        return host.blob_bytes(field["blob"], LIMIT_BYTES), True
    if field.get("filename"):
        return host.read(os.path.expanduser(field["filename"])), True
    raise Failed("bad_arguments", "failed to parse body as form-multipart: at least one of filename or content must "
                 "be provided for {}".format(name))


def _quoted(text):
    """Text in a header's quotes: no quote and no line end of its own."""
    return str(text).replace("\\", "\\\\").replace('"', '\\"').replace("\r", " ").replace("\n", " ")
