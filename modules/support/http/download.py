"""Downloads by URL into a file, in flat memory: what `get_url` and `unarchive` share.

Credentials never follow a redirect to another host, and never show in a message; a body that is shorter than announced
is a failure, not a file.
"""

import base64
import http.client
import netrc
import os
import re
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
import zlib

from modules.api import Arg, Failed

CHUNK_BYTES = 1 << 18
SCHEMES = ("http", "https", "ftp", "file")
SECRET_HEADERS = ("authorization", "cookie", "proxy-authorization")

URL_ARGS = {
    "url_username": Arg("str", "User for the server's authentication.", aliases=("username",)),
    "url_password": Arg("str", "Password for the server's authentication.", aliases=("password",), no_log=True),
    "force_basic_auth": Arg("bool", "Send user and password with the first request already.", default=False),
    "use_netrc": Arg("bool", "Take user and password from ~/.netrc when none are given.", default=True),
    "use_gssapi": Arg("bool", "Authenticate by Kerberos; not supported.", default=False),
    "use_proxy": Arg("bool", "Use the proxy that the environment names.", default=True),
    "validate_certs": Arg("bool", "Check the server's certificate.", default=True),
    "client_cert": Arg("path", "PEM file of the client's certificate (and key)."),
    "client_key": Arg("path", "PEM file of the client's key."),
    "ciphers": Arg("list", "TLS ciphers to allow.", elements="str"),
    "http_agent": Arg("str", "The User-Agent header.", default="ansible-httpget"),
    "headers": Arg("dict", "Headers to send."),
    "unredirected_headers": Arg("list", "Names of headers that do not follow a redirect.", default=[], elements="str"),
    "timeout": Arg("int", "Seconds to wait for the server to go on.", default=10),
    "decompress": Arg("bool", "Unpack a body that the server sends gzipped.", default=True),
}


class Reply(object):
    """An open response: ``status``, ``url`` (after redirects), ``headers``, ``size_bytes`` (or None); `save` once."""

    def __init__(self, response, unpack, started):
        self._response = response
        self._gzipped = unpack and (response.headers.get("Content-Encoding") or "").lower() == "gzip"
        self.status = getattr(response, "status", None) or response.getcode() or 200
        self.url = response.geturl()
        self.headers = response.headers
        length = response.headers.get("Content-Length") or ""
        self.size_bytes = int(length) if length.isdigit() else None
        self.started = started

    def save(self, path):
        """Write the body into ``path``. Raises `Failed` (``truncated``, ``request``, ``write``)."""
        with open(path, "wb") as file:
            for data in self.chunks():
                _write(file, data, path)

    def content(self, limit_bytes):
        """The body in memory. Raises `Failed` (``too_large``, ``truncated``, ``request``)."""
        parts, size = [], 0
        for data in self.chunks():
            parts.append(data)
            size += len(data)
            if size > limit_bytes:
                raise Failed("too_large", "The body has more than {} bytes".format(limit_bytes), "save it with dest")
        return b"".join(parts)

    def chunks(self):
        """The body in parts, unpacked; a part never unpacks to more than `CHUNK_BYTES`. Raises as `save` does."""
        received, rest = 0, b""
        unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS) if self._gzipped else None
        while True:
            data = rest or self._read()
            if not data:
                break
            received += 0 if rest else len(data)
            if unpacker is None:
                yield data
                continue
            try:
                yield unpacker.decompress(data, CHUNK_BYTES)
            except zlib.error as error:
                raise Failed("request", "Request failed: the body is not gzip: {}".format(error), url=shown(self.url))
            rest = unpacker.unconsumed_tail
        if unpacker is not None:
            yield unpacker.flush()
        if self.size_bytes is not None and received != self.size_bytes:
            raise Failed("truncated", "Request failed: the connection ended after {} of {} bytes".format(
                received, self.size_bytes), url=shown(self.url))

    def close(self):
        self._response.close()

    def file_name(self):
        """What the server or the URL calls the file, without any folder."""
        disposition = self.headers.get("Content-Disposition") or ""
        match = re.search(r'filename="?([^";]+)"?', disposition)
        path = match.group(1) if match else urllib.parse.unquote(urllib.parse.urlsplit(self.url).path)
        name = os.path.basename(path.strip().rstrip("/"))
        return name if name not in ("", ".", "..") and "\0" not in name else "index.html"

    def elapsed_s(self):
        return int(time.monotonic() - self.started)

    def _read(self):
        try:
            return self._response.read(CHUNK_BYTES)
        except (OSError, http.client.HTTPException) as error:
            raise Failed("request", "Request failed: {}".format(error), url=shown(self.url))


def request(url, args, host, since=None):
    """GET ``url``. Returns a `Reply`, also for 304 when the file is not newer than ``since`` (epoch seconds).

    Raises `Failed` with ``http_error`` (values: status_code, response) or ``request``.
    """
    bare, user, password = credentials(url, args, host)
    if args.get("use_gssapi"):
        raise Failed("bad_arguments", "use_gssapi is not supported: no library for it may be assumed on a host")
    asked = urllib.request.Request(bare)
    for name, value in (args.get("headers") or {}).items():
        add = asked.add_unredirected_header if name in args["unredirected_headers"] else asked.add_header
        add(name, str(value))
    asked.add_header("User-agent", args["http_agent"])
    if since is not None:
        asked.add_header("If-Modified-Since", time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(since)))
    if user and args["force_basic_auth"]:
        token = base64.b64encode("{}:{}".format(user, password or "").encode("utf-8")).decode("ascii")
        asked.add_unredirected_header("Authorization", "Basic " + token)
    started = time.monotonic()
    try:
        response = _opener(bare, user, password, args, host).open(asked, timeout=args["timeout"])
    except urllib.error.HTTPError as error:
        if error.code == 304:
            return Reply(error, False, started)
        raise Failed("http_error", "Request failed: HTTP Error {}: {}".format(error.code, error.reason),
                     status_code=error.code, response="HTTP Error {}: {}".format(error.code, error.reason),
                     url=shown(url), elapsed=int(time.monotonic() - started))
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Failed("request", "Request failed: {}".format(error), _hint(error), url=shown(url),
                     elapsed=int(time.monotonic() - started))
    return Reply(response, args["decompress"], started)


def shown(url):
    """A URL without the user and password in it, for messages and results."""
    return re.sub(r"(?<=://)[^/@:]*:[^/@]*@", "****:****@", url)


class SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Credentials stay with the host, port and scheme that they were meant for."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        new = super(SafeRedirects, self).redirect_request(req, fp, code, msg, headers, newurl)
        if new is not None and _origin(req.full_url) != _origin(newurl):
            for name in list(new.headers):
                if name.lower() in SECRET_HEADERS:
                    new.remove_header(name)
        return new


def _opener(url, user, password, args, host):
    handlers = [SafeRedirects()]
    proxies = urllib.request.getproxies() if args["use_proxy"] else {}
    for name, value in host.environment.items():
        if args["use_proxy"] and name.lower().endswith("_proxy") and name.lower() != "no_proxy" and value:
            proxies[name.lower()[:-6]] = value
    handlers.append(urllib.request.ProxyHandler(proxies))
    if user and not args["force_basic_auth"]:
        known = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        known.add_password(None, url, user, password or "")
        handlers += [urllib.request.HTTPBasicAuthHandler(known), urllib.request.HTTPDigestAuthHandler(known)]
    if url.startswith("https:") or url.startswith("http:"):
        handlers.append(urllib.request.HTTPSHandler(context=tls_context(args)))
    return urllib.request.build_opener(*handlers)


def tls_context(args):
    """How to speak TLS as ``args`` ask; ``ca_path``, where the module has it, stands in for the system's CAs."""
    try:
        context = ssl.create_default_context(cafile=args.get("ca_path"))
    except (OSError, ssl.SSLError) as error:
        raise Failed("bad_arguments", "ca_path cannot be used: {}".format(error))
    if not args["validate_certs"]:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        if args["client_cert"]:
            context.load_cert_chain(args["client_cert"], args["client_key"])
        if args["ciphers"]:
            context.set_ciphers(":".join(args["ciphers"]))
    except (OSError, ssl.SSLError) as error:
        raise Failed("bad_arguments", "client_cert, client_key or ciphers cannot be used: {}".format(error))
    return context


def credentials(url, args, host):
    """(URL without credentials, user, password): from the arguments, from the URL itself, from ~/.netrc."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in SCHEMES:
        raise Failed("request", "Request failed: <urlopen error unknown url type: {}>".format(parts.scheme or url),
                     url=shown(url))
    user, password = args["url_username"], args["url_password"]
    if "@" in parts.netloc and parts.scheme != "ftp":
        if not user and parts.username:
            user = urllib.parse.unquote(parts.username)
            password = urllib.parse.unquote(parts.password or "")
        url = urllib.parse.urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    if not user and args["use_netrc"] and parts.scheme in ("http", "https"):
        user, password = _from_netrc(parts.hostname, host)
    return url, user, password


def _from_netrc(name, host):
    try:
        path = host.environment.get("NETRC") or os.path.join(host.home, ".netrc")
        found = netrc.netrc(path).authenticators(name or "")
    except (OSError, netrc.NetrcParseError):
        return None, None  # no such file, or none for us: a request without credentials
    return (found[0], found[2]) if found else (None, None)


def _origin(url):
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


def _hint(error):
    if isinstance(getattr(error, "reason", None), ssl.SSLError):
        return "The server's certificate is not trusted by this host; install its CA rather than validate_certs: false"
    return None


def _write(file, data, path):
    try:
        file.write(data)
    except OSError as error:
        raise Failed("no_space" if error.errno == 28 else "write", "cannot write {}: {}".format(path, error.strerror))
